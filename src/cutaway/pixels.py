"""A picture as libvips or Pillow opened it, of whatever kind, to a ``Photo``: upright, RGB, 8 or 16 bits a channel."""

import re
import struct
from collections.abc import Mapping
from dataclasses import replace
from numbers import Real
from types import MappingProxyType
from typing import Any

import numpy as np
import PIL.Image

from cutaway.colour import CMYK, GREY, RGB, converted, is_writable, model_of, picture_of
from cutaway.errors import ImageError
from cutaway.photo import Metadata, Photo
from cutaway.types import Alpha, Pixels, white
from cutaway.vips import pyvips

NO_DPI = 72.5
"""A resolution below this is what files hold, and libvips makes up, where nobody has thought of one."""

_MILLIMETRES = 25.4
_ORIENTATION = 0x0112
_DETAILS, _MAKER_NOTE = 0x8769, 0x927C
_BROKEN_EXIF = SyntaxError, ValueError, LookupError, TypeError, AttributeError, OSError, struct.error
"""What Pillow raises for it."""

_PROFILE, _EXIF, _XMP, _IPTC = "icc-profile-data", "exif-data", "xmp-data", "iptc-data"
_MODELS = MappingProxyType({"b-w": GREY, "grey16": GREY, "srgb": RGB, "rgb16": RGB, "rgb": RGB, "cmyk": CMYK})
_FILM = re.compile(rb"""(:(?:MotionPhoto|MicroVideo)(?:=["']|>))1""")
_TURN = re.compile(rb"""(tiff:Orientation(?:=["']|>))\d""")
_PHOTOSHOP = b"Photoshop 3.0\0"
_THUMBNAILS = (b"\x04\x09", b"\x04\x0c")
_PLAIN_MODES: Mapping[str, str] = MappingProxyType({"1": "L", "La": "LA", "PA": "RGBA", "RGBa": "RGBA", "I": "I;16"})
_KEPT_MODES = frozenset(("L", "LA", "RGB", "RGBA", "CMYK", "I;16"))


def to_photo(picture: pyvips.Image, name: str) -> Photo:
    """Return what ``picture`` shows, decoded now.

    Grey and palettes become RGB of the same values, CMYK and grey with a profile sRGB through it.
    Raises ``ImageError``, which calls the picture ``name``, for samples of unknown range; errors of libvips pass.
    """
    _refuse_unknown_range(picture, name)
    metadata, note = _metadata(picture), _note(picture)
    coloured, profile = _rgb(picture.autorot(), metadata.profile)
    samples = converted(coloured)
    metadata = replace(metadata, profile=profile)
    if samples.shape[2] == 3:
        return Photo(samples, None, metadata, note)
    return Photo(np.ascontiguousarray(samples[..., :3]), alpha_or_none(samples[..., 3]), metadata, note)


def alpha_or_none(values: Pixels) -> Alpha | None:
    """Return alpha ``values`` (H×W, 8 or 16 bits) as 0..1, or None where every one is opaque."""
    return None if values.min() == white(values) else values.astype(np.float32) / np.float32(white(values))


def from_pillow(picture: PIL.Image.Image, name: str) -> pyvips.Image:
    """Return the frame that ``picture`` stands at as libvips would have opened it, with what its file says of it.

    Raises ``ImageError``, which calls the picture ``name``, for samples of unknown range; Pillow's own errors pass.
    """
    if picture.mode == "F" or (picture.mode == "I" and not _holds_16_bits(picture)):
        raise _unknown_range(name)
    orientation = _orientation(picture)
    plain = _plain(picture)
    opened = picture_of(np.asarray(plain))
    if plain.mode == "CMYK":
        opened = opened.copy(interpretation="cmyk")
    match picture.info.get("dpi"):
        case (Real() as across, Real() as down):
            opened = opened.copy(xres=float(across) / _MILLIMETRES, yres=float(down) / _MILLIMETRES)
    opened = _with_blocks(opened, picture.info)
    opened.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return opened


def from_samples(samples: Pixels, info: Mapping[Any, Any]) -> pyvips.Image:
    """Return upright ``samples``, H×W×3 or H×W×4, and the blocks of ``info``, named as Pillow does, as a picture."""
    return _with_blocks(picture_of(samples), {**info, "exif": upright_exif(info.get("exif"))})


def upright_exif(block: bytes | None) -> bytes | None:
    """Return an EXIF ``block`` that says of its picture that it stands upright; None where it cannot be read.

    It comes back without its thumbnail, which would show the background that has been removed, and without what only
    the camera's maker can read, which may hold another.
    """
    if block is None:
        return None
    tags = PIL.Image.Exif()
    try:
        tags.load(block)
        tags[_ORIENTATION] = 1
        tags.get_ifd(_DETAILS).pop(_MAKER_NOTE, None)
        return tags.tobytes()
    except _BROKEN_EXIF:
        return None


def xmp_of_result(block: bytes | None) -> bytes | None:
    """Return an XMP ``block`` that says of its picture that it stands upright and has no film; None for none.

    Its thumbnails are cut out, from where the first begins to where the last ends; with any that are left, all goes.
    """
    if block is None:
        return None
    name = b":Thumbnails"
    begin, end = block.rfind(b"<", 0, block.find(name) + 1), block.rfind(name + b">")
    if 0 <= begin < end:
        block = block[:begin] + block[end + len(name) + 1 :]
    return None if b"xmpGImg:image" in block else _TURN.sub(rb"\g<1>1", _FILM.sub(rb"\g<1>0", block))


