"""What kind of file bytes are, by how they begin."""

from collections.abc import Mapping
from types import MappingProxyType

from cutaway.errors import ImageError

READABLE = "JPEG, PNG, WebP, AVIF, TIFF, BMP, GIF or HEIC"

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "JPEG": "image/jpeg",
        "PNG": "image/png",
        "WEBP": "image/webp",
        "AVIF": "image/avif",
        "HEIC": "image/heic",
        "TIFF": "image/tiff",
        "BMP": "image/bmp",
        "GIF": "image/gif",
    }
)
"""The kinds of file that can be read, and the media type of each."""

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


def kind_of(data: bytes, name: str = "The image") -> str:
    """Return which kind of file, a key of ``KINDS``, ``data`` begins like; the ending of its name is never asked.

    Raises ``ImageError`` when that is none.
    """
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
