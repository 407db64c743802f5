"""An evaluation as a page for people and as JSON for programs. The page is one HTML file that asks for nothing else."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from html import escape
from importlib import resources
from typing import Any

from cutaway.data.masks import read_mask
from cutaway.evaluation.metrics import CUT
from cutaway.evaluation.pictures import cut_out, outlined
from cutaway.evaluation.score import (
    POOR,
    CutoutLike,
    EmptySummary,
    Evaluation,
    Failure,
    RemoverLike,
    Row,
    Summary,
    summarise,
    summarise_empty,
)

WORST = 60
"""How many photos the page shows unless it is told otherwise."""

BINS = 20
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


@dataclass(frozen=True)
class Result:
    """One model's evaluation, and its remover: it cuts the shown photos out again, so that no alpha has to be kept."""

    evaluation: Evaluation
    remover: RemoverLike


@dataclass(frozen=True)
class _Answer:
    model: str
    row: Row
    cutout: CutoutLike


def to_json(evaluations: Iterable[Evaluation], data: str, split: str) -> dict[str, Any]:
    """Return the evaluations as plain data for JSON. Keys are the fields of the dataclasses, so they are stable."""
    return {"data": data, "split": split, "models": [_model_json(evaluation) for evaluation in evaluations]}


def html_page(results: Sequence[Result], data: str, split: str, worst: int = WORST) -> str:
    """Return the HTML page: tables and histograms of all models side by side, then at most ``worst`` photos.

    Photos come worst first by the person IoU of the first model; the others' answers stand beside it. Raises
    ``CutawayError`` if a photo to show can no longer be read.
    """
    evaluations = [result.evaluation for result in results]
    title = f"Evaluation of {', '.join(evaluation.model for evaluation in evaluations)}"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{_stylesheet()}</style>
</head>
<body>
<h1>{escape(title)}</h1>
<p class="quiet">{escape(data)}, split {escape(split)}. Scores are per photo at an alpha of {CUT}, then averaged.</p>
<h2>Scores per set</h2>
<div class="models">
{_join(_model(evaluation) for evaluation in evaluations)}
</div>
{_worst_photos(results, worst)}
{_false_people(results, worst)}
{_failures(evaluations)}
</body>
</html>
"""


def worst_first(evaluation: Evaluation) -> list[Row]:
    """Return the rows of photos with people by rising person IoU; equals keep their order."""
    return sorted(evaluation.people, key=_person_iou)


def cells(summary: Summary) -> list[str]:
    """Return the texts of a table's row, in the order of ``COLUMNS``."""
    return [_number(getattr(summary, name)) for name in COLUMNS]


def empty_cells(summary: EmptySummary) -> list[str]:
    """Return the texts of a table's row, in the order of ``EMPTY_COLUMNS``."""
    return [_number(getattr(summary, name)) for name in EMPTY_COLUMNS]


def _person_iou(row: Row) -> float:
    return row.scores.person_iou if row.scores else 0.0


def _number(value: float) -> str:
    """Return a count as it stands, a score without its leading 0: so a terminal of 80 columns holds a row."""
    return str(value) if isinstance(value, int) else f"{value:.3f}".removeprefix("0")


def _model_json(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "model": evaluation.model,
        "sets": [asdict(summary) for summary in summarise(evaluation)],
        "without_people": [asdict(summary) for summary in summarise_empty(evaluation)],
        "photos": [_row_json(row) for row in evaluation.rows],
        "failed": [asdict(failure) for failure in evaluation.failures],
    }


def _row_json(row: Row) -> dict[str, Any]:
    return {**asdict(row), "image": str(row.image), "mask": None if row.mask is None else str(row.mask)}


def _stylesheet() -> str:
    return resources.files("cutaway.evaluation").joinpath("report.css").read_text(encoding="utf-8")


def _join(parts: Iterable[str]) -> str:
    return "\n".join(parts)


def _model(evaluation: Evaluation) -> str:
    summaries, empty = summarise(evaluation), summarise_empty(evaluation)
    scores = (
        f"{_table(summaries)}\n{_histogram(evaluation)}" if summaries else "<p>No photo with people was scored.</p>"
    )
    parts = [
        f'<section class="card"><h3>{escape(evaluation.model)}</h3>',
        scores,
        _empty_table(empty),
        _speed(summaries),
    ]
    return _join(part for part in [*parts, "</section>"] if part)


def _table(summaries: Sequence[Summary]) -> str:
    return _markup_table(["set", *COLUMNS.values()], [[summary.source, *cells(summary)] for summary in summaries])


def _empty_table(summaries: Sequence[EmptySummary]) -> str:
    if not summaries:
        return ""
    rows = [[summary.source, *empty_cells(summary)] for summary in summaries]
    return _markup_table(["without people", *EMPTY_COLUMNS.values()], rows)


def _markup_table(head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    heads = "".join(f'<th scope="col">{escape(text)}</th>' for text in head)
    body = _join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(text)}</td>" for text in rest)}</tr>'
        for first, *rest in rows
    )
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>\n{body}\n</tbody></table></div>'


