"""Pictures of class numbers, as public sets have them: grey or palette PNG whose stored value is the class."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from cutaway.data.masks import UNREADABLE, VOID
from cutaway.errors import DataError
from cutaway.types import Labels


@dataclass(frozen=True)
class Labelled:
    """A photograph, and the picture of its class numbers."""

    id: str
    image: Path
    labels: Path


def read_classes(path: Path, classes: int, void: int) -> Labels:
    """Return a picture of class numbers as H×W uint8: 0..``classes`` - 1 as stored, 255 where ``void`` is stored.

    Raises:
        DataError: The file is missing, no image, in colours, or holds another value.
    """
    try:
        with PillowImage.open(path) as file:
            mode, values = file.mode, np.asarray(file)
    except UNREADABLE as error:
        raise DataError(f"the labels {path} cannot be read: {error}; put a whole image there") from error
    if mode not in ("L", "P"):
        raise DataError(f"the labels {path} are a {mode} picture; a grey or palette PNG of class numbers is needed")
    odd = values[(values >= classes) & (values != void)]
    if odd.size:
        raise DataError(f"the labels {path} hold {odd[0]}; they have to be 0 to {classes - 1}, or {void} for void")
    return np.where(values == void, VOID, values).astype(np.uint8)
