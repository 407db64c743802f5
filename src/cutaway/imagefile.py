"""Photographs in, pictures out: a path, bytes, a file, a Pillow image or an array to sRGB pixels, and pixels to a file.

A file is taken to be hostile: its kind is read from its first bytes, its size from its header, and both are checked
before a pixel is decoded. Whatever Pillow raises while it decodes leaves as an ``ImageError`` that names the file.
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

from cutaway.errors import ImageError, OutputError
from cutaway.pixels import alpha_or_none, to_arrays
from cutaway.types import Alpha, Image

Source: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO | PIL.Image.Image | NDArray[np.uint8]
"""What a photograph is read from: a path, the bytes of a file, a binary file object, a Pillow image, or an array."""

READABLE = "JPEG, PNG, WebP, AVIF, TIFF, BMP, GIF or HEIC"
FORMATS: Mapping[str, str] = MappingProxyType(
    {".png": "png", ".webp": "webp", ".avif": "avif", ".tiff": "tiff", ".tif": "tiff", ".jpg": "jpg", ".jpeg": "jpg"}
)
"""The file endings that can be written, and the format each stands for."""
PHOTO_SUFFIXES = frozenset((*FORMATS, ".bmp", ".gif", ".heic", ".heif"))
"""What a walk through a folder takes for a photograph. A file that is named outright is judged by its content alone."""

_ENCODERS: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        # On a 12 MP cut-out level 4 halves the speed of level 1 to save a sixth of the bytes.
        "png": ("PNG", {"compress_level": 1}),
        "webp": ("WEBP", {"lossless": True, "method": 0}),
        "avif": ("AVIF", {"quality": 90, "subsampling": "4:4:4", "speed": 8}),
        "tiff": ("TIFF", {"compression": "tiff_adobe_deflate"}),
        "jpg": ("JPEG", {"quality": 92, "subsampling": 0}),
    }
)
_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)
_HEIC_BRANDS = frozenset((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1"))
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


@dataclass(frozen=True)
class Photo:
    """A photograph, upright and in sRGB. ``alpha`` (H×W, 0..1) is None where the file has no transparent pixel."""

    image: Image
    alpha: Alpha | None


def read(source: Source, limits: Limits = LIMITS) -> Photo:
    """Return the photograph in ``source``: upright by its EXIF orientation, sRGB by its profile, 8 bits a channel.

    Of an animation the first frame is taken; of a Pillow image the frame it stands at. An array is uint8, H×W (grey),
    H×W×3 (RGB) or H×W×4 (RGB and straight alpha), and is copied. Samples of 16 bits are scaled to 8.
    Raises ``ImageError`` for anything that is not a whole photograph of an accepted kind within ``limits``.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, limits)
    name = _name(source)
    if isinstance(source, PIL.Image.Image):
        with _decoding(name):
            return Photo(*to_arrays(_load(source, name, limits), name))
    data = _read_bytes(source, name, limits.max_bytes)
    kind = _kind(data, name)
    with _decoding(name):
        return Photo(*to_arrays(_load(_open(data, kind, name), name, limits), name))


def encode(pixels: NDArray[np.uint8], file_format: str) -> bytes:
    """Return ``pixels`` as the bytes of a file. They carry no EXIF, no GPS position, no time: nothing but the picture.

    ``pixels`` is H×W (grey), H×W×3 (sRGB) or H×W×4 (straight alpha) uint8; ``file_format`` is "png", "webp", "avif",
    "tiff" or "jpg". All but avif (quality 90) and jpg (quality 92, full colour resolution) are lossless.
    Raises ``OutputError`` for another format, for an alpha in a jpg, and where Pillow was built without the format.
    """
    if file_format not in _ENCODERS:
        raise OutputError(f"The format {file_format!r} cannot be written; choose one of {', '.join(_ENCODERS)}.")
    if file_format == "jpg" and pixels.ndim == 3 and pixels.shape[2] == 4:
        raise OutputError("A JPEG cannot hold transparency; choose a background, or write png, webp, avif or tiff.")
    pillow_format, options = _ENCODERS[file_format]
    buffer = io.BytesIO()
    try:
        PIL.Image.fromarray(pixels).save(buffer, pillow_format, **options)
    except (KeyError, OSError, ValueError) as error:
        size = f"{pixels.shape[1]} × {pixels.shape[0]}"
        raise OutputError(f"{size} pixels cannot be written as {file_format}: {_reason(error)}.") from error
    return buffer.getvalue()


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
        raise OutputError(f"{name} already exists and is kept; ask for it to be overwritten or choose another name.")


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


def _from_array(array: NDArray[Any], limits: Limits) -> Photo:
    if array.dtype != np.uint8:
        advice = "multiply values of 0..1 by 255 and" if array.dtype.kind == "f" else "scale to 0..255 and"
        raise ImageError(f"The array is {array.dtype}, but pixels have to be uint8; {advice} convert it to uint8.")
    if array.size == 0 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ImageError(f"The array has the shape {array.shape}; give height × width, × 3 for RGB or × 4 for RGBA.")
    _check_size(array.shape[1], array.shape[0], "The array", limits)
    if array.ndim == 2:
        return Photo(np.repeat(array[..., np.newaxis], 3, axis=2), None)
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
    text = str(getattr(error, "strerror", None) or error or type(error).__name__)
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


def _kind(data: bytes, name: str) -> str:
    """Return which of the accepted formats ``data`` begins like; the ending of its name is never asked."""
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    brands = _brands(data)
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    if brands & _HEIC_BRANDS:
        return "HEIC"
    raise ImageError(f"{name} is not a photograph that can be read; convert it to {READABLE}.")


def _brands(data: bytes) -> set[bytes]:
    """Return the brands in the file-type box of an ISO base media file (AVIF, HEIC); empty for any other file."""
    if data[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(data[:4], "big"), 256)
    return {data[8:12]} | {data[start : start + 4] for start in range(16, end, 4)}


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


def _open(data: bytes, kind: str, name: str) -> PIL.Image.Image:
    if kind == "HEIC":
        return _open_heic(data, name)
    return PIL.Image.open(io.BytesIO(data), formats=(kind,))


def _open_heic(data: bytes, name: str) -> PIL.Image.Image:
    try:
        opener = importlib.import_module("pi_heif")
    except ImportError as error:
        raise ImageError(f'{name} is a HEIC photo; to read it: pip install "cutaway[heic]"') from error
    picture: PIL.Image.Image = opener.HeifImageFile(io.BytesIO(data))
    return picture


def _load(picture: PIL.Image.Image, name: str, limits: Limits) -> PIL.Image.Image:
    _check_size(picture.width, picture.height, name, limits)
    picture.load()
    return picture


def _check_size(width: int, height: int, name: str, limits: Limits) -> None:
    if max(width, height) > limits.max_side or width * height > limits.max_pixels:
        raise ImageError(
            f"{name} is {width} × {height} pixels; the limit is {limits.max_side} along a side and "
            f"{limits.max_pixels / 1e6:g} million in all; save a smaller copy."
        )
    if width < 1 or height < 1:
        raise ImageError(f"{name} has no pixels.")
