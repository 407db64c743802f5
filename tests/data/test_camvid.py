from pathlib import Path

import numpy as np
import pytest

from cutaway.data.camvid import CLASSES, read_camvid, read_class_labels, read_labelled
from cutaway.errors import DataError
from public_sets import save_labels, save_photo, write_camvid


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two streets to train on."""
    for name in ("b", "a"):
        save_photo(tmp_path / "train" / f"{name}.png", 3, 4)
        save_labels(tmp_path / "trainannot" / f"{name}.png", np.full((3, 4), 9))
    return tmp_path


def test_the_photos_of_a_split_come_with_the_places_of_their_labels(root: Path) -> None:
    first, second = read_labelled(root, "train")
    assert (first.id, first.image, first.labels) == ("a", root / "train" / "a.png", root / "trainannot" / "a.png")
    assert second.id == "b"


def test_a_split_that_is_not_there_is_refused(root: Path) -> None:
    with pytest.raises(DataError, match=r"there is no folder .*test"):
        read_labelled(root, "test")


def test_class_numbers_stay_and_unlabelled_pixels_become_void(tmp_path: Path) -> None:
    stored = np.arange(12, dtype=np.uint8).reshape(3, 4)
    labels = read_class_labels(save_labels(tmp_path / "a.png", stored))
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels.ravel(), [*range(11), 255])
    assert len(CLASSES) == 11


@pytest.mark.parametrize("value", [12, 254, 255])
def test_another_value_is_refused_with_its_file(tmp_path: Path, value: int) -> None:
    path = save_labels(tmp_path / "a.png", [[0, value]])
    with pytest.raises(DataError, match=rf"a\.png hold {value}; they have to be 0 to 10, or 11 for void"):
        read_class_labels(path)


def test_labels_in_colours_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.png are a RGB picture; a grey or palette PNG"):
        read_class_labels(save_photo(tmp_path / "a.png"))


def test_labels_that_are_missing_or_broken_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.png cannot be read"):
        read_class_labels(tmp_path / "gone.png")
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(DataError, match=r"text\.png cannot be read"):
        read_class_labels(tmp_path / "text.png")


def test_bicyclists_are_people_if_so_asked(tmp_path: Path) -> None:
    root = write_camvid(tmp_path)
    np.testing.assert_array_equal(read_camvid(root)[0].read().labels, [[0, 1, 1, 255], [0, 1, 0, 0]])
    np.testing.assert_array_equal(read_camvid(root, bicyclists=True)[0].read().labels, [[0, 1, 1, 255], [0, 1, 1, 1]])
    assert [entry.split for entry in read_camvid(root)] == ["train", "val", "test"]
