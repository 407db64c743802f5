from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from cutaway.data.folder import read_folder, read_people_free
from cutaway.data.labelled import Labelled
from cutaway.data.masks import write_labels
from cutaway.data.torch_dataset import ClassDataset, SquareDataset, StepSampler, read_sample, to_tensors
from cutaway.errors import DataError
from cutaway.geometry import FitRule, Placement, place_square
from folders import write_people, write_rooms


def batches(
    start: int = 0, steps: int = 11, *, size: int = 10, rank: int = 0, world: int = 1, seed: int = 3
) -> list[list[int]]:
    return list(StepSampler(size, 3, seed, start, steps, rank, world))


def test_batches_depend_on_seed_and_step_alone() -> None:
    whole = batches()
    assert whole == batches()
    for start in range(12):
        assert batches(start) == whole[start:]
    assert batches(seed=4) != whole


def test_an_epoch_shows_no_photo_twice_and_the_next_is_in_another_order() -> None:
    drawn = batches(steps=6)
    first, second = (list(chain(*drawn[begin : begin + 3])) for begin in (0, 3))
    assert len(set(first)) == len(set(second)) == 9
    assert first != second


def test_every_photo_is_shown_as_the_epochs_go_by() -> None:
    assert {index for batch in batches(steps=30) for index in batch} == set(range(10))


def test_processes_share_each_batch_without_overlap() -> None:
    alone = list(StepSampler(13, 6, 3, 2, 9))
    first, second = (batches(2, 9, size=13, rank=rank, world=2) for rank in (0, 1))
    for whole, left, right in zip(alone, first, second, strict=True):
        assert sorted(left + right) == sorted(whole)
        assert len(left) == len(right) == 3


def test_length_is_the_number_of_steps_left() -> None:
    assert len(StepSampler(10, 3, 0, 4, 11)) == len(batches(4)) == 7
    assert len(StepSampler(10, 3, 0, 12, 11)) == 0


def test_too_few_photos_for_a_batch_are_refused() -> None:
    with pytest.raises(DataError, match=r"5 training photos do not fill one batch of 6; lower optim\.batch_size"):
        StepSampler(5, 3, 0, 0, 10, world=2)


@pytest.mark.parametrize("rule", ["letterbox", "squash"])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (200, 120), (97, 301), (30, 20)])
def test_the_mask_lies_on_the_canvas_where_the_image_does(rule: FitRule, height: int, width: int) -> None:
    rows, columns = np.ogrid[:height, :width]
    mask = np.asarray(((rows - height / 2) / height) ** 2 + ((columns - width / 3) / width) ** 2 < 0.06)
    image = np.repeat(mask[..., None] * np.uint8(255), 3, axis=2)
    placement = place_square(height, width, 48, rule)
    canvas, target = to_tensors(image, mask.astype(np.uint8), placement)
    assert canvas.shape == (3, 48, 48)
    assert target.shape == (2, 48, 48)
    assert canvas.dtype == target.dtype == torch.uint8
    share = target[:1]
    assert not target[1].any()
    inside = _inside(placement)
    difference = (canvas[0].int() - share[0].int())[inside].abs()
    assert difference.max() <= 4  # images that shrink much are averaged in two steps, masks in one
    assert ((share > 0) & (share < 255)).any(), "the edge is soft"
    assert not share[0][~inside].any()


def _inside(placement: Placement) -> torch.Tensor:
    inside = torch.zeros(placement.canvas, dtype=torch.bool)
    inside[placement.top : placement.top + placement.height, placement.left : placement.left + placement.width] = True
    return inside


def test_a_photo_without_people_has_an_empty_mask(tmp_path: Path) -> None:
    (sample,) = read_people_free(write_rooms(tmp_path, 1))
    image, labels = read_sample(sample)
    assert image.shape == (64, 64, 3)
    assert labels.shape == (64, 64)
    assert not labels.any()


def test_void_is_neither_person_nor_background(tmp_path: Path) -> None:
    (sample,) = read_folder(write_people(tmp_path, "t"))
    assert sample.mask
    labels = np.zeros((64, 64), np.uint8)
    labels[:32], labels[48:] = 1, 255
    write_labels(sample.mask, labels, overwrite=True)
    _, target = SquareDataset([sample], 32, "letterbox")[0]
    assert tuple(target[:, 2, 2].tolist()) == (255, 0)
    assert tuple(target[:, 20, 2].tolist()) == (0, 0)
    assert tuple(target[:, 30, 2].tolist()) == (0, 255)


def test_a_mask_that_changed_its_size_since_is_named(tmp_path: Path) -> None:
    (sample,) = read_folder(write_people(tmp_path, "t"))
    assert sample.mask
    PillowImage.fromarray(np.ones((32, 64), np.bool_)).save(sample.mask)
    with pytest.raises(DataError, match=r"person_00\.png is not of the size of its photo .*; they have to match"):
        read_sample(sample)


def test_the_dataset_gives_each_photo_as_it_lies_on_the_square(tmp_path: Path) -> None:
    samples = read_folder(write_people(tmp_path, "ttv"))
    dataset = SquareDataset(samples, 32, "letterbox")
    assert len(dataset) == 3
    image, target = dataset[1]
    expected = to_tensors(*read_sample(samples[1]), place_square(64, 64, 32, "letterbox"))
    assert torch.equal(image, expected[0])
    assert torch.equal(target, expected[1])


def test_the_class_dataset_gives_photos_at_their_own_size(tmp_path: Path) -> None:
    image, labels = np.zeros((24, 36, 3), np.uint8), np.full((24, 36), 11, np.uint8)
    image[..., 1], labels[:, :9] = 7, 4
    PillowImage.fromarray(image).save(tmp_path / "a.png")
    PillowImage.fromarray(labels).save(tmp_path / "a-labels.png")
    (seen, target) = ClassDataset([Labelled("a", tmp_path / "a.png", tmp_path / "a-labels.png")])[0]
    assert seen.shape == (3, 24, 36)
    assert target.shape == (1, 24, 36)
    assert seen[:, 5, 5].tolist() == [0, 7, 0]
    assert (target[0, :, :9] == 4).all()
    assert (target[0, :, 9:] == 255).all()


def test_labels_of_another_size_are_named(tmp_path: Path) -> None:
    PillowImage.new("RGB", (8, 8)).save(tmp_path / "a.png")
    PillowImage.new("L", (8, 9)).save(tmp_path / "b.png")
    with pytest.raises(DataError, match=r"b\.png is not of the size of its photo .*a\.png"):
        ClassDataset([Labelled("a", tmp_path / "a.png", tmp_path / "b.png")])[0]


def test_nothing_to_train_on_is_an_error() -> None:
    with pytest.raises(DataError, match="there is no photo to train on"):
        SquareDataset([], 32, "letterbox")
