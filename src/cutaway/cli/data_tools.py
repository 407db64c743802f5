"""``cutaway data stats | preview | split | pack | copies | close-ups``: what to do with an index; their options."""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

Index: TypeAlias = Annotated[
    Path,
    typer.Argument(metavar="INDEX", help="A .jsonl index, a folder with images/ and masks/, or one of tar shards."),
]
Indexes: TypeAlias = Annotated[
    list[Path],
    typer.Argument(metavar="INDEX...", help=".jsonl indexes, folders with images/ and masks/, or of tar shards."),
]
Split: TypeAlias = Annotated[Literal["train", "val", "test"] | None, typer.Option(help="This part of the data alone.")]
Overwrite: TypeAlias = Annotated[bool, typer.Option("--overwrite", help="Replace what exists.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def stats(
    index: Index,
    split: Split = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw the histograms (needs matplotlib).")
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Count photos by set, split, people, share of person and size.

    Exit code: 0 counted, 2 wrong usage, 3 the data cannot be read.
    """
    from cutaway.cli.curating import print_stats
    from cutaway.cli.output import refuse_unless_png
    from cutaway.data.folder import load_samples
    from cutaway.data.stats import draw, measure
    from cutaway.imagefile import write

    if plot:
        refuse_unless_png(plot, "--plot", overwrite=overwrite)
    counts = measure(load_samples(index, split))
    if plot:
        write(plot, draw(counts), overwrite=overwrite)
    print_stats(counts, as_json=as_json)


def preview(
    index: Index,
    out: Annotated[Path, typer.Option("-o", "--output", metavar="SHEET.png", help="Where the sheet goes; or .jpg.")],
    count: Annotated[int, typer.Option(min=1, metavar="N", help="Photos on it, at most.")] = 48,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Another number draws other photos.")] = 0,
    split: Split = None,
    overwrite: Overwrite = False,
) -> None:
    """Draw a contact sheet: the person outlined, void tinted, and what each photo is called.

    Exit code: 0 written, 1 written without some photos that failed, 2 wrong usage, 3 nothing was written.
    """
    from cutaway.cli.curating import draw_preview
    from cutaway.cli.output import refuse_unwritable
    from cutaway.data.folder import load_samples
    from cutaway.data.preview import choose
    from cutaway.errors import OutputError
    from cutaway.imagefile import format_of

    refuse_unwritable(out, "-o", overwrite=overwrite)
    try:
        file_format = format_of(out)
    except OutputError as error:
        raise typer.BadParameter(str(error), param_hint="'-o'") from error
    chosen = choose(load_samples(index, split), count, seed)
    raise typer.Exit(draw_preview(chosen, out, file_format, overwrite=overwrite))


def split(
    indexes: Indexes,
    out: Annotated[Path, typer.Option("-o", "--output", metavar="OUT.jsonl", help="Where the new index goes.")],
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Split photos anew, 70 % train, 20 % val, 10 % test, by a hash of the id; several indexes become one.

    A photo's split depends on its id alone: it stays the same whatever else is in the index. Those that a net
    labelled stay in train.

    Exit code: 0 written, 2 wrong usage, 3 nothing was written.
    """
    from cutaway.cli.curating import print_split
    from cutaway.cli.output import refuse_unwritable
    from cutaway.data.folder import load_samples
    from cutaway.data.index import split_anew, write_index

    refuse_unwritable(out, "-o", overwrite=overwrite)
    before = [sample for index in indexes for sample in load_samples(index)]
    after = split_anew(before)
    write_index(out, after, overwrite=overwrite)
    print_split(out, before, after, as_json=as_json)


def pack(
    index: Index,
    out: Annotated[
        Path, typer.Option("-o", "--output", metavar="SHARDS/", help="The folder of the shards; it is made.")
    ],
    size: Annotated[int, typer.Option("--size-mb", min=1, metavar="N", help="Megabytes of a shard, at most.")] = 60,
    split: Split = None,
    max_side: Annotated[
        int | None, typer.Option(min=16, metavar="N", help="Shrink photos whose longer side is over N pixels.")
    ] = None,
    quality: Annotated[
        int, typer.Option(min=1, max=100, metavar="Q", help="JPEG quality of photos that are shrunk, or were no JPEG.")
    ] = 92,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Pack photos and masks into tar shards (WebDataset) that train and evaluate read as they are.

    Exit code: 0 packed, 1 packed without some photos that failed, 2 wrong usage, 3 nothing was written.
    """
    from cutaway.cli.curating import pack_shards
    from cutaway.data.folder import load_samples
    from cutaway.data.packing import Packing, check_folder
    from cutaway.errors import OutputError

    try:
        check_folder(out, overwrite=overwrite)
    except OutputError as error:
        raise typer.BadParameter(str(error), param_hint="'-o'") from error
    packing = Packing(size * 1_000_000, max_side, quality)
    raise typer.Exit(pack_shards(load_samples(index, split), out, packing, overwrite=overwrite, as_json=as_json))


def copies(
    indexes: Indexes,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="OUT.jsonl", help="Write an index without what stands in a second split."
        ),
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Find near-copies, mirrored ones too, and ids that repeat; no photo may stand in two splits.

    Exit code: 0 none does, 1 one does or a photo failed, 2 wrong usage, 3 the data cannot be read.
    """
    from cutaway.cli.curating import report_copies
    from cutaway.cli.output import refuse_unwritable
    from cutaway.data.folder import load_samples

    if out:
        refuse_unwritable(out, "-o", overwrite=overwrite)
    samples = [sample for index in indexes for sample in load_samples(index)]
    raise typer.Exit(report_copies(samples, out, overwrite=overwrite, as_json=as_json))


def close_ups(
    indexes: Indexes,
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT.jsonl",
            help="Where the index of the close-ups goes; they go to OUT-photos/ and OUT-masks/ beside it.",
        ),
    ],
    each: Annotated[int, typer.Option(min=1, metavar="N", help="Close-ups of a photo, at most.")] = 2,
    split: Split = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Crop photos of small people, so that these fill 20 to 70 % of the frame, to train on besides.

    Photos in which they fill that already are passed over. A close-up stays in its photo's split.

    Exit code: 0 written, 1 written without some photos that failed, 2 wrong usage, 3 nothing was written.
    """
    from cutaway.cli.curating import cut_close_ups
    from cutaway.cli.output import refuse_unwritable
    from cutaway.data.folder import load_samples

    refuse_unwritable(out, "-o", overwrite=overwrite)
    samples = [sample for index in indexes for sample in load_samples(index, split)]
    raise typer.Exit(cut_close_ups(samples, each, out, overwrite=overwrite, as_json=as_json))
