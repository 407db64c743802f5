"""``cutaway remove``: its options, and their translation into a plan and a look."""

import sys
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand

DEFAULT_MARGIN = "0"
"""What ``--crop`` without a value means: exactly the person's box."""


class RemoveCommand(TyperCommand):
    """Gives ``--crop`` its optional value as GNU commands do: ``--crop`` or ``--crop=MARGIN``, never ``--crop MARGIN``.

    Typer has no options with an optional value, and one that took the next word would swallow a photograph's name.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Write a bare ``--crop`` out in full before Typer reads the arguments."""
        end = args.index("--") if "--" in args else len(args)
        spelled = [f"--crop={DEFAULT_MARGIN}" if word == "--crop" else word for word in args[:end]]
        return super().parse_args(ctx, spelled + args[end:])


def remove(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="IN...", help="Photographs, folders of them, or - for standard input.", show_default=False
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="File, folder, or - for standard output. Without it: NAME-cutout.png beside the photograph.",
        ),
    ] = None,
    background: Annotated[
        str, typer.Option(metavar="transparent|COLOUR|FILE|blur[:RADIUS]", help="What lies behind the person.")
    ] = "transparent",
    mask: Annotated[
        bool, typer.Option("--mask", help="Write the alpha alone, as a grey picture; person = white.")
    ] = False,
    crop: Annotated[
        str | None,
        typer.Option(
            "--crop", metavar="[=MARGIN]", help="Crop to the person; margin as a share of its longer side: --crop=10%."
        ),
    ] = None,
    file_format: Annotated[
        Literal["png", "webp", "avif", "tiff", "jpg"] | None,
        typer.Option("--format", help="Output format; without it, what OUT's name says, else png.", show_default=False),
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="NAME|PATH", help="Weights: a name of `cutaway models`, or an .onnx file.")
    ] = "portrait",
    refine: Annotated[
        Literal["none", "guided"], typer.Option(help="How the alpha is brought to the photograph's size.")
    ] = "guided",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")] = False,
    require_person: Annotated[
        bool, typer.Option("--require-person", help="Count a photograph of nobody as failed.")
    ] = False,
) -> None:
    """Cut the people out of photographs.

    Exit code: 0 all done, 1 some inputs failed (each named on standard error, the rest done), 2 wrong usage,
    3 nothing could start.
    """
    from cutaway.cli.batch import Order, run
    from cutaway.cli.look import Look, parse_background, parse_margin
    from cutaway.cli.plan import Naming, choose_format, make_plan, read_target

    look = Look(parse_background(background), mask, None if crop is None else parse_margin(crop))
    encoding = choose_format(out, file_format)
    _refuse_contradictions(background, mask, encoding)
    naming = Naming("mask" if mask else "cutout", f".{encoding}")
    target = read_target(out, inputs)
    if target.kind == "stream":
        _refuse_stream(as_json)
    steps = make_plan(inputs, target, naming, overwrite=overwrite)
    order = Order(model, refine, look, encoding, overwrite, require_person)
    raise typer.Exit(run(steps, order, as_json=as_json))


def _refuse_contradictions(background: str, mask: bool, encoding: str) -> None:
    if mask and background != "transparent":
        raise typer.BadParameter("a mask has no background; leave --mask or --background out.", param_hint="'--mask'")
    if encoding == "jpg" and background == "transparent" and not mask:
        reason = "jpg cannot store transparency; choose png, webp or avif, or name a --background such as white."
        raise typer.BadParameter(reason, param_hint="'--format'")


def _refuse_stream(as_json: bool) -> None:
    if as_json:
        reason = "standard output cannot carry both the picture and the JSON object; name a file with -o."
        raise typer.BadParameter(reason, param_hint="'--json'")
    if sys.stdout and sys.stdout.isatty():
        reason = "a picture is not written to a terminal; name a file with -o, or use > or |."
        raise typer.BadParameter(reason, param_hint="'-o'")
