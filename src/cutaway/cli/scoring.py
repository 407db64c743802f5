"""Runs the evaluations of ``cutaway evaluate`` under a progress bar, and prints what they found."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from cutaway.cli.messages import complain, one_line
from cutaway.cutout import Cutout
from cutaway.data.index import Sample
from cutaway.data.shards import content
from cutaway.evaluation.report import COLUMNS, EMPTY_COLUMNS, Result, cells, empty_cells, html_page, to_json
from cutaway.evaluation.score import Evaluation, Failure, Outcome, evaluate, summarise, summarise_empty
from cutaway.imagefile import write
from cutaway.remover import Refine, Remover


@dataclass(frozen=True)
class SampleRemover:
    """A remover for the photos of samples, which may lie in shards."""

    remover: Remover

    def remove(self, photo: Path) -> Cutout:
        """Return the cutout of the photo at ``photo``. Raises ``CutawayError`` if it cannot be read."""
        return self.remover.remove(content(photo))


def score_models(models: Sequence[str], refine: Refine, samples: Sequence[Sample]) -> list[Result]:
    """Return the result of each model on ``samples``, with a line on standard error for each photo that fails.

    Raises ``ModelError`` if one of the models cannot be loaded; all are, before any work, so that none costs a wait.
    """
    removers = [SampleRemover(Remover(model, refine=refine)) for model in models]
    return [_score(model, remover, samples) for model, remover in zip(models, removers, strict=True)]


def print_json(results: Iterable[Result], data: Path, split: str) -> None:
    """Print all results as one JSON object."""
    print(json.dumps(to_json((result.evaluation for result in results), str(data), split)))


def print_tables(results: Iterable[Result]) -> None:
    """Print a table of each model's scores per set, one for photos without people, and how many photos failed."""
    console = Console()
    for result in results:
        evaluation = result.evaluation
        for table in _tables(evaluation):
            console.print(table)
        if failed := len(evaluation.failures):
            print(one_line(f"{evaluation.model}: {failed} of {failed + len(evaluation.rows)} photos failed"))


def write_report(path: Path, results: Sequence[Result], data: Path, split: str, worst: int, *, overwrite: bool) -> None:
    """Write the page with at most ``worst`` photos to ``path``. Raises ``OutputError`` if that cannot be done."""
    write(path, html_page(results, str(data), split, worst).encode(), overwrite=overwrite)


def _score(model: str, remover: SampleRemover, samples: Sequence[Sample]) -> Result:
    with _progress(model, len(samples)) as advance:
        return Result(evaluate(model, remover, samples, advance), remover)


@contextmanager
def _progress(model: str, total: int) -> Iterator[Callable[[Outcome], None]]:
    """Show a bar on standard error if a person is looking, and a line for each photo that fails."""
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(f"Scoring {escape(model)}", total=total)

        def advance(outcome: Outcome) -> None:
            if isinstance(outcome, Failure):
                complain(outcome.reason, about=outcome.id)
            bar.advance(task)

        yield advance


def _tables(evaluation: Evaluation) -> Iterator[Table]:
    summaries, empty = summarise(evaluation), summarise_empty(evaluation)
    if summaries:
        speed = f"median time from file to alpha: {summaries[-1].seconds_median * 1000:.0f} ms"
        scores = [[summary.source, *cells(summary)] for summary in summaries]
        yield _table(evaluation.model, ["set", *COLUMNS.values()], scores, speed)
    if empty:
        counts = [[summary.source, *empty_cells(summary)] for summary in empty]
        yield _table(evaluation.model, ["without people", *EMPTY_COLUMNS.values()], counts)


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]], caption: str | None = None) -> Table:
    table = Table(
        title=escape(title), caption=caption, box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for number, text in enumerate(head):
        table.add_column(text.replace(" ", "\n"), justify="right" if number else "left", vertical="bottom")
    for row in rows:
        table.add_row(*map(escape, row))
    return table
