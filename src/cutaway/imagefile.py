"""Photographs in, pictures out: a path, bytes, a file, a Pillow image or an array to pixels, and pixels to a file.

A file is taken to be hostile: its kind is read from its first bytes, its size from its header, and both are checked
before a pixel is decoded. Whatever a decoder raises leaves as an ``ImageError`` that names the file.
"""

import importlib
import io
import logging
import os
import secrets
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, TypeAlias

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from cutaway.colour import picture_of, to_srgb
from cutaway.errors import ImageError, LimitError, OutputError
from cutaway.filekind import kind_of
from cutaway.photo import UNKNOWN, Metadata, Photo
from cutaway.pixels import alpha_or_none, from_pillow, from_samples, to_photo
from cutaway.types import Image, Pixels
from cutaway.vips import pyvips

Source: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO | PIL.Image.Image | Pixels
"""What a photograph is read from: a path, the bytes of a file, a binary file object, a Pillow image, or an array."""

FORMATS: Mapping[str, str] = MappingProxyType(
    {".png": "png", ".webp": "webp", ".avif": "avif", ".tiff": "tiff", ".tif": "tiff", ".jpg": "jpg", ".jpeg": "jpg"}
)
"""The file endings that can be written, and the format each stands for."""
PHOTO_SUFFIXES = frozenset((*FORMATS, ".bmp", ".gif", ".heic", ".heif"))
"""What a walk through a folder takes for a photograph. A file that is named outright is judged by its content alone."""

LOSSY: Mapping[str, int] = MappingProxyType({"webp": 90, "avif": 90, "jpg": 92})
"""The formats that can be written with loss, and the quality, 1..100, that is usual."""

_SAVERS: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        # On a 12 MP cut-out level 2 takes a third off the bytes of level 1; above it there is little more to win.
        # Of the filters "up" is the quickest and makes the smallest files, with grain and without, in 8 bits and in 16.
        "png": ("pngsave_buffer", {"compression": 2, "filter": "up"}),
        "webp": ("webpsave_buffer", {"effort": 0}),
        "avif": ("heifsave_buffer", {"compression": "av1", "effort": 1, "subsample_mode": "off"}),
        "tiff": ("tiffsave_buffer", {"compression": "deflate", "predictor": "horizontal"}),
        "jpg": ("jpegsave_buffer", {"subsample_mode": "off"}),
    }
)
_DPI_IN_EXIF = frozenset(("webp", "avif", "jpg"))
_LOADERS: Mapping[str, str] = MappingProxyType(
    {
        "JPEG": "jpegload_buffer",
        "PNG": "pngload_buffer",
        "WEBP": "webpload_buffer",
        "AVIF": "heifload_buffer",
        "TIFF": "tiffload_buffer",
        "GIF": "gifload_buffer",
    }
)
_CHUNK = 1 << 20

# Without a handler Python prints Pillow's log of odd tags to stderr; a program that sets up logging still receives it.
logging.getLogger("PIL").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Limits:
    """How large a photograph may be: bytes of the file, pixels of the picture, pixels along either side."""

    max_bytes: int = 200_000_000
    max_pixels: int = 50_000_000
    max_side: int = 12_000


LIMITS = Limits()


