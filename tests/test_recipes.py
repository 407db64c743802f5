"""Every recipe that comes with the project, on a few drawn photos, with nets made small: from its file to best.pt."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from cutaway.training import checkpoint
from cutaway.training.config import CamvidRecipe, Recipe, read_recipe
from cutaway.training.loop import train
from folders import write_people, write_rooms, write_streets

RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*.toml"))
SMALL = {
    "fcn8s": ["net.overrides.widths=[4, 4, 4, 4, 4]", "net.overrides.hidden=8"],
    "unet": ["net.overrides.widths=[4, 8, 8]"],
    "fc-densenet56": ["net.overrides.layers=[1, 1]", "net.overrides.bottleneck=1"],
    "fc-densenet67": ["net.overrides.layers=[1, 1]", "net.overrides.bottleneck=1"],
    "fc-densenet103": ["net.overrides.layers=[1, 1]", "net.overrides.bottleneck=1"],
    "tiramisu-portrait": ["net.overrides.down=[1, 1, 1, 1]"],
    "tiramisu-mobile": [],
    "tiramisu-mobile-fast": [],
}
"""What makes each net quick; all else stays as the recipe says."""


@pytest.fixture(autouse=True, scope="module")
def torch_as_it_was() -> Iterator[None]:
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``people``, ``rooms`` and ``streets``; do not change it."""
    root = tmp_path_factory.mktemp("photos")
    write_people(root / "people", "t" * 16 + "vv")
    write_rooms(root / "rooms", 4)
    write_streets(root / "streets", 4)
    return root


def overrides(path: Path) -> list[str]:
    """Return the recipe's changes: other photos, few and small ones, and 32 bits."""
    recipe = read_recipe(path)
    people = ["data.persons=['people']", "data.people_free=['rooms']", "data.left_out=''"]
    data = (
        ["camvid.root=streets", f"camvid.crop={min(recipe.camvid.crop, 32)}"]
        if isinstance(recipe, CamvidRecipe)
        else [*people, "fit.size=32", "augment.canvas=32"]
    )
    begun = ["net.trunk=''", "net.init=''"]
    steps = ["optim.steps=2", f"optim.batch_size={min(recipe.optim.batch_size, 4)}", "run.precision=32-true"]
    return [*SMALL[recipe.net.name], *data, *begun, *steps, "run.accelerator=cpu"]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_trains(path: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos)
    recipe = read_recipe(path, overrides(path))
    losses: list[float] = []
    best = checkpoint.load(train(recipe, tmp_path / "run", resume=False, report=lambda seen: losses.append(seen.loss)))
    assert len(losses) == 2
    assert 0 <= best["person_iou" if isinstance(recipe, Recipe) else "mean_iou"] <= 1


def test_every_net_of_the_comparison_has_a_recipe_that_differs_in_nothing_else() -> None:
    names = ("fcn8s", "unet", "fc-densenet56", "fc-densenet67", "fc-densenet103")
    recipes = [asdict(read_recipe(path)) for path in RECIPES if path.stem in names]
    assert len(recipes) == len(names)
    for recipe in recipes:
        del recipe["net"], recipe["optim"]["lr"]
        assert recipe == recipes[0]
