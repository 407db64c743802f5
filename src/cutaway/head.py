"""Where a person's head is, told from their outline alone: an estimate, without a look at the face."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutaway.composite import bounding_box
from cutaway.errors import CutawayError
from cutaway.types import Alpha

NECK_SHARE = 0.85
"""A neck begins where the outline has narrowed to this share of the widest row above."""

PROPORTION = 1.5
"""Height of a head, hair and chin included, by its greatest width with ears and hair."""

NECKS = (0.8, 1.6)
"""How many widths of the head below the crown a neck may lie; anything narrow elsewhere is none."""

BESIDE = 0.2
"""Width of what lies beside the head, as a share of its own, from which it is no lock of hair."""

_SMOOTHED = 0.005
_LEVEL = 0.005


@dataclass(frozen=True)
class Head:
    """Rows of the ``crown`` (top of the hair) and the ``chin``, and the column of the ``middle``, in pixels."""

    crown: float
    chin: float
    middle: float


def find_head(alpha: Alpha) -> Head:
    """Return the head of the person in ``alpha``, H×W float32, 0..1, upright and alone.

    The crown is the person's first row. The head is what lies above the first narrowing, going down, to
    ``NECK_SHARE``. An outline does not show the chin: it is put halfway between the neck's first narrowest row, which
    lies above most chins, and ``PROPORTION`` times the head's width, which lies below.
    Raises ``CutawayError`` where there is nobody, where there is no neck (under long hair, a hood or a raised arm), and
    where somebody else, or an arm, is beside the head.
    """
    box = bounding_box(alpha)
    if box is None:
        raise CutawayError("There is nobody in this photograph whose head could be measured.")
    person = alpha[box[0] : box[2]] >= 0.5
    height = _head_height(_smooth(person.sum(axis=1)))
    if height is None:
        raise _unclear("the shoulders", "long hair, a hood, a raised arm?")
    columns = np.flatnonzero(person[: round(height)].sum(axis=0) > height / 4)
    runs = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
    widest = max(runs, key=len)
    if len(widest) * (1 + BESIDE) <= len(columns):
        raise _unclear("what is beside it", "a second person, an arm?")
    return Head(box[0], box[0] + height, float(widest.mean()) + 0.5)


def _unclear(others: str, guess: str) -> CutawayError:
    reason = f"The head cannot be told from {others} by the outline ({guess})"
    return CutawayError(f"{reason}; choose a size instead of a preset, or crop by hand.")


def _smooth(widths: NDArray[np.int_]) -> NDArray[np.float64]:
    """Return the mean of each row's width and its neighbours': a wisp of hair or a ragged row is no neck."""
    reach = round(_SMOOTHED * len(widths))
    padded = np.pad(widths.astype(np.float64), reach, mode="edge")
    return np.convolve(padded, np.full(2 * reach + 1, 1 / (2 * reach + 1)), mode="valid")


def _head_height(widths: NDArray[np.float64]) -> float | None:
    """Return the height of the head in the widths of a person's rows, or None where there is no neck."""
    narrow = np.flatnonzero(widths <= NECK_SHARE * np.maximum.accumulate(widths))
    if not narrow.size:
        return None
    head_width = float(widths[: narrow[0]].max())
    below = widths[narrow[0] :]
    shoulders = np.flatnonzero(below > head_width)
    if not shoulders.size:
        return None
    nape = below[: shoulders[0]]
    # A neck may stay as narrow for long; it begins at its first row.
    neck = int(narrow[0]) + int(np.flatnonzero(nape <= nape.min() + _LEVEL * head_width)[0])
    in_proportion = NECKS[0] <= neck / head_width <= NECKS[1]
    return (neck + PROPORTION * head_width) / 2 if in_proportion else None
