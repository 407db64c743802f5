from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cutaway.data.folder import read_folder, read_people_free
from cutaway.data.index import Sample
from cutaway.data.masks import read_mask
from cutaway.data.torch_dataset import SquareDataset
from cutaway.data.transforms import Augment, AugmentConfig
from cutaway.errors import DataError
from cutaway.geometry import Fit, centred, place
from cutaway.training.config import DataConfig, NetConfig, OptimConfig, Recipe
from cutaway.training.person import Prediction, person_iou, person_task, predict, tile, validate
from folders import write_people, write_rooms

FIT = Fit("letterbox", 64, 32)


class Warm(nn.Module):
    """Takes what is red for a person, by ``gain``; drawn people are red."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))

    def forward(self, image: Tensor) -> Tensor:
        return (image[:, :1] - image[:, 2:] - 0.03) * self.gain


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    return read_folder(write_people(tmp_path / "people", "vvv")) + read_people_free(write_rooms(tmp_path / "rooms", 2))


def test_a_recipe_may_leave_photos_out(tmp_path: Path) -> None:
    people, listed = write_people(tmp_path / "people", "tttv"), tmp_path / "left-out.csv"
    listed.write_text("id,reason\nperson_01,shifted\n")
    recipe = Recipe(NetConfig("unet"), DataConfig((str(people),), left_out=str(listed)), FIT, OptimConfig(1))
    task = person_task(recipe)
    assert isinstance(task.photos, SquareDataset)
    assert [sample.id for sample in task.photos.samples] == ["person_00", "person_02"]
    listed.write_text("id,reason\nperson_09,shifted\n")
    with pytest.raises(DataError, match="person_09"):
        person_task(recipe)


def before_other_backgrounds(background: float, *people_free: Path, persons: Path) -> Recipe:
    data = DataConfig((str(persons),), tuple(map(str, people_free)))
    augment = AugmentConfig(canvas=48, background=background)
    return Recipe(NetConfig("tiramisu-portrait"), data, FIT, OptimConfig(1), augment)


def test_people_are_laid_over_training_photos_without_people(tmp_path: Path) -> None:
    people, rooms = write_people(tmp_path / "people", "ttv"), write_rooms(tmp_path / "rooms", 12)
    trained_on = sum(sample.split == "train" for sample in read_people_free(rooms))
    assert 0 < trained_on < 12
    augment = person_task(before_other_backgrounds(0.5, rooms, persons=people)).augment
    assert isinstance(augment, Augment)
    assert augment.compositing
    assert augment.compositing.backgrounds.shape == (trained_on, 3, 48, 48)
    assert not augment.compositing.state_dict(), "no checkpoint carries them"


def test_without_photos_to_lay_people_over_the_recipe_is_refused(tmp_path: Path) -> None:
    people = write_people(tmp_path / "people", "ttv")
    with pytest.raises(DataError, match=r"data\.people_free"):
        person_task(before_other_backgrounds(0.5, persons=people))
    assert person_task(before_other_backgrounds(0.0, persons=people))


def target(person: Tensor) -> Tensor:
    """Return the target 2×H×W that has ``person`` (H×W) and no void."""
    return torch.stack([person.float(), torch.zeros_like(person, dtype=torch.float32)])


def prediction(found: Tensor, truth: Tensor, height: int = 32, width: int = 64) -> Prediction:
    canvas = torch.rand(3, *found.shape)
    return Prediction(canvas, found[None].float(), target(truth), place(height, width, Fit("letterbox", 32, 32)))


def test_a_prediction_is_what_the_net_says_of_the_photo_on_its_canvas(samples: list[Sample]) -> None:
    seen = predict(Warm(100.0), samples[0], FIT)
    assert seen.image.shape == (3, 64, 64)
    assert seen.probability.shape == (1, 64, 64)
    assert seen.target.shape == (2, 64, 64)
    assert samples[0].mask
    np.testing.assert_array_equal(seen.target[0].numpy() >= 0.5, read_mask(samples[0].mask))
    torch.testing.assert_close(seen.probability, Warm(100.0)(seen.image[None])[0].sigmoid())


def test_person_iou_is_counted_inside_the_photo() -> None:
    placement = centred(20, 60, (32, 64))
    assert (placement.top, placement.height) == (5, 21)
    found, truth = torch.zeros(32, 64), torch.zeros(32, 64)
    found[5:15], truth[10:20] = 1, 1
    seen = Prediction(torch.zeros(3, 32, 64), found[None], target(truth), placement)
    assert person_iou(seen) == pytest.approx(5 / 15)
    found[:5], seen.target[0, 27:] = 1, 1  # the padding is nobody's business
    assert person_iou(seen) == pytest.approx(5 / 15)


def test_person_iou_leaves_void_out() -> None:
    found, truth, void = torch.ones(32, 64), torch.zeros(32, 64), torch.zeros(32, 64)
    truth[:, :32], void[:, 48:] = 1, 1
    seen = prediction(found, truth)
    seen.target[1] = void
    assert person_iou(seen) == pytest.approx(32 / 48)


@pytest.mark.parametrize(
    ("found", "truth", "iou"), [(0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.5, 0.5, 1.0)]
)
def test_person_iou_of_nothing_and_everything(found: float, truth: float, iou: float) -> None:
    assert person_iou(prediction(torch.full((32, 64), found), torch.full((32, 64), truth))) == iou


def test_validation_counts_photos_with_people_alone(samples: list[Sample]) -> None:
    """An empty room that stays empty would count as 1: a net that never finds anybody would look good."""
    everything, blind, sharp = (
        validate(Warm(gain), samples, FIT).scores["person_iou"] for gain in (0.0, -1000.0, 1000.0)
    )
    assert everything < 0.6
    assert blind < 0.05
    assert sharp > 0.7
    assert sharp == pytest.approx(np.mean([person_iou(predict(Warm(1000.0), sample, FIT)) for sample in samples[:3]]))


def test_validation_comes_with_a_sheet(samples: list[Sample]) -> None:
    assert validate(Warm(100.0), samples, FIT).sheet.shape == (3, 160, 6 * 160)


def test_the_sheet_tints_what_the_net_takes_for_background_and_outlines_the_truth() -> None:
    truth = torch.zeros(64, 64)
    truth[16:48, 16:48] = 1
    photo = torch.full((3, 64, 64), 0.5)
    placement = place(64, 64, FIT)
    shown = tile(Prediction(photo, truth[None], target(truth), placement))
    red, green, blue = shown[:, 80, 80]
    assert red == green == blue == 0.5
    red, green, _ = shown[:, 8, 8]
    assert green > red + 0.2
    red, green, _ = shown[:, 80, 39]
    assert red > green + 0.3
