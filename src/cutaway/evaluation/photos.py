"""The photos of the report: each with its true outline, and beside it the cutout of every model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from cutaway.data.masks import read_labels
from cutaway.evaluation.comparison import Result, short_names
from cutaway.evaluation.pictures import cut_out, outlined
from cutaway.evaluation.score import POOR, CutoutLike, Evaluation, Row


@dataclass(frozen=True)
class _Answer:
    model: str
    row: Row
    cutout: CutoutLike


def worst_first(evaluation: Evaluation) -> list[Row]:
    """Return the rows of photos with people by rising person IoU; equals keep their order."""
    return sorted(evaluation.people, key=person_iou)


def person_iou(row: Row) -> float:
    """Return the person IoU of ``row``, 0 where there is none."""
    return row.scores.person_iou if row.scores else 0.0


def worst_photos(results: Sequence[Result], worst: int) -> str:
    """Return the section of at most ``worst`` photos with people, worst first by the first model."""
    rows = worst_first(results[0].evaluation)
    shown = rows[:worst]
    if not shown:
        return ""
    model = results[0].evaluation.model
    lead = (
        f"{len(shown)} of {len(rows)} photos, by the person IoU of {model}. The outline is the truth; void is hatched."
    )
    return _section("Worst photos first", lead, shown, results)


def false_people(results: Sequence[Result], worst: int) -> str:
    """Return the section of at most ``worst`` photos without people in which the first model found somebody."""
    rows = [row for row in results[0].evaluation.empty if row.found_person]
    shown = sorted(rows, key=lambda row: -row.confidence)[:worst]
    if not shown:
        return ""
    lead = f"{len(shown)} of {len(rows)} photos without people in which {results[0].evaluation.model} found somebody."
    return _section("People found where nobody is", lead, shown, results)


def _section(heading: str, lead: str, rows: Sequence[Row], results: Sequence[Result]) -> str:
    cards = "\n".join(_photo(row, results) for row in rows)
    return (
        f'<h2>{heading}</h2>\n<p class="quiet">{escape(lead)}</p>\n'
        f'<div class="photos" style="--figures: {1 + len(results)}">\n{cards}\n</div>'
    )


def _photo(row: Row, results: Sequence[Result]) -> str:
    """Return the card of one photo: itself with the true outline, then the answer of each model that has one."""
    answers = list(_answers(row, results))
    labels = None if row.mask is None else read_labels(row.mask)
    truth = _figure(outlined(answers[0].cutout.image, labels), f"Photo {row.id}", [escape(row.source)], "photo")
    best = _best(answers)
    figures = "".join(_answer_figure(answer, best, named=len(results) > 1) for answer in answers)
    return (
        f'<article class="card" data-id="{escape(row.id)}"><h3>{escape(row.id)}</h3>\n'
        f'<div class="strip">{truth}{figures}</div></article>'
    )


def _answers(row: Row, results: Sequence[Result]) -> Iterator[_Answer]:
    """Yield the answer of each model to the photo of ``row``; there is none if a model failed on it."""
    names = short_names([result.evaluation.model for result in results])
    for name, result in zip(names, results, strict=True):
        for own in result.evaluation.rows:
            if own.sample == row.sample:
                yield _Answer(name, own, result.remover.remove(own.image))


def _best(answers: Sequence[_Answer]) -> float:
    """Return the best person IoU of the answers, as shown, if that tells them apart, else more than any."""
    scores = {round(person_iou(answer.row), 3) for answer in answers}
    return max(scores) if len(scores) > 1 else 2.0


def _answer_figure(answer: _Answer, best: float, *, named: bool) -> str:
    won = round(person_iou(answer.row), 3) >= best
    name = escape(answer.model) + ' <span class="badge">best</span>' * won
    lines = [name] * named + [*_verdict(answer.row), f"confidence {answer.row.confidence:.2f}"]
    picture = cut_out(answer.cutout.image, answer.cutout.alpha)
    return _figure(picture, f"Cutout of {answer.row.id} by {answer.model}", lines, "cutout")


def _verdict(row: Row) -> list[str]:
    found = "person found" if row.found_person else "nobody found"
    if row.scores is None:
        return [found]
    colour = "poor" if row.scores.person_iou < POOR else "good"
    iou = f'<b class="{colour}">IoU {row.scores.person_iou:.3f}</b>'
    return [iou, f"boundary F {row.scores.boundary_f:.2f}", *([] if row.found_person else [found])]


def _figure(source: str, description: str, lines: Sequence[str], kind: str) -> str:
    picture = f'<img class="{kind}" src="{source}" alt="{escape(description)}" loading="lazy">'
    return f"<figure>{picture}<figcaption>{'<br>'.join(lines)}</figcaption></figure>"
