"""Lines through colours: alpha as a linear function of a pixel's colour, another one at each place."""

import functools
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Planes: TypeAlias = NDArray[np.float32 | np.float64]

PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
"""The elements of a symmetric 3×3 matrix: row and column, in the order of ``solve_symmetric``."""


class Line(NamedTuple):
    """Alpha as a linear function of colour (0..1): ``slope``, 3×h×w, times the colour, plus ``offset``, h×w."""

    slope: Planes
    offset: Planes


def sum_of_products(left: Iterable[Planes], right: Iterable[Planes]) -> Planes:
    """Return the scalar product, at each place, of two vectors whose components are planes."""
    return functools.reduce(np.add, (one * other for one, other in zip(left, right, strict=True)))


def solve_symmetric(matrix: Iterable[Planes], right: Iterable[Planes]) -> tuple[Planes, Planes, Planes]:
    """Solve a positive definite 3×3 system at each place; ``matrix`` holds its elements in the order of ``PAIRS``.

    By L·D·Lᵀ: the channels of a grey photo are nearly one, and in float32 a determinant would be lost in its rounding.
    """
    a, b, c, d, e, f = matrix
    x, y, z = right
    p, q = b / a, c / a
    second, mixed = d - p * b, e - p * c
    r = mixed / second
    third = f - q * c - r * mixed
    y = y - p * x
    last = (z - q * x - r * y) / third
    middle = y / second - r * last
    return x / a - p * middle - q * last, middle, last
