"""How far an alpha lies from a true alpha, and an estimated foreground from the true one. NumPy only.

The five errors of an alpha are those of Rhemann et al., "A perceptually motivated online benchmark for image matting",
CVPR 2009. Lower is better and 0 is perfect. Sums over pixels grow with the photo: compare them on the same photos only.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from cutaway.resampling import box_mean
from cutaway.types import Alpha, Image, Mask, check_alpha, check_same_size

SIGMA = 1.4
"""Standard deviation, in pixels, of the Gaussian whose derivatives give an alpha's gradient."""

STEPS = 10
"""Thresholds, evenly spaced up to 1, at which connectedness is looked at."""

THETA = 0.15
"""How far an alpha may rise above what is connected before it counts as disconnected."""

_CUT_OFF = 0.01  # of the filter: the reach at which the paper's own code ends it

_Plane = NDArray[np.float64]


@dataclass(frozen=True)
class MattingErrors:
    """The errors of one alpha over a region, with the scales that the field prints them in.

    Attributes:
        sad: Sum of absolute differences, in thousands of pixels.
        mse: Mean squared difference, 0..1; usually printed times 1000.
        mad: Mean absolute difference, 0..1; usually printed times 1000.
        grad: Gradient error, in thousands.
        conn: Connectivity error, in thousands.
    """

    sad: float
    mse: float
    mad: float
    grad: float
    conn: float


def measure(alpha: Alpha, truth: Alpha, region: Mask | None = None) -> MattingErrors:
    """Return the errors of ``alpha`` against ``truth`` (both H×W float32, 0..1) over ``region``, or all of it.

    ``region`` (H×W bool) only says which pixels count; gradients and connectedness are those of the whole alpha.
    Raises ``ValueError`` if the arrays differ in size or are of the wrong type, if an alpha lies outside 0..1, or if no
    pixel counts.
    """
    region = _checked(alpha, truth, region)
    difference = np.abs(alpha.astype(np.float64) - truth)[region]
    return MattingErrors(
        sad=float(difference.sum()) / 1000,
        mse=float(np.square(difference).mean()),
        mad=float(difference.mean()),
        grad=float(np.square(gradient(alpha) - gradient(truth))[region].sum()) / 1000,
        conn=float(np.abs(np.subtract(*_connectedness(alpha, truth)))[region].sum()) / 1000,
    )


def colour_error(foreground: Image, alpha: Alpha, true_foreground: Image, truth: Alpha) -> float:
    """Return how far the colours of a ``foreground`` (H×W×3 uint8) with its ``alpha`` are off in the soft pixels.

    It is the mean absolute difference of the channels, in levels of 8 bits, where 0 < ``truth`` < 1. Pixels weigh by
    the smaller of both alphas: what hardly shows cannot be seen to be wrong, nor be known where ``truth`` is near 0,
    and a pixel that is missing from ``alpha`` is the alpha's error. It is 0 where there is nothing to judge.
    Raises ``ValueError`` if the arrays differ in size or are of the wrong type.
    """
    check_same_size(foreground, alpha)
    check_same_size(true_foreground, truth)
    check_same_size(foreground, truth)
    weight = np.where(is_soft(truth), np.minimum(alpha, truth), 0).astype(np.float64)
    off = np.abs(foreground.astype(np.float64) - true_foreground).mean(axis=2)
    return float((off * weight).sum() / weight.sum()) if weight.any() else 0.0


def is_soft(alpha: Alpha) -> Mask:
    """Return where ``alpha`` is neither 0 nor 1, H×W bool."""
    return np.asarray((alpha > 0) & (alpha < 1))


def unknown_band(alpha: Alpha, reach: int) -> Mask:
    """Return the soft pixels of ``alpha`` and all within ``reach`` rows and columns: a trimap's unknown part."""
    return box_mean(is_soft(alpha).astype(np.float64), reach) > 0


