"""How well one predicted alpha agrees with one true mask. NumPy only.

A ratio of nothing to nothing is 1: an empty prediction of an empty truth is perfect. A ratio of nothing to something is
0. Void pixels (``valid`` False) count in no score.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutaway.types import Alpha, Mask, check_alpha

CUT = 0.5
"""An alpha of at least this is a person."""

TOLERANCE = 0.0075
"""How far a boundary may be off and still match, as a share of the image's diagonal."""


@dataclass(frozen=True)
class Counts:
    """Pixels by prediction and truth. Counts of several photos add up to those of the pooled set."""

    both: int
    only_predicted: int
    only_true: int
    neither: int

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.both + other.both,
            self.only_predicted + other.only_predicted,
            self.only_true + other.only_true,
            self.neither + other.neither,
        )

    @property
    def person_iou(self) -> float:
        """Intersection over union of the person, 0..1."""
        return _ratio(self.both, self.both + self._wrong)

    @property
    def mean_iou(self) -> float:
        """Mean of the person's and the background's intersection over union, 0..1."""
        return (self.person_iou + _ratio(self.neither, self.neither + self._wrong)) / 2

    @property
    def dice(self) -> float:
        """Dice coefficient 2I / (A + B) of the person, 0..1; never below person IoU, though often passed off as it."""
        return _ratio(2 * self.both, 2 * self.both + self._wrong)

    @property
    def pixel_accuracy(self) -> float:
        """Share of pixels that are right, 0..1. An all-background answer gets the share of background for nothing."""
        right = self.both + self.neither
        return _ratio(right, right + self._wrong)

    @property
    def _wrong(self) -> int:
        return self.only_predicted + self.only_true


@dataclass(frozen=True)
class Scores:
    """All scores of one photo. Every one is 0..1; higher is better, except for ``mad``."""

    person_iou: float
    mean_iou: float
    dice: float
    pixel_accuracy: float
    boundary_f: float
    mad: float
    counts: Counts


def measure(alpha: Alpha, mask: Mask, valid: Mask | None = None) -> Scores:
    """Return every score of ``alpha`` (H×W float32, 0..1, cut at ``CUT``) against the true ``mask`` (H×W bool).

    ``valid`` (H×W bool) is False where the truth is void. Raises ``ValueError`` if the arrays differ in size or are of
    the wrong type, if an alpha lies outside 0..1, or if every pixel is void.
    """
    valid = _checked(alpha, mask, valid)
    predicted = alpha >= CUT
    counts = count(predicted, mask, valid)
    return Scores(
        person_iou=counts.person_iou,
        mean_iou=counts.mean_iou,
        dice=counts.dice,
        pixel_accuracy=counts.pixel_accuracy,
        boundary_f=boundary_f(predicted, mask, valid),
        mad=mean_absolute_difference(alpha, mask, valid),
        counts=counts,
    )


def count(predicted: Mask, mask: Mask, valid: Mask | None = None) -> Counts:
    """Return the pixel counts of a ``predicted`` mask against the true ``mask`` (both of one shape, bool)."""
    if valid is None:
        valid = np.ones_like(mask)
    return Counts(
        both=int(np.count_nonzero(predicted & mask & valid)),
        only_predicted=int(np.count_nonzero(predicted & ~mask & valid)),
        only_true=int(np.count_nonzero(mask & ~predicted & valid)),
        neither=int(np.count_nonzero(valid & ~(predicted | mask))),
    )


def mean_absolute_difference(alpha: Alpha, mask: Mask, valid: Mask | None = None) -> float:
    """Return the mean of |alpha − mask|, 0..1, so a confident mistake costs more than a hesitant one."""
    difference = np.abs(alpha - mask)
    return float(np.mean(difference if valid is None else difference[valid], dtype=np.float64))


def boundary_f(predicted: Mask, mask: Mask, valid: Mask | None = None, tolerance: float = TOLERANCE) -> float:
    """Return the F-measure of the boundaries of two H×W masks, 0..1.

    Precision is the share of the predicted boundary's pixels that lie within ``tolerance`` × the image's diagonal (of
    Euclidean distance, not rounded) of a pixel of the true boundary; recall is the share of the true boundary's pixels
    that lie as near to the predicted one; F is their harmonic mean: Csurka, Larlus and Perronnin, "What is a good
    evaluation measure for semantic segmentation?", BMVC 2013. The boundary map is that of DAVIS (Perazzi et al., CVPR
    2016): a pixel that differs from its right, lower or lower right neighbour. So the image's frame is no boundary,
    and a mask and its inverse have the same one. Two masks without any boundary agree (1), even if one is all person
    and the other all background: the IoU tells those apart.
    """
    if valid is None:
        valid = np.ones_like(mask)
    found, true = boundary(predicted, valid), boundary(mask, valid)
    if not found.any() and not true.any():
        return 1.0
    distance = tolerance * math.hypot(*mask.shape)
    precision, recall = _share_near(found, true, distance), _share_near(true, found, distance)
    return 2 * precision * recall / (precision + recall) if precision else 0.0


def boundary(mask: Mask, valid: Mask) -> Mask:
    """Return the H×W bool map of pixels unlike their right, lower or lower right neighbour; void is unlike nothing."""
    height, width = mask.shape
    edge = np.zeros_like(mask)
    for down, right in ((0, 1), (1, 0), (1, 1)):
        here, there = np.s_[: height - down, : width - right], np.s_[down:, right:]
        edge[here] |= (mask[here] != mask[there]) & valid[here] & valid[there]
    return edge


def _share_near(points: Mask, targets: Mask, distance: float) -> float:
    """Return the share of the True ``points`` that have a True pixel of ``targets`` within ``distance`` pixels, or 0.

    The disc around a point is one span a row, and running counts along the rows of ``targets`` tell with two look-ups
    whether a span holds any. A boundary has few points, so visiting each is far cheaper than dilating the whole image.
    """
    reach = int(distance)
    counts = np.cumsum(np.pad(targets, ((reach, reach), (reach + 1, reach))), axis=1, dtype=np.int32)
    rows, columns = np.nonzero(points)
    near = np.zeros(rows.size, np.bool_)
    for down in range(-reach, reach + 1):
        half = int(math.sqrt(distance**2 - down**2))
        near |= _span_holds(counts, rows + reach + down, columns + reach, half)
    return float(near.mean()) if near.size else 0.0


def _span_holds(counts: NDArray[np.int32], rows: NDArray[np.intp], columns: NDArray[np.intp], half: int) -> Mask:
    """Return for each (row, column) whether the running ``counts`` rise between column − half and column + half."""
    return np.not_equal(counts[rows, columns + 1 + half], counts[rows, columns - half])


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 1.0


def _checked(alpha: Alpha, mask: Mask, valid: Mask | None) -> Mask:
    """Return ``valid``, or an all-True one, after checking that the three arrays can be compared."""
    check_alpha(alpha)
    valid = np.ones_like(mask) if valid is None else valid
    if mask.dtype != np.bool_ or valid.dtype != np.bool_:
        raise ValueError(f"a mask is H×W bool, but these arrays are {mask.dtype} and {valid.dtype}")
    if not alpha.shape == mask.shape == valid.shape:
        raise ValueError(f"alpha {alpha.shape}, mask {mask.shape} and valid {valid.shape} differ in size")
    if not (alpha.min() >= 0 and alpha.max() <= 1):
        raise ValueError(f"an alpha lies in 0..1, but this one spans {alpha.min()}..{alpha.max()}")
    if not valid.any():
        raise ValueError("every pixel is void, so there is nothing to judge")
    return valid
