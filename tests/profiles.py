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
    white = b"XYZ " + bytes(4) + struct.pack(">iii", 63190, 65536, 54061)
    name = b"desc" + bytes(4) + struct.pack(">I", 5) + b"grey\0" + bytes(78)
    tags, blocks, start = [], b"", 128 + 4 + 3 * 12
    for key, block in ((b"desc", name), (b"wtpt", white), (b"kTRC", curve)):
        tags.append(key + struct.pack(">II", start + len(blocks), len(block)))
        blocks += block + bytes(-len(block) % 4)
    header = struct.pack(">I4sI4s4s4s", start + len(blocks), b"lcms", 0x02400000, b"mntr", b"GRAY", b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">iii", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + struct.pack(">I", 3) + b"".join(tags) + blocks
