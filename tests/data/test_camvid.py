from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from cutaway.data.camvid import CLASSES, read_class_labels, read_labelled
from cutaway.errors import DataError


def save(path: Path, values: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    PillowImage.fromarray(np.asarray(values, np.uint8)).save(path)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two streets to train on."""
    for name in ("b", "a"):
        save(tmp_path / "train" / f"{name}.png", np.zeros((3, 4, 3)))
        save(tmp_path / "trainannot" / f"{name}.png", np.full((3, 4), 9))
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
    labels = read_class_labels(save(tmp_path / "a.png", stored))
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels.ravel(), [*range(11), 255])
    assert len(CLASSES) == 11


@pytest.mark.parametrize("value", [12, 254, 255])
def test_another_value_is_refused_with_its_file(tmp_path: Path, value: int) -> None:
    path = save(tmp_path / "a.png", [[0, value]])
    with pytest.raises(DataError, match=rf"a\.png hold {value}; they have to be 0 to 10, or 11 for void"):
        read_class_labels(path)


def test_labels_in_colours_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.png are a RGB picture; a grey or palette PNG"):
        read_class_labels(save(tmp_path / "a.png", np.zeros((2, 2, 3))))


def test_labels_that_are_missing_or_broken_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.png cannot be read"):
        read_class_labels(tmp_path / "gone.png")
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(DataError, match=r"text\.png cannot be read"):
        read_class_labels(tmp_path / "text.png")
