"""What the extras of Cutaway bring, as its own metadata say."""

import re
from importlib import metadata


def packages(extra: str) -> list[str]:
    """Return the distributions that ``pip install 'cutaway[EXTRA]'`` brings."""
    lines = metadata.requires("cutaway") or []
    return [re.split(r"[^\w.-]", line)[0] for line in lines if re.search(rf"extra == ['\"]{extra}['\"]", line)]


def brings(extra: str, module: str) -> bool:
    """Return whether ``module``, or the package that it lies in, comes with ``extra``."""
    return module.partition(".")[0] in {package.replace("-", "_") for package in packages(extra)}
