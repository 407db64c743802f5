"""Where a photograph lies in the network's input, and the exact way back. Training and serving share it.

A network sees a *canvas* whose sides are multiples of its stride. ``place`` says which rectangle of the canvas holds
the photograph; ``fit_image`` and ``fit_mask`` fill it; ``crop_canvas`` and ``resize_alpha`` take the network's alpha
back to the photograph's own size.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from cutaway.tiles import averaged
from cutaway.types import Alpha, Image, Mask, eight_bit

FitRule: TypeAlias = Literal["letterbox", "squash"]

PADDING = 128
"""Grey around the photograph.

About 0 after the nets' (x - 0.5) / 0.5, which is also what their convolutions pad with.
"""

LONGEST = 4
"""The most that a canvas is longer than ``Fit.size``; beyond an aspect of 16 photographs are padded."""

_GAP = 3
"""How many times the size asked for is left when whole pixels have been averaged, Pillow's ``reducing_gap``."""


@dataclass(frozen=True)
class Fit:
    """How photographs are brought to a network's input.

    ``letterbox`` keeps the aspect: the canvas has the aspect of the photograph, rounded to ``multiple``, and about
    ``size`` × ``size`` pixels, so every photograph costs about the same. ``squash`` is the 2017 article's way: a
    ``size`` × ``size`` square, whatever the aspect.
    """

    rule: FitRule
    size: int
    multiple: int

    def __post_init__(self) -> None:
        if self.rule not in get_args(FitRule):
            raise ValueError(f"unknown fit rule {self.rule!r}; choose one of {', '.join(get_args(FitRule))}")
        if self.multiple < 1 or self.size < self.multiple or self.size % self.multiple:
            raise ValueError(f"the fit's size {self.size} has to be a positive multiple of {self.multiple}")


@dataclass(frozen=True)
class Placement:
    """The rectangle of the canvas that holds the photograph.

    ``source`` and ``canvas`` are (height, width) in pixels.
    """

    source: tuple[int, int]
    canvas: tuple[int, int]
    top: int
    left: int
    height: int
    width: int


def place(height: int, width: int, fit: Fit) -> Placement:
    """Return where a photograph of ``height`` × ``width`` pixels lies in its canvas under ``fit``."""
    if fit.rule == "squash":
        return place_square(height, width, fit.size, fit.rule)
    return centred(height, width, _canvas(height, width, fit))


def place_square(height: int, width: int, side: int, rule: FitRule) -> Placement:
    """Return where a photograph lies in a ``side`` × ``side`` square, which is what training cuts its crops from."""
    if rule == "squash":
        return Placement((height, width), (side, side), 0, 0, side, side)
    return centred(height, width, (side, side))


def centred(height: int, width: int, canvas: tuple[int, int]) -> Placement:
    """Return the largest centred rectangle of ``canvas`` with the aspect of a ``height`` × ``width`` photograph."""
    scale = min(canvas[0] / height, canvas[1] / width)
    inner_height = min(canvas[0], max(1, round(height * scale)))
    inner_width = min(canvas[1], max(1, round(width * scale)))
    top, left = (canvas[0] - inner_height) // 2, (canvas[1] - inner_width) // 2
    return Placement((height, width), canvas, top, left, inner_height, inner_width)


def fit_image(image: Image, placement: Placement) -> NDArray[np.uint8]:
    """Return the canvas (H×W×3 uint8) with ``image`` scaled into its rectangle and grey around it."""
    return pad_image(resize_image(image, placement.height, placement.width), placement)


def pad_image(image: Image, placement: Placement) -> NDArray[np.uint8]:
    """Return the canvas (H×W×3 uint8) with ``image``, uint8 of its rectangle's size, in it and grey around."""
    canvas = np.full((*placement.canvas, 3), PADDING, np.uint8)
    canvas[_rectangle(placement)] = image
    return canvas


def fit_mask(mask: Mask, placement: Placement) -> Alpha:
    """Return the canvas-sized share of person in each pixel (H×W float32, 0 around the photograph)."""
    canvas = np.zeros(placement.canvas, np.float32)
    canvas[_rectangle(placement)] = resize_alpha(mask.astype(np.float32), placement.height, placement.width)
    return canvas


def crop_canvas(alpha: Alpha, placement: Placement) -> Alpha:
    """Return the part of a canvas-sized ``alpha`` that belongs to the photograph."""
    return alpha[_rectangle(placement)]


def resize_image(image: Image, height: int, width: int) -> NDArray[np.uint8]:
    """Return ``image`` at ``height`` × ``width``, bilinear, averaging over the covered area when it shrinks.

    The result is uint8: a network sees no finer.
    """
    down, across = (
        max(1, int(full / side / _GAP)) for full, side in zip(image.shape[:2], (height, width), strict=True)
    )
    near = eight_bit(image) if down == across == 1 else averaged(image, down, across)
    area = 0, 0, image.shape[1] / across, image.shape[0] / down
    return np.asarray(PillowImage.fromarray(near).resize((width, height), PillowImage.Resampling.BILINEAR, area))


def resize_alpha(alpha: Alpha, height: int, width: int) -> Alpha:
    """Return ``alpha`` (or any float32 plane) at ``height`` × ``width``, filtered as ``resize_image`` filters."""
    if alpha.shape == (height, width):
        return alpha
    resized = PillowImage.fromarray(alpha).resize((width, height), PillowImage.Resampling.BILINEAR)
    return np.asarray(resized)


def to_tensor(canvases: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return canvases N×H×W×3 uint8 as the network's input N×3×H×W float32, 0..1."""
    return np.ascontiguousarray(canvases.transpose(0, 3, 1, 2), np.float32) / np.float32(255)


def _canvas(height: int, width: int, fit: Fit) -> tuple[int, int]:
    """Return (height, width): multiples of ``fit.multiple``, about ``fit.size``² pixels, shaped like the photograph.

    The short side is settled first and the long one follows from it, up to ``LONGEST`` times ``fit.size``: so padding
    is at most half a stride, and a strip of a photograph costs no more than others.
    """
    ratio = max(height, width) / min(height, width)
    short = _round_to(fit.size / ratio**0.5, fit.multiple)
    long = min(_round_to(short * ratio, fit.multiple), LONGEST * fit.size)
    return (long, short) if height > width else (short, long)


def _round_to(value: float, multiple: int) -> int:
    return max(multiple, round(value / multiple) * multiple)


def _rectangle(placement: Placement) -> tuple[slice, slice]:
    rows = slice(placement.top, placement.top + placement.height)
    return rows, slice(placement.left, placement.left + placement.width)
