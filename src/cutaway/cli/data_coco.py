"""``cutaway data coco``: its options."""

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

import typer


def _share(text: str | Fraction) -> Fraction:
    """Return a share as it was written: a float would miss a bound by a pixel."""
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise typer.BadParameter(f"{text!r} is no share; write one as .25 or 1/4.") from error


def _address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise typer.BadParameter(f"{text} begins with neither http:// nor https://.")
    return text.rstrip("/")


def coco(
    annotations: Annotated[
        Path, typer.Argument(metavar="ANNOTATIONS.json", help="COCO's instances file, of 2014 or 2017.")
    ],
    images: Annotated[Path, typer.Argument(metavar="IMAGES", help="The folder of its photographs.")],
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="INDEX.jsonl", help="Where the index goes; masks go to INDEX-masks/ beside it."
        ),
    ],
    max_people: Annotated[int, typer.Option(min=1, metavar="N", help="Photos with more people are left out.")] = 2,
    min_share: Annotated[
        Fraction,
        typer.Option(
            parser=_share, metavar="SHARE", show_default="0.2", help="Share of person pixels, 0 to 1, at least."
        ),
    ] = Fraction(1, 5),
    max_share: Annotated[
        Fraction,
        typer.Option(
            parser=_share, metavar="SHARE", show_default="0.7", help="Share of person pixels, 0 to 1, at most."
        ),
    ] = Fraction(7, 10),
    min_person_share: Annotated[
        Fraction,
        typer.Option(
            parser=_share,
            metavar="SHARE",
            show_default="0: all count",
            help="Somebody on a smaller share of the photo does not count, and is void in the mask. "
            "The article does not say whether small bystanders count.",
        ),
    ] = Fraction(0),
    source: Annotated[str, typer.Option(help="Name of the set in the index.")] = "coco",
    funnel: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw how many photos each stage leaves.")
    ] = None,
    download: Annotated[
        bool,
        typer.Option("--download", help="Fetch the annotations if missing, and those of the chosen photos that are."),
    ] = False,
    year: Annotated[
        Literal["2014", "2017"] | None,
        typer.Option(help="What to download. Default: what ANNOTATIONS.json, or else its name, says."),
    ] = None,
    part: Annotated[
        Literal["train", "val"] | None,
        typer.Option(help="What to download. Default: val if the name of ANNOTATIONS.json says so, else train."),
    ] = None,
    url: Annotated[
        str, typer.Option(parser=_address, metavar="URL", help="Where to download from.")
    ] = "http://images.cocodataset.org",
    connections: Annotated[int, typer.Option(min=1, max=64, metavar="N", help="Files to download at once.")] = 8,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace INDEX.jsonl and FILE.png if there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Trim COCO to photos of a few people who fill a good part of the picture, as the 2017 article did.

    Exit code: 0 written, 1 written but some photos failed, 2 wrong usage, 3 nothing was written.
    """
    from cutaway.cli.output import refuse_unless_png, refuse_unwritable
    from cutaway.cli.trimming import Order, Origin, trim_coco
    from cutaway.data.funnel import Rules
    from cutaway.errors import DataError

    refuse_unwritable(out, "-o", overwrite=overwrite)
    if funnel:
        refuse_unless_png(funnel, "--funnel", overwrite=overwrite)
    try:
        rules = Rules(max_people, min_share, max_share, min_person_share)
    except DataError as error:
        raise typer.BadParameter(f"{error}.") from error
    origin = Origin(url, part, int(year) if year else None, connections) if download else None
    order = Order(annotations, images, out, rules, source, funnel, overwrite)
    raise typer.Exit(trim_coco(order, origin, as_json=as_json))
