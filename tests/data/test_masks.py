from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from cutaway.data.masks import read_labels, read_mask, write_labels
from cutaway.errors import DataError, OutputError


def save(path: Path, values: object) -> Path:
    PillowImage.fromarray(np.asarray(values)).save(path)
    return path


@pytest.mark.parametrize(
    "stored",
    [
        np.array([[0, 127], [128, 255]], np.uint8),
        np.array([[False, False], [True, True]]),
        np.array([[[0, 0, 0], [9, 9, 9]], [[255, 255, 255], [200, 200, 200]]], np.uint8),
        np.array([[300, 32767], [32768, 65535]], np.uint16),
        np.array([[0, 127], [128, 255]], np.uint16),
    ],
    ids=["grey", "one bit", "colour", "16 bits", "8 bits in 16"],
)
def test_a_mask_is_cut_in_the_middle_of_its_range(tmp_path: Path, stored: object) -> None:
    mask = read_mask(save(tmp_path / "mask.png", stored))
    assert mask.dtype == np.bool_
    np.testing.assert_array_equal(mask, [[False, False], [True, True]])


def test_a_mask_of_zeros_and_ones_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds values up to 1 only; a person has to be 128 to 255"):
        read_mask(save(tmp_path / "mask.png", np.eye(4, dtype=np.uint8)))
    with pytest.raises(DataError, match=r"holds values up to 1 only"):
        read_mask(save(tmp_path / "wide.png", np.eye(4, dtype=np.uint16)))
    assert not read_mask(save(tmp_path / "empty.png", np.zeros((4, 4), np.uint8))).any()


def test_labels_come_back_as_they_were_written(tmp_path: Path) -> None:
    labels = np.array([[0, 1, 255], [1, 1, 0]], np.uint8)
    write_labels(tmp_path / "mask.png", labels)
    np.testing.assert_array_equal(read_labels(tmp_path / "mask.png"), labels)
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), labels == 1)


def test_a_mask_without_void_takes_a_bit_a_pixel(tmp_path: Path) -> None:
    labels = np.array([[0, 1], [1, 0]], np.uint8)
    write_labels(tmp_path / "mask.png", labels)
    with PillowImage.open(tmp_path / "mask.png") as file:
        assert file.mode == "1"
    np.testing.assert_array_equal(read_labels(tmp_path / "mask.png"), labels)


def test_the_alpha_of_a_coloured_mask_is_no_void(tmp_path: Path) -> None:
    white_on_nothing = np.array([[[255, 255, 255, 255], [0, 0, 0, 0]]], np.uint8)
    np.testing.assert_array_equal(read_labels(save(tmp_path / "mask.png", white_on_nothing)), [[1, 0]])


def test_a_mask_is_kept_unless_it_may_be_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    write_labels(path, np.zeros((2, 2), np.uint8))
    with pytest.raises(OutputError, match="already exists"):
        write_labels(path, np.ones((2, 2), np.uint8))
    assert not read_mask(path).any()
