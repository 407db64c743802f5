"""Trains the nets of the comparison on the same photos in the same way, one after the other, and exports them.

``python -m benchmarks.compare runs/comparison`` makes a folder and an .onnx file for each net. Called again it goes on
where it was stopped. It ends with the command that scores them all. On two cores say how little is to be done:
``--size 128 --views 6000 --batch 8 --cpu``.
"""

import argparse
from pathlib import Path

from benchmarks.trained import RECIPES, add_amount, amount, person_recipe, trained
from rich.console import Console

NETS = {
    "fcn8s": "fcn8s",
    "unet": "unet",
    "fc-densenet56": "fc-densenet56",
    "fc-densenet103": "fc-densenet103",
    "tiramisu-portrait": "fc-densenet56",
    "tiramisu-mobile": "fc-densenet56",
}
"""The nets, and the recipe that each is trained with; the recipes differ in nothing but the net and its rate."""


def main() -> None:
    """Train and export what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--net", nargs="+", choices=NETS, default=list(NETS))
    parser.add_argument("--trunk", default="../shared/data/trunks/deeplabv3_mnv2_pascal.npz", help="of tiramisu-mobile")
    add_amount(parser, size=224, views=150_000)
    arguments = parser.parse_args()
    files = [run(name, arguments) for name in arguments.net]
    Console().print(f"cutaway evaluate {' '.join(map(str, files))} --data ../shared/data/persons --report report.html")


def run(name: str, arguments: argparse.Namespace) -> Path:
    """Return the exported weights of ``name``, trained first if they are not there."""
    trunk = arguments.trunk if name == "tiramisu-mobile" else ""
    changes = [f"net.name={name}", f"net.trunk={trunk}", *amount(arguments)]
    return trained(person_recipe(RECIPES / f"{NETS[name]}.toml", changes), arguments.out, name, "comparison")


if __name__ == "__main__":
    main()
