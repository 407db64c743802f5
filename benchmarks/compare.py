"""Trains the nets of the comparison on the same photos in the same way, one after the other, and exports them.

``python benchmarks/compare.py runs/comparison`` makes a folder and an .onnx file for each net. Called again it goes on
where it was stopped. It ends with the command that scores them all. On two cores say how little is to be done:
``--size 128 --views 6000 --batch 8 --cpu``.
"""

import argparse
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from cutaway.manifest import TrainingSet
from cutaway.training.config import Recipe, read_recipe
from cutaway.training.export import Facts, export
from cutaway.training.loop import train

RECIPES = Path(__file__).parents[1] / "recipes"
NETS = {
    "fcn8s": "fcn8s",
    "unet": "unet",
    "fc-densenet56": "fc-densenet56",
    "fc-densenet103": "fc-densenet103",
    "tiramisu-portrait": "fc-densenet56",
    "tiramisu-mobile": "fc-densenet56",
}
"""The nets, and the recipe that each is trained with; the recipes differ in nothing but the net and its rate."""

CANVAS = 11 / 8
"""The canvas that crops are cut from, as a multiple of the size."""


def main() -> None:
    """Train and export what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--net", nargs="+", choices=NETS, default=list(NETS))
    parser.add_argument("--trunk", default="../shared/data/trunks/deeplabv3_mnv2_pascal.npz", help="of tiramisu-mobile")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--views", type=int, default=150_000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--cpu", action="store_true", help="32 bits, for processors that have no bfloat16")
    arguments = parser.parse_args()
    files = [run(name, arguments) for name in arguments.net]
    Console().print(f"cutaway evaluate {' '.join(map(str, files))} --data ../shared/data/persons --report report.html")


def run(name: str, arguments: argparse.Namespace) -> Path:
    """Return the exported weights of ``name``, trained first if they are not there."""
    folder: Path = arguments.out
    weights = folder / f"{name}.onnx"
    if weights.exists():
        return weights
    recipe = read_recipe(RECIPES / f"{NETS[name]}.toml", overrides(name, arguments))
    if not isinstance(recipe, Recipe):
        raise TypeError(f"{NETS[name]} is no recipe of person or not")
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=recipe.optim.steps)
        best = train(recipe, folder / name, resume=True, report=lambda seen: bar.update(task, completed=seen.step))
    sets = tuple(TrainingSet(Path(path).name, None, "see the model card") for path in recipe.data.persons)
    export(best, weights, Facts(name, "comparison", "Apache-2.0", sets, {}))
    return weights


def overrides(name: str, arguments: argparse.Namespace) -> list[str]:
    """Return what is changed in the recipe of ``name``, in the notation of ``cutaway train --set``."""
    changes = {
        "net.name": name,
        "net.trunk": arguments.trunk if name == "tiramisu-mobile" else "",
        "fit.size": arguments.size,
        "augment.canvas": round(CANVAS * arguments.size),
        "optim.batch_size": arguments.batch,
        "optim.steps": arguments.views // arguments.batch,
        "run.channels_last": "false" if arguments.cpu else "true",
        "run.precision": "32-true" if arguments.cpu else "bf16-mixed",
    }
    return [f"{key}={value}" for key, value in changes.items()]


if __name__ == "__main__":
    main()
