"""Colours between sRGB and the space of a photograph's own ICC profile."""

import io

import numpy as np

from cutaway.types import Image, Pixels, eight_bit
from cutaway.vips import pyvips

RGB, GREY, CMYK = "RGB ", "GRAY", "CMYK"
"""Colour models of profiles, as ICC spells them."""

_PROFILE = "icc-profile-data"


def model_of(profile: bytes) -> str | None:
    """Return the colour model of an ICC ``profile``: ``RGB``, ``GREY``, ``CMYK`` or another; None where it is broken.

    libvips takes sRGB in silence for a profile that it cannot use, so LittleCMS is asked beforehand.
    """
    from PIL import ImageCms

    try:
        return str(ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space)
    except (OSError, ImageCms.PyCMSError):
        return None


def is_writable(profile: bytes) -> bool:
    """Return whether colours can be brought into the RGB ``profile``: a scanner's may lead out of its space alone."""
    from PIL import ImageCms

    try:
        ImageCms.buildTransform(ImageCms.createProfile("sRGB"), io.BytesIO(profile), "RGB", "RGB")
    except (OSError, ImageCms.PyCMSError):
        return False
    return True


def to_srgb(image: Image, profile: bytes | None) -> Image:
    """Return ``image``, whose colours are those of ``profile`` (None: sRGB), as sRGB, H×W×3 uint8."""
    if profile is not None:
        return converted(_with_profile(image, profile).icc_transform("srgb", embedded=True, depth=8))
    return eight_bit(image)


def from_srgb(image: Image, profile: bytes | None, like: Image) -> Image:
    """Return the sRGB ``image`` in the colours of ``profile`` (None: sRGB) and in the depth of ``like``."""
    return between(image, None, profile, like)


def between(image: Image, source: bytes | None, target: bytes | None, like: Image) -> Image:
    """Return ``image``, H×W×3 in the colours of ``source``, in those of ``target`` and in the depth of ``like``.

    None stands for sRGB. Relative colorimetric: white stays white, and what ``target`` cannot show is cut off.
    """
    if source == target:
        return in_depth(image, like)
    picture = picture_of(image) if source is None else _with_profile(image, source)
    middle = picture.icc_import(embedded=source is not None, input_profile="srgb")
    depth = 8 * like.dtype.itemsize
    if target is None:
        return converted(middle.icc_export(output_profile="srgb", depth=depth))
    middle = middle.copy()
    middle.set_type(pyvips.GValue.blob_type, _PROFILE, target)
    return converted(middle.icc_export(depth=depth))


def in_depth(pixels: Pixels, like: Pixels) -> Pixels:
    """Return ``pixels`` with as many bits a sample as ``like``."""
    if pixels.dtype == like.dtype:
        return pixels
    if like.dtype == np.uint16:
        return pixels.astype(np.uint16) * np.uint16(257)
    return eight_bit(pixels)


def picture_of(pixels: Pixels) -> pyvips.Image:
    """Return ``pixels``, H×W or H×W×1 to 4, as a picture of libvips. It reads the array, which must not change."""
    samples = np.ascontiguousarray(pixels)
    height, width = samples.shape[:2]
    deep = samples.dtype == np.uint16
    bands = samples.size // (height * width)
    colours = ("grey16" if deep else "b-w") if bands < 3 else ("rgb16" if deep else "srgb")
    plain = pyvips.Image.new_from_memory(samples.data, width, height, bands, "ushort" if deep else "uchar")
    return plain.copy(interpretation=colours)


def converted(picture: pyvips.Image) -> Pixels:
    """Return the samples of a picture of libvips, H×W×bands uint8 or uint16."""
    samples = np.asarray(picture.numpy())
    return samples.reshape(picture.height, picture.width, picture.bands)


def _with_profile(image: Image, profile: bytes) -> pyvips.Image:
    picture = picture_of(image)
    picture.set_type(pyvips.GValue.blob_type, _PROFILE, profile)
    return picture
