"""How far a colour is the person's and not the background's, told by the colours of both nearby."""

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from cutaway.lines import PAIRS, Line, Planes, solve_symmetric, sum_of_products
from cutaway.resampling import box_mean
from cutaway.types import Alpha

BLOCK = 4
"""Pixels of the coarse alpha along a block: what colours there are about needs no finer look."""

ABOUT = 4
"""Blocks that each of two means reaches, by which colours are gathered."""

NOISE = 1e-3
"""Variance (of colours, 0..1) added within a side, or where sides differ little, grain and JPEG's blocks would show."""

APART = 12.0
"""Squared distance of both sides' means, in variances within them, at which the line counts half."""

LEAST = 0.05
"""Share of the blocks about that each side has to have, for the line to count."""

_NOTHING = np.float32(1e-6)


def line_between_sides(alpha: Alpha, guide: Planes) -> tuple[Line, Planes]:
    """Return the line that tells the person's colours from the background's, and how far it tells them, 0..1.

    ``alpha`` is h×w and ``guide`` the photo's colours, 3×h×w, 0..1. What is returned is of blocks, ⌈h/4⌉×⌈w/4⌉: about
    each, the line is 1 at the mean colour of the person and 0 at the background's. A block counts for a side by the
    square of how sure it is of it, and by how near it is.

    Between the means the line follows the linear discriminant of Fisher, "The Use of Multiple Measurements in Taxonomic
    Problems" (1936): the direction in which the sides lie farthest apart, beside how their pixels' colours vary. So the
    stripes of a wall, or skin beside hair, are no sign of the other side. How far it tells goes by that distance, and
    is 0 where there is but one side.
    """
    colours, cover = np.stack([_of_blocks(channel) for channel in guide]), _of_blocks(alpha)
    sure = np.square(2 * cover - 1)
    person, background = sure * (cover > 0.5), sure * (cover < 0.5)
    products = [sure * _of_blocks(guide[i] * guide[j]) for i, j in PAIRS]
    sums = _about(np.stack([person, *person * colours, background, *background * colours, *products]))
    persons, backgrounds = sums[0], sums[4]
    one, other = sums[1:4] / (persons + _NOTHING), sums[5:8] / (backgrounds + _NOTHING)
    within = [
        (product - persons * one[i] * one[j] - backgrounds * other[i] * other[j]) / (persons + backgrounds + _NOTHING)
        + (NOISE if i == j else 0)
        for product, (i, j) in zip(sums[8:], PAIRS, strict=True)
    ]
    direction = solve_symmetric(within, one - other)
    apart = np.maximum(sum_of_products(direction, one - other), _NOTHING)
    slope = np.stack(direction) / apart
    enough = np.clip(np.minimum(persons, backgrounds) / LEAST, 0, 1)
    told: Planes = enough * np.square(apart) / (np.square(apart) + APART**2)
    return Line(slope, -sum_of_products(slope, other)), told


def _about(planes: Planes) -> Planes:
    return box_mean(box_mean(planes, ABOUT), ABOUT)


def _of_blocks(plane: Planes) -> NDArray[np.float32]:
    return np.asarray(PIL.Image.fromarray(plane).reduce(BLOCK))
