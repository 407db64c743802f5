"""What tables show, as text; the terminal and the page share it."""

from collections.abc import Callable

from cutaway.evaluation.intervals import LEVEL, Estimate, SetEstimate
from cutaway.evaluation.score import POOR, EmptySummary, Summary

COLUMNS = {
    "n": "n",
    "person_iou": "person IoU",
    "person_iou_median": "median",
    "poor_share": f"under {POOR}",
    "boundary_f": "boundary F",
    "mean_iou": "mean IoU",
    "dice": "Dice",
    "pixel_accuracy": "pixel acc.",
    "mad": "MAD",
}
"""The fields of a ``Summary`` that tables show, in order, and what heads them."""

EMPTY_COLUMNS = {"n": "n", "found_person": "person found", "found_person_share": "share"}
"""The same of an ``EmptySummary``."""

INTERVAL_COLUMNS = ("n", "person IoU", "boundary F")
"""What heads the texts of ``interval_cells``."""

PERCENT = f"{LEVEL:.0%}".replace("%", " %")

NOTHING = "–"


def cells(summary: Summary) -> list[str]:
    """Return the texts of a table's row: the set, then the columns of ``COLUMNS``."""
    return [summary.source, *(number(getattr(summary, name)) for name in COLUMNS)]


def empty_cells(summary: EmptySummary) -> list[str]:
    """Return the texts of a table's row: the set, then the columns of ``EMPTY_COLUMNS``."""
    return [summary.source, *(number(getattr(summary, name)) for name in EMPTY_COLUMNS)]


def interval_cells(scores: SetEstimate) -> list[str]:
    """Return the texts of a row of scores: the set, then the columns of ``INTERVAL_COLUMNS``."""
    return [scores.source, str(scores.n), with_interval(scores.person_iou), with_interval(scores.boundary_f)]


def difference_cells(scores: SetEstimate) -> list[str]:
    """Return the texts of a row of differences: the set, then the columns of ``INTERVAL_COLUMNS``."""
    return [scores.source, str(scores.n), with_range(scores.person_iou), with_range(scores.boundary_f)]


def with_interval(score: Estimate) -> str:
    """Return a score, and on a second line its interval: ``.902``, ``.884–.919``."""
    return "\n".join([number(score.mean), *_ends(score, number, "–")])


def with_range(difference: Estimate) -> str:
    """Return a difference, and on a second line its interval, with their signs: ``−.012``, ``−.020 to −.004``."""
    return "\n".join([signed(difference.mean), *_ends(difference, signed, " to ")])


def number(value: float) -> str:
    """Return a count as it stands, a score without its leading 0: so a terminal of 80 columns holds a row."""
    return str(value) if isinstance(value, int) else f"{value:.3f}".removeprefix("0")


def three_digits(value: float) -> str:
    """Return a measure with as many digits as mean something: ``134``, ``21.2``, ``8.83``, ``0.719``."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def signed(value: float) -> str:
    """Return a difference of scores: ``+.012`` or ``−.012``, and ``.000`` of what rounds to nothing."""
    text = number(abs(value))
    return text if not float(text) else f"{'−' if value < 0 else '+'}{text}"


def _ends(estimate: Estimate, form: Callable[[float], str], between: str) -> list[str]:
    return [between.join(map(form, estimate.interval))] if estimate.interval else []
