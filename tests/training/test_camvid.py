from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cutaway.data.camvid import read_labelled
from cutaway.data.torch_dataset import ClassDataset
from cutaway.errors import DataError
from cutaway.training import camvid, checkpoint
from cutaway.training.camvid import ClassScores, camvid_task, class_ious, class_scores, confusion_of, validate
from cutaway.training.config import CamvidRecipe, parse_recipe
from cutaway.training.export import read_net
from cutaway.training.loop import train
from folders import write_streets


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_streets(tmp_path_factory.mktemp("camvid"))


def recipe_of(root: Path, **optim: Any) -> CamvidRecipe:
    recipe = parse_recipe(
        {
            "net": {"name": "fc-densenet56", "overrides": {"layers": [1], "bottleneck": 1, "first": 8}},
            "camvid": {"root": str(root), "crop": 32},
            "optim": {"steps": 24, "batch_size": 3, "loss": "cross-entropy", "lr": 0.01, "warmup": 0, "ema": 0} | optim,
            "run": {"precision": "32-true", "accelerator": "cpu", "channels_last": False},
        }
    )
    assert isinstance(recipe, CamvidRecipe)
    return recipe


def test_a_net_learns_road_from_sky(streets: Path, tmp_path: Path) -> None:
    best = checkpoint.load(train(recipe_of(streets), tmp_path, resume=False, report=lambda _: None))
    assert best["mean_iou"] > 0.8
    assert best["accuracy"] > 0.9
    saved = checkpoint.load_newest(tmp_path)
    assert saved
    assert best["mean_iou"] == max(entry["mean_iou"] for entry in saved["history"])


def test_patience_ends_a_run_and_a_resumed_one_stays_ended(
    streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camvid, "class_scores", lambda _: ClassScores(0.5, 0.5))
    recipe = recipe_of(streets, steps=300, patience=2)
    for _ in range(2):
        train(recipe, tmp_path, resume=True, report=lambda _: None)
        saved = checkpoint.load_newest(tmp_path)
        assert saved
        assert saved["step"] == 9, "one epoch of 3 steps to have a score, two without a better one"


def test_crops_come_from_photos_at_their_own_size(streets: Path) -> None:
    task = camvid_task(recipe_of(streets))
    whole, truth = zip(*(task.photos[number] for number in range(4)), strict=True)
    torch.manual_seed(0)
    images, labels = task.augment(torch.stack(whole), torch.stack(truth))
    assert images.shape == (4, 3, 32, 32)
    assert labels.shape == (4, 1, 32, 32)
    assert labels.dtype == torch.uint8
    assert set(labels.unique().tolist()) <= {0, 3, 255}
    sky = images[:, 2] > 0.85  # the colours move with the labels
    assert torch.equal(sky[labels[:, 0] != 255], (labels[:, 0] == 0)[labels[:, 0] != 255])


class Answer(nn.Module):
    """Says the class that it was given, everywhere."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(11))
        with torch.no_grad():
            self.logits[number] = 1

    def forward(self, image: Tensor) -> Tensor:
        return self.logits[None, :, None, None].expand(image.shape[0], -1, *image.shape[2:])


def test_scores_are_pooled_over_the_set_without_void(streets: Path) -> None:
    photos = ClassDataset(read_labelled(streets, "val"))
    labels = np.stack([photos[number][1].numpy() for number in range(len(photos))])
    road = (labels == 3).sum() / (labels != 255).sum()
    validation = validate(Answer(3), photos)
    assert validation.scores["accuracy"] == pytest.approx(road)
    assert validation.scores["mean_iou"] == pytest.approx(road / 2), "the sky's IoU is 0"
    assert validation.sheet.shape == (3, 240, 960)


def test_scores_are_those_of_the_formulas() -> None:
    """Against sets of pixels, class by class."""
    random = np.random.default_rng(0)
    found, labels = (random.choice([0, 1, 2, 7], (30, 40)).astype(np.uint8) for _ in range(2))
    labels[:3] = 255
    confusion = confusion_of(found, labels)
    known = labels != 255
    ious = {}
    for number, name in ((0, "sky"), (1, "building"), (2, "pole"), (7, "fence")):
        here, there = set(np.flatnonzero((found == number) & known)), set(np.flatnonzero(labels == number))
        ious[name] = len(here & there) / len(here | there)
    assert dict(class_ious(confusion)) == pytest.approx(ious)
    assert class_scores(confusion).mean_iou == pytest.approx(np.mean(list(ious.values())))
    assert class_scores(confusion).accuracy == pytest.approx((found == labels)[known].mean())


def test_a_loss_of_two_classes_is_refused(streets: Path) -> None:
    with pytest.raises(DataError, match=r'optim\.loss has to be "cross-entropy"'):
        camvid_task(recipe_of(streets, loss="bce-dice"))


def test_a_net_of_streets_becomes_no_weights(streets: Path, tmp_path: Path) -> None:
    best = train(recipe_of(streets, steps=1), tmp_path, resume=False, report=lambda _: None)
    with pytest.raises(DataError, match="only nets of person or not become weights"):
        read_net(best)
