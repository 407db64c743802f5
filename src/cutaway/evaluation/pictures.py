"""Small pictures for the report, each as the text of a data URI, so that the page needs no other file."""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageFilter

from cutaway.data.masks import PERSON, VOID
from cutaway.evaluation.metrics import boundary
from cutaway.geometry import resize_alpha, resize_image
from cutaway.types import Alpha, Image, Labels, Mask

SIDE = 320
"""Longer side of a picture, in pixels."""

QUALITY = 75
OUTLINE = (255, 0, 170)
"""Magenta: rare in photographs, and seen on dark and light alike."""

HATCH = (150, 150, 150)


def outlined(image: Image, labels: Labels | None) -> str:
    """Return ``image`` (H×W×3 uint8) as a data URI, with the outline of the person in ``labels``.

    ``labels`` is H×W uint8: 0 background, 1 person, 255 void, which is darkened and hatched; None = nobody.
    """
    height, width = _small(image)
    picture = resize_image(image, height, width).copy()
    if labels is not None:
        void = _shrunk(labels == VOID, height, width)
        picture[void] //= 3
        picture[void & _hatch(height, width)] = HATCH
        picture[_outline(_shrunk(labels == PERSON, height, width), ~void)] = OUTLINE
    return _data_uri(picture)


def cut_out(image: Image, alpha: Alpha) -> str:
    """Return the cutout of ``image`` (H×W×3 uint8) by ``alpha`` (H×W float32, 0..1) as a data URI with transparency."""
    height, width = _small(image)
    opacity = np.rint(resize_alpha(alpha, height, width) * 255).astype(np.uint8)
    return _data_uri(np.dstack([resize_image(image, height, width), opacity]))


def _small(image: Image) -> tuple[int, int]:
    """Return the height and width at which ``image`` is shown; it is never enlarged."""
    height, width = image.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _shrunk(mask: Mask, height: int, width: int) -> Mask:
    return np.greater_equal(resize_alpha(mask.astype(np.float32), height, width), 0.5)


def _hatch(height: int, width: int) -> Mask:
    """Return thin lines from the lower left to the upper right, H×W."""
    rows, columns = np.ogrid[:height, :width]
    return np.asarray((rows + columns) % 9 < 2)


def _outline(mask: Mask, valid: Mask) -> Mask:
    """Return a line three pixels wide along the boundary of ``mask`` where both its sides are ``valid``."""
    line = PillowImage.fromarray(boundary(mask, valid).astype(np.uint8))
    return np.asarray(line.filter(ImageFilter.MaxFilter(3))) > 0


def _data_uri(pixels: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    PillowImage.fromarray(pixels).save(buffer, "WEBP", quality=QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
