"""What the tests of training share: a set of drawn people, a net so small that a step takes milliseconds."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from cutaway.training.config import Recipe, parse_recipe
from folders import write_people, write_rooms

TrainingData = tuple[Path, Path]
MakeRecipe = Callable[..., Recipe]


@pytest.fixture(autouse=True, scope="package")
def torch_as_it_was() -> Iterator[None]:
    """Keep PyTorch to one thread, which is faster on small tensors, and undo what a run sets for the whole process."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


@pytest.fixture(scope="session")
def training_data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    """Eight people to train on and four to validate on, and six empty rooms; do not change them."""
    root = tmp_path_factory.mktemp("data")
    return write_people(root / "people", "tttttttt" + "vvvv"), write_rooms(root / "rooms", 6)


@pytest.fixture(scope="session")
def tiny_recipe(training_data: TrainingData) -> dict[str, dict[str, Any]]:
    """A recipe as TOML gives it; do not change it."""
    people, rooms = training_data
    return {
        "net": {"name": "unet", "overrides": {"widths": [4, 8], "batch_norm": True, "dropout": 0.1}},
        "data": {"persons": [str(people)], "people_free": [str(rooms)]},
        "fit": {"rule": "letterbox", "size": 32, "multiple": 32},
        "optim": {"steps": 12, "batch_size": 3, "lr": 0.01, "warmup": 2, "ema": 0.8},
        "augment": {"canvas": 40},
        "run": {"precision": "32-true", "accelerator": "cpu", "checkpoint_every": 3},
    }


@pytest.fixture(scope="session")
def make_recipe(tiny_recipe: dict[str, dict[str, Any]]) -> MakeRecipe:
    """Make the tiny recipe, with the keys of some sections changed."""

    def make(**sections: dict[str, Any]) -> Recipe:
        names = tiny_recipe | sections
        recipe = parse_recipe({name: tiny_recipe.get(name, {}) | sections.get(name, {}) for name in names})
        assert isinstance(recipe, Recipe)
        return recipe

    return make


def unsettle(net: nn.Module) -> nn.Module:
    """Give every batch norm averages and factors that matter."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values, low, high in (
                (module.running_mean, -0.5, 0.5),
                (module.running_var, 0.5, 2.0),
                (module.weight, 0.5, 1.5),
                (module.bias, -0.5, 0.5),
            ):
                assert values is not None
                nn.init.uniform_(values, low, high)
    return net.eval()
