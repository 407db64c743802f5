"""Gives weights of ``tiramisu-mobile`` a narrower up-path that says what the wider one said.

``python -m benchmarks.narrow WEIGHTS.onnx OUT.pt`` takes over whatever has the same shape in both nets, and trains the
rest, alone, to say of augmented training photos what the wide net says of them (Hinton 2015, *Distilling the knowledge
in a neural network*); masks are not asked. ``cutaway export`` takes the result, which has to be calibrated again.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from benchmarks.trained import RECIPES, person_recipe
from rich.console import Console
from rich.progress import track
from torch import Tensor, nn
from torch.utils.data import DataLoader

from cutaway.data.torch_dataset import StepSampler
from cutaway.errors import CutawayError
from cutaway.training import checkpoint
from cutaway.training.config import Recipe
from cutaway.training.ema import Ema
from cutaway.training.initial import load_pretrained
from cutaway.training.loop import some_photos
from cutaway.training.losses import bce_dice
from cutaway.training.network import build_net
from cutaway.training.optimizers import learning_rate, make_optimizer
from cutaway.training.person import person_task
from cutaway.training.task import Task

WIDE: dict[str, Any] = {
    "up": [
        {"width": 96, "growth_rate": 32, "layers": 4},
        {"width": 64, "growth_rate": 20, "layers": 4},
        {"width": 32, "growth_rate": 12, "layers": 3},
    ]
}
"""What the net was in versions 4 and 5 of ``portrait``."""


def main() -> None:
    """Write the narrow net, and say how much of it is new."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--recipe", type=Path, default=RECIPES / "tiramisu-mobile-narrow.toml")
    parser.add_argument("--set", action="append", default=[], help="a change of the recipe")
    arguments = parser.parse_args()
    try:
        recipe = person_recipe(arguments.recipe, [*arguments.set, f"net.init={arguments.weights}"])
        config = replace(recipe.net, overrides=WIDE)
        torch.manual_seed(recipe.run.seed)
        wide, narrow = build_net(config), build_net(recipe.net)
        task = person_task(recipe)
        load_pretrained(wide, config, partial(some_photos, task, torch.device("cpu")))
        new = take_over(wide, narrow)
        if not new:
            raise CutawayError("the recipe's net is as wide as the weights'; change its net.overrides")
        average = imitate(wide, narrow, [narrow.get_submodule(name) for name in new], task, recipe)
        checkpoint.save({"recipe": asdict(recipe), "net": average.state_dict()}, arguments.output)
    except CutawayError as error:
        sys.exit(f"{parser.prog}: {error}")
    sys.stdout.write(f"{arguments.output}: new are {', '.join(new)}\n")


def take_over(wide: nn.Module, narrow: nn.Module) -> list[str]:
    """Give the layers of ``narrow`` what has the same name and shape in ``wide``; return the names of the others."""
    known, new = wide.state_dict(), []
    for name, layer in narrow.named_modules():
        state = layer.state_dict()
        if not state or any(layer.children()):
            continue
        taken = {key: known.get(f"{name}.{key}") for key in state}
        if any(value is None or value.shape != state[key].shape for key, value in taken.items()):
            new.append(name)
        else:
            layer.load_state_dict(taken)
    return new


def imitate(wide: nn.Module, narrow: nn.Module, new: list[nn.Module], task: Task, recipe: Recipe) -> nn.Module:
    """Train the layers ``new`` of ``narrow`` to say what ``wide`` says; return the average of its weights."""
    for net in (wide.eval(), narrow.eval()):
        net.requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a stub lacks it
    for layer in new:
        layer.requires_grad_(True).train()
    optimizer, average = make_optimizer(narrow, recipe.optim), Ema(narrow, recipe.optim.ema)
    for step, images in enumerate(track(seen(task, recipe), console=Console(stderr=True), total=recipe.optim.steps)):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, recipe.optim, recipe.optim.steps) * group["scale"]
        with torch.no_grad():
            wanted = wide(images).sigmoid()
        loss = bce_dice(narrow(images), torch.cat([wanted, torch.zeros_like(wanted)], dim=1))
        torch.autograd.backward(loss.total)
        torch.nn.utils.clip_grad_norm_(narrow.parameters(), recipe.optim.clip)
        optimizer.step()
        optimizer.zero_grad()
        average.update(narrow, step)
    return average.net


def seen(task: Task, recipe: Recipe) -> Iterator[Tensor]:
    """Yield the augmented photos of each step, B×3×H×W float 0..1."""
    sampler = StepSampler(len(task.photos), recipe.optim.batch_size, recipe.run.seed, 0, recipe.optim.steps)
    for step, (photos, targets) in enumerate(DataLoader(task.photos, batch_sampler=sampler)):
        torch.manual_seed(recipe.run.seed + step)
        images: Tensor = task.augment(photos, targets)[0]
        yield images.contiguous(memory_format=torch.channels_last)


if __name__ == "__main__":
    main()
