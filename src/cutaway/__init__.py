"""Cutaway removes the background from portraits and selfies, offline.

``remove(photo)`` does it; a ``Remover`` keeps the model for the next photo; a ``Cutout`` is the result.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cutaway.cutout import Cutout
    from cutaway.imagefile import Source
    from cutaway.remover import Remover

__version__ = "0.1.0"
__all__ = ["Cutout", "Remover", "__version__", "remove"]


def remove(photo: "Source") -> "Cutout":
    """Return the cut-out of a photo: a path, bytes, a file object, a Pillow image or an array.

    The model is loaded at the first call and kept.

    Raises:
        ImageError: The photo cannot be read or is over a limit.
    """
    return _remover().remove(photo)


@cache
def _remover() -> "Remover":
    from cutaway.remover import Remover

    return Remover()


def __getattr__(name: str) -> Any:
    """Import ``Remover`` and ``Cutout`` when they are first asked for, so that ``import cutaway`` stays quick."""
    if name == "Remover":
        from cutaway.remover import Remover

        return Remover
    if name == "Cutout":
        from cutaway.cutout import Cutout

        return Cutout
    raise AttributeError(f"module 'cutaway' has no attribute {name!r}")
