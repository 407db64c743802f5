"""A cutout over a colour, another image or its own background, blurred; and the box around the person."""

import re
from typing import Literal, TypeAlias

import numpy as np
import PIL.Image
from numpy.typing import ArrayLike, DTypeLike
from PIL import ImageColor, ImageFilter
from PIL.Image import Resampling

from cutaway.errors import CutawayError
from cutaway.resampling import Plane, resized, rounded, softened
from cutaway.tiles import Tile, enlarged, reduced, small_tiles, spread, tiles
from cutaway.types import Alpha, Image, Pixels, Rgba, check_alpha, check_image, check_same_size, white

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

RIM_SHARE = 0.002
"""What the blur takes for a rim of the person beside their alpha, as a share of the longer side: a network's pixel."""

_ACROSS = {"left": 0.0, "center": 0.5, "right": 1.0}
_DOWN = {"top": 0.0, "center": 0.5, "bottom": 1.0}
_FAR_SIDE = 32
_ROWS = 64  # that are enlarged at once
# The weight below which a blurred background is worth less than the colours farther away.
_FAINT = 0.25


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
    if not channels or channels[3:] not in ((), (255,)) or not 0 <= min(channels) <= max(channels) <= 255:
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


def quantised(alpha: Alpha, depth: DTypeLike) -> Pixels:
    """Return ``alpha`` as H×W of the type ``depth``, uint8 or uint16, rounded: what a file holds."""
    check_alpha(alpha)
    scaled = alpha * np.float32(np.iinfo(depth).max)
    samples: Pixels = np.rint(scaled, out=scaled).astype(depth)
    return samples


def set_alpha(rgba: Rgba, alpha: Alpha) -> None:
    """Write ``alpha`` into ``rgba``, in whose depth it is rounded; where it rounds to 0 the colour becomes 0 too."""
    if rgba.ndim != 3 or rgba.shape[2] != 4:
        raise ValueError(f"an image with alpha is H×W×4, but this array is {rgba.shape}")
    check_same_size(rgba[..., :3], alpha)

    def fill(tile: Tile) -> None:
        opacity = quantised(alpha[tile], rgba.dtype)
        visible = opacity > 0
        # Channel by channel: with three of them innermost NumPy takes four times as long.
        for channel in range(3):
            rgba[tile][..., channel] *= visible
        rgba[tile][..., 3] = opacity

    spread(fill, tiles(*alpha.shape))


def over_colour(foreground: Image, alpha: Alpha, colour: ArrayLike) -> Image:
    """Return ``alpha``·``foreground`` + (1 − ``alpha``)·``colour``, H×W×3.

    ``colour`` is red, green and blue in the depth and the space of ``foreground``, as is the result.
    """
    return over_image(foreground, alpha, np.broadcast_to(np.asarray(colour, foreground.dtype), foreground.shape))


def over_image(foreground: Image, alpha: Alpha, background: Image) -> Image:
    """Return ``alpha``·``foreground`` + (1 − ``alpha``)·``background``, all of one size, H×W×3.

    The result has the depth of ``foreground``, and ``background`` has to have it.
    """
    check_same_size(foreground, alpha)
    check_same_size(background, alpha)
    if foreground.dtype != background.dtype:
        raise ValueError(f"foreground {foreground.dtype} and background {background.dtype} differ in depth")
    blended = np.empty(foreground.shape, foreground.dtype)

    def blend(tile: Tile) -> None:
        # In place, and in C order, which a broadcast colour is not: it takes a third of the time.
        behind = background[tile].astype(np.float32, order="C")
        mixed = foreground[tile].astype(np.float32, order="C")
        mixed -= behind
        mixed *= alpha[tile][..., np.newaxis]
        mixed += behind
        blended[tile] = np.rint(mixed, out=mixed)

    spread(blend, tiles(*alpha.shape))
    return blended


def fit_background(image: Image, height: int, width: int, fit: Fit, position: Position) -> Image:
    """Return ``image`` at ``height`` × ``width``, its aspect and depth kept; around one that is contained is white."""
    check_image(image)
    if image.shape[:2] == (height, width):
        return image
    return (_contained if fit == "contain" else _covering)(image, height, width, position)


