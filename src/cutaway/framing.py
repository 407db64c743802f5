"""Which part of a photograph becomes the picture, and at what size: crop, size, and presets for ID and shop photos."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor, isfinite
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Resampling

from cutaway.composite import Box, bounding_box
from cutaway.errors import CutawayError
from cutaway.head import find_head
from cutaway.resampling import Pixel, resized
from cutaway.types import Alpha

_SIDES = ("above", "left", "below", "right")

CUT_SHARE = 0.01
"""A person whose box ends this near to a side of the photograph, as a share of its length, is cut off by that side."""


@dataclass(frozen=True)
class Frame:
    """A rectangle of the photograph, which may reach beyond it, and the size of the picture made from it.

    ``top`` and ``left`` are in the photograph's pixels, ``height`` and ``width`` in the picture's, and ``scale`` is
    the picture's pixels for each of the photograph's.
    """

    top: float
    left: float
    height: int
    width: int
    scale: float = 1.0


@dataclass(frozen=True)
class Margin:
    """Space around a person: ``share`` of the longer side of their box, and ``pixels`` of the photograph."""

    share: float = 0.0
    pixels: float = 0.0

    def __post_init__(self) -> None:
        if not (isfinite(self.share) and isfinite(self.pixels) and min(self.share, self.pixels) >= 0):
            raise CutawayError(f"The margin {self} makes no sense; give a share such as 0.1, or pixels, from 0 up.")

    def around(self, box: Box) -> float:
        """Return the pixels that this margin leaves on each side of ``box``."""
        top, left, bottom, right = box
        return self.share * max(bottom - top, right - left) + self.pixels


@dataclass(frozen=True)
class IdPhoto:
    """A picture, ``height`` × ``width`` pixels, that shows a head at a prescribed height and place.

    ``head`` (crown to chin, hair included) and ``head_room`` (what lies above it) are shares of ``height``.
    """

    height: int
    width: int
    head: float
    head_room: float


@dataclass(frozen=True)
class ShopPhoto:
    """A picture, ``height`` × ``width`` pixels, that the longer side of what it shows fills to the share ``fill``."""

    height: int
    width: int
    fill: float


Preset: TypeAlias = IdPhoto | ShopPhoto

ID_DPI = 300
"""Pixels an inch of ID photos on paper."""

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        # 35 × 45 mm at 300 dpi. The head has to take 70–80 % of the height, or 32–36 mm.
        "id-35x45": IdPhoto(531, 413, head=0.75, head_room=0.09),
        # 2 × 2 inches (51 × 51 mm) at 300 dpi. Head 50–69 % of the height, eyes 56–69 % above the lower edge.
        "us-2x2": IdPhoto(600, 600, head=0.6, head_room=0.09),
        # A square of which the goods have to fill 85 %.
        "shop-square": ShopPhoto(2000, 2000, fill=0.85),
    }
)


def find_preset(name: str) -> Preset:
    """Return the preset called ``name``. Raises ``CutawayError`` when there is none."""
    if name not in PRESETS:
        raise CutawayError(f"There is no preset {name!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]


class _Cut(NamedTuple):
    """On which sides the photograph cuts a person off."""

    top: bool
    left: bool
    bottom: bool
    right: bool


@dataclass(frozen=True)
class _Overlap:
    """What a frame and a photograph share along one side: ``inside`` the picture, from ``first`` to ``last`` in it."""

    inside: slice
    first: float
    last: float


def whole(height: int, width: int) -> Frame:
    """Return the frame that changes nothing about a photograph of ``height`` × ``width`` pixels."""
    return Frame(0, 0, height, width)


def crop(box: Box, margin: Margin, height: int, width: int) -> Frame:
    """Return the frame of ``box`` with ``margin`` around it, as far as the photograph, ``height`` × ``width``, goes."""
    pad = round(margin.around(box))
    top, left = max(0, box[0] - pad), max(0, box[1] - pad)
    return Frame(top, left, min(height, box[2] + pad) - top, min(width, box[3] + pad) - left)


def cover(photo: tuple[int, int], size: tuple[int, int]) -> Frame:
    """Return the frame of the middle of a photograph, as much of it as fills ``size``; both are (height, width)."""
    height, width = photo
    scale = max(size[0] / height, size[1] / width)
    return Frame((height - size[0] / scale) / 2, (width - size[1] / scale) / 2, *size, scale)


def place(box: Box, margin: Margin, photo: tuple[int, int], size: tuple[int, int], *, upscale: bool = False) -> Frame:
    """Return the frame of a picture of ``size`` with the whole person of ``box`` in it, and ``margin`` around them.

    ``photo`` and ``size`` are (height, width). The person is centred across and stands on the lower margin. On a side
    where the photograph cuts them off they reach the picture's edge instead, and where that is left and right, or top
    and bottom and they are not too wide for it, they are enlarged until they do. Unless ``upscale``, nobody becomes
    larger than in the photograph: the margins grow.
    """
    top, left, bottom, right = box
    cut = _cut_off(box, photo)
    pad = margin.around(box)
    above, beside, below = pad * (not cut.top), pad * ((not cut.left) + (not cut.right)), pad * (not cut.bottom)
    across = size[1] / (right - left + beside)
    down = size[0] / (bottom - top + above + below)
    fills_down = cut.top and cut.bottom and down * (right - left) <= size[1]
    scale = across if cut.left and cut.right else down if fills_down else min(across, down)
    scale = scale if upscale else min(scale, 1.0)
    height, width = size[0] / scale, size[1] / scale
    if cut.top and not cut.bottom:
        return Frame(top, _shifted(box, cut, width), *size, scale)
    return Frame(min(bottom + below - height, top - above), _shifted(box, cut, width), *size, scale)


def place_head(alpha: Alpha, preset: IdPhoto, *, upscale: bool = False) -> Frame:
    """Return the frame in which the head of the person in ``alpha`` is as high, and lies as high, as ``preset`` says.

    Raises ``CutawayError`` where the head is not found, is too small unless ``upscale``, or where the photograph cuts
    the person off inside the frame.
    """
    head = find_head(alpha)
    scale = preset.head * preset.height / (head.chin - head.crown)
    _refuse_upscaling(scale, upscale)
    top = head.crown - preset.head_room * preset.height / scale
    frame = Frame(top, head.middle - preset.width / scale / 2, preset.height, preset.width, scale)
    _refuse_gaps(alpha, frame)
    return frame


def place_goods(box: Box, photo: tuple[int, int], preset: ShopPhoto, *, upscale: bool = False) -> Frame:
    """Return the frame that the person of ``box`` fills as ``preset`` says; ``photo`` is (height, width).

    Raises ``CutawayError`` where they are too small for that, unless ``upscale``.
    """
    margin = Margin((1 / preset.fill - 1) / 2)
    frame = place(box, margin, photo, (preset.height, preset.width), upscale=True)
    _refuse_upscaling(frame.scale, upscale)
    return frame


def take(pixels: NDArray[Pixel], frame: Frame) -> NDArray[Pixel]:
    """Return the part of ``pixels`` (H×W float32, H×W×3 or 4 uint8 or uint16) that ``frame`` shows, at its size.

    The depth stays. Averaged over the area that becomes a pixel when it shrinks; 0 beyond the photograph. At a scale of
    1 the frame is moved to whole pixels, and nothing is resampled.
    """
    rows = _overlap(frame.top, frame.height, pixels.shape[0], frame.scale)
    columns = _overlap(frame.left, frame.width, pixels.shape[1], frame.scale)
    taken = np.zeros((frame.height, frame.width, *pixels.shape[2:]), pixels.dtype)
    if rows is None or columns is None:
        return taken
    if frame.scale == 1:
        seen = pixels[int(rows.first) : int(rows.last), int(columns.first) : int(columns.last)]
    else:
        height, width = rows.inside.stop - rows.inside.start, columns.inside.stop - columns.inside.start
        area = columns.first, rows.first, columns.last, rows.last
        # Filters without negative lobes: an overshoot beside the outline would become a rim of the person.
        seen = resized(pixels, height, width, Resampling.HAMMING if frame.scale < 1 else Resampling.BILINEAR, area)
    taken[rows.inside, columns.inside] = seen
    return taken


def is_cut_below(box: Box, height: int) -> bool:
    """Return whether a photograph of ``height`` pixels cuts the person of ``box`` off at its lower edge."""
    return box[2] >= height - CUT_SHARE * height


def _cut_off(box: Box, photo: tuple[int, int]) -> _Cut:
    height, width = photo
    down, across = CUT_SHARE * height, CUT_SHARE * width
    return _Cut(box[0] <= down, box[1] <= across, is_cut_below(box, height), box[3] >= width - across)


def _shifted(box: Box, cut: _Cut, width: float) -> float:
    """Return the left edge of a frame ``width`` wide: the person in the middle, or at the side that cuts them off."""
    middle = (box[1] + box[3] - width) / 2
    if cut.left and not cut.right:
        return max(middle, box[1])
    return min(middle, box[3] - width) if cut.right and not cut.left else middle


def _refuse_upscaling(scale: float, upscale: bool) -> None:
    if scale > 1 and not upscale:
        raise CutawayError(
            f"The person would have to be enlarged {scale:.2f} times for this preset; "
            "take a larger photograph, or allow it by upscale (--upscale)."
        )


def _refuse_gaps(alpha: Alpha, frame: Frame) -> None:
    """Raise ``CutawayError`` where ``frame`` goes on beyond a side of the photograph that cuts the person off."""
    height, width = alpha.shape
    bottom, right = frame.top + frame.height / frame.scale, frame.left + frame.width / frame.scale
    first = max(0, floor(frame.top))
    box = bounding_box(alpha[first : ceil(bottom)])
    if box is None:
        return
    cut = _cut_off((box[0] + first, box[1], box[2] + first, box[3]), (height, width))
    half = 0.5 / frame.scale
    beyond = frame.top < -half, frame.left < -half, bottom > height + half, right > width + half
    sides = [side for side, cuts, out in zip(_SIDES, cut, beyond, strict=True) if cuts and out]
    if sides:
        raise CutawayError(
            f"The photograph ends too near to the head ({', '.join(sides)}), where the picture still has to show "
            "the person; take one with more around the head."
        )


def _overlap(start: float, length: int, extent: int, scale: float) -> _Overlap | None:
    """Return what ``length`` picture pixels from ``start`` share with ``extent`` photo pixels, None for nothing.

    Ends are rounded to the nearest pixel of the picture: a strip of less than half a pixel is no gap.
    """
    start = round(start) if scale == 1 else start
    begin = min(max(0, round(-start * scale)), length)
    end = max(begin, min(length, round((extent - start) * scale)))
    first, last = max(0.0, start + begin / scale), min(float(extent), start + end / scale)
    return _Overlap(slice(begin, end), first, last) if end > begin and last > first else None
