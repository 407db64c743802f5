"""Takes the stage at full size off weights of ``tiramisu-mobile`` that have it, as portrait 1 to 3 did.

``python -m benchmarks.shorten WEIGHTS.onnx OUT.pt`` fits the head of the net that is left, at half the size, to what
the whole correction was on training photos, by least squares; nothing else is trained. ``cutaway export`` takes the
result, which has to be calibrated again; ``benchmarks.narrow`` narrows its up-path, and ``cutaway train --init OUT.pt``
goes on from it as it is with the stages of ``WIDE`` in ``net.overrides``. With two stages in ``--set
net.overrides.up=[…]`` the one at half the size goes too.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from benchmarks.narrow import WIDE
from benchmarks.trained import RECIPES, person_recipe
from torch import Tensor, nn
from torch.nn import functional

from cutaway.errors import CutawayError
from cutaway.nets.layers import normalise
from cutaway.nets.tiramisu_mobile import TiramisuMobile
from cutaway.training import checkpoint
from cutaway.training.initial import load_pretrained
from cutaway.training.loop import some_photos
from cutaway.training.network import build_net
from cutaway.training.person import person_task

FULL_SIZE: dict[str, Any] = {"detail": 8, "up": [*WIDE["up"], {"width": 16, "growth_rate": 8, "layers": 2}]}
"""What the net was before its last stage was dropped."""

RIDGE = 1e-3
"""What is added to the diagonal of the equations for each pixel: stacked maps are nearly dependent."""

BATCH = 4


def main() -> None:
    """Write the shorter net, and say how much of the longer one's correction it explains."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--recipe", type=Path, default=RECIPES / "tiramisu-mobile-320.toml")
    parser.add_argument("--set", action="append", default=[], help="a change of the recipe")
    arguments = parser.parse_args()
    try:
        recipe = person_recipe(arguments.recipe, [*arguments.set, f"net.init={arguments.weights}"])
        recipe = replace(recipe, net=replace(recipe.net, overrides=WIDE | dict(recipe.net.overrides)))
        photos = partial(some_photos, person_task(recipe), torch.device("cpu"))
        whole = replace(recipe.net, overrides=FULL_SIZE)
        longer, shorter = build_net(whole), build_net(recipe.net)
        load_pretrained(longer, whole, photos)
        explained = shorten(longer, shorter, photos())
        checkpoint.save({"recipe": asdict(recipe), "net": shorter.state_dict()}, arguments.output)
    except CutawayError as error:
        sys.exit(f"{parser.prog}: {error}")
    sys.stdout.write(f"{arguments.output}: explains {explained:.2%} of the correction's variance\n")


def shorten(longer: nn.Module, shorter: nn.Module, images: Tensor) -> float:
    """Give ``shorter`` the maps of ``longer`` and a head fitted to it on images B×3×H×W float 0..1.

    Returns the share of the correction's variance that the head explains.
    """
    if not (isinstance(longer, TiramisuMobile) and isinstance(shorter, TiramisuMobile) and longer.detail):
        raise CutawayError("the recipe's net has to be tiramisu-mobile")
    maps = {name: value for name, value in longer.state_dict().items() if name in shorter.state_dict()}
    shorter.load_state_dict({**maps, **shorter.head.state_dict(prefix="head.")})
    products, pixels = torch.zeros(()), 0
    for stack, wanted in pairs(longer.eval(), longer.detail, shorter.eval(), images):
        row = torch.cat([stack, torch.ones(len(stack), 1), wanted], dim=1).double()
        products, pixels = products + row.T @ row, pixels + len(row)
    squares, sums, total = products[:-1, :-1], products[:-1, -1:], products[-1, -1]
    solution = torch.linalg.solve(squares + RIDGE * pixels * torch.eye(len(squares)), sums)
    shorter.head.load_state_dict({"weight": solution[:-1].T[..., None, None], "bias": solution[-1]})
    missed = total - 2 * solution.T @ sums + solution.T @ squares @ solution
    return 1 - float(missed / (total - sums[-1] ** 2 / pixels))


@torch.inference_mode()
def pairs(
    longer: TiramisuMobile, detail: nn.Module, shorter: TiramisuMobile, images: Tensor
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield what the new head sees, pixels×maps, and what it is to say, pixels×1, both at the head's size."""
    for batch in torch.split(images, BATCH):
        image = normalise(batch)
        context, skips, _ = longer.trunk(image)
        stack = shorter.up(context, skips[: len(shorter.up.blocks)])
        correction = longer.head(longer.up(context, [*skips, detail(image)]))
        wanted = functional.adaptive_avg_pool2d(correction, stack.shape[-2:])
        yield stack.movedim(1, -1).flatten(0, 2), wanted.movedim(1, -1).flatten(0, 2)


if __name__ == "__main__":
    main()
