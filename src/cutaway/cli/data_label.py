"""``cutaway data label``: its options."""

from pathlib import Path
from typing import Annotated

import typer


def label(
    photos: Annotated[Path, typer.Argument(metavar="PHOTOS", help="The folder that the photographs lie in.")],
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="INDEX.jsonl", help="Where the index goes; masks go to INDEX-masks/ beside it."
        ),
    ],
    model: Annotated[
        str,
        typer.Option(metavar="NAME|FILE", help="What labels: a name of `cutaway models`, or an .onnx file."),
    ] = "portrait",
    min_confidence: Annotated[
        float,
        typer.Option(min=0, max=1, metavar="IOU", help="Photos whose views agree less than that are refused."),
    ] = 0.95,
    sizes: Annotated[
        list[int] | None,
        typer.Option(
            "--size",
            min=1,
            metavar="N",
            help="Input size to look at, several if repeated. Default: the net's own and 3/4 of it.",
        ),
    ] = None,
    mirror: Annotated[bool, typer.Option(help="Look at each photo mirrored too.")] = True,
    licence: Annotated[str, typer.Option(help="Terms of the photographs.")] = "not stated",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace INDEX.jsonl if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Let a net label photographs for another to learn from (self-training): only where its views of a photo agree.

    All photos kept are of the split train, and what is undecided in them is void. What was cut short goes on; with
    another --min-confidence no photo is looked at again.

    Exit code: 0 written, 1 written but some photos failed, 2 wrong usage, 3 nothing was written.
    """
    from cutaway.cli.labelling import Order, label_photos
    from cutaway.cli.output import refuse_unwritable

    refuse_unwritable(out, "-o", overwrite=overwrite)
    order = Order(photos, out, model, min_confidence, tuple(sizes or ()), mirror, licence, overwrite)
    raise typer.Exit(label_photos(order, as_json=as_json))
