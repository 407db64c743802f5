"""``cutaway remove``: its options, and their translation into a plan and a look."""

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from cutaway.cli.look import Look

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
        bool, typer.Option("--keep-metadata", help="Keep EXIF, XMP and IPTC: camera, time, position, names.")
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
    from cutaway.cli.batch import Encoding, Order, run
    from cutaway.cli.look import (
        Look,
        View,
        check_position,
        check_preset,
        parse_background,
        parse_margin,
        parse_shadow,
        parse_size,
    )
    from cutaway.cli.plan import Naming, choose_format, make_plan, read_target
    from cutaway.imagefile import LOSSY

    view = View(
        None if crop is None else parse_margin(crop),
        None if size is None else parse_size(size),
        None if preset is None else check_preset(preset),
        upscale,
    )
    unnamed = "transparent" if preset is None or mask else "white"
    look = Look(
        parse_background(unnamed if background is None else background),
        fit or "cover",
        check_position("center" if position is None else position),
        mask,
        None if shadow is None else parse_shadow(shadow),
        view,
    )
    encoding = choose_format(out, file_format)
    _refuse_contradictions(look, encoding, background=background, placed=fit is not None or position is not None)
    if quality is not None and encoding not in LOSSY:
        reason = f"{encoding} is without loss and has no quality; leave it out, or choose --format webp, avif or jpg."
        raise typer.BadParameter(reason, param_hint="'--quality'")
    naming = Naming("mask" if mask else "cutout", f".{encoding}")
    target = read_target(out, inputs)
    if target.kind == "stream":
        _refuse_stream(as_json)
    steps = make_plan(inputs, target, naming, overwrite=overwrite)
    order = Order(model, refine, look, Encoding(encoding, quality, keep_metadata), overwrite, require_person)
    raise typer.Exit(run(steps, order, as_json=as_json))


def _refuse_contradictions(look: "Look", encoding: str, *, background: str | None, placed: bool) -> None:
    """Raise ``typer.BadParameter`` for options that make no sense together.

    ``background`` is what the user wrote, if anything, and ``placed`` whether ``--fit`` or ``--position`` was given.
    """
    view = look.view
    for wrong, option, reason in (
        (
            look.mask and background not in (None, "transparent"),
            "--mask",
            "a mask has no background; leave --mask or --background out.",
        ),
        (look.mask and look.shadow is not None, "--mask", "a mask has no shadow; leave --mask or --shadow out."),
        (
            encoding == "jpg" and look.background is None and not look.mask,
            "--format",
            "jpg cannot store transparency; choose png, webp or avif, or name a --background such as white.",
        ),
        (placed and not look.has_picture, "--fit", "--fit and --position are for a picture named by --background."),
        (
            view.preset is not None and (view.size is not None or view.margin is not None),
            "--preset",
            "a preset settles size and margin; leave --size and --crop out.",
        ),
        (
            view.shows_id and look.shadow is not None,
            "--shadow",
            "ID photos must not show a shadow; leave --shadow or --preset out.",
        ),
        (
            view.upscale and view.size is None and view.preset is None,
            "--upscale",
            "only --size and --preset enlarge; name one of them.",
        ),
    ):
        if wrong:
            raise typer.BadParameter(reason, param_hint=f"'{option}'")


def _refuse_stream(as_json: bool) -> None:
    if as_json:
        reason = "standard output cannot carry both the picture and the JSON object; name a file with -o."
        raise typer.BadParameter(reason, param_hint="'--json'")
    if sys.stdout and sys.stdout.isatty():
        reason = "a picture is not written to a terminal; name a file with -o, or use > or |."
        raise typer.BadParameter(reason, param_hint="'-o'")
