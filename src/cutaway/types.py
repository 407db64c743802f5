"""Array types, one name for each. Sizes are (height, width) everywhere."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8 | np.uint16]
"""Samples that use the whole range of their type: 0..255 or 0..65535."""

Image: TypeAlias = Pixels
"""H×W×3, uint8 or uint16, red, green, blue: sRGB, or the space of the colour profile that is kept beside it."""

Mask: TypeAlias = NDArray[np.bool_]
"""H×W, True = person."""

Labels: TypeAlias = NDArray[np.uint8]
"""H×W class numbers, 255 = void. Of a person's mask: 0 background, 1 person."""

Alpha: TypeAlias = NDArray[np.float32]
"""H×W, 0 (background) .. 1 (person)."""

Rgba: TypeAlias = Pixels
"""H×W×4, an image and its straight (not premultiplied) alpha, in the same depth."""


def eight_bit(pixels: Pixels) -> NDArray[np.uint8]:
    """Return ``pixels`` in 8 bits; of 16 the upper half is kept, so that 257 times a value gives the value."""
    samples = pixels if pixels.dtype == np.uint8 else np.right_shift(pixels, 8)
    return samples.astype(np.uint8, copy=False)


def white(pixels: Pixels) -> int:
    """Return the largest value that a sample of ``pixels`` can have: 255 or 65535."""
    return int(np.iinfo(pixels.dtype).max)


def check_image(image: Image) -> None:
    """Raise ``ValueError`` unless ``image`` is H×W×3 uint8 or uint16 with at least one pixel."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype not in (np.uint8, np.uint16) or image.size == 0:
        raise ValueError(f"an image is H×W×3 uint8 or uint16, but this array is {image.shape} {image.dtype}")


def check_alpha(alpha: Alpha) -> None:
    """Raise ``ValueError`` unless ``alpha`` is H×W float32 with at least one pixel."""
    if alpha.ndim != 2 or alpha.dtype != np.float32 or alpha.size == 0:
        raise ValueError(f"an alpha is H×W float32, but this array is {alpha.shape} {alpha.dtype}")


def check_same_size(image: Image, alpha: Alpha) -> None:
    """Raise ``ValueError`` unless both arrays are valid and of the same height and width."""
    check_image(image)
    check_alpha(alpha)
    if image.shape[:2] != alpha.shape:
        raise ValueError(f"image {image.shape[:2]} and alpha {alpha.shape} differ in size")
