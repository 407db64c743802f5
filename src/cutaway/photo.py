"""A photograph in memory, and what its file says of it besides the pixels."""

from dataclasses import dataclass

from cutaway.types import Alpha, Image


@dataclass(frozen=True)
class Metadata:
    """What a file holds besides the pixels.

    ``profile`` is the ICC profile that its red, green and blue are of; None stands for sRGB. ``dpi`` is how many pixels
    an inch of it has on paper; None where the file does not say. ``exif``, ``xmp`` and ``iptc`` are those blocks as
    they stand in the file: camera, time, position, names.
    """

    profile: bytes | None = None
    dpi: float | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None

    @property
    def is_private(self) -> bool:
        """Whether there is something in it that tells of more than the picture."""
        return any((self.exif, self.xmp, self.iptc))

    def public(self) -> "Metadata":
        """Return what may go on with every picture: profile and resolution."""
        return Metadata(self.profile, self.dpi)


UNKNOWN = Metadata()
"""Of a picture in sRGB of which nothing else is known."""


@dataclass(frozen=True)
class Photo:
    """A photograph, upright, in 8 or 16 bits a channel.

    ``image`` is red, green and blue of ``metadata.profile``, whatever the file held; ``alpha`` (H×W, 0..1) is None
    where the file has no transparent pixel. ``note`` says what else was in the file and is not in the image: further
    frames, pages, a film. None where that is nothing.
    """

    image: Image
    alpha: Alpha | None = None
    metadata: Metadata = UNKNOWN
    note: str | None = None
