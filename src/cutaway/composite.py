"""A cutout over a colour, another image or its own background, blurred; and the box around the person."""

import re
from typing import Literal, TypeAlias

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import ImageColor, ImageFilter, ImageOps

from cutaway.errors import CutawayError
from cutaway.types import Alpha, Image, Rgba, check_alpha, check_image, check_same_size

Colour: TypeAlias = tuple[int, int, int]
"""Red, green, blue, 0..255."""

Box: TypeAlias = tuple[int, int, int, int]
"""(top, left, bottom, right) in pixels, half-open: bottom and right lie just outside."""

Fit: TypeAlias = Literal["cover", "contain"]
"""How a background image fills the frame: over all of it, cut at two sides; or whole, with white at two sides."""

Position: TypeAlias = tuple[float, float]
"""Where a background image lies, across and down, 0..1, as CSS means it: at 0.2 its 20 % lies on the frame's 20 %."""

MIDDLE: Position = 0.5, 0.5

BLACK: Colour = 0, 0, 0
WHITE: Colour = 255, 255, 255

RIM_SHARE = 0.002
"""What the blur takes for a rim of the person beside their alpha, as a share of the longer side: a network's pixel."""

_ACROSS = {"left": 0.0, "center": 0.5, "right": 1.0}
_DOWN = {"top": 0.0, "center": 0.5, "bottom": 1.0}
_FAR_SIDE = 32
# The weight below which a blurred background is worth less than the colours farther away.
_FAINT = np.float32(0.25)
_ROWS_AT_ONCE = 256


def is_colour(text: str) -> bool:
    """Return whether ``parse_colour`` accepts ``text``."""
    try:
        parse_colour(text)
    except CutawayError:
        return False
    return True


def parse_colour(text: str) -> Colour:
    """Return the colour that ``text`` names: a CSS name, #rgb, #rrggbb, rgb(r, g, b) or hsl(h, s%, l%).

    #rgba and #rrggbbaa name a colour where their alpha is f or ff.
    Raises ``CutawayError`` for anything else, also for a colour that is itself transparent.
    """
    channels: tuple[int, ...]
    try:
        channels = ImageColor.getrgb(_with_commas(text.strip()))
    except ValueError:
        channels = ()
    if not channels or channels[3:] not in ((), (255,)) or max(channels) > 255:
        raise CutawayError(
            f"{text!r} is no opaque colour; write a CSS name such as white, #rrggbb or rgb(255, 255, 255)."
        )
    red, green, blue = channels[:3]
    return red, green, blue


def parse_position(text: str) -> Position:
    """Return what ``text`` means as CSS's background-position: ``left``, ``right top``, ``center 20%``.

    One word leaves the other direction in the middle. Raises ``CutawayError`` for anything else, lengths among it.
    """
    words = text.lower().split()
    if len(words) == 1:
        words = ["center", *words] if words[0] in ("top", "bottom") else [*words, "center"]
    elif words and (words[0] in ("top", "bottom") or words[-1] in ("left", "right")):
        words = words[::-1] if set(words) <= _ACROSS.keys() | _DOWN.keys() else []
    across, down = (_share(words[0], _ACROSS), _share(words[1], _DOWN)) if len(words) == 2 else (None, None)
    if across is None or down is None:
        raise CutawayError(f"{text!r} is no position; write for example left, right top, or 30% 100%.")
    return across, down


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
    """Return ``alpha``·``foreground`` + (1 − ``alpha``)·``background``, all of one size, H×W×3 uint8."""
    check_same_size(background, alpha)
    return _blend(foreground, PIL.Image.fromarray(background), alpha)


def fit_background(image: Image, height: int, width: int, fit: Fit, position: Position) -> Image:
    """Return ``image`` at ``height`` × ``width``, its aspect kept; around one that is contained lies white."""
    check_image(image)
    if image.shape[:2] == (height, width):
        return image
    picture, size = PIL.Image.fromarray(image), (width, height)
    if fit == "contain":
        return np.asarray(ImageOps.pad(picture, size, PIL.Image.Resampling.BICUBIC, WHITE, position))
    return np.asarray(ImageOps.fit(picture, size, PIL.Image.Resampling.BICUBIC, 0, position))


