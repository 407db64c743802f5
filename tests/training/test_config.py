import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from cutaway.errors import DataError
from cutaway.training.config import CamvidRecipe, Recipe, parse_recipe, read_recipe
from cutaway.training.network import build_net

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))
MINIMAL = """
[net]
name = "unet"
[data]
persons = ["people"]
[fit]
rule = "squash"
size = 64
multiple = 16
[optim]
steps = 10
"""
WITHOUT_NET = MINIMAL.replace('[net]\nname = "unet"\n', "")


def read(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    recipe = read_recipe(path, overrides)
    assert isinstance(recipe, Recipe)
    return recipe


def write(path: Path, text: str = MINIMAL) -> Path:
    file = path / "recipe.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_defaults_fill_a_minimal_recipe(tmp_path: Path) -> None:
    recipe = read(write(tmp_path))
    assert recipe.net.name == "unet"
    assert recipe.data.persons == ("people",)
    assert (recipe.optim.steps, recipe.optim.batch_size) == (10, 16)
    assert recipe.run.precision == "bf16-mixed"


def test_a_recipe_comes_back_from_the_checkpoint_that_holds_it(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path), ["net.overrides.widths=[4, 8]"])
    assert parse_recipe(asdict(recipe)) == recipe
    assert parse_recipe(json.loads(json.dumps(asdict(recipe)))) == recipe


def test_values_are_set_in_tomls_notation(tmp_path: Path) -> None:
    overrides = [
        "optim.lr=3e-4", "optim.steps = 7", "fit.rule=letterbox", 'net.name="fcn8s"', "data.persons=['a', 'b=c']",
        "run.precision=32-true", "net.overrides.widths=[1, 2]", "net.overrides.hidden=3", "augment.flip=0",
    ]  # fmt: skip
    recipe = read(write(tmp_path), overrides)
    assert recipe.optim.lr == 3e-4
    assert recipe.optim.steps == 7
    assert recipe.fit.rule == "letterbox"
    assert recipe.net.name == "fcn8s"
    assert recipe.net.overrides == {"widths": [1, 2], "hidden": 3}
    assert recipe.data.persons == ("a", "b=c")
    assert recipe.run.precision == "32-true"
    assert recipe.augment.flip == 0


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optim.lr", r"--set 'optim\.lr' has to read section\.key=value"),
        ("lr=3", r"--set 'lr=3' has to read section\.key=value"),
        (".lr=3", r"--set '\.lr=3' has to read"),
        ("optim.lr=fast", r"optim\.lr is 'fast'; it has to be a number"),
        ("optim.steps=1.5", r"optim\.steps is 1\.5; it has to be a whole number"),
        ("optim.steps=true", r"optim\.steps is True; it has to be a whole number"),
        ("optim.speed=1", r"\[optim\] has no key speed; it knows steps, batch_size"),
        ("speed.optim=1", r"the file has no key speed; it knows net, data"),
        ("optim.steps.many=1", r"steps is no section"),
        ("data.persons=people", r"data\.persons is 'people'; it has to be a list of a text in quotes"),
        ("data.persons=[]", r"data\.persons has to name at least one"),
        ("data.workers=-1", r"data\.workers to be 0 or more"),
        ("run.precision=16", r"run\.precision is 16; it has to be '32-true' or 'bf16-mixed'"),
        ("run.checkpoint_every=0", r"run\.checkpoint_every have to be 1 or more"),
        ("run.devices=0", r"run\.devices and run\.checkpoint_every have to be 1 or more"),
        ("run.seed=-1", r"run\.seed 0 or more"),
        ("optim.steps=0", r"optim\.steps and optim\.batch_size have to be 1 or more"),
        ("optim.batch_size=0", r"optim\.steps and optim\.batch_size have to be 1 or more"),
        ("optim.ema=1.0", r"optim\.ema is 1\.0; it has to be at least 0 and below 1"),
        ("optim.lr=-1", r"optim\.lr is -1\.0; it has to be 0 or more"),
        ("optim.lr=nan", r"optim\.lr is nan"),
        ("optim.clip=0", r"optim\.clip is 0\.0; it has to be above 0"),
        ("augment.flip=2", r"augment\.flip is 2\.0; it has to be from 0 to 1"),
        ("fit.rule=crop", r"fit\.rule is 'crop'; it has to be 'letterbox' or 'squash'"),
        ("fit.size=100", r"\[fit\]: the fit's size 100 has to be a positive multiple of 16"),
    ],
)
def test_a_wrong_override_is_named(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_recipe(write(tmp_path), [override])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("net = 3\n" + WITHOUT_NET, r"recipe\.toml: net is 3; it has to be a table with name, trunk, init, overrides"),
        (MINIMAL.replace("steps = 10", ""), r"recipe\.toml: \[optim\] lacks steps"),
        (WITHOUT_NET, r"recipe\.toml: the file lacks net"),
        (MINIMAL + "rate = 3", r"\[optim\] has no key rate"),
        (MINIMAL + "[colour]\n", "the file has no key colour"),
        ("[net", r"the recipe .*recipe\.toml cannot be read"),
    ],
)
def test_a_wrong_recipe_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_recipe(write(tmp_path, text))


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the recipe .*gone\.toml cannot be read: .*No such file"):
        read_recipe(tmp_path / "gone.toml")
    with pytest.raises(DataError, match="cannot be read"):
        read_recipe(tmp_path)


def test_a_section_cannot_be_set_below_a_plain_value(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="net is no section"):
        read_recipe(write(tmp_path, "net = 3"), ["net.name=unet"])


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_is_one_and_names_a_net(path: Path) -> None:
    recipe = read_recipe(path)
    with torch.device("meta"):  # numbers would take long
        assert build_net(recipe.net)
    folders = (*recipe.data.persons, *recipe.data.people_free) if isinstance(recipe, Recipe) else (recipe.camvid.root,)
    assert all(not Path(folder).is_absolute() for folder in folders)


CAMVID = """
[net]
name = "fc-densenet56"
[camvid]
root = "camvid"
[optim]
steps = 10
loss = "cross-entropy"
clip = inf
"""


def test_a_recipe_with_camvid_is_one_of_classes(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, CAMVID), ["camvid.crop=224"])
    assert isinstance(recipe, CamvidRecipe)
    assert (recipe.camvid.root, recipe.camvid.crop, recipe.optim.clip) == ("camvid", 224, math.inf)
    assert parse_recipe(asdict(recipe)) == recipe


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("camvid.crop=-1", r"camvid\.crop and camvid\.workers have to be 0 or more"),
        ("camvid.flip=2", r"camvid\.flip from 0 to 1"),
        ("data.persons=['a']", "the file has no key data"),
        ("optim.rho=1.0", r"optim\.rho is 1\.0; it has to be at least 0 and below 1"),
        ("optim.decay=0", r"optim\.decay is 0\.0; it has to be above 0"),
        ("optim.patience=-1", r"optim\.patience 0 or more"),
        ("optim.method=sgd", r"optim\.method is 'sgd'; it has to be 'adamw' or 'rmsprop'"),
    ],
)
def test_a_wrong_value_of_classes_is_named(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_recipe(write(tmp_path, CAMVID), [override])
