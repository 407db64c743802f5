"""What a removal gives: the photo, its alpha, and the pictures made from them."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from cutaway import composite, imagefile
from cutaway.composite import Box
from cutaway.errors import ImageError
from cutaway.foreground import estimate_foreground
from cutaway.imagefile import Source
from cutaway.types import Alpha, Image, Rgba


@dataclass(frozen=True, eq=False)
class Cutout:
    """The person of a photo.

    ``image`` is the photo, H×W×3 uint8, upright sRGB. ``predicted`` is what the network and the refinement say of it,
    H×W float32, 0..1; ``given`` is the alpha that the photo came with, None where it is opaque. ``confidence`` is 0..1:
    how far the network trusts its own outline, as the person IoU it expects; where nobody was found, how sure it is of
    that.
    """

    image: Image
    predicted: Alpha
    confidence: float
    found_person: bool
    given: Alpha | None = None

    @cached_property
    def alpha(self) -> Alpha:
        """How much of each pixel is person and was there at all, H×W float32, 0..1: ``predicted`` times ``given``."""
        return self.predicted if self.given is None else self.predicted * self.given

    @cached_property
    def foreground(self) -> Image:
        """The person's own colour, H×W×3 uint8.

        The background's share is taken out of soft edges, and nothing is left behind them. An alpha that was given is
        straight: its colour is already the person's own.
        """
        return estimate_foreground(self.image, self.predicted)

    @cached_property
    def rgba(self) -> Rgba:
        """The cut-out, H×W×4 uint8, straight alpha.

        Where alpha is 0 so is the colour: the background cannot be recovered.
        """
        alpha = composite.alpha_bytes(self.alpha)
        rgba = np.dstack([self.foreground, alpha])
        rgba[alpha == 0] = 0
        return rgba

    @property
    def box(self) -> Box | None:
        """The person's bounding box (top, left, bottom, right), half-open; None where nobody was found."""
        return composite.bounding_box(self.predicted)

    def over(self, background: Source) -> Image:
        """Return the person over a CSS colour such as ``"white"``, or over an image scaled to cover the frame.

        Raises:
            ImageError: ``background`` is neither a colour nor an image that can be read, or it is not opaque.
        """
        if isinstance(background, str):
            if composite.is_colour(background):
                return composite.over_colour(self.foreground, self.alpha, composite.parse_colour(background))
            if not Path(background).exists():
                raise ImageError(f"{background!r} is neither a colour, such as white or #ffcc00, nor an image file.")
        behind = imagefile.read(background)
        if behind.alpha is not None:
            raise ImageError("The background image has transparent parts; give one that is opaque.")
        return composite.over_image(self.foreground, self.alpha, behind.image)

    def over_blur(self, radius: float) -> Image:
        """Return the person over their own background, blurred by ``radius`` pixels."""
        kept_out = self.predicted if self.given is None else 1 - (1 - self.predicted) * self.given
        blurred = composite.blur_background(self.image, kept_out, radius)
        return composite.over_image(self.foreground, self.alpha, blurred)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = True) -> None:
        """Write ``rgba`` to ``path``, replacing what is there; the suffix chooses: .png, .webp, .avif or .tiff.

        Raises:
            OutputError: The format is unknown or holds no transparency, the file cannot be written, or it exists and
                ``overwrite`` is False.
        """
        target = Path(path)
        imagefile.write(target, imagefile.encode(self.rgba, imagefile.format_of(target)), overwrite=overwrite)
