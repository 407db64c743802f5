"""Work at full size a tile at a time, so that what a photo's step needs in between does not grow with the photo."""

import functools
import math
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias, TypeVar

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL.Image import Resampling

from cutaway.types import eight_bit

Tile: TypeAlias = tuple[slice, slice]
"""The rows and the columns of a part of the frame; indexes an array."""

_SIDE = 256
_SMALL_SIDE = 96
_FOR_ONE_THREAD = 2**18
"""Multiplications of a product up to which OpenBLAS keeps to one thread."""

_THREADS = min(4, os.cpu_count() or 1)

_ROWS = 64
"""About how many rows are averaged at once."""

Part = TypeVar("Part")
Result = TypeVar("Result")


def tiles(height: int, width: int, side: int = _SIDE) -> Iterator[Tile]:
    """Yield tiles of ``side`` × ``side`` pixels that cover a ``height`` × ``width`` frame, each pixel once."""
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield slice(top, min(top + side, height)), slice(left, min(left + side, width))


def small_tiles(source: tuple[int, int], height: int, width: int) -> Iterator[Tile]:
    """Yield tiles as ``tiles`` does, of the size that ``enlarged`` is best asked for from planes of size ``source``.

    Larger ones hold more that nobody asked for, and BLAS would wake its threads for their products: these spin, which
    is many times as slow where another process has the cores.
    """
    scale, side = max(source[0] / height, source[1] / width), _SMALL_SIDE
    while side > 1 and _multiplications(side, scale) > _FOR_ONE_THREAD:
        side = side * 5 // 6
    return tiles(height, width, side)


def _multiplications(side: int, scale: float) -> float:
    """Return how many the larger product of ``enlarged`` has at most, for a tile from ``scale`` times its size."""
    read = side * scale + 2 * max(1, scale) + 2
    return side * read * max(side, read)


def spread(work: Callable[[Part], Result], parts: Iterable[Part]) -> list[Result]:
    """Return what ``work`` gives for each of ``parts``, in order, done by a few threads.

    NumPy and Pillow let go of the interpreter while they calculate, so the threads run beside each other.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(work, parts))


def enlarged(planes: NDArray[np.float32], tile: Tile, height: int, width: int) -> NDArray[np.float32]:
    """Return the part ``tile`` of ``planes``, …×h×w, resized bilinearly to ``height`` × ``width``, without the rest.

    It is what cutting ``tile`` out of the whole would give, as Pillow resizes. Pillow itself takes three times as long
    over floats.
    """
    rows, columns = source_of(tile, planes.shape[-2:], height, width)
    down = _weights(tile[0].start, tile[0].stop, planes.shape[-2], height)
    across = _weights(tile[1].start, tile[1].stop, planes.shape[-1], width)
    part: NDArray[np.float32] = np.matmul(np.matmul(down, planes[..., rows, columns]), across.T)
    return part


def reduced(
    pixels: NDArray[Any], height: int, width: int, *, kind: Resampling = Resampling.HAMMING
) -> NDArray[np.float32]:
    """Return ``pixels`` (H×W float32, H×W×3 uint8 or uint16) averaged to ``height`` × ``width``: C×height×width.

    These are no larger than H and W. Values are in the range of ``pixels``; of 16 bits 8 are seen. Whole pixels are
    averaged first.
    """
    down, across = max(1, pixels.shape[0] // height), max(1, pixels.shape[1] // width)
    means = np.atleast_3d(averaged(pixels, down, across))
    area = 0, 0, pixels.shape[1] / across, pixels.shape[0] / down
    pictures = (PIL.Image.fromarray(plane.astype(np.float32)) for plane in means.transpose(2, 0, 1))
    planes = np.stack([np.asarray(picture.resize((width, height), kind, area)) for picture in pictures])
    if pixels.dtype == np.uint16:
        planes *= np.float32(257)
    return planes


def averaged(pixels: NDArray[Any], down: int, across: int) -> NDArray[Any]:
    """Return the mean of each ``down`` × ``across`` block of ``pixels``: ⌈H/down⌉×⌈W/across⌉, uint8 or float32.

    ``pixels`` is as ``reduced`` takes it, and so are its channels. A few rows are taken at a time, so that no copy of
    all is needed: Pillow's own has four bytes for each pixel of three.
    """

    def average(strip: NDArray[Any]) -> NDArray[Any]:
        seen = strip if strip.dtype == np.float32 else eight_bit(strip)
        return np.asarray(PIL.Image.fromarray(seen).reduce((across, down)))

    step = down * max(1, _ROWS // down)
    return np.concatenate(spread(average, (pixels[top : top + step] for top in range(0, len(pixels), step))))


def source_of(tile: Tile, source: tuple[int, int], height: int, width: int) -> Tile:
    """Return the part of a picture of size ``source`` (height, width) that ``enlarged`` reads for ``tile``."""
    rows, columns = tile
    return _read(rows, source[0], height), _read(columns, source[1], width)


def _read(part: slice, side: int, full: int) -> slice:
    reach = max(1.0, side / full)
    start, stop = part.start * side / full - reach, part.stop * side / full + reach
    return slice(max(0, math.floor(start)), min(side, math.ceil(stop)))


@functools.lru_cache(maxsize=128)
def _weights(start: int, stop: int, side: int, full: int) -> NDArray[np.float32]:
    """Return how much each pixel in ``start``..``stop`` of ``full`` takes of each of ``side`` that ``_read`` names."""
    source = _read(slice(start, stop), side, full)
    middles = (np.arange(start, stop)[:, np.newaxis] + 0.5) * side / full
    away = np.abs(np.arange(source.start, source.stop) + 0.5 - middles)
    weights = np.maximum(1 - away / max(1.0, side / full), 0)
    shares: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    shares.flags.writeable = False
    return shares
