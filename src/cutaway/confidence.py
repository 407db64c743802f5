"""What the network's alpha says of itself: whether it shows anybody, and how good it is likely to be."""

from math import log, tanh

import numpy as np

from cutaway.manifest import Calibration
from cutaway.resampling import box_mean
from cutaway.types import Alpha

UNSURE, SURE = 0.83, 0.95
"""Below the first confidence most cut-outs are bad, from the second on hardly any: docs/benchmark.md counts them."""

SMALLEST_PERSON = 0.01
"""What ``person_share`` is at least where there is anybody."""

OUTLINE = 2
"""Pixels to either side of an outline in which alpha may be soft without being doubtful: of what is thinner, all."""

NEARLY_CERTAIN = 1e-6
"""How near to 0 and 1 an expectation may come, whose log-odds would be infinite there."""


def person_share(alpha: Alpha) -> float:
    """Return the share of the frame, 0..1, that a person takes up; a pixel counts by how much likelier it is than not.

    So a few pixels that the network is sure of tell more than many that it wavers about.
    """
    return float(np.maximum(2 * alpha - 1, 0).mean())


def shows_person(alpha: Alpha) -> bool:
    """Return whether ``alpha`` shows anybody."""
    return person_share(alpha) >= SMALLEST_PERSON


def expected_iou(alpha: Alpha) -> float:
    """Return the person IoU, 0..1, to expect of ``alpha`` cut at 0.5 if its values are the odds of each pixel."""
    inside = alpha >= 0.5
    union = float(np.count_nonzero(inside)) + float(alpha[~inside].sum())
    return float(alpha[inside].sum()) / union if union else 0.0


def stray_doubt(alpha: Alpha) -> float:
    """Return how much of ``alpha`` is likely to be wrong away from any outline, as a share of the person's area.

    Outlines are soft, and stay so however often the network is asked; of a whole shoulder it may change its mind. Where
    nobody is likelier than not, it is the number of pixels.
    """
    inside = alpha >= 0.5
    near = box_mean(inside.astype(np.float32), OUTLINE)
    doubt = np.minimum(alpha, 1 - alpha)[(near == 0) | (near == 1)]
    return float(doubt.sum()) / max(1, int(np.count_nonzero(inside)))


def calibrated(expected: float, calibration: Calibration) -> float:
    """Return the person IoU, 0..1, that photos really have of which the network expects ``expected``.

    Its log-odds are a line in those of the expectation (Platt, "Probabilistic outputs for support vector machines",
    1999), so of two photos the one that is expected to be better stays the better one.
    """
    share = min(max(expected, NEARLY_CERTAIN), 1 - NEARLY_CERTAIN)
    return (1 + tanh((calibration.offset + calibration.slope * log(share / (1 - share))) / 2)) / 2
