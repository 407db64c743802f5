"""Outlines as COCO stores them, polygons and runs, made into pixels by pycocotools.

They are checked first, as pycocotools does not: it reads and writes wild memory on runs that do not fit the photo, and
takes four numbers for a box.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from pycocotools import mask as rle

from cutaway.types import Mask

Size: TypeAlias = tuple[int, int]
"""(height, width) of the photo that an outline lies in."""


@dataclass(frozen=True, slots=True)
class Outline:
    """Where something is: runs, column by column, as pycocotools compresses them, and how many pixels that are."""

    runs: bytes
    pixels: int


def read_outline(segmentation: Any, size: Size) -> Outline | None:
    """Return the outline that COCO's ``segmentation`` stands for, or None where it is broken.

    Broken are polygons of fewer than three points, of an odd number of coordinates, of anything but numbers, or that
    reach over the photo's edge by more than its longer side (what is outside is cut off), and runs that are not of the
    photo's size. One broken polygon breaks the outline.
    """
    if isinstance(segmentation, dict):
        counts = segmentation.get("counts")
        counts = _decompress(counts) if isinstance(counts, str) else counts
        if segmentation.get("size") != list(size) or not _fill(counts, size):
            return None
        packed = rle.frPyObjects({"size": size, "counts": counts}, *size)
    elif segmentation and all(_is_polygon(points, max(size)) for points in segmentation):
        packed = rle.merge(rle.frPyObjects(segmentation, *size))
    else:
        return None
    return Outline(packed["counts"], int(rle.area(packed)))


def union_pixels(outlines: Sequence[Outline], size: Size) -> int:
    """Return how many pixels lie in any of ``outlines``."""
    return int(rle.area(_union(outlines, size))) if outlines else 0


def union_mask(outlines: Sequence[Outline], size: Size) -> Mask:
    """Return H×W bool: whether a pixel lies in any of ``outlines``."""
    return np.asarray(rle.decode(_union(outlines, size)), np.bool_) if outlines else np.zeros(size, np.bool_)


def _union(outlines: Sequence[Outline], size: Size) -> dict[str, Any]:
    union: dict[str, Any] = rle.merge([{"size": size, "counts": outline.runs} for outline in outlines])
    return union


def _is_polygon(points: Any, side: int) -> bool:
    if not isinstance(points, list) or len(points) < 6 or len(points) % 2:
        return False
    return all(type(value) in (int, float) and -side <= value <= 2 * side for value in points)


def _fill(counts: Any, size: Size) -> bool:
    whole = isinstance(counts, list) and all(type(count) is int and count >= 0 for count in counts)
    return whole and sum(counts) == size[0] * size[1]


def _decompress(text: str) -> list[int]:
    """Return the runs in COCO's text, where a character is five bits of one; what is no such text fits no photo.

    From the fourth on, a run is stored as its difference from the last but one.
    """
    counts: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            value -= (bits & 16) << (shift - 4)
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    return counts if shift == 0 else []
