"""``cutaway train``."""

import os
from pathlib import Path
from typing import Annotated

import typer


def train(
    recipe: Annotated[Path, typer.Argument(help="TOML recipe; see recipes/.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the run; runs/NAME-OF-RECIPE by default.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change one value of the recipe.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on from the run's newest checkpoint.")] = False,
) -> None:
    """Train a net as a recipe says; checkpoints, TensorBoard events and the best weights go into one folder.

    Exit code: 0 trained, 2 wrong usage, 3 nothing could start or the run broke off.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from cutaway.training import loop
    from cutaway.training.config import read_recipe

    plan = read_recipe(recipe, set_ or [])
    folder = out or Path("runs") / recipe.stem
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    first = _is_first_process()
    with Progress(*columns, console=Console(stderr=True), disable=not first) as bar:
        task = bar.add_task(plan.net.name, total=plan.optim.steps)

        def show(progress: loop.Progress) -> None:
            scores = "".join(f"  val {_words(name)} {score:.3f}" for name, score in progress.scores.items())
            bar.update(task, completed=progress.step, description=f"{plan.net.name}  loss {progress.loss:.3f}{scores}")

        best = loop.train(plan, folder, resume=resume, report=show)
    if first:
        typer.echo(f"Best checkpoint: {best}")


def _words(score: str) -> str:
    return score.replace("_", " ").replace("iou", "IoU")


def _is_first_process() -> bool:
    """Return whether this process may speak: of a run on several devices, Fabric starts this command once for each."""
    return os.environ.get("LOCAL_RANK", "0") == "0"
