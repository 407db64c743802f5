"""How far a colour is the person's and not the background's, told by the colours of both nearby."""

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from cutaway.lines import PAIRS, Line, Planes, solve_symmetric, sum_of_products
from cutaway.resampling import box_mean
from cutaway.types import Alpha

BLOCK = 4
"""Pixels of the coarse alpha along a block: what colours there are about needs no finer look."""

NEARBY = 4
"""Blocks that each of two means reaches, by which colours are gathered."""

NOISE = 1e-3
"""Variance (of colours, 0..1) added within a side, or where sides differ little, grain and JPEG's blocks would show."""

APART = 12.0
"""Squared distance of both sides' means, in variances within them, at which the line counts half."""

LEAST = 0.05
"""Weight, of the blocks nearby, that each side has to have for the line to count in full."""

_TINY = np.float32(1e-6)
"""Keeps quotients finite where there is nothing to divide."""


def line_between_sides(alpha: Alpha, guide: Planes) -> tuple[Line, Planes]:
    """Return the line that tells the person's colours from the background's, and how far it tells them, 0..1.

    ``alpha`` is h×w and ``guide`` the photo's colours, 3×h×w, 0..1, both float32. What is returned is of blocks,
    ⌈h/4⌉×⌈w/4⌉, float32 and finite: where both sides are nearby and differ, the line is 1 at the mean colour of the
    person and 0 at the background's. A block of mean alpha *c* counts for the side that it is nearer to, by
    (2 · *c* − 1)² and by how near it lies.

    Between the means the line follows the linear discriminant of Fisher, "The Use of Multiple Measurements in Taxonomic
    Problems" (1936): the direction in which the sides lie farthest apart, beside how their pixels' colours vary. So the
    stripes of a wall, or skin beside hair, are no sign of the other side. How far it tells goes by that distance, and
    is 0 where there is but one side.
    """
    cover = _of_blocks(alpha)
    sure = np.square(2 * cover - 1)
    weights = np.stack([sure * (cover > 0.5), sure * (cover < 0.5)])
    colours = np.stack([_of_blocks(channel) for channel in guide])
    shares = _nearby(weights)
    person, background = _nearby(weights[:, np.newaxis] * colours) / (shares[:, np.newaxis] + _TINY)
    squares = _nearby(np.stack([sure * _of_blocks(guide[i] * guide[j]) for i, j in PAIRS]))
    within = [
        (square - shares[0] * person[i] * person[j] - shares[1] * background[i] * background[j])
        / (shares.sum(axis=0) + _TINY)
        + (NOISE if i == j else 0)
        for square, (i, j) in zip(squares, PAIRS, strict=True)
    ]
    difference = person - background
    direction = np.stack(solve_symmetric(within, difference))
    apart = np.maximum(sum_of_products(direction, difference), _TINY)
    slope = direction / apart
    enough = np.minimum(shares.min(axis=0) / LEAST, 1)
    told: Planes = enough * np.square(apart) / (np.square(apart) + APART**2)
    return Line(slope, -sum_of_products(slope, background)), told


def _nearby(planes: Planes) -> Planes:
    return box_mean(box_mean(planes, NEARBY), NEARBY)


def _of_blocks(plane: Planes) -> NDArray[np.float32]:
    return np.asarray(PIL.Image.fromarray(plane).reduce(BLOCK))
