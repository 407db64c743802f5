"""``cutaway data``: data sets as users have them on disk into one index."""

from pathlib import Path
from typing import Annotated

import typer

from cutaway.cli.data_coco import coco
from cutaway.cli.data_label import label
from cutaway.cli.data_sets import ade20k, camvid, voc
from cutaway.cli.data_tools import close_ups, copies, pack, preview, split, stats

data = typer.Typer(help="Make, look through and pack data indexes.", no_args_is_help=True)


@data.callback()
def _group() -> None:
    """Make, look through and pack data indexes: JSONL, one photograph a line."""


@data.command("folder")
def folder(
    root: Annotated[
        Path, typer.Argument(help="Folder with images/ and masks/, and index.csv (set, stem, split) if there is one.")
    ],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="INDEX.jsonl", help="Where the index goes.")],
    source: Annotated[str | None, typer.Option(help="Name of the set, where no index.csv says it.")] = None,
    licence: Annotated[str, typer.Option(help="Terms of the photographs.")] = "not stated",
    nobody: Annotated[
        bool,
        typer.Option(
            "--nobody", help="ROOT itself holds photographs, and nobody is in any of them; there are no masks."
        ),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace INDEX.jsonl if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Index a folder of photographs and masks.

    Exit code: 0 written, 2 wrong usage, 3 nothing was written.
    """
    import json

    from cutaway.cli.output import refuse_unwritable
    from cutaway.data.folder import read_folder, read_people_free
    from cutaway.data.index import count_splits, write_index

    refuse_unwritable(out, "-o", overwrite=overwrite)
    read = read_people_free if nobody else read_folder
    samples = read(root, source=source, licence=licence)
    write_index(out, samples, overwrite=overwrite)
    counts = count_splits(samples)
    if as_json:
        typer.echo(json.dumps({"index": str(out), "photos": len(samples), **counts}))
    else:
        parts = ", ".join(f"{count} {split}" for split, count in counts.items())
        typer.echo(f"{out}: {len(samples)} photographs, {parts}")


data.command("coco")(coco)
data.command("voc")(voc)
data.command("ade20k")(ade20k)
data.command("camvid")(camvid)
data.command("label")(label)
data.command("stats")(stats)
data.command("preview")(preview)
data.command("split")(split)
data.command("pack")(pack)
data.command("copies")(copies)
data.command("close-ups")(close_ups)
