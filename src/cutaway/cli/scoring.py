"""Runs the evaluations of ``cutaway evaluate`` under a progress bar, and prints what they found."""

import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.markup import escape
from rich.table import Table

from cutaway.cli.messages import complain, one_line
from cutaway.cli.progress import advancing
from cutaway.cutout import Cutout
from cutaway.data.index import Sample
from cutaway.data.shards import content
from cutaway.evaluation.comparison import COMPARISON, Result, against_first, comparison, cost_line, threads, verdicts
from cutaway.evaluation.cost import Cost, measure_cost
from cutaway.evaluation.intervals import SetEstimate, estimates
from cutaway.evaluation.report import html_page, to_json
from cutaway.evaluation.score import Failure, Outcome, evaluate, summarise, summarise_empty
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
from cutaway.imagefile import write
from cutaway.remover import Refine, Remover


@dataclass(frozen=True)
class SampleRemover:
    """A remover for the photos of samples, which may lie in shards."""

    remover: Remover

    def remove(self, photo: Path) -> Cutout:
        """Return the cutout of the photo at ``photo``. Raises ``CutawayError`` if it cannot be read."""
        return self.remover.remove(content(photo))


def refuse_checkpoints(models: Iterable[str]) -> None:
    """Raise ``typer.BadParameter`` if one of ``models`` is a checkpoint, which is not what users run."""
    for model in models:
        if model.endswith(".pt"):
            made = Path(model).with_suffix(".onnx")
            reason = (
                f"{model} is a checkpoint; export it first: {shlex.join(['cutaway', 'export', model, '-o', str(made)])}"
            )
            raise typer.BadParameter(reason, param_hint="'MODEL...'")


def score_models(
    models: Sequence[str], refine: Refine, samples: Sequence[Sample], threads: int | None = None
) -> list[Result]:
    """Return the result of each model on ``samples``, with a line on standard error for each photo that fails.

    Raises ``ModelError`` if one of the models cannot be loaded; all are, before any work, so that none costs a wait.
    """
    removers = [SampleRemover(Remover(model, refine=refine, threads=threads)) for model in models]
    costs = [measure_cost(model, threads) for model in models]
    return [_score(*item, samples) for item in zip(models, removers, costs, strict=True)]


def print_json(results: Sequence[Result], data: Path, split: str) -> None:
    """Print all results as one JSON object."""
    print(json.dumps(to_json(results, str(data), split)))


def print_tables(results: Sequence[Result]) -> None:
    """Print the models compared, then each one's scores per set and their intervals, and how many photos failed."""
    console = Console()
    for table in _comparison(results) if len(results) > 1 else ():
        console.print(table)
    for result, against in zip(results, against_first(results), strict=True):
        evaluation = result.evaluation
        for table in _tables(result, against, results[0].evaluation.model):
            console.print(table)
        if failed := len(evaluation.failures):
            print(one_line(f"{evaluation.model}: {failed} of {failed + len(evaluation.rows)} photos failed"))


def write_report(path: Path, results: Sequence[Result], data: Path, split: str, worst: int, *, overwrite: bool) -> None:
    """Write the page with at most ``worst`` photos to ``path``. Raises ``OutputError`` if that cannot be done."""
    write(path, html_page(results, str(data), split, worst).encode(errors="backslashreplace"), overwrite=overwrite)


def _score(model: str, remover: SampleRemover, cost: Cost, samples: Sequence[Sample]) -> Result:
    with _progress(model, len(samples)) as advance:
        return Result(evaluate(model, remover, samples, advance), remover, cost)


@contextmanager
def _progress(model: str, total: int) -> Iterator[Callable[[Outcome], None]]:
    """Show a bar on standard error if a person is looking, and a line for each photo that fails."""
    with advancing(total, f"Scoring {escape(model)}") as step:

        def advance(outcome: Outcome) -> None:
            if isinstance(outcome, Failure):
                complain(outcome.reason, about=outcome.id)
            step()

        yield advance


def _comparison(results: Sequence[Result]) -> Iterator[Table]:
    """Yield the table of models; the difference in boundary F stands with each model's sets, for want of room here."""
    caption = f"{PERCENT} intervals; ms of the network alone, {threads(results[0].cost)}"
    rows = [row[:-1] for row in comparison(results)]
    yield _table("The models compared", COMPARISON[:-1], rows, "\n".join([caption, *verdicts(results)]))


def _tables(result: Result, against: Sequence[SetEstimate], first: str) -> Iterator[Table]:
    evaluation = result.evaluation
    model, summaries, empty = evaluation.model, summarise(evaluation), summarise_empty(evaluation)
    if summaries:
        speed = f"median time from file to alpha: {summaries[-1].seconds_median * 1000:.0f} ms"
        notes = f"{cost_line(result.cost)}\n{speed}"
        yield _table(model, ["set", *COLUMNS.values()], map(cells, summaries), notes)
        intervals = map(_in_line, map(interval_cells, estimates(evaluation)))
        yield _table(f"{model}: {PERCENT} intervals", ["set", *INTERVAL_COLUMNS], intervals)
    if against:
        rows = map(_in_line, map(difference_cells, against))
        yield _table(f"{model}: difference to {first}", ["set", *INTERVAL_COLUMNS], rows)
    if empty:
        yield _table(model, ["without people", *EMPTY_COLUMNS.values()], map(empty_cells, empty))


def _in_line(row: Sequence[str]) -> list[str]:
    """Return ``row`` with each interval beside its score, not below it."""
    return [text.replace("\n", "  ") for text in row]


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]], caption: str | None = None) -> Table:
    table = Table(
        title=escape(title),
        caption=caption and escape(caption),
        caption_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for number, text in enumerate(head):
        justify: JustifyMethod = "right" if number else "left"
        table.add_column(text.replace(" ", "\n"), justify=justify, vertical="bottom", overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    return table
