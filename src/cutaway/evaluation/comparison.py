"""Several models side by side: what each costs, how good it is, and whether it is better or worse than the first."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cutaway.evaluation.cost import Cost
from cutaway.evaluation.intervals import Estimate, SetEstimate, differences, estimates
from cutaway.evaluation.score import Evaluation, RemoverLike
from cutaway.evaluation.tables import NOTHING, number, three_digits, with_interval, with_range
from cutaway.geometry import Fit


@dataclass(frozen=True)
class Result:
    """One model's evaluation and cost, and its remover: it cuts the shown photos out again, so no alpha is kept."""

    evaluation: Evaluation
    remover: RemoverLike
    cost: Cost


COMPARISON = (
    "model",
    "params",
    "GMAC",
    "ms",
    "MB",
    "person IoU",
    "boundary F",
    "person IoU, difference",
    "boundary F, difference",
)
"""What heads the table of models; the differences are to the first of them."""


def comparison(results: Sequence[Result]) -> list[list[str]]:
    """Return the rows of the table of models, in the order of ``COMPARISON``; a cell may have two lines."""
    names = short_names([result.evaluation.model for result in results])
    return [
        [
            f"{name}\n{working_size(result.cost.fit)}",
            *_cost_cells(result.cost),
            *_score_cells(estimates(result.evaluation), with_interval),
            *_score_cells(against, with_range),
        ]
        for name, result, against in zip(names, results, against_first(results), strict=True)
    ]


def against_first(results: Sequence[Result]) -> list[list[SetEstimate]]:
    """Return for each model by how much it is above the first, set by set; nothing for the first itself."""
    return [[], *(differences(results[0].evaluation, other.evaluation) for other in results[1:])]


def verdicts(results: Sequence[Result]) -> Iterator[str]:
    """Yield for each model but the first a sentence that says whether it is better, by what the photos show."""
    first, *names = short_names([result.evaluation.model for result in results])
    for name, sets in zip(names, against_first(results)[1:], strict=True):
        for overall in sets[-1:]:
            findings = f"{_finding('person IoU', overall.person_iou)}, {_finding('boundary F', overall.boundary_f)}"
            yield f"{name} against {first}, on the same {overall.n} photos: {findings}."


def cost_line(cost: Cost) -> str:
    """Return what there is to say of a model's cost, in one line."""
    parameters, gmac, milliseconds, megabytes = _cost_cells(cost)
    size = f"{parameters} parameters, {megabytes} MB"
    return f"{size}; {working_size(cost.fit)}: {gmac} GMAC, {milliseconds} ms ({threads(cost)})"


def working_size(fit: Fit) -> str:
    """Return the size at which a network with ``fit`` works; a letterbox has about so many pixels in all."""
    return f"letterbox {fit.size}²" if fit.rule == "letterbox" else f"squash {fit.size}×{fit.size}"


def threads(cost: Cost) -> str:
    """Return the number of threads that the time was taken on."""
    return f"{cost.threads} thread{'s' if cost.threads > 1 else ''}"


def short_names(models: Sequence[str]) -> list[str]:
    """Return what ``models`` are called where room is short: their files' stems, unless two would be the same."""
    stems = [Path(model).stem for model in models]
    return stems if len(set(stems)) == len(stems) else list(models)


def _cost_cells(cost: Cost) -> list[str]:
    values = (cost.gmac, cost.milliseconds, cost.file_bytes / 1e6)
    return [f"{three_digits(cost.parameters / 1e6)} M", *map(three_digits, values)]


def _score_cells(sets: Sequence[SetEstimate], form: Callable[[Estimate], str]) -> list[str]:
    """Return the texts of both scores over all photos, the last of ``sets``, or that there are none."""
    return [form(sets[-1].person_iou), form(sets[-1].boundary_f)] if sets else [NOTHING, NOTHING]


def _finding(what: str, difference: Estimate) -> str:
    low, high = difference.interval or (-1.0, 1.0)
    if low <= 0 <= high:
        return f"{what} undecided"
    ends = sorted([abs(low), abs(high)])
    return (
        f"{what} {'better' if low > 0 else 'worse'} by {number(abs(difference.mean))} ({'–'.join(map(number, ends))})"
    )
