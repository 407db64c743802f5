"""Mask files: PNG, person = 128 to 255, or the upper half of 16 bits.

In a file of grey and alpha, truth is void where the alpha is 0.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from cutaway import imagefile
from cutaway.data.shards import content
from cutaway.errors import DataError
from cutaway.types import Labels, Mask

BACKGROUND, PERSON, VOID = 0, 1, 255

UNREADABLE = (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError)
"""What Pillow raises for files that are damaged, hostile or no images."""


def read_mask(path: Path) -> Mask:
    """Return a mask file as H×W bool, True where its value is 128 or more and it is not void.

    Raises:
        DataError: The file is missing or no image, or its largest value is neither 0 nor a person's.
    """
    return np.equal(read_labels(path), PERSON)


def read_labels(path: Path) -> Labels:
    """Return a mask file as H×W uint8: 0 background, 1 person, 255 void.

    Raises:
        DataError: As ``read_mask``.
    """
    try:
        with PillowImage.open(content(path)) as file:
            values, opacity = _planes(file)
    except FileNotFoundError as error:
        raise DataError(f"there is no mask {path}; draw one, or let cutaway remove --mask draw it") from error
    except UNREADABLE as error:
        raise DataError(f"the mask {path} cannot be read: {error}; put a whole image there") from error
    if 0 < values.max() < 128:
        raise DataError(f"the mask {path} holds values up to {values.max()} only; a person has to be 128 to 255")
    labels = np.where(values >= 128, PERSON, BACKGROUND)
    return np.where(opacity == 0, VOID, labels).astype(np.uint8)


def write_labels(path: Path, labels: Labels, *, overwrite: bool = False) -> None:
    """Write ``labels`` (H×W uint8: 0 background, 1 person, 255 void) as a mask file, whole or not at all.

    Raises:
        OutputError: The file cannot be written, or exists and is not to be overwritten.
    """
    imagefile.write(path, encode_labels(labels), overwrite=overwrite)


def encode_labels(labels: Labels) -> bytes:
    """Return ``labels`` (H×W uint8: 0 background, 1 person, 255 void) as the bytes of a mask file."""
    person = (labels == PERSON).astype(np.uint8) * 255
    void = labels == VOID
    picture = (
        PillowImage.fromarray(np.dstack([person, np.where(void, 0, 255).astype(np.uint8)]), "LA")
        if void.any()
        else PillowImage.fromarray(person).convert("1")
    )
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _planes(file: PillowImage.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the values and the opacity of a mask file; a coloured file's opacity says nothing about void."""
    if file.mode == "LA":
        values, opacity = np.moveaxis(np.asarray(file), 2, 0)
        return values, opacity
    values = _eight_bits(np.asarray(file)) if file.mode.startswith("I") else np.asarray(file.convert("L"))
    return values, np.full_like(values, 255)


def _eight_bits(values: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
    """Return 16 bits as 8; where none is above 255 they are 8 already, in a wider file."""
    return (values >> 8 if values.max() > 255 else values).astype(np.uint8)