def blur_background(image: Image, alpha: Alpha, radius: float) -> Image:
    """Return the background of ``image`` alone, blurred, in its depth; the person goes over it with ``over_image``.

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
    share = np.square(1 - _with_rim(alpha, radius))
    weight = softened(share, radius)
    blurred = np.empty(image.shape, image.dtype)
    for channel in range(3):
        light = np.multiply(image[..., channel], share, dtype=np.float32)
        # What comes between has no name, so it is freed at once: 48 MB each of 12 megapixels.
        _enlarge_into(blurred[..., channel], _divide(softened(light, radius), weight))
    return blurred


def under(foreground: Image, alpha: Alpha, shadow: Alpha) -> Rgba:
    """Return ``foreground`` over a black of the alpha ``shadow``, H×W×4 in its depth, straight alpha."""
    both = alpha + shadow * (1 - alpha)
    share = np.divide(alpha, both, out=np.zeros_like(alpha), where=both > 0)
    rgba = np.dstack([over_colour(foreground, share, BLACK), np.empty(alpha.shape, foreground.dtype)])
    set_alpha(rgba, both)
    return rgba


def bounding_box(alpha: Alpha, threshold: float = 0.5) -> Box | None:
    """Return the smallest box around every pixel whose alpha reaches ``threshold``, or None where none does."""
    check_alpha(alpha)
    inside = alpha >= threshold
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not rows.size:
        return None
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def _covering(image: Image, height: int, width: int, position: Position) -> Image:
    rows, columns = image.shape[:2]
    scale = max(height / rows, width / columns)
    tall, wide = min(rows, height / scale), min(columns, width / scale)
    left, top = (columns - wide) * position[0], (rows - tall) * position[1]
    return resized(image, height, width, Resampling.BICUBIC, (left, top, left + wide, top + tall))


def _contained(image: Image, height: int, width: int, position: Position) -> Image:
    rows, columns = image.shape[:2]
    scale = min(height / rows, width / columns)
    tall, wide = max(1, round(rows * scale)), max(1, round(columns * scale))
    left, top = round((width - wide) * position[0]), round((height - tall) * position[1])
    framed = np.full((height, width, 3), white(image), image.dtype)
    framed[top : top + tall, left : left + wide] = resized(image, tall, wide, Resampling.BICUBIC)
    return framed


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
    mean = PIL.Image.fromarray(quantised(alpha, np.uint8)).filter(ImageFilter.BoxBlur(rim))
    grown: Alpha = np.asarray(mean, np.float32) * np.float32(8 / 255)
    np.maximum(grown, alpha, out=grown)
    return np.minimum(grown, 1, out=grown)


def _divide(light: Plane, weight: Plane) -> Plane:
    """Return ``light`` / ``weight``, damped for small weights towards what is far away."""
    far, quotient = _far_colours(light, weight), np.empty_like(light)
    height, width = weight.shape
    for tile in small_tiles(far.shape, height, width):
        around, share = enlarged(far, tile, height, width), weight[tile]
        gain = share * (1 + _FAINT**2) / (np.square(share) + _FAINT**2)
        quotient[tile] = around + (light[tile] - around * share) * gain
    return quotient


def _far_colours(light: Plane, weight: Plane) -> Plane:
    """Return a small plane: the mean of all colours, by ``weight`` and by the inverse fourth power of the distance."""
    height, width = (min(_FAR_SIDE, side) for side in weight.shape)
    lights, weights = (reduced(plane, height, width).ravel() for plane in (light, weight))
    rows, columns = np.divmod(np.arange(height * width, dtype=np.float32), width)
    squares = np.square(rows[:, np.newaxis] - rows) + np.square(columns[:, np.newaxis] - columns)
    nearness = 1 / np.square(squares + np.float32(0.25))
    means: Plane = nearness @ lights / np.maximum(nearness @ weights, np.float32(1e-6))
    return means.reshape(height, width)


def _enlarge_into(samples: Pixels, plane: Plane) -> None:
    """Fill ``samples`` (H×W) with ``plane``, which may be smaller, a few rows at a time."""
    (height, width), (tall, wide) = samples.shape, plane.shape
    for top in range(0, height, _ROWS):
        part = samples[top : top + _ROWS]
        area = 0, top * tall / height, wide, (top + len(part)) * tall / height
        part[...] = rounded(resized(plane, len(part), width, Resampling.BICUBIC, area), samples)