def _speed(summaries: Sequence[Summary]) -> str:
    if not summaries:
        return ""
    total = summaries[-1]
    pooled = f"All pixels pooled: person IoU {total.pooled_person_iou:.3f}, mean IoU {total.pooled_mean_iou:.3f}"
    return f'<p class="quiet">{pooled}. Median time from file to alpha: {total.seconds_median * 1000:.0f} ms.</p>'


def _histogram(evaluation: Evaluation) -> str:
    """Return an SVG of how many photos fall into each of ``BINS`` spans of person IoU; 1 counts in the last."""
    heights = [0] * BINS
    for row in evaluation.people:
        heights[min(int(_person_iou(row) * BINS), BINS - 1)] += 1
    bars = _join(_bar(number, height, max(heights)) for number, height in enumerate(heights))
    ticks = _join(
        f'<text x="{20 + tick * 44}" y="130" text-anchor="middle">{tick / 10:.1f}</text>' for tick in range(11)
    )
    return f"""<svg viewBox="0 0 480 136" role="img" aria-label="Histogram of person IoU">
<line x1="20" y1="116.5" x2="460" y2="116.5"/>
{bars}
{ticks}
</svg>"""


def _bar(number: int, photos: int, highest: int) -> str:
    height = 96 * photos / highest
    low, high = number / BINS, (number + 1) / BINS
    colour = "poor" if high <= POOR else "good"
    label = (
        f'<text x="{31 + number * 22}" y="{112 - height:.1f}" text-anchor="middle">{photos}</text>' if photos else ""
    )
    return (
        f'<rect class="{colour}" x="{22 + number * 22}" y="{116 - height:.1f}" width="18" height="{height:.1f}">'
        f"<title>{low:.2f}–{high:.2f}: {photos}</title></rect>{label}"
    )


def _worst_photos(results: Sequence[Result], worst: int) -> str:
    rows = worst_first(results[0].evaluation)
    shown = rows[:worst]
    if not shown:
        return ""
    model = results[0].evaluation.model
    lead = f"{len(shown)} of {len(rows)} photos, by the person IoU of {model}. The outline is the truth."
    return _photos("Worst photos first", lead, shown, results)


def _false_people(results: Sequence[Result], worst: int) -> str:
    rows = [row for row in results[0].evaluation.empty if row.found_person]
    shown = sorted(rows, key=lambda row: -row.confidence)[:worst]
    if not shown:
        return ""
    lead = f"{len(shown)} of {len(rows)} photos without people in which {results[0].evaluation.model} found somebody."
    return _photos("People found where nobody is", lead, shown, results)


def _photos(heading: str, lead: str, rows: Sequence[Row], results: Sequence[Result]) -> str:
    several = " several" if len(results) > 1 else ""
    cards = _join(_photo(row, results) for row in rows)
    return f'<h2>{heading}</h2>\n<p class="quiet">{escape(lead)}</p>\n<div class="photos{several}">\n{cards}\n</div>'


def _photo(row: Row, results: Sequence[Result]) -> str:
    """Return the card of one photo: itself with the true outline, then the answer of each model that has one."""
    answers = [answer for result in results for answer in _answers(row, result)]
    mask = None if row.mask is None else read_mask(row.mask)
    caption = f"{escape(row.id)}<br>{escape(row.source)}"
    truth = _figure(outlined(answers[0].cutout.image, mask), f"Photo {row.id}", caption, "photo")
    figures = "".join(_answer_figure(answer, named=len(results) > 1) for answer in answers)
    return f'<article class="card strip" data-id="{escape(row.id)}">{truth}{figures}</article>'


def _answers(row: Row, result: Result) -> Iterator[_Answer]:
    """Yield the answer of one model to the photo of ``row``; there is none if the model failed on it."""
    for own in result.evaluation.rows:
        if own.image == row.image:
            yield _Answer(result.evaluation.model, own, result.remover.remove(own.image))


def _answer_figure(answer: _Answer, *, named: bool) -> str:
    lines = [escape(answer.model)] * named + [_verdict(answer.row), f"confidence {answer.row.confidence:.2f}"]
    picture = cut_out(answer.cutout.image, answer.cutout.alpha)
    return _figure(picture, f"Cutout of {answer.row.id}", "<br>".join(lines), "cutout")


def _verdict(row: Row) -> str:
    if row.scores is None:
        return "person found" if row.found_person else "nobody found"
    colour = "poor" if row.scores.person_iou < POOR else "good"
    return f'<b class="{colour}">IoU {row.scores.person_iou:.3f}</b><br>boundary F {row.scores.boundary_f:.2f}'


def _figure(source: str, description: str, caption: str, kind: str) -> str:
    picture = f'<img class="{kind}" src="{source}" alt="{escape(description)}" loading="lazy">'
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"


def _failures(evaluations: Iterable[Evaluation]) -> str:
    lines = [_failure(evaluation.model, failure) for evaluation in evaluations for failure in evaluation.failures]
    return f"<h2>Photos without an answer</h2>\n<ul>\n{_join(lines)}\n</ul>" if lines else ""


def _failure(model: str, failure: Failure) -> str:
    return f"<li>{escape(failure.id)} ({escape(failure.source)}, {escape(model)}): {escape(failure.reason)}</li>"
