"""ICC profiles for tests, made here."""

import struct
from functools import cache

import pyvips
from PIL import ImageCms


@cache  # LittleCMS writes the time into a profile
def swapped_profile() -> bytes:
    """An sRGB profile whose red and green primaries have changed places, so that its effect cannot be missed."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"tmpX", 1).replace(b"gXYZ", b"rXYZ", 1).replace(b"tmpX", b"gXYZ", 1)


@cache
def p3_profile() -> bytes:
    """Display P3, the space in which phones take photographs."""
    pixel = pyvips.Image.black(1, 1, bands=3).copy(interpretation="srgb")
    return bytes(pixel.icc_transform("p3").get("icc-profile-data"))


def grey_profile(gamma: float) -> bytes:
    """A grey profile of a plain gamma, put together by hand: Pillow makes none."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    return _assembled(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": curve})


def scanner_profile() -> bytes:
    """A scanner's RGB profile, which leads from its colours to Lab and not back: a table of two steps a channel."""
    identity = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    steps = [(r, g, b) for r in (0, 1) for g in (0, 1) for b in (0, 1)]
    lab = bytes(x for r, g, b in steps for x in (int(255 * (0.3 * r + 0.6 * g + 0.1 * b)), 128 + r - g, 128 + g - b))
    straight = bytes(range(256)) * 3
    table = b"mft1" + bytes(4) + bytes([3, 3, 2, 0]) + identity + straight + lab + straight
    return _assembled(b"scnr", b"RGB ", b"Lab ", {b"A2B0": table})


def _assembled(kind: bytes, model: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Return a profile of version 2: its header, a name, the white of D50 and ``tags``."""
    white = b"XYZ " + bytes(4) + struct.pack(">iii", 63190, 65536, 54061)
    name = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78)
    tags = {b"desc": name, b"wtpt": white, **tags}
    table, blocks, start = b"", b"", 128 + 4 + len(tags) * 12
    for key, block in tags.items():
        table += key + struct.pack(">II", start + len(blocks), len(block))
        blocks += block + bytes(-len(block) % 4)
    header = struct.pack(">I4sI4s4s4s", start + len(blocks), b"lcms", 0x02400000, kind, model, connection)
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">iii", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + blocks
