from pathlib import Path

import torch
from PIL import Image as PillowImage

from cutaway.data.folder import load_samples
from cutaway.data.packing import Packing, pack
from cutaway.training import checkpoint
from cutaway.training.loop import train
from folders import write_people
from training.conftest import MakeRecipe


def test_a_run_on_shards_ends_in_the_weights_of_a_run_on_the_folder(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    people = write_people(tmp_path / "people", "ttttttvv")
    for photo in (people / "images").iterdir():
        with PillowImage.open(photo) as file:
            file.save(photo.with_suffix(".jpg"), quality=95)
        photo.unlink()
    pack(load_samples(people), tmp_path / "shards", Packing(max_bytes=40_000))
    assert len(list((tmp_path / "shards").iterdir())) > 2
    ends = []
    for data in (people, tmp_path / "shards"):
        recipe = make_recipe(data={"persons": [str(data)], "people_free": []}, optim={"steps": 4})
        folder = tmp_path / f"run-{data.name}"
        train(recipe, folder, resume=False, report=lambda _: None)
        saved = checkpoint.load_newest(folder)
        assert saved
        ends.append(saved["net"])
    assert all(torch.equal(value, ends[1][name]) for name, value in ends[0].items())
