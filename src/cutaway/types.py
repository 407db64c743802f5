"""Array types, one name for each. Sizes are (height, width) everywhere."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""H×W×3, 0..255, sRGB."""

Mask: TypeAlias = NDArray[np.bool_]
"""H×W, True = person."""

Labels: TypeAlias = NDArray[np.uint8]
"""H×W class numbers, 255 = void. Of a person's mask: 0 background, 1 person."""

Alpha: TypeAlias = NDArray[np.float32]
"""H×W, 0 (background) .. 1 (person)."""

Rgba: TypeAlias = NDArray[np.uint8]
"""H×W×4, 0..255, sRGB with straight (not premultiplied) alpha."""


def check_image(image: Image) -> None:
    """Raise ``ValueError`` unless ``image`` is H×W×3 uint8 with at least one pixel."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"an image is H×W×3 uint8, but this array is {image.shape} {image.dtype}")


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
