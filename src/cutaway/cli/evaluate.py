"""``cutaway evaluate``: its options."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def evaluate(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL...", help="Weights: names of `cutaway models`, or .onnx files.")
    ],
    data: Annotated[
        Path,
        typer.Option(
            metavar="INDEX|FOLDER", help="A .jsonl index, a folder with images/ and masks/, or one of tar shards."
        ),
    ],
    split: Annotated[Literal["train", "val", "test"], typer.Option(help="Which part of the data.")] = "test",
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Write a page: the models compared, the worst photos first."),
    ] = None,
    worst: Annotated[int, typer.Option(min=0, metavar="N", help="Photos on that page, at most.")] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
    refine: Annotated[
        Literal["none", "guided"], typer.Option(help="How the alpha is brought to the photograph's size.")
    ] = "guided",
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Score N photos only, spread evenly over the split.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Threads that the network uses; all cores if not given.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a report that exists.")] = False,
) -> None:
    """Score weights against true masks, set by set, and say what they cost.

    Of several, each is compared with the first, on the same photos.

    Exit code: 0 all scored, 1 some photos failed (each named on standard error), 2 wrong usage, 3 nothing could start.
    """
    from cutaway.cli.output import refuse_unwritable
    from cutaway.cli.scoring import print_json, print_tables, refuse_checkpoints, score_models, write_report
    from cutaway.data.folder import load_samples
    from cutaway.evaluation.score import thin

    refuse_checkpoints(models)
    if report:
        refuse_unwritable(report, "--report", overwrite=overwrite)
    results = score_models(models, refine, thin(load_samples(data, split), limit), threads)
    print_json(results, data, split) if as_json else print_tables(results)
    if report:
        write_report(report, results, data, split, worst, overwrite=overwrite)
    raise typer.Exit(int(any(result.evaluation.failures for result in results)))