def iptc_without_thumbnails(block: bytes | None) -> bytes | None:
    """Return a block of Photoshop's resources, IPTC among them, without those that hold a small picture of the photo.

    None where it cannot be read. Each resource is "8BIM", a number, a name, a length and that many bytes, the name and
    the bytes filled up to an even length (Adobe, "Photoshop File Formats Specification").
    """
    if block is None or not block.startswith(_PHOTOSHOP):
        return None
    kept, rest = _PHOTOSHOP, block[len(_PHOTOSHOP) :]
    try:
        while rest.startswith(b"8BIM"):
            name_end = 6 + (rest[6] + 2) // 2 * 2
            (length,) = struct.unpack_from(">I", rest, name_end)
            end = name_end + 4 + (length + 1) // 2 * 2
            if rest[4:6] not in _THUMBNAILS:
                kept += rest[:end]
            rest = rest[end:]
    except (IndexError, struct.error):
        return None
    return kept if len(kept) > len(_PHOTOSHOP) else None


def _with_blocks(picture: pyvips.Image, info: Mapping[Any, Any]) -> pyvips.Image:
    for field, key in ((_PROFILE, "icc_profile"), (_EXIF, "exif"), (_XMP, "xmp")):
        if isinstance(block := info.get(key), bytes) and block:
            picture.set_type(pyvips.GValue.blob_type, field, block)
    return picture


def _refuse_unknown_range(picture: pyvips.Image, name: str) -> None:
    if picture.format not in ("uchar", "ushort"):
        raise _unknown_range(name)


def _unknown_range(name: str) -> ImageError:
    return ImageError(f"{name} has 32-bit samples of an unknown range; save it with 8 or 16 bits a channel.")


def _metadata(picture: pyvips.Image) -> Metadata:
    profile, exif, xmp, iptc = (_block(picture, field) for field in (_PROFILE, _EXIF, _XMP, _IPTC))
    dpi = round(picture.xres * _MILLIMETRES, 2)
    return Metadata(
        profile, dpi if dpi > NO_DPI else None, upright_exif(exif), xmp_of_result(xmp), iptc_without_thumbnails(iptc)
    )


def _block(picture: pyvips.Image, field: str) -> bytes | None:
    return bytes(picture.get(field)) if picture.get_typeof(field) else None


def _note(picture: pyvips.Image) -> str | None:
    """Return what else there is besides the picture that was opened."""
    frames = picture.get("n-pages") if picture.get_typeof("n-pages") else 1
    if frames > 1:
        return f"holds {frames} pictures, of which the main or first one is used"
    if _FILM.search(_block(picture, _XMP) or b""):
        return "is a motion photo; the film in it is left out"
    return None


def _rgb(picture: pyvips.Image, profile: bytes | None) -> tuple[pyvips.Image, bytes | None]:
    """Return ``picture`` in red, green and blue, alpha kept, and the profile that these are of."""
    model = profile and model_of(profile)
    own = _MODELS.get(picture.interpretation)
    kept = profile if model == RGB and profile and is_writable(profile) else None
    if own == RGB and (kept or model != RGB):
        return picture, kept
    depth = 16 if picture.format == "ushort" else 8
    # What is made of a photo has to be brought back into its colours. Where no way leads there, sRGB is kept instead.
    if own in (RGB, CMYK) or (own == GREY and model == GREY):
        return _through_profile(picture, depth), None
    return picture.colourspace("rgb16" if depth == 16 else "srgb"), kept


def _through_profile(picture: pyvips.Image, depth: int) -> pyvips.Image:
    """Return ``picture`` as sRGB of ``depth`` bits, by its own profile or libvips's; alpha as it is."""
    if not picture.hasalpha():
        return picture.icc_transform("srgb", embedded=True, depth=depth)
    # Apart, because libvips takes the alpha of CMYK for 8 bits, whatever the rest has.
    alpha = picture.bands - 1
    colours = picture.extract_band(0, n=alpha).icc_transform("srgb", embedded=True, depth=depth)
    return colours.bandjoin(picture[alpha])


def _holds_16_bits(picture: PIL.Image.Image) -> bool:
    values = np.asarray(picture)
    return bool(values.min() >= 0 and values.max() <= 65535)


def _plain(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Return ``picture`` in a mode that libvips knows too."""
    if picture.mode.startswith("I"):
        return PIL.Image.fromarray(np.asarray(picture).astype(np.uint16))
    mode = _PLAIN_MODES.get(picture.mode, picture.mode)
    if mode not in _KEPT_MODES or (mode == "RGB" and picture.has_transparency_data):
        mode = "RGBA" if picture.has_transparency_data else "RGB"
    elif mode == "L" and picture.has_transparency_data:
        mode = "LA"
    return picture if picture.mode == mode else picture.convert(mode)


def _orientation(picture: PIL.Image.Image) -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except _BROKEN_EXIF:
        return 1  # the EXIF block is broken; the picture is not
