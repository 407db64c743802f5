"""Closed-form matting of the unsure band, for those who can wait. It needs the extra ``matting``."""

import math
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutaway.errors import CutawayError
from cutaway.geometry import resize_alpha, resize_image
from cutaway.refine import MOST, follow_edges, settled
from cutaway.resampling import box_mean
from cutaway.tiles import Tile, enlarged, reduced, small_tiles, source_of
from cutaway.types import Alpha, Image, Mask, check_alpha, check_image, white

LONGEST = 2048
"""Longer side, in pixels, at which a photo is solved at most; in larger ones each pixel solved stands for several."""

SIDE, OVERLAP = 384, 64
"""Sides of the tiles, and how far each fades into the one before, in pixels at the size that is solved."""

REACH = 4
"""Pixels of the coarse alpha that the band reaches beyond those that are unsure."""

DAMPING = 0.03
"""Weight of staying at the guided filter's alpha, beside the matting Laplacian, whose diagonal is about 9."""

EPSILON = 1e-6
"""Variance of a window's colours (0..1) that counts as noise."""

_SURE = 0.05
_TOLERANCE, _ITERATIONS = 1e-3, 200

Colours = NDArray[np.float32]
"""h×w×3, 0..1."""

_Laplacian = Callable[..., Any]
"""``pymatting.cf_laplacian``, which returns a sparse matrix."""


def closed_form(coarse: Alpha, image: Image, small: Image | None = None) -> Alpha:
    """Return ``coarse`` (h×w, of the same frame as ``image``) at the size of ``image``, H×W, 0..1.

    ``small`` is as ``guided`` takes it.

    Where the network is unsure, and nearby, the guided filter's alpha is drawn towards what the matting Laplacian of
    Levin, Lischinski and Weiss, "A Closed-Form Solution to Natural Image Matting" (2008), takes for likely: an alpha
    that is linear in the colours of each 3×3 pixels. It solves (L + ``DAMPING``) · change = −L · alpha there, tile by
    tile, so that no trimap has to be guessed and an error of the network spreads no further than the photo insists.
    Everywhere else, and where a photo has no such place, the result is the guided filter's; nowhere does it lie
    further than ``refine.MOST`` from ``coarse`` enlarged, its doubts settled.
    Raises ``CutawayError`` where pymatting is missing.
    """
    laplacian = _load_laplacian()
    check_alpha(coarse)
    check_image(image)
    seen = resize_image(image, *coarse.shape) if small is None else small
    opinion = settled(coarse, seen)
    alpha = follow_edges(opinion, image, seen)
    height, width = alpha.shape
    scale = math.ceil(max(height, width) / LONGEST)
    size = math.ceil(height / scale), math.ceil(width / scale)
    colours = np.moveaxis(reduced(image, *size), 0, -1) / np.float32(white(image))
    change = _change(laplacian, reduced(alpha, *size)[0], _band(opinion, *size), colours)
    for tile in small_tiles(change.shape, height, width):
        if change[source_of(tile, size, height, width)].any():
            near = enlarged(opinion, tile, height, width)
            moved = alpha[tile] + enlarged(change, tile, height, width)
            alpha[tile] = np.clip(moved, np.maximum(near - MOST, 0), np.minimum(near + MOST, 1))
    return alpha


def require() -> None:
    """Raise ``CutawayError`` where pymatting is missing; it is not loaded yet, which takes seconds."""
    if find_spec("pymatting") is None:
        raise CutawayError('closed-form matting needs pymatting; to have it: pip install "cutaway[matting]"')


def _load_laplacian() -> _Laplacian:
    require()
    from pymatting import cf_laplacian

    laplacian: _Laplacian = cf_laplacian
    return laplacian


def _band(coarse: Alpha, height: int, width: int) -> Mask:
    """Return where ``coarse``, at ``height`` × ``width``, is unsure or ``REACH`` from it."""
    unsure = (coarse > _SURE) & (coarse < 1 - _SURE)
    near = (box_mean(unsure.astype(np.float64), REACH) > 0).astype(np.float32)
    return resize_alpha(near, height, width) > 0


def _change(laplacian: _Laplacian, alpha: Alpha, band: Mask, colours: Colours) -> Alpha:
    """Return what to add to ``alpha`` in the ``band``, of the same size as ``colours`` (h×w×3, 0..1)."""
    change = np.zeros_like(alpha)
    for tile in _overlapping(*alpha.shape):
        if band[tile].any():
            solved = _solve(laplacian, alpha[tile], band[tile], colours[tile])
            change[tile] += (solved - change[tile]) * _fade(tile)
    return change


def _overlapping(height: int, width: int) -> Iterator[Tile]:
    """Yield tiles that cover the frame, each of which begins ``OVERLAP`` before the end of the one before."""
    for top in range(0, max(1, height - OVERLAP), SIDE - OVERLAP):
        for left in range(0, max(1, width - OVERLAP), SIDE - OVERLAP):
            yield slice(top, min(top + SIDE, height)), slice(left, min(left + SIDE, width))


def _fade(tile: Tile) -> Alpha:
    """Return how much of a tile's own result counts beside what earlier tiles left: 1 beyond the overlap."""
    down, across = (
        np.clip(np.arange(part.stop - part.start, dtype=np.float32) / OVERLAP + (part.start == 0), 0, 1)
        for part in tile
    )
    return np.outer(down, across)


def _solve(laplacian: _Laplacian, alpha: Alpha, band: Mask, colours: Colours) -> Alpha:
    """Return what to add to ``alpha`` so that it fits ``colours``; 0 outside the ``band``."""
    from scipy.sparse import identity
    from scipy.sparse.linalg import cg

    rows = laplacian(colours.astype(np.float64), EPSILON, is_known=~band)[band.ravel()]
    system = rows[:, band.ravel()] + DAMPING * identity(rows.shape[0])
    change = np.zeros_like(alpha)
    change[band] = cg(system, -rows @ alpha.ravel(), rtol=_TOLERANCE, maxiter=_ITERATIONS)[0]
    return change
