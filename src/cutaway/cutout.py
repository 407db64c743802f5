"""What a removal gives: the photo, its alpha, and the pictures made from them."""

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from cutaway import colour, composite, framing, imagefile
from cutaway.composite import Box, Fit
from cutaway.errors import CutawayError, ImageError
from cutaway.foreground import estimate_foreground
from cutaway.framing import Frame, IdPhoto, Margin
from cutaway.imagefile import Source
from cutaway.photo import UNKNOWN, Metadata, Photo
from cutaway.shadow import Shadow, cast
from cutaway.types import Alpha, Image, Rgba


@dataclass(frozen=True, eq=False)
class Cutout:
    """The person of a photo.

    ``image`` is the photo, H×W×3 uint8 or uint16, upright, in the colours of ``metadata.profile``. Every picture made
    of it has the same depth and colours, and ``save`` writes the profile beside them. ``predicted`` is what the network
    and the refinement say of it, H×W float32, 0..1; ``given`` is the alpha that the photo came with, None where it is
    opaque. ``confidence`` is 0..1: the person IoU to expect of the cut-out, as photos had it on which the weights were
    calibrated; where nobody was found, how sure the network is of that. ``shadow`` is what lies behind the person in
    every picture made of them, and ``scale`` the pixels that one of the photo's has become. ``note`` says what else the
    file held that is not in the picture, such as further frames.
    """

    image: Image
    predicted: Alpha
    confidence: float
    found_person: bool
    given: Alpha | None = None
    shadow: Shadow | None = None
    scale: float = 1.0
    metadata: Metadata = UNKNOWN
    note: str | None = None

    @cached_property
    def alpha(self) -> Alpha:
        """How much of each pixel is person and was there at all, H×W float32, 0..1: ``predicted`` times ``given``."""
        return self.predicted if self.given is None else self.predicted * self.given

    @cached_property
    def foreground(self) -> Image:
        """The person's own colour, H×W×3, in the depth of ``image``.

        The background's share is taken out of soft edges, and nothing is left behind them. An alpha that was given is
        straight: its colour is already the person's own.
        """
        return estimate_foreground(self.image, self.predicted)

    @cached_property
    def rgba(self) -> Rgba:
        """The cut-out, H×W×4 in the depth of ``image``, straight alpha; a shadow is black behind the person.

        Where alpha is 0 so is the colour: the background cannot be recovered.
        """
        if self.shadow is not None:
            return composite.under(self.foreground, self.alpha, cast(self.alpha, self.shadow))
        rgba = np.empty((*self.alpha.shape, 4), self.image.dtype)
        if "foreground" in vars(self):
            rgba[..., :3] = self.foreground
        else:  # it would be kept beside this: of 12 megapixels in 16 bits another 72 MB
            estimate_foreground(self.image, self.predicted, rgba[..., :3])
        composite.set_alpha(rgba, self.alpha)
        return rgba

    @property
    def box(self) -> Box | None:
        """The person's bounding box (top, left, bottom, right), half-open; None where nobody was found."""
        return composite.bounding_box(self.predicted)

    def over(self, background: Source | Photo, *, fit: Fit = "cover", position: str = "center") -> Image:
        """Return the person over a CSS colour such as ``"white"``, or over an image, brought to the photo's colours.

        An image is scaled to ``cover`` the frame, or to be ``contain``-ed in it with white around; ``position`` is
        what CSS calls background-position, in words or percent: ``"left"``, ``"right top"``, ``"50% 20%"``.

        Raises:
            ImageError: ``background`` is neither a colour nor an image that can be read, or it is not opaque.
            CutawayError: ``position`` is none.
        """
        across_and_down = composite.parse_position(position)
        height, width = self.alpha.shape
        if isinstance(background, str) and composite.is_colour(background):
            pixel = np.array([[composite.parse_colour(background)]], np.uint8)
            own = colour.from_srgb(pixel, self.metadata.profile, self.image)
            return self._over(np.broadcast_to(own, (height, width, 3)))
        if isinstance(background, str) and not Path(background).exists():
            raise ImageError(f"{background!r} is neither a colour, such as white or #ffcc00, nor an image file.")
        behind = background if isinstance(background, Photo) else imagefile.read(background)
        if behind.alpha is not None:
            raise ImageError("The background image has transparent parts; give one that is opaque.")
        fitted = composite.fit_background(behind.image, height, width, fit, across_and_down)
        return self._over(colour.between(fitted, behind.metadata.profile, self.metadata.profile, self.image))

    def over_blur(self, radius: float) -> Image:
        """Return the person over their own background, blurred by ``radius`` pixels."""
        kept_out = self.predicted if self.given is None else 1 - (1 - self.predicted) * self.given
        return self._over(composite.blur_background(self.image, kept_out, radius))

    def with_shadow(self, strength: float = 0.5) -> "Cutout":
        """Return this cut-out with a drawn shadow, which takes the share ``strength``, 0..1, of the light at most.

        On the ground behind a person who stands in the photo; behind the outline where the lower edge cuts them off.

        Raises:
            CutawayError: ``strength`` is not in 0..1.
        """
        cut = self.box is not None and framing.is_cut_below(self.box, len(self.alpha))
        return replace(self, shadow=Shadow("drop" if cut else "ground", strength))

    def cropped(self, margin: Margin) -> "Cutout":
        """Return the part around the person, with ``margin``, as far as the photo goes; all where nobody was found."""
        return self if self.box is None else self._framed(framing.crop(self.box, margin, *self.alpha.shape))

    def sized(self, height: int, width: int, margin: Margin, *, upscale: bool = False) -> "Cutout":
        """Return the person in ``height`` × ``width`` pixels: centred, and standing on the lower ``margin``.

        A person whom the photo cuts off reaches that edge. Unless ``upscale``, nobody becomes larger than in the photo.
        Where nobody was found it is the middle of the photo.
        """
        (rows, columns), size = self.alpha.shape, (height, width)
        if self.box is None:
            return self._framed(framing.cover((rows, columns), size))
        return self._framed(framing.place(self.box, margin, (rows, columns), size, upscale=upscale))

    def for_preset(self, name: str, *, upscale: bool = False) -> "Cutout":
        """Return the person as the preset ``name`` of ``framing.PRESETS`` prescribes.

        Raises:
            CutawayError: There is no such preset, or it cannot be met with this photo; the text says why.
        """
        preset = framing.find_preset(name)
        if isinstance(preset, IdPhoto):
            shown = self._framed(framing.place_head(self.predicted, preset, upscale=upscale))
            return replace(shown, metadata=replace(self.metadata, dpi=framing.ID_DPI))
        if self.box is None:
            raise CutawayError("There is nobody in this photograph to be shown as the preset prescribes.")
        rows, columns = self.alpha.shape
        return self._framed(framing.place_goods(self.box, (rows, columns), preset, upscale=upscale))

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = True, keep_metadata: bool = False) -> None:
        """Write ``rgba`` to ``path``, replacing what is there; the suffix chooses: .png, .webp, .avif or .tiff.

        Colour profile and resolution go with it; EXIF and XMP, which may tell where and by whom the photo was taken,
        only with ``keep_metadata``.

        Raises:
            OutputError: The format is unknown or holds no transparency, the file cannot be written, or it exists and
                ``overwrite`` is False.
        """
        target = Path(path)
        metadata = self.metadata if keep_metadata else self.metadata.public()
        data = imagefile.encode(self.rgba, imagefile.format_of(target), metadata)
        imagefile.write(target, data, overwrite=overwrite)

    def _over(self, behind: Image) -> Image:
        if self.shadow is not None:
            behind = composite.over_colour(behind, 1 - cast(self.alpha, self.shadow), composite.BLACK)
        return composite.over_image(self.foreground, self.alpha, behind)

    def _framed(self, frame: Frame) -> "Cutout":
        """Return what ``frame`` shows. Beyond the photo there is nothing, as where its own alpha is 0."""
        whole = np.broadcast_to(np.float32(1), self.alpha.shape) if self.given is None else self.given
        given = framing.take(whole, frame)
        return replace(
            self,
            image=self._image_in(frame),
            predicted=framing.take(self.predicted, frame),
            given=given if given.min() < 1 else None,
            scale=self.scale * frame.scale,
        )

    def _image_in(self, frame: Frame) -> Image:
        if self.given is None:
            return framing.take(self.image, frame)
        # Pillow weighs colours by the alpha beside them, so that what it hides does not run into what is seen.
        return framing.take(np.dstack([self.image, composite.quantised(self.given, self.image.dtype)]), frame)[..., :3]
