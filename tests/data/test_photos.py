from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cutaway.data.folder import read_folder
from cutaway.data.masks import write_labels
from cutaway.data.photos import read_photo, resize_photo
from cutaway.errors import DataError, ImageError
from folders import ellipse_person, write_people


def test_a_photo_comes_with_its_labels_and_that_of_nobody_without(tmp_path: Path) -> None:
    (sample,) = read_folder(write_people(tmp_path, "t"))
    drawn, mask = ellipse_person(0)
    image, labels = read_photo(sample)
    np.testing.assert_array_equal(image, drawn)
    np.testing.assert_array_equal(labels, mask)
    assert read_photo(replace(sample, mask=None))[1] is None


def test_what_does_not_match_or_is_missing_is_named(tmp_path: Path) -> None:
    (sample,) = read_folder(write_people(tmp_path, "t"))
    write_labels(tmp_path / "small.png", np.ones((9, 9), np.uint8))
    with pytest.raises(DataError, match=r"small\.png is not of the size of its photo .*person_00\.png"):
        read_photo(replace(sample, mask=tmp_path / "small.png"))
    with pytest.raises(ImageError, match=r"gone\.jpg does not exist"):
        read_photo(replace(sample, image=tmp_path / "gone.jpg"))


def test_labels_of_a_resized_photo_stay_what_they_are() -> None:
    labels = np.zeros((20, 30), np.uint8)
    labels[:, 10:20], labels[:, 20:] = 1, 255
    image, small = resize_photo(np.zeros((20, 30, 3), np.uint8), labels, 15)
    assert image.shape == (10, 15, 3)
    assert small is not None
    np.testing.assert_array_equal(small, labels[::2, ::2])
    assert resize_photo(image, None, 40)[0].shape == (27, 40, 3)