def blur_background(image: Image, alpha: Alpha, radius: float) -> Image:
    """Return the background of ``image`` alone, blurred; the person goes over it with ``over_image``.

    ``radius`` is the standard deviation of the Gaussian in pixels. The blur is a normalised convolution (Knutsson and
    Westin 1993), so the person's colours stay out and no halo of them surrounds the person. Its weights are
    (1 − ``alpha``)²: only the share 1 − ``alpha`` of a soft pixel's colour is the background's. As no alpha meets the
    outline to the pixel, a rim of ``RIM_SHARE``, at most ``radius``, beside it is left out too. The division is damped
    towards the background's colours from farther away, which are all there is where none is near.
    Raises ``CutawayError`` for a radius below 0.
    """
    check_same_size(image, alpha)
    if not 0 <= radius < float("inf"):
        raise CutawayError(f"A blur radius of {radius} makes no sense; give a number of pixels from 0 up.")
    if radius == 0:
        return image.copy()
    share = PIL.Image.fromarray(alpha_bytes(np.square(1 - _with_rim(alpha, radius))))
    picture = PIL.Image.fromarray(image)
    far = _far_colours(picture, share)
    blur = ImageFilter.GaussianBlur(radius)
    filled = far.copy()
    filled.paste(picture, mask=share)
    del picture  # 12 megapixels take 48 MB
    return _divide(np.asarray(filled.filter(blur)), np.asarray(share.filter(blur)), np.asarray(far))


def under(foreground: Image, alpha: Alpha, shadow: Alpha) -> Rgba:
    """Return ``foreground`` over a black of the alpha ``shadow``, H×W×4 uint8, straight alpha."""
    both = alpha + shadow * (1 - alpha)
    share = np.divide(alpha, both, out=np.zeros_like(alpha), where=both > 0)
    return np.dstack([over_colour(foreground, share, BLACK), alpha_bytes(both)])


def bounding_box(alpha: Alpha, threshold: float = 0.5) -> Box | None:
    """Return the smallest box around every pixel whose alpha reaches ``threshold``, or None where none does."""
    check_alpha(alpha)
    inside = alpha >= threshold
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not rows.size:
        return None
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def _blend(foreground: Image, background: PIL.Image.Image, alpha: Alpha) -> Image:
    check_same_size(foreground, alpha)
    mask = PIL.Image.fromarray(alpha_bytes(alpha))
    # np.asarray would give an array that its owner may not write to.
    return np.array(PIL.Image.composite(PIL.Image.fromarray(foreground), background, mask))


def _with_commas(text: str) -> str:
    """Return a CSS function of today, rgb(1 2 3) or hsl(120deg 50% 50%), as Pillow knows it."""
    name, bracket, rest = text.partition("(")
    return name + bracket + re.sub(r"[\s,]+", ",", rest.replace("deg", "").strip()).replace(",)", ")").lstrip(",")


def _share(word: str, keywords: dict[str, float]) -> float | None:
    if re.fullmatch(r"\d+(\.\d+)?%", word) and float(word[:-1]) <= 100:
        return float(word[:-1]) / 100
    return keywords.get(word)


def _with_rim(alpha: Alpha, radius: float) -> Alpha:
    """Return ``alpha`` grown by a rim: a mean over the rim's width, steepened until its outer part alone is soft."""
    rim = min(radius, max(1.0, RIM_SHARE * max(alpha.shape)))
    mean = PIL.Image.fromarray(alpha_bytes(alpha)).filter(ImageFilter.BoxBlur(rim))
    grown: Alpha = np.asarray(mean, np.float32) * np.float32(8 / 255)
    np.maximum(grown, alpha, out=grown)
    return np.minimum(grown, 1, out=grown)


def _far_colours(picture: PIL.Image.Image, share: PIL.Image.Image) -> PIL.Image.Image:
    """Return the mean of all colours at each pixel, by ``share`` and by the inverse fourth power of the distance."""
    size = min(_FAR_SIDE, share.width), min(_FAR_SIDE, share.height)
    weighted = PIL.Image.new("RGB", share.size)
    weighted.paste(picture, mask=share)
    colours = np.asarray(weighted.resize(size, PIL.Image.Resampling.BOX), np.float32).reshape(-1, 3)
    shares = np.asarray(share.resize(size, PIL.Image.Resampling.BOX), np.float32).reshape(-1, 1) / 255
    rows, columns = np.divmod(np.arange(len(colours), dtype=np.float32), size[0])
    squares = np.square(rows[:, np.newaxis] - rows) + np.square(columns[:, np.newaxis] - columns)
    nearness = 1 / np.square(squares + np.float32(0.25))
    means = nearness @ colours / np.maximum(nearness @ shares, np.float32(1e-6))
    small = np.rint(np.minimum(means, 255)).astype(np.uint8).reshape(size[1], size[0], 3)
    return PIL.Image.fromarray(small).resize(share.size, PIL.Image.Resampling.BILINEAR)


def _divide(blurred: Image, weight: NDArray[np.uint8], far: Image) -> Image:
    """Return ``far`` + (``blurred`` − ``far``) / weight, 8 bits; ``weight`` is 0..255, and small ones are damped."""
    quotient = np.empty_like(blurred)
    for top in range(0, len(blurred), _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        near = weight[rows, :, np.newaxis].astype(np.float32) / 255
        gain = near * (1 + _FAINT**2) / (near**2 + _FAINT**2)
        colour = far[rows] + (blurred[rows].astype(np.float32) - far[rows]) * gain
        quotient[rows] = np.clip(colour + np.float32(0.5), 0, 255)
    return quotient
