"""How far a mean over photos may be off because these photos were scored and no others: bootstrap intervals.

The intervals are BCa: Efron, "Better bootstrap confidence intervals", JASA 1987; Efron and Tibshirani, "An Introduction
to the Bootstrap", 1993, chapter 14. The simpler percentile interval misses on one side when a score is skewed, and
person IoU is: most photos lie near 1, and a few bad ones pull. BCa corrects the percentiles for bias and skew, which
costs nothing for a mean.

Photos are drawn, not pixels. Two models are compared on the same photos, by their difference on each: what makes a
photo hard for both cancels out, and the interval says which is better even where the models' own intervals overlap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from cutaway.evaluation.score import Evaluation, Row, by_source

LEVEL = 0.95
RESAMPLES = 9_999
SEED = 0
"""The same scores always have the same interval."""

DRAWN_AT_ONCE = 2**21
"""Photos drawn into memory at a time."""


@dataclass(frozen=True)
class Estimate:
    """A mean over photos and the ends of its interval; None for a single photo, which says nothing of others."""

    mean: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class SetEstimate:
    """The estimates of one set of photos with people: of one model, or of the difference between two."""

    source: str
    n: int
    person_iou: Estimate
    boundary_f: Estimate


def estimates(evaluation: Evaluation) -> list[SetEstimate]:
    """Return the estimates of each set of photos with people, and of all of them; none if there are none."""
    return [_set_estimate(source, _scores(rows)) for source, rows in by_source(evaluation.people)]


def differences(first: Evaluation, other: Evaluation) -> list[SetEstimate]:
    """Return by how much ``other`` is above ``first``, set by set, on the photos with people that both answered."""
    of_first = {row.sample: row for row in first.people}
    shared = by_source([row for row in other.people if row.sample in of_first])
    return [
        _set_estimate(source, _scores(rows) - _scores(of_first[row.sample] for row in rows)) for source, rows in shared
    ]


def estimate(values: Sequence[float] | NDArray[np.float64]) -> Estimate:
    """Return the mean of at least one value, and its interval."""
    array = np.asarray(values, np.float64)
    return Estimate(float(array.mean()), bca_interval(array) if array.size > 1 else None)


def bca_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of the BCa interval of the mean of at least two ``values`` (1-D) at ``LEVEL``."""
    mean, normal = float(values.mean()), NormalDist()
    if not np.ptp(values):
        return mean, mean
    means = _resampled_means(values)
    below = np.count_nonzero(means < mean) + np.count_nonzero(means <= mean)
    bias = normal.inv_cdf((below + 1) / (2 * RESAMPLES + 2))  # the ones keep it finite
    deviations = values - mean
    skew = float((deviations**3).sum() / (6 * (deviations**2).sum() ** 1.5))
    reached = [bias + normal.inv_cdf(tail) for tail in ((1 - LEVEL) / 2, (1 + LEVEL) / 2)]
    low, high = np.quantile(means, [normal.cdf(bias + z / (1 - skew * z)) for z in reached])
    return float(low), float(high)


def _resampled_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``RESAMPLES`` means, each of as many values as there are, drawn with replacement."""
    random = np.random.default_rng(SEED)
    rows = max(1, DRAWN_AT_ONCE // values.size)
    batches = [min(rows, RESAMPLES - start) for start in range(0, RESAMPLES, rows)]
    return np.concatenate([values[random.integers(0, values.size, (n, values.size))].mean(axis=1) for n in batches])


def _scores(rows: Iterable[Row]) -> NDArray[np.float64]:
    """Return n×2: the person IoU and the boundary F of each row."""
    return np.array([(row.scores.person_iou, row.scores.boundary_f) for row in rows if row.scores])


def _set_estimate(source: str, scores: NDArray[np.float64]) -> SetEstimate:
    person_iou, boundary_f = scores.T
    return SetEstimate(source, len(scores), estimate(person_iou), estimate(boundary_f))
