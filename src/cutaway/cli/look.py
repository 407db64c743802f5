"""What a result looks like: background, frame, shadow, or the mask alone, as the options of ``cutaway remove`` say."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import typer

from cutaway.composite import Fit, is_colour, parse_position, quantised
from cutaway.cutout import Cutout
from cutaway.errors import CutawayError
from cutaway.framing import IdPhoto, Margin, find_preset
from cutaway.imagefile import read
from cutaway.photo import Photo
from cutaway.types import Pixels

BLUR_SHARE = 0.02
"""Radius of a blur that names none, as a share of the longer side: it looks the same at every size."""

SIZE_MARGIN = Margin(share=0.1)
"""What ``--size`` leaves around the person unless ``--crop`` says otherwise."""

LONGEST_SIDE = 12_000
"""Pixels along a side that ``--size`` may ask for, as many as a photograph may have."""

_MOST_PIXELS = 50_000_000


@dataclass(frozen=True)
class Blur:
    """The photograph's own background, blurred; ``radius`` in pixels, ``None`` = ``BLUR_SHARE`` of the longer side."""

    radius: float | None


Background: TypeAlias = Blur | str | Photo | None
"""Transparent, blurred, a CSS colour, or a picture."""


@dataclass(frozen=True)
class View:
    """What of the photograph is shown: ``preset``, or ``size`` (height, width), or ``margin``, or else all of it."""

    margin: Margin | None = None
    size: tuple[int, int] | None = None
    preset: str | None = None
    upscale: bool = False

    @property
    def shows_id(self) -> bool:
        """Whether this is an ID photo."""
        return self.preset is not None and isinstance(find_preset(self.preset), IdPhoto)


@dataclass(frozen=True)
class Look:
    """How a cut-out becomes pixels. ``fit`` and ``position`` are those of a picture; ``shadow`` is its strength."""

    background: Background = None
    fit: Fit = "cover"
    position: str = "center"
    mask: bool = False
    shadow: float | None = None
    view: View = View()

    @property
    def has_picture(self) -> bool:
        """Whether a picture lies behind the person."""
        return isinstance(self.background, Photo)


def parse_margin(text: str) -> Margin:
    """Return the margin that ``0.1``, ``10%`` or ``20px`` means. Raises ``typer.BadParameter`` for anything else."""
    if re.fullmatch(r"\d{1,5}px", text):
        return Margin(pixels=int(text[:-2]))
    if (share := _parse_share(text)) is None:
        reason = f"{text} is no margin; write a share such as 0.1 or 10%, or pixels such as 20px."
        raise typer.BadParameter(reason, param_hint="'--crop'")
    return Margin(share=share)


def parse_shadow(text: str) -> float:
    """Return the strength that ``0.5`` or ``50%`` means. Raises ``typer.BadParameter`` unless it is in 0..1."""
    if (strength := _parse_share(text)) is None:
        reason = f"{text} is no strength; write a share of 0 to 1 such as 0.5 or 50%."
        raise typer.BadParameter(reason, param_hint="'--shadow'")
    return strength


def parse_size(text: str) -> tuple[int, int]:
    """Return the (height, width) that ``WIDTHxHEIGHT`` means. Raises ``typer.BadParameter`` unless it is possible."""
    sides = re.fullmatch(r"(\d{1,5})[xX×](\d{1,5})", text)
    width, height = (int(sides[1]), int(sides[2])) if sides else (0, 0)
    if min(width, height) < 1 or max(width, height) > LONGEST_SIDE or width * height > _MOST_PIXELS:
        reason = f"{text} is no size; write WIDTHxHEIGHT in pixels, such as 800x600, of up to 50 million in all."
        raise typer.BadParameter(reason, param_hint="'--size'")
    return height, width


def check_position(text: str) -> str:
    """Return ``text``. Raises ``typer.BadParameter`` unless it is a position."""
    try:
        parse_position(text)
    except CutawayError as error:
        raise typer.BadParameter(str(error), param_hint="'--position'") from error
    return text


def check_preset(name: str) -> str:
    """Return ``name``. Raises ``typer.BadParameter`` unless it is a preset's."""
    try:
        find_preset(name)
    except CutawayError as error:
        raise typer.BadParameter(str(error), param_hint="'--preset'") from error
    return name


def parse_background(text: str) -> Background:
    """Return the background that ``transparent``, ``blur``, ``blur:RADIUS``, a colour or a picture file's name means.

    Raises ``typer.BadParameter`` when ``text`` is none of these, or the picture cannot be read or is not opaque.
    """
    if text == "transparent":
        return None
    if text == "blur" or text.startswith("blur:"):
        return Blur(_parse_radius(text))
    return text if is_colour(text) else _read_picture(text)


def arrange(cutout: Cutout, look: Look) -> Cutout:
    """Return ``cutout`` with the shadow and in the view of ``look``. Raises ``CutawayError`` where a preset fails."""
    view = look.view
    # Whether the photograph cuts the person off, which is what a shadow goes by, shows in the whole of it alone.
    shaded = cutout if look.shadow is None else cutout.with_shadow(look.shadow)
    if view.preset is not None:
        return shaded.for_preset(view.preset, upscale=view.upscale)
    if view.size is not None:
        return shaded.sized(*view.size, view.margin or SIZE_MARGIN, upscale=view.upscale)
    return shaded if view.margin is None else shaded.cropped(view.margin)


def render(cutout: Cutout, look: Look) -> Pixels:
    """Return the pixels to encode: H×W for the mask, H×W×4 on a transparent background, else H×W×3."""
    if look.mask:
        return quantised(cutout.alpha, cutout.image.dtype)
    if look.background is None:
        return cutout.rgba
    if isinstance(look.background, Blur):
        return cutout.over_blur(look.background.radius or BLUR_SHARE * max(cutout.alpha.shape))
    return cutout.over(look.background, fit=look.fit, position=look.position)


def _parse_share(text: str) -> float | None:
    """Return the share, 0..1, that ``0.1`` or ``10%`` means, None for anything else."""
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return None
    return share if 0 <= share <= 1 else None


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


def _read_picture(text: str) -> Photo:
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
    return picture
