"""A cutout over a colour, another image or its own background, blurred; and the box around the person."""

from typing import TypeAlias

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import ImageColor, ImageFilter, ImageOps

from cutaway.errors import CutawayError
from cutaway.types import Alpha, Image, check_alpha, check_image, check_same_size

Colour: TypeAlias = tuple[int, int, int]
"""Red, green, blue, 0..255."""

Box: TypeAlias = tuple[int, int, int, int]
"""(top, left, bottom, right) in pixels, half-open: bottom and right lie just outside."""

_ROWS_AT_ONCE = 256


def is_colour(text: str) -> bool:
    """Return whether ``parse_colour`` accepts ``text``."""
    try:
        parse_colour(text)
    except CutawayError:
        return False
    return True


def parse_colour(text: str) -> Colour:
    """Return the colour that ``text`` names: a CSS colour name, #rgb, #rrggbb or rgb(r, g, b).

    Raises ``CutawayError`` for anything else, also for a colour that is itself transparent.
    """
    channels: tuple[int, ...] | None
    try:
        channels = ImageColor.getrgb(text.strip())
    except ValueError:
        channels = None
    if channels is None or len(channels) != 3 or max(channels) > 255:
        raise CutawayError(
            f"{text!r} is no opaque colour; write a CSS name such as white, #rrggbb or rgb(255, 255, 255)."
        )
    red, green, blue = channels
    return red, green, blue


def alpha_bytes(alpha: Alpha) -> NDArray[np.uint8]:
    """Return ``alpha`` as H×W uint8, 0..255, rounded: what a file holds."""
    check_alpha(alpha)
    rounded: Alpha = np.rint(alpha * np.float32(255))
    return rounded.astype(np.uint8)


def over_colour(foreground: Image, alpha: Alpha, colour: Colour) -> Image:
    """Return ``alpha``·``foreground`` + (1 − ``alpha``)·``colour``, H×W×3 uint8, alpha rounded to 8 bits."""
    height, width = alpha.shape
    return _blend(foreground, PIL.Image.new("RGB", (width, height), colour), alpha)


def over_image(foreground: Image, alpha: Alpha, background: Image) -> Image:
    """Return ``foreground`` over ``background``, which is scaled to cover the frame, aspect kept, and centred."""
    check_image(background)
    height, width = alpha.shape
    picture = PIL.Image.fromarray(background)
    if background.shape[:2] != alpha.shape:
        picture = ImageOps.fit(picture, (width, height), PIL.Image.Resampling.BICUBIC)
    return _blend(foreground, picture, alpha)


def blur_background(image: Image, alpha: Alpha, radius: float) -> Image:
    """Return the background of ``image`` alone, blurred; the person goes over it with ``over_image``.

    ``radius`` is the standard deviation of the Gaussian in pixels. The blur is a normalised convolution (Knutsson and
    Westin 1993), so the person's colours stay out and no halo of them surrounds the person. Its weights are
    (1 − ``alpha``)²: only the share 1 − ``alpha`` of a soft pixel's colour is the background's.
    Raises ``CutawayError`` for a radius below 0.
    """
    check_same_size(image, alpha)
    if not 0 <= radius < float("inf"):
        raise CutawayError(f"A blur radius of {radius} makes no sense; give a number of pixels from 0 up.")
    if radius == 0:
        return image.copy()
    share = PIL.Image.fromarray(alpha_bytes(np.square(1 - alpha)))
    black = PIL.Image.new("RGB", share.size)
    weighted = PIL.Image.composite(PIL.Image.fromarray(image), black, share)
    blur = ImageFilter.GaussianBlur(radius)
    return _divide(np.asarray(weighted.filter(blur)), np.asarray(share.filter(blur)))


def bounding_box(alpha: Alpha, threshold: float = 0.5) -> Box | None:
    """Return the smallest box around every pixel whose alpha reaches ``threshold``, or None where none does."""
    check_alpha(alpha)
    inside = alpha >= threshold
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not rows.size:
        return None
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def pad_box(box: Box, margin: float, height: int, width: int) -> Box:
    """Return ``box`` grown on each side by ``margin`` times its longer side, kept inside ``height`` × ``width``.

    Raises ``CutawayError`` for a negative margin or one that is not finite.
    """
    if not 0 <= margin < float("inf"):
        raise CutawayError(f"A margin of {margin} makes no sense; give a share of the person's size, such as 0.1.")
    top, left, bottom, right = box
    pad = round(margin * max(bottom - top, right - left))
    return max(0, top - pad), max(0, left - pad), min(height, bottom + pad), min(width, right + pad)


def _blend(foreground: Image, background: PIL.Image.Image, alpha: Alpha) -> Image:
    check_same_size(foreground, alpha)
    mask = PIL.Image.fromarray(alpha_bytes(alpha))
    # np.asarray would give an array that its owner may not write to.
    return np.array(PIL.Image.composite(PIL.Image.fromarray(foreground), background, mask))


def _divide(weighted: Image, weight: NDArray[np.uint8]) -> Image:
    """Return ``weighted`` / (``weight`` / 255) in 8 bits. Where no background is near, only the person will be seen."""
    quotient = np.empty_like(weighted)
    for top in range(0, len(weighted), _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        scale = np.float32(255) / np.maximum(weight[rows], 1, dtype=np.float32)
        quotient[rows] = np.minimum(weighted[rows] * scale[..., np.newaxis] + np.float32(0.5), 255)
    return quotient
