"""``cutaway evaluate``: its options, and its tables on the terminal."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from cutaway.data.index import Sample
    from cutaway.evaluation.report import Result
    from cutaway.evaluation.score import Evaluation, Outcome
    from cutaway.remover import Remover


def evaluate(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL...", help="Weights: names of `cutaway models`, or .onnx files.")
    ],
    data: Annotated[
        Path,
        typer.Option(
            metavar="INDEX|FOLDER", help="Photos with masks: a .jsonl index, or a folder with images/ and masks/."
        ),
    ],
    split: Annotated[Literal["train", "val", "test"], typer.Option(help="Which part of the data.")] = "test",
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page that shows the worst photos first.")
    ] = None,
    worst: Annotated[int, typer.Option(min=0, metavar="N", help="Photos on that page, at most.")] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
    refine: Annotated[
        Literal["none", "guided"], typer.Option(help="How the alpha is brought to the photograph's size.")
    ] = "guided",
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Score N photos only, spread evenly over the split.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a report that exists.")] = False,
) -> None:
    """Score weights against true masks, set by set.

    Exit code: 0 all scored, 1 some photos failed (each named on standard error), 2 wrong usage, 3 nothing could start.
    """
    _refuse_unwritable(report, overwrite)
    from cutaway.data.folder import load_samples
    from cutaway.evaluation.report import html_page
    from cutaway.evaluation.score import choose
    from cutaway.imagefile import write
    from cutaway.remover import Remover

    removers = [Remover(model, refine=refine) for model in models]  # all before any work: a broken one costs no wait
    results = _score(models, removers, choose(load_samples(data), split, limit))
    _print_json(results, data, split) if as_json else _print_tables(results)
    if report:
        write(report, html_page(results, str(data), split, worst).encode(), overwrite=overwrite)
    raise typer.Exit(int(any(result.evaluation.failures for result in results)))


def _refuse_unwritable(report: Path | None, overwrite: bool) -> None:
    """Say so before the evaluation and not after it, which may take long."""
    if report and report.exists() and not overwrite:
        raise typer.BadParameter(f"{report} exists already; add --overwrite to replace it.", param_hint="'--report'")
    if report and not report.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {report.parent}; make it first.", param_hint="'--report'")


def _score(models: Sequence[str], removers: Sequence["Remover"], samples: "Sequence[Sample]") -> "list[Result]":
    from cutaway.evaluation import score
    from cutaway.evaluation.report import Result

    results = []
    for model, remover in zip(models, removers, strict=True):
        with _progress(model, len(samples)) as advance:
            results.append(Result(score.evaluate(model, remover, samples, advance), remover))
    return results


@contextmanager
def _progress(model: str, total: int) -> "Iterator[Callable[[Outcome], None]]":
    """Show a bar on standard error if a person is looking, and a line for each photo that fails."""
    from rich.console import Console
    from rich.progress import Progress

    from cutaway.cli.messages import complain
    from cutaway.evaluation.score import Failure

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(f"Scoring {model}", total=total)

        def advance(outcome: "Outcome") -> None:
            if isinstance(outcome, Failure):
                complain(outcome.reason, about=outcome.id)
            bar.advance(task)

        yield advance


def _print_json(results: "Iterable[Result]", data: Path, split: str) -> None:
    import json

    from cutaway.evaluation.report import to_json

    print(json.dumps(to_json((result.evaluation for result in results), str(data), split)))


def _print_tables(results: "Iterable[Result]") -> None:
    from rich.console import Console

    console = Console()
    for result in results:
        for table in _tables(result.evaluation):
            console.print(table)


def _tables(evaluation: "Evaluation") -> "Iterator[Table]":
    from cutaway.evaluation.report import COLUMNS, cells
    from cutaway.evaluation.score import summarise, summarise_empty

    summaries, empty = summarise(evaluation), summarise_empty(evaluation)
    if summaries:
        speed = f"median time from file to alpha: {summaries[-1].seconds_median * 1000:.0f} ms"
        rows = [[summary.source, *cells(summary)] for summary in summaries]
        yield _table(evaluation.model, ["set", *COLUMNS.values()], rows, speed)
    if empty:
        rows = [[row.source, str(row.n), str(row.found_person), f"{row.found_person_share:.3f}"] for row in empty]
        yield _table(evaluation.model, ["nobody in the photo", "n", "person found", "share"], rows)
    if evaluation.failures:
        rows = [[str(len(evaluation.failures)), str(len(evaluation.rows) + len(evaluation.failures))]]
        yield _table(evaluation.model, ["photos failed", "of"], rows)


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]], caption: str | None = None) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title), caption=caption, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for number, text in enumerate(head):
        table.add_column(text, justify="right" if number else "left")
    for row in rows:
        table.add_row(*map(escape, row))
    return table
