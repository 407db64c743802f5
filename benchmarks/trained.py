"""Trains a recipe, exports what came of it, and is told in a few words how much is to be done; the rest imports it."""

import argparse
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from cutaway.errors import DataError
from cutaway.manifest import TrainingSet
from cutaway.training.config import Recipe, read_recipe
from cutaway.training.export import Facts, export
from cutaway.training.loop import train

RECIPES = Path(__file__).parents[1] / "recipes"

CANVAS = 11 / 8
"""The canvas that crops are cut from, as a multiple of the size."""


def add_amount(parser: argparse.ArgumentParser, size: int, views: int) -> None:
    """Add the options that :func:`amount` reads, with these defaults."""
    parser.add_argument("--size", type=int, default=size)
    parser.add_argument("--views", type=int, default=views)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--cpu", action="store_true", help="32 bits, for processors that have no bfloat16")


def amount(arguments: argparse.Namespace) -> list[str]:
    """Return what those options change in a recipe, in the notation of ``cutaway train --set``."""
    return [
        f"fit.size={arguments.size}",
        f"augment.canvas={round(CANVAS * arguments.size)}",
        f"optim.batch_size={arguments.batch}",
        f"optim.steps={arguments.views // arguments.batch}",
        f"run.channels_last={'false' if arguments.cpu else 'true'}",
        f"run.precision={'32-true' if arguments.cpu else 'bf16-mixed'}",
    ]


def person_recipe(path: Path, changes: list[str]) -> Recipe:
    """Return the recipe in ``path`` with ``changes``.

    Raises:
        DataError: It cannot be read, or is not of person or not.
    """
    recipe = read_recipe(path, changes)
    if not isinstance(recipe, Recipe):
        raise DataError(f"{path} is no recipe of person or not")
    return recipe


def trained(recipe: Recipe, folder: Path, name: str, version: str) -> Path:
    """Return the weights ``name``.onnx in ``folder``, trained into a folder beside them first if they are not there."""
    weights = folder / f"{name.replace(' ', '-')}.onnx"
    if not weights.exists():
        with Progress(console=Console(stderr=True)) as bar:
            task = bar.add_task(name, total=recipe.optim.steps)
            run = weights.with_suffix("")
            best = train(recipe, run, resume=True, report=lambda seen: bar.update(task, completed=seen.step))
        sets = tuple(TrainingSet(Path(path).name, None, "see the model card") for path in recipe.data.persons)
        export(best, weights, Facts(name, version, "Apache-2.0", sets, {}))
    return weights
