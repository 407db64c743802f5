"""What the extras of Cutaway bring, as its own metadata say."""

import re
from importlib import metadata

OF_COMMANDS = ("data", "train", "web")
"""The extras that commands cannot do without. What heic brings, an image says by itself when it is needed."""


def packages(extra: str) -> list[str]:
    """Return the distributions that ``pip install 'cutaway[EXTRA]'`` brings."""
    lines = metadata.requires("cutaway") or []
    return [re.split(r"[^\w.-]", line)[0] for line in lines if re.search(rf"extra == ['\"]{extra}['\"]", line)]


def extra_with(module: str) -> str | None:
    """Return the extra of a command that brings ``module``, or the package that it lies in; None where none does."""
    name = module.partition(".")[0]
    return next((e for e in OF_COMMANDS if name in {package.replace("-", "_") for package in packages(e)}), None)
