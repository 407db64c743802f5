"""What a result looks like: background, crop, or the mask alone, as the options of ``cutaway remove`` say."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import typer
from numpy.typing import NDArray

from cutaway.composite import alpha_bytes, is_colour, pad_box
from cutaway.cutout import Cutout
from cutaway.errors import CutawayError
from cutaway.imagefile import read
from cutaway.types import Image

BLUR_SHARE = 0.02
"""Radius of a blur that names none, as a share of the longer side: it looks the same at every size."""


@dataclass(frozen=True)
class Blur:
    """The photograph's own background, blurred; ``radius`` in pixels, ``None`` = ``BLUR_SHARE`` of the longer side."""

    radius: float | None


Background: TypeAlias = Blur | str | Image | None
"""Transparent, blurred, a CSS colour, or a picture (H×W×3 uint8)."""


@dataclass(frozen=True)
class Look:
    """How a cut-out becomes pixels. ``margin`` is a share of the person's longer side; ``None`` = the whole frame."""

    background: Background = None
    mask: bool = False
    margin: float | None = None


def parse_margin(text: str) -> float:
    """Return the margin that ``0.1`` or ``10%`` means. Raises ``typer.BadParameter`` unless it is in 0..1."""
    try:
        margin = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        margin = -1.0
    if not 0 <= margin <= 1:
        raise typer.BadParameter(f"{text} is no margin; write a share such as 0.1 or 10%.", param_hint="'--crop'")
    return margin


def parse_background(text: str) -> Background:
    """Return the background that ``transparent``, ``blur``, ``blur:RADIUS``, a colour or a picture file's name means.

    Raises ``typer.BadParameter`` when ``text`` is none of these, or the picture cannot be read or is not opaque.
    """
    if text == "transparent":
        return None
    if text == "blur" or text.startswith("blur:"):
        return Blur(_parse_radius(text))
    return text if is_colour(text) else _read_picture(text)


def render(cutout: Cutout, look: Look) -> NDArray[np.uint8]:
    """Return the pixels to encode: H×W for the mask, H×W×4 on a transparent background, else H×W×3."""
    pixels = _pixels(cutout, look)
    if look.margin is None or cutout.box is None:
        return pixels
    top, left, bottom, right = pad_box(cutout.box, look.margin, *cutout.alpha.shape)
    return pixels[top:bottom, left:right]


def _pixels(cutout: Cutout, look: Look) -> NDArray[np.uint8]:
    if look.mask:
        return alpha_bytes(cutout.alpha)
    if look.background is None:
        return cutout.rgba
    if isinstance(look.background, Blur):
        return cutout.over_blur(look.background.radius or BLUR_SHARE * max(cutout.alpha.shape))
    return cutout.over(look.background)


def _parse_radius(text: str) -> float | None:
    _, colon, number = text.partition(":")
    if not colon:
        return None
    try:
        radius = float(number)
    except ValueError:
        radius = 0.0
    if not 0 < radius <= 1000:
        reason = f"{text} has no usable radius; write pixels above 0 and up to 1000, such as blur:12."
        raise typer.BadParameter(reason, param_hint="'--background'")
    return radius


def _read_picture(text: str) -> Image:
    if not Path(text).is_file():
        reason = f"{text} is neither transparent, blur, a colour such as white or #ffcc00, nor a picture file."
        raise typer.BadParameter(reason, param_hint="'--background'")
    try:
        picture = read(Path(text))
    except CutawayError as error:
        raise typer.BadParameter(f"{text}: {error}", param_hint="'--background'") from error
    if picture.alpha is not None:
        reason = f"{text} has transparent parts, so it cannot lie behind the person; choose an opaque picture."
        raise typer.BadParameter(reason, param_hint="'--background'")
    return picture.image
