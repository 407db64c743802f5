"""``cutaway remove``: its options, and their translation into a plan and a look."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from cutaway.cli.messages import usage_errors
from cutaway.errors import OptionError

if TYPE_CHECKING:
    from cutaway.photo import Photo

BARE = {"--crop": "0", "--shadow": "50%"}
"""What an option means without its value: exactly the person's box; half of the light taken."""


class RemoveCommand(TyperCommand):
    """Gives options an optional value as GNU commands do: ``--crop`` or ``--crop=MARGIN``, never ``--crop MARGIN``.

    Typer has no options with an optional value, and one that took the next word would swallow a photograph's name.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Write a bare option out in full before Typer reads the arguments."""
        end = args.index("--") if "--" in args else len(args)
        spelled = [f"{word}={BARE[word]}" if word in BARE else word for word in args[:end]]
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
        str | None,
        typer.Option(
            metavar="transparent|COLOUR|FILE|blur[:RADIUS]",
            help="What lies behind the person; without it transparent, with --preset white.",
            show_default=False,
        ),
    ] = None,
    fit: Annotated[
        Literal["cover", "contain"] | None,
        typer.Option(help="Background picture: over the whole frame (default), or whole with white around."),
    ] = None,
    position: Annotated[
        str | None,
        typer.Option(metavar="X [Y]", help='Background picture: as in CSS, "right top" or "50% 20%"; default center.'),
    ] = None,
    shadow: Annotated[
        str | None,
        typer.Option(
            "--shadow", metavar="[=STRENGTH]", help="A soft drawn shadow; share of light taken: --shadow=50%."
        ),
    ] = None,
    mask: Annotated[
        bool, typer.Option("--mask", help="Write the alpha alone, as a grey picture; person = white.")
    ] = False,
    crop: Annotated[
        str | None,
        typer.Option(
            "--crop",
            metavar="[=MARGIN]",
            help="Crop to the person; margin as a share of its longer side or in pixels: --crop=10%, --crop=20px.",
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH", help="Exactly so many pixels, with the person centred; margin of --crop, else 10%."
        ),
    ] = None,
    preset: Annotated[
        str | None, typer.Option(metavar="NAME", help="Size and place for: id-35x45, us-2x2, shop-square.")
    ] = None,
    upscale: Annotated[
        bool, typer.Option("--upscale", help="Let --size or --preset enlarge the person beyond the photograph.")
    ] = False,
    file_format: Annotated[
        Literal["png", "webp", "avif", "tiff", "jpg"] | None,
        typer.Option("--format", help="Output format; without it, what OUT's name says, else png.", show_default=False),
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="NAME|PATH", help="Weights: a name of `cutaway models`, or an .onnx file.")
    ] = "portrait",
    quality: Annotated[
        int | None,
        typer.Option(
            min=1, max=100, help="Of webp, avif and jpg, 1 to 100; without it webp is lossless.", show_default=False
        ),
    ] = None,
    keep_metadata: Annotated[
        bool,
        typer.Option("--keep-metadata", help="Keep EXIF and XMP, in JPEG IPTC too: camera, time, position, names."),
    ] = False,
    refine: Annotated[
        Literal["none", "guided", "closed-form"],
        typer.Option(help="How the alpha is brought to the photograph's size; closed-form is slow and an extra."),
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
    from cutaway.cli.plan import Naming, choose_format, make_plan, read_target
    from cutaway.look import Encoding
    from cutaway.options import Options, parse

    encoding = Encoding(choose_format(out, file_format), quality, keep_metadata)
    with usage_errors():
        named, picture = _behind(background)
        look = parse(Options(named, fit, position, shadow, mask, crop, size, preset, upscale), encoding, picture)
    naming = Naming("mask" if mask else "cutout", f".{encoding.format}")
    target = read_target(out, inputs)
    if target.kind == "stream":
        _refuse_stream(as_json)
    steps = make_plan(inputs, target, naming, overwrite=overwrite)
    order = Order(model, refine, look, encoding, overwrite, require_person)
    raise typer.Exit(run(steps, order, as_json=as_json))


def _behind(background: str | None) -> "tuple[str | None, Photo | None]":
    """Return ``background`` as words or as the picture in the file it names; raise ``OptionError`` if it is neither."""
    from cutaway.options import is_background, read_picture

    if background is None or is_background(background):
        return background, None
    if not Path(background).is_file():
        reason = f"{background} is neither transparent, blur, a colour such as white or #ffcc00, nor a picture file."
        raise OptionError("background", reason)
    return None, read_picture(Path(background), background)


def _refuse_stream(as_json: bool) -> None:
    if as_json:
        reason = "standard output cannot carry both the picture and the JSON object; name a file with -o."
        raise typer.BadParameter(reason, param_hint="'--json'")
    if sys.stdout and sys.stdout.isatty():
        reason = "a picture is not written to a terminal; name a file with -o, or use > or |."
        raise typer.BadParameter(reason, param_hint="'-o'")
