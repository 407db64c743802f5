"""Work at full size a tile at a time, so that what a photo's step needs in between does not grow with the photo."""

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
_THREADS = min(4, os.cpu_count() or 1)

_ROWS = 64
"""About how many rows are averaged at once."""

Part = TypeVar("Part")
Result = TypeVar("Result")


def tiles(height: int, width: int) -> Iterator[Tile]:
    """Yield tiles that cover a ``height`` × ``width`` frame, each pixel once."""
    for top in range(0, height, _SIDE):
        for left in range(0, width, _SIDE):
            yield slice(top, min(top + _SIDE, height)), slice(left, min(left + _SIDE, width))


def spread(work: Callable[[Part], Result], parts: Iterable[Part]) -> list[Result]:
    """Return what ``work`` gives for each of ``parts``, in order, done by a few threads.

    NumPy and Pillow let go of the interpreter while they calculate, so the threads run beside each other.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(work, parts))


def enlarged(
    picture: PIL.Image.Image, tile: Tile, height: int, width: int, kind: Resampling = Resampling.BILINEAR
) -> NDArray[Any]:
    """Return the part ``tile`` of ``picture`` resized to ``height`` × ``width``, without resizing the rest.

    The result has the picture's own dtype and channels, and is what cutting ``tile`` out of the whole would give.
    """
    rows, columns = tile
    left, right = _scaled(columns, picture.width, width)
    top, bottom = _scaled(rows, picture.height, height)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    return np.asarray(picture.resize(size, kind, box=(left, top, right, bottom)))


def reduced(
    pixels: NDArray[Any], height: int, width: int, *, kind: Resampling = Resampling.HAMMING
) -> NDArray[np.float32]:
    """Return ``pixels`` (H×W float32, H×W×3 uint8 or uint16) averaged to ``height`` × ``width``: C×height×width.

    These are no larger than H and W. Values are in the range of ``pixels``; of 16 bits 8 are seen. Whole pixels are
    averaged first, a few rows at a time, so that no copy of ``pixels`` is needed.
    """
    down, across = max(1, pixels.shape[0] // height), max(1, pixels.shape[1] // width)
    step = down * max(1, _ROWS // down)
    strips = (pixels[top : top + step] for top in range(0, len(pixels), step))
    means = np.atleast_3d(np.concatenate(spread(lambda strip: _averaged(strip, down, across), strips)))
    area = 0, 0, pixels.shape[1] / across, pixels.shape[0] / down
    pictures = (PIL.Image.fromarray(plane.astype(np.float32)) for plane in means.transpose(2, 0, 1))
    planes = np.stack([np.asarray(picture.resize((width, height), kind, area)) for picture in pictures])
    if pixels.dtype == np.uint16:
        planes *= np.float32(257)
    return planes


def _averaged(strip: NDArray[Any], down: int, across: int) -> NDArray[Any]:
    seen = strip if strip.dtype == np.float32 else eight_bit(strip)
    return np.asarray(PIL.Image.fromarray(seen).reduce((across, down)))


def source_of(tile: Tile, source: tuple[int, int], height: int, width: int) -> Tile:
    """Return the part of a picture of size ``source`` (height, width) that ``enlarged`` reads for ``tile``."""
    rows, columns = tile
    return _read(rows, source[0], height), _read(columns, source[1], width)


def _read(part: slice, side: int, full: int) -> slice:
    start, stop = _scaled(part, side, full)
    reach = max(1.0, side / full)
    return slice(max(0, math.floor(start - reach)), min(side, math.ceil(stop + reach)))


def _scaled(part: slice, side: int, full: int) -> tuple[float, float]:
    return part.start * side / full, min(part.stop * side / full, side)
