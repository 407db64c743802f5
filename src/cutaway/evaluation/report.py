"""An evaluation as a page for people and as JSON for programs. The page is one HTML file that asks for nothing else."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from html import escape
from importlib import resources
from typing import Any

from cutaway.evaluation.charts import Point, histogram, scatter
from cutaway.evaluation.comparison import (
    COMPARISON,
    Result,
    against_first,
    comparison,
    cost_line,
    short_names,
    threads,
    verdicts,
)
from cutaway.evaluation.intervals import LEVEL, RESAMPLES, SEED, SetEstimate, estimates
from cutaway.evaluation.metrics import CUT
from cutaway.evaluation.photos import false_people, person_iou, worst_photos
from cutaway.evaluation.score import Evaluation, Failure, Row, Summary, summarise, summarise_empty
from cutaway.evaluation.tables import (
    COLUMNS,
    EMPTY_COLUMNS,
    INTERVAL_COLUMNS,
    PERCENT,
    cells,
    difference_cells,
    empty_cells,
    interval_cells,
)

WORST = 60
"""How many photos the page shows unless it is told otherwise."""

BOOTSTRAP = {"method": "BCa", "level": LEVEL, "resamples": RESAMPLES, "seed": SEED}

COMPARISON_NOTE = (
    f"Below each score is its {PERCENT} interval. Differences are to the first model, on the photos that both "
    "answered; one whose interval holds 0 may be chance and is undecided. GMAC are 10⁹ multiply-accumulates of one "
    "image at the size below the model's name; ms is the median time of the network alone, on"
)


def to_json(results: Sequence[Result], data: str, split: str) -> dict[str, Any]:
    """Return the results as plain data for JSON. Keys are the fields of the dataclasses, so they are stable.

    ``difference_to_first`` holds, set by set, by how much a model is above the first one, itself left out.
    """
    models = [_model_json(result, against) for result, against in zip(results, against_first(results), strict=True)]
    return {"data": data, "split": split, "bootstrap": BOOTSTRAP, "models": models}


def html_page(results: Sequence[Result], data: str, split: str, worst: int = WORST) -> str:
    """Return the HTML page: the models compared, tables and histograms side by side, then at most ``worst`` photos.

    Photos come worst first by the person IoU of the first model; the others' answers stand beside it. Raises
    ``CutawayError`` if a photo to show can no longer be read.
    """
    evaluations = [result.evaluation for result in results]
    names = short_names([evaluation.model for evaluation in evaluations])
    title = f"Evaluation of {', '.join(names)}"
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
{_comparison(results) if len(results) > 1 else ""}
<h2>Scores per set</h2>
<div class="models">
{_join(_model(result, against, names[0]) for result, against in zip(results, against_first(results), strict=True))}
</div>
{worst_photos(results, worst)}
{false_people(results, worst)}
{_failures(evaluations)}
</body>
</html>
"""


def _model_json(result: Result, against: Sequence[SetEstimate]) -> dict[str, Any]:
    evaluation = result.evaluation
    return {
        "model": evaluation.model,
        "sets": [asdict(summary) for summary in summarise(evaluation)],
        "without_people": [asdict(summary) for summary in summarise_empty(evaluation)],
        "photos": [_row_json(row) for row in evaluation.rows],
        "failed": [asdict(failure) for failure in evaluation.failures],
        "cost": asdict(result.cost),
        "intervals": [asdict(scores) for scores in estimates(evaluation)],
        "difference_to_first": [asdict(scores) for scores in against],
    }


def _row_json(row: Row) -> dict[str, Any]:
    return {**asdict(row), "image": str(row.image), "mask": None if row.mask is None else str(row.mask)}


def _stylesheet() -> str:
    return resources.files("cutaway.evaluation").joinpath("report.css").read_text(encoding="utf-8")


def _join(parts: Iterable[str]) -> str:
    return "\n".join(parts)


def _comparison(results: Sequence[Result]) -> str:
    """Return the section that sets the models against each other: a table, what it says, and a chart."""
    names = short_names([result.evaluation.model for result in results])
    points = [
        Point(name, result.cost.milliseconds, scores.person_iou)
        for name, result in zip(names, results, strict=True)
        for scores in estimates(result.evaluation)[-1:]
    ]
    sentences = _join(f"<li>{escape(sentence)}</li>" for sentence in verdicts(results))
    return f"""<h2>The models compared</h2>
{_table(COMPARISON, comparison(results))}
<div class="compared">
<div><ul>
{sentences}
</ul>
<p class="quiet">{COMPARISON_NOTE} {threads(results[0].cost)}.</p></div>
{scatter(points) if points else ""}
</div>"""


def _model(result: Result, against: Sequence[SetEstimate], first: str) -> str:
    evaluation = result.evaluation
    summaries = summarise(evaluation)
    parts = [
        f'<section class="card"><h3>{escape(evaluation.model)}</h3>',
        _table(["set", *COLUMNS.values()], [*map(cells, summaries)]),
        _histogram(evaluation) if summaries else "<p>No photo with people was scored.</p>",
        _table([f"{PERCENT} intervals", *INTERVAL_COLUMNS], [*map(interval_cells, estimates(evaluation))]),
        _table([f"difference to {first}", *INTERVAL_COLUMNS], [*map(difference_cells, against)]),
        _table(["without people", *EMPTY_COLUMNS.values()], [*map(empty_cells, summarise_empty(evaluation))]),
        _pooled(summaries),
        f'<p class="quiet">{cost_line(result.cost)}.</p>',
    ]
    return _join(part for part in [*parts, "</section>"] if part)


def _table(head: Iterable[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of texts, nothing if it has no rows; the first cell of a row is its head."""
    if not rows:
        return ""
    heads = "".join(f'<th scope="col">{escape(text)}</th>' for text in head)
    body = _join(
        f'<tr><th scope="row">{_lines(first)}</th>{"".join(f"<td>{_lines(text)}</td>" for text in rest)}</tr>'
        for first, *rest in rows
    )
    return (
        '<div class="scroll" role="region" tabindex="0" aria-label="Table">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>\n{body}\n</tbody></table></div>"
    )


def _lines(text: str) -> str:
    """Return a cell's text; what stands below its first line is quiet."""
    first, *rest = map(escape, text.split("\n"))
    return first + "".join(f'<br><span class="quiet">{line}</span>' for line in rest)


def _histogram(evaluation: Evaluation) -> str:
    return histogram([person_iou(row) for row in evaluation.people])


def _pooled(summaries: Sequence[Summary]) -> str:
    if not summaries:
        return ""
    total = summaries[-1]
    pooled = f"All pixels pooled: person IoU {total.pooled_person_iou:.3f}, mean IoU {total.pooled_mean_iou:.3f}"
    return f'<p class="quiet">{pooled}. Median time from file to alpha: {total.seconds_median * 1000:.0f} ms.</p>'


def _failures(evaluations: Iterable[Evaluation]) -> str:
    lines = [_failure(evaluation.model, failure) for evaluation in evaluations for failure in evaluation.failures]
    return f"<h2>Photos without an answer</h2>\n<ul>\n{_join(lines)}\n</ul>" if lines else ""


def _failure(model: str, failure: Failure) -> str:
    return f"<li>{escape(failure.id)} ({escape(failure.source)}, {escape(model)}): {escape(failure.reason)}</li>"
