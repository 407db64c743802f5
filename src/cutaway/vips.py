"""libvips, set up once before anything else of it is used; take ``pyvips`` from here."""

import logging
import os

# It would write its remarks on odd files to standard error, past Python; read once, when it starts.
os.environ.setdefault("VIPS_WARNING", "0")

import pyvips

# Without a handler Python prints its log to standard error; a program that sets up logging gets it.
logging.getLogger("pyvips").addHandler(logging.NullHandler())
# No photo is decoded twice, and a cache of the last operations would keep it in memory.
pyvips.cache_set_max(0)

__all__ = ["pyvips"]