def read(source: Source, limits: Limits = LIMITS) -> Photo:
    """Return the photograph in ``source``: upright by its EXIF orientation, in its own colours and depth.

    Of an animation the first frame is taken; of a Pillow image the frame it stands at. An array is uint8 or uint16,
    H×W (grey), H×W×3 (RGB) or H×W×4 (RGB and straight alpha), sRGB, and is copied.
    Raises ``ImageError`` for anything that is not a whole photograph of an accepted kind within ``limits``.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, limits)
    name = _name(source)
    if isinstance(source, PIL.Image.Image):
        with _decoding(name):
            return to_photo(from_pillow(_load(source, name, limits), name), name)
    data = _read_bytes(source, name, limits.max_bytes)
    kind = kind_of(data, name)
    with _decoding(name):
        return to_photo(_open(data, kind, name, limits), name)


def read_srgb(source: Source, limits: Limits = LIMITS) -> Image:
    """Return the image of a photograph as ``read`` does, but sRGB, H×W×3 uint8: what networks and metrics are given."""
    photo = read(source, limits)
    return to_srgb(photo.image, photo.metadata.profile)


def encode(pixels: Pixels, file_format: str, metadata: Metadata = UNKNOWN, *, quality: int | None = None) -> bytes:
    """Return ``pixels`` as the bytes of a file, with ``metadata`` and nothing else beside the picture.

    ``pixels`` is H×W (grey), H×W×3 or H×W×4 (straight alpha), uint8 or uint16; ``file_format`` is "png", "webp",
    "avif", "tiff" or "jpg". PNG and TIFF keep 16 bits, AVIF 12 of them, the others 8. AVIF and JPEG are lossy, and so
    is WebP where a ``quality``, 1..100, is given; at full colour resolution all but WebP. A TIFF holds no EXIF.
    Raises ``OutputError`` for another format, a quality that it does not have, and an alpha in a jpg.
    """
    _check_encoding(pixels, file_format, quality)
    saver, options = _SAVERS[file_format]
    loss = {} if file_format not in LOSSY else {"Q": quality or LOSSY[file_format]}
    lossless = {"lossless": quality is None} if file_format == "webp" else {}
    picture = _described(picture_of(pixels), metadata)
    # libvips would write an EXIF block of its own; the resolution is all in it that is wanted, and only where need be.
    keep = "all" if metadata.is_private or (metadata.dpi and file_format in _DPI_IN_EXIF) else "icc"
    try:
        return bytes(getattr(picture, saver)(keep=keep, **options, **loss, **lossless))
    except pyvips.Error as error:
        size = f"{pixels.shape[1]} × {pixels.shape[0]}"
        raise OutputError(f"{size} pixels cannot be written as {file_format}: {_reason(error)}.") from error


def format_of(path: Path) -> str:
    """Return the format that the ending of ``path`` stands for. Raises ``OutputError`` when it stands for none."""
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise OutputError(f"{_printable(str(path))} does not end in a format that can be written: {' '.join(FORMATS)}.")
    return FORMATS[ending]


def check_target(path: Path, *, overwrite: bool = False) -> None:
    """Raise ``OutputError`` unless a picture may be written to ``path``; ask before the work, ``write`` asks again."""
    name = _printable(str(path))
    if path.exists() and not path.is_file():
        raise OutputError(f"{name} is not a file that can be written; name a file.")
    if path.exists() and not overwrite:
        advice = "choose another name, or say --overwrite (overwrite=True)"
        raise OutputError(f"{name} already exists and is kept; {advice}.")


def write(path: Path, data: bytes, *, overwrite: bool = False) -> None:
    """Write ``data`` to ``path`` whole or not at all: under a temporary name beside it, flushed to disk, then renamed.

    Raises ``OutputError`` when ``path`` exists and is not to be overwritten, or when the disk refuses.
    """
    check_target(path, overwrite=overwrite)
    temporary = path.with_name(f".cutaway-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"{_printable(str(path))} cannot be written: {_reason(error)}.") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _check_encoding(pixels: Pixels, file_format: str, quality: int | None) -> None:
    if file_format not in _SAVERS:
        raise OutputError(f"The format {file_format!r} cannot be written; choose one of {', '.join(_SAVERS)}.")
    if file_format == "jpg" and pixels.ndim == 3 and pixels.shape[2] == 4:
        raise OutputError("A JPEG cannot hold transparency; choose a background, or write png, webp, avif or tiff.")
    if quality is not None and file_format not in LOSSY:
        lossy = ", ".join(LOSSY)
        raise OutputError(f"{file_format} is without loss and has no quality; leave it out, or choose one of {lossy}.")
    if quality is not None and not 1 <= quality <= 100:
        raise OutputError(f"A quality of {quality} makes no sense; give a number from 1 to 100.")


def _described(picture: pyvips.Image, metadata: Metadata) -> pyvips.Image:
    """Return ``picture`` with ``metadata``; a grey one, such as a mask, is of no profile of colours."""
    density = (metadata.dpi or 72) / 25.4
    described = picture.copy(xres=density, yres=density)
    described.set_type(pyvips.GValue.gint_type, "orientation", 1)
    blocks = {
        "icc-profile-data": metadata.profile if picture.bands > 2 else None,
        "exif-data": metadata.exif,
        "xmp-data": metadata.xmp,
        "iptc-data": metadata.iptc,
    }
    for field, block in blocks.items():
        if block is not None:
            described.set_type(pyvips.GValue.blob_type, field, block)
    return described


def _from_array(array: NDArray[Any], limits: Limits) -> Photo:
    if array.dtype not in (np.uint8, np.uint16):
        advice = "multiply values of 0..1 by 255 and" if array.dtype.kind == "f" else "scale to 0..255 and"
        raise ImageError(
            f"The array is {array.dtype}, but pixels have to be uint8 or uint16; {advice} convert it to uint8."
        )
    if array.size == 0 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ImageError(f"The array has the shape {array.shape}; give height × width, × 3 for RGB or × 4 for RGBA.")
    _check_size(array.shape[1], array.shape[0], "The array", limits)
    if array.ndim == 2:
        return Photo(np.repeat(array[..., np.newaxis], 3, axis=2))
    alpha = alpha_or_none(array[..., 3]) if array.shape[2] == 4 else None
    return Photo(array[..., :3].copy(order="C"), alpha)


def _name(source: object) -> str:
    """Return what an error calls ``source``: its path where it has one."""
    if isinstance(source, str | os.PathLike):
        return _printable(os.fsdecode(source))
    known = getattr(source, "filename", None) or getattr(source, "name", None)
    return _printable(known) if isinstance(known, str) else "The image"


def _printable(text: str) -> str:
    """Return ``text`` on one line, for an error: a file name may hold line breaks and terminal codes."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _reason(error: Exception) -> str:
    # libvips says in its message what it was doing, and in a detail of lines "PART: REASON" what went wrong.
    detail = error.detail.strip().partition(": ")[2] if isinstance(error, pyvips.Error) else ""
    text = detail or str(getattr(error, "strerror", None) or error or type(error).__name__)
    return _printable(text.splitlines()[0]).rstrip(".")


