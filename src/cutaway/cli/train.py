"""``cutaway train``."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer


def train(
    recipe: Annotated[
        Path | None,
        typer.Argument(
            metavar="[RECIPE.toml]", help="See recipes/; without one, what fine-tunes weights on a few photographs."
        ),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="Begin with these weights (a name of `cutaway models`) or checkpoint."),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="INDEX|FOLDER", help="Train on these photographs instead of the recipe's; may be given repeatedly."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; runs/NAME-OF-RECIPE by default.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change one value of the recipe.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on from the run's newest checkpoint.")] = False,
) -> None:
    """Train a net as a recipe says, or fine-tune one on photographs of yours.

    Checkpoints, TensorBoard events and the best weights go into one folder.

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
    from cutaway.training.config import FINE_TUNE, read_recipe

    if not (recipe or data):
        reason = "name a recipe, or the folder of your photographs with --data."
        raise typer.BadParameter(reason, param_hint="'[RECIPE.toml]'")
    source = recipe or FINE_TUNE
    plan = read_recipe(source, [*_spelled_out(init, data), *(set_ or [])])
    folder = out or Path("runs") / source.stem
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


def _spelled_out(init: str | None, data: list[str] | None) -> list[str]:
    """Return what ``--init`` and ``--data`` stand for, as ``--set`` has it; JSON's strings are TOML's too."""
    begun = [f"net.init={json.dumps(init, ensure_ascii=False)}", "net.trunk=''"] if init else []
    return [*begun, f"data.persons={json.dumps(data, ensure_ascii=False)}"] if data else begun


def _words(score: str) -> str:
    return score.replace("_", " ").replace("iou", "IoU")


def _is_first_process() -> bool:
    """Return whether this process may speak: a run on several devices is this command once for each.

    Fabric, which knows one machine, numbers them by LOCAL_RANK; torchrun by RANK over all machines.
    """
    return os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")) == "0"
