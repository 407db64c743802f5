"""What a result looks like, background, frame, shadow, or the mask alone; and how it becomes a file."""

from dataclasses import dataclass
from typing import TypeAlias

from cutaway.composite import Fit, quantised
from cutaway.cutout import Cutout
from cutaway.framing import IdPhoto, Margin, find_preset
from cutaway.imagefile import encode
from cutaway.photo import Metadata, Photo
from cutaway.types import Pixels

BLUR_SHARE = 0.02
"""Radius of a blur that names none, as a share of the longer side: it looks the same at every size."""

SIZE_MARGIN = Margin(share=0.1)
"""What ``--size`` leaves around the person unless ``--crop`` says otherwise."""


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


@dataclass(frozen=True)
class Encoding:
    """How pixels become a file; ``quality`` is 1..100, None for the format's own."""

    format: str
    quality: int | None = None
    keep_metadata: bool = False


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


def to_file(pixels: Pixels, metadata: Metadata, encoding: Encoding) -> bytes:
    """Return the file of ``pixels``, which ``render`` gave. Raises ``OutputError`` where the format cannot hold it."""
    kept = metadata if encoding.keep_metadata else metadata.public()
    return encode(pixels, encoding.format, kept, quality=encoding.quality)
