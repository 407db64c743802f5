from pathlib import Path

import numpy as np
import pytest

from cutaway.data.ade20k import read_ade20k
from cutaway.errors import DataError
from public_sets import save_labels, write_ade20k


@pytest.fixture
def ade(tmp_path: Path) -> Path:
    return write_ade20k(tmp_path / "ADEChallengeData2016")


def test_its_own_halves_are_train_and_val(ade: Path) -> None:
    assert [(entry.id, entry.split, entry.source) for entry in read_ade20k(ade)] == [
        ("ADE_train_00000001", "train", "ade20k"),
        ("ADE_val_00000001", "val", "ade20k"),
    ]


def test_thirteen_is_a_person_and_zero_void(ade: Path) -> None:
    truth = read_ade20k(ade)[0].read()
    np.testing.assert_array_equal(truth.labels, [[255, 1, 1, 0], [0, 1, 0, 0]])
    assert truth.people is None


def test_the_root_may_be_the_folder_around(ade: Path) -> None:
    assert [entry.image for entry in read_ade20k(ade.parent)] == [entry.image for entry in read_ade20k(ade)]


def test_a_number_beyond_the_classes_is_refused(ade: Path) -> None:
    save_labels(ade / "annotations" / "training" / "ADE_train_00000001.png", np.full((2, 4), 151))
    with pytest.raises(DataError, match=r"ADE_train_00000001\.png hold 151; they have to be 0 to 150"):
        read_ade20k(ade)[0].read()


def test_a_root_without_the_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no folder .*training"):
        read_ade20k(tmp_path)
