"""``cutaway export``: its options."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint of `cutaway train`, such as runs/NAME/best.pt.")],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="WEIGHTS.onnx", help="Where the weights go.")],
    card: Annotated[
        Path | None,
        typer.Option(
            metavar="CARD.toml", help="Name, licence, training data and scores for the manifest; see recipes/cards/."
        ),
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Store the weights as float16: half the bytes.")] = False,
    size: Annotated[
        int | None, typer.Option(metavar="PIXELS", help="The network's input size, if not the recipe's.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace WEIGHTS.onnx if it exists.")] = False,
) -> None:
    """Write a checkpoint as ONNX weights, checked against torch.

    Exit code: 0 written, 2 wrong usage, 3 nothing was written.
    """
    from cutaway import __version__
    from cutaway.cli.output import refuse_unwritable
    from cutaway.training import export as exporter

    refuse_unwritable(out, "-o", overwrite=overwrite)
    plain = exporter.Facts(out.stem, __version__, "not stated", (), {})
    facts = exporter.read_facts(card) if card else plain
    written = exporter.export(checkpoint, out, facts, half=half, size=size, overwrite=overwrite)
    typer.echo(f"{written.path}: {written.size / 1e6:.2f} MB, {written.manifest.parameters:,} parameters")
    typer.echo(f"largest difference from torch: {written.difference:.1e}")
