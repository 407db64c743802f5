"""A picture as Pillow opened it, of whatever mode, to upright sRGB arrays of 8 bits a channel."""

import io
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL.Image import Transpose

from cutaway.errors import ImageError
from cutaway.types import Alpha, Image

_TURNS: Mapping[object, Transpose] = MappingProxyType(
    {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
)
_ORIENTATION_TAG = 0x0112
_PROFILE_MODES = MappingProxyType({"GRAY": "L", "RGB ": "RGB", "CMYK": "CMYK"})
_STRAIGHT_MODES = MappingProxyType({"RGBa": "RGBA", "La": "LA"})
_GREY_MODES = frozenset(("1", "L", "LA"))
_ROWS_AT_ONCE = 256


def to_arrays(picture: PIL.Image.Image, name: str) -> tuple[Image, Alpha | None]:
    """Return a loaded ``picture`` as H×W×3 uint8, upright and sRGB, and its alpha, None where all of it is opaque.

    Raises ``ImageError``, which calls the picture ``name``, for samples of unknown range; Pillow's own errors pass.
    """
    # Each step takes the place of the picture before it, so that two copies of the pixels live at a time and not five.
    picture = _upright(picture)
    picture = _eight_bit(picture, name)
    alpha = _alpha(picture)
    picture = _srgb(picture)
    return _pixels(picture), alpha


def alpha_or_none(values: NDArray[np.uint8]) -> Alpha | None:
    """Return 8-bit alpha ``values`` (H×W) as 0..1, or None where every one is opaque."""
    return None if values.min() == 255 else values.astype(np.float32) / np.float32(255)


def _upright(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Return ``picture`` turned by its EXIF orientation.

    ``ImageOps.exif_transpose`` would also write the EXIF block anew, and fails where that block is malformed.
    """
    turn = _TURNS.get(_orientation(picture))
    return picture if turn is None else picture.transpose(turn)


def _orientation(picture: PIL.Image.Image) -> object:
    try:
        return picture.getexif().get(_ORIENTATION_TAG)
    except (SyntaxError, ValueError, LookupError, TypeError, OSError):
        return None  # the EXIF block is broken; the picture is not


def _eight_bit(picture: PIL.Image.Image, name: str) -> PIL.Image.Image:
    """Return ``picture`` with 8 bits a channel and straight alpha; 16 bits are scaled (65535 -> 255), never clipped."""
    if picture.mode in _STRAIGHT_MODES:
        return picture.convert(_STRAIGHT_MODES[picture.mode])
    if picture.mode == "F" or (picture.mode == "I" and not _holds_16_bits(picture)):
        raise ImageError(f"{name} has 32-bit samples of an unknown range; save it with 8 or 16 bits a channel.")
    if not picture.mode.startswith("I"):
        return picture
    grey = PIL.Image.fromarray(((np.asarray(picture).astype(np.uint32) + 128) // 257).astype(np.uint8))
    grey.info = {key: value for key, value in picture.info.items() if key == "icc_profile"}
    return grey


def _holds_16_bits(picture: PIL.Image.Image) -> bool:
    values = np.asarray(picture)
    return bool(values.min() >= 0 and values.max() <= 65535)


def _alpha(picture: PIL.Image.Image) -> Alpha | None:
    if not picture.has_transparency_data:
        return None
    return alpha_or_none(np.asarray(picture.convert("RGBA").getchannel("A")))


def _srgb(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Return ``picture`` as RGB, through its colour profile where it has one that fits, and without its alpha."""
    mode = "L" if picture.mode in _GREY_MODES else "CMYK" if picture.mode == "CMYK" else "RGB"
    plain = picture if picture.mode == mode else picture.convert(mode)
    profile = picture.info.get("icc_profile")
    managed = _through_profile(plain, profile) if profile else None
    return managed or plain.convert("RGB")


def _through_profile(plain: PIL.Image.Image, profile: bytes) -> PIL.Image.Image | None:
    """Return ``plain`` taken from ``profile`` to sRGB; None where the profile is broken or of another colour model."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _PROFILE_MODES.get(source.profile.xcolor_space)
        if mode is None or (plain.mode != mode and (plain.mode, mode) != ("L", "RGB")):
            return None
        return ImageCms.profileToProfile(plain.convert(mode), source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (OSError, ImageCms.PyCMSError):
        return None


def _pixels(picture: PIL.Image.Image) -> Image:
    """Return an RGB ``picture`` as an array, copied in strips: Pillow's own conversion holds the pixels three times."""
    pixels = np.empty((picture.height, picture.width, 3), np.uint8)
    for top in range(0, picture.height, _ROWS_AT_ONCE):
        bottom = min(top + _ROWS_AT_ONCE, picture.height)
        pixels[top:bottom] = np.asarray(picture.crop((0, top, picture.width, bottom)))
    return pixels
