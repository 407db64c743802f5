"""The connected regions of a mask and of what lies around it."""

import numpy as np
from numpy.typing import NDArray

from cutaway.types import Mask


def regions(mask: Mask) -> NDArray[np.intp]:
    """Return the number of each pixel's region, h×w: that of pixels alike, in the ``mask`` or outside it alike.

    Those of a region touch along their sides. Numbers are from 0 on, but not every one is taken.
    """
    starts = np.ones(mask.shape, bool)
    starts[:, 1:] = mask[:, 1:] != mask[:, :-1]
    run = starts.ravel().cumsum().reshape(mask.shape) - 1
    # Where two runs of neighbouring rows first lie beside each other, one of them starts.
    touching = (mask[1:] == mask[:-1]) & (starts[1:] | starts[:-1])
    number = _joined(int(run[-1, -1]) + 1, run[:-1][touching], run[1:][touching])
    region: NDArray[np.intp] = number[run]
    return region


def _joined(count: int, left: NDArray[np.intp], right: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the least of ``count`` numbers that each hangs together with, by the pairs of ``left`` and ``right``."""
    number = np.arange(count)
    while (number[left] != number[right]).any():
        least = np.minimum(number[left], number[right])
        np.minimum.at(number, number[left], least)
        np.minimum.at(number, number[right], least)
        while (number[number] != number).any():
            number = number[number]
    return number