def gradient(alpha: Alpha) -> _Plane:
    """Return the magnitude of the gradient of ``alpha``, H×W, by derivatives of a Gaussian.

    As in the code of Rhemann et al. each filter's squares add up to 1, so a value is no slope per pixel. Their code
    also stretches each alpha to its own range, which would forgive one that is too faint; here nothing is stretched.
    """
    reach = math.ceil(SIGMA * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * SIGMA * _CUT_OFF)))
    offsets = np.arange(-reach, reach + 1)
    bell = np.exp(-np.square(offsets / SIGMA) / 2)
    smooth, slope = bell / np.linalg.norm(bell), offsets * bell / np.linalg.norm(offsets * bell)
    down = _along_rows(_along_rows(alpha.T, slope).T, smooth)
    return np.hypot(down, _along_rows(_along_rows(alpha.T, smooth).T, slope))


def _along_rows(plane: NDArray[np.floating], kernel: _Plane) -> _Plane:
    """Return the correlation of each row of ``plane`` with ``kernel``; the frame's pixels go on outside."""
    reach = kernel.size // 2
    padded = np.pad(plane.astype(np.float64), ((0, 0), (reach, reach)), mode="edge")
    along: _Plane = sliding_window_view(padded, kernel.size, axis=1) @ kernel
    return along


def _connectedness(alpha: Alpha, truth: Alpha) -> tuple[_Plane, _Plane]:
    """Return how connected each pixel of both is to the largest part that they share, 0..1.

    A pixel's level is the last threshold up to which, at each one, it lies in the largest 4-connected part of what
    reaches the threshold in both.
    """
    level = np.zeros(truth.shape)
    connected = np.ones(truth.shape, np.bool_)
    for step in range(1, STEPS + 1):
        connected &= largest_part(np.minimum(alpha, truth) >= step / STEPS)
        level += connected / STEPS
    above, above_truth = alpha - level, truth - level
    return 1 - above * (above >= THETA), 1 - above_truth * (above_truth >= THETA)


def largest_part(mask: Mask) -> Mask:
    """Return the largest 4-connected part of ``mask``, the first in reading order of equal ones; nothing of nothing."""
    root = _roots(mask)
    sizes = np.bincount(root[mask.ravel()], minlength=mask.size)
    return np.asarray(mask & (root == sizes.argmax()).reshape(mask.shape))


def _roots(mask: Mask) -> NDArray[np.intp]:
    """Return for each pixel, in reading order, the number of the first pixel of its part.

    Of every two neighbours whose roots differ the later root is hung on the earlier, and all chains are shortened,
    until none differ: the parallel union-find of Shiloach and Vishkin, "An O(log n) parallel connectivity algorithm",
    1982.
    """
    numbers = np.arange(mask.size).reshape(mask.shape)
    across, down = mask[:, 1:] & mask[:, :-1], mask[1:] & mask[:-1]
    earlier = np.concatenate([numbers[:, :-1][across], numbers[:-1][down]])
    later = np.concatenate([numbers[:, 1:][across], numbers[1:][down]])
    root = np.arange(mask.size)
    while earlier.size:
        np.minimum.at(root, np.maximum(earlier, later), np.minimum(earlier, later))
        while not np.array_equal(shorter := root[root], root):
            root = shorter
        earlier, later = root[earlier], root[later]
        apart = earlier != later
        earlier, later = earlier[apart], later[apart]
    return root


def _checked(alpha: Alpha, truth: Alpha, region: Mask | None) -> Mask:
    """Return ``region``, or all of it, after checking that the arrays can be compared."""
    region = np.ones(truth.shape, np.bool_) if region is None else region
    if region.dtype != np.bool_:
        raise ValueError(f"a region is H×W bool, but this array is {region.dtype}")
    if not alpha.shape == truth.shape == region.shape:
        raise ValueError(f"alpha {alpha.shape}, truth {truth.shape} and region {region.shape} differ in size")
    for given in (alpha, truth):
        check_alpha(given)
        if not (given.min() >= 0 and given.max() <= 1):
            raise ValueError(f"an alpha lies in 0..1, but this one spans {given.min()}..{given.max()}")
    if not region.any():
        raise ValueError("no pixel counts, so there is nothing to judge")
    return region