def _read_bytes(source: object, name: str, max_bytes: int) -> bytes:
    if isinstance(source, bytes):
        data = source[: max_bytes + 1]
    elif isinstance(source, str | os.PathLike):
        data = _read_path(Path(os.fsdecode(source)), name, max_bytes)
    elif hasattr(source, "read"):
        data = _read_file(source, name, max_bytes)
    else:
        raise ImageError(
            f"No image can be read from a {type(source).__name__}; "
            "give a path, bytes, a binary file, a Pillow image or an array."
        )
    if len(data) > max_bytes:
        raise ImageError(f"{name} is larger than the limit of {max_bytes / 1e6:g} MB; save a smaller copy.")
    if not data:
        raise ImageError(f"{name} is empty.")
    return data


def _read_path(path: Path, name: str, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            return _read_file(file, name, max_bytes)
    except FileNotFoundError as error:
        raise ImageError(f"{name} does not exist; check the path.") from error
    except IsADirectoryError as error:
        raise ImageError(f"{name} is a folder; name an image file in it.") from error
    except (OSError, ValueError) as error:
        raise ImageError(f"{name} cannot be opened: {_reason(error)}.") from error


def _read_file(file: Any, name: str, max_bytes: int) -> bytes:
    """Return what ``file`` still holds, but never more than one chunk beyond ``max_bytes``."""
    data = bytearray()
    try:
        while len(data) <= max_bytes and (chunk := file.read(_CHUNK)):
            data += chunk
    except TypeError as error:
        raise ImageError(f"{name} gives text; open the file in binary mode ('rb').") from error
    except (OSError, ValueError) as error:
        raise ImageError(f"{name} cannot be read: {_reason(error)}.") from error
    return bytes(data)


@contextmanager
def _decoding(name: str) -> Iterator[None]:
    """Turn whatever decoding raises into an ``ImageError``.

    Broken files make Pillow raise OSError, ValueError, SyntaxError, RuntimeError, NotImplementedError and more, so in
    this place, and in no other, every ``Exception`` is caught.
    """
    try:
        with _PILLOW_WARNINGS:
            yield
    except ImageError:
        raise
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning) as error:
        raise ImageError(f"{name} would unpack to far too many pixels; save a smaller copy.") from error
    except PIL.UnidentifiedImageError as error:
        raise ImageError(f"{name} is damaged: its header cannot be read.") from error
    except Exception as error:
        raise ImageError(f"{name} is damaged or of an unusual kind and cannot be decoded: {_reason(error)}.") from error


class _PillowWarnings:
    """Makes Pillow's bomb warning an error and drops its remarks on odd metadata, as long as any thread decodes.

    Warning filters belong to the process: threads that each saved and restored them could leave ours behind.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._saved = ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._saved.enter_context(warnings.catch_warnings())
                warnings.filterwarnings("ignore", module=r"(PIL|pi_heif)\.")
                warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._saved.close()


_PILLOW_WARNINGS = _PillowWarnings()


def _open(data: bytes, kind: str, name: str, limits: Limits) -> pyvips.Image:
    """Return the picture in ``data``, its size checked; pixels are decoded when they are asked for."""
    if kind == "HEIC":
        return _open_heic(data, name, limits)
    if kind == "BMP":
        picture = PIL.Image.open(io.BytesIO(data), formats=("BMP",))
        return from_pillow(_load(picture, name, limits), name)
    # libvips would guess a loader itself; naming it keeps every other one that it knows out of reach.
    # Of a JPEG it would take stray bytes, which cameras leave and every viewer skips, for an error.
    strictness = "truncated" if kind == "JPEG" else "error"
    opened = getattr(pyvips.Image, _LOADERS[kind])(data, access="sequential", fail_on=strictness)
    _check_size(opened.width, opened.height, name, limits)
    return opened


def _open_heic(data: bytes, name: str, limits: Limits) -> pyvips.Image:
    try:
        opener = importlib.import_module("pi_heif")
    except ImportError as error:
        raise ImageError(f'{name} is a HEIC photo; to read it: pip install "cutaway[heic]"') from error
    heic = opener.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
    width, height = heic.size
    _check_size(width, height, name, limits)
    return from_samples(np.asarray(heic), heic.info)


def _load(picture: PIL.Image.Image, name: str, limits: Limits) -> PIL.Image.Image:
    _check_size(picture.width, picture.height, name, limits)
    picture.load()
    return picture


def _check_size(width: int, height: int, name: str, limits: Limits) -> None:
    if width < 1 or height < 1:
        raise ImageError(f"{name} has no pixels.")
    for actual, limit in ((max(width, height), limits.max_side), (width * height, limits.max_pixels)):
        if actual > limit:
            reason = (
                f"{name} is {width} × {height} pixels; the limit is {limits.max_side} along a side and "
                f"{limits.max_pixels / 1e6:g} million in all; save a smaller copy."
            )
            raise LimitError(reason, limit, actual)
