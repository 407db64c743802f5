from pathlib import Path

import numpy as np
import pytest

from cutaway.data.voc import read_voc
from cutaway.errors import DataError
from public_sets import WHO, save_labels, write_sbd, write_voc


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    return write_voc(tmp_path / "VOCdevkit" / "VOC2012")


def test_the_lists_say_which_photos_there_are_and_in_which_split(voc: Path) -> None:
    entries = read_voc(voc)
    assert [(entry.id, entry.split, entry.source) for entry in entries] == [
        ("both", "train", "voc"),
        ("dog", "train", "voc"),
        ("alone", "val", "voc"),
    ]
    assert entries[0].image == voc / "JPEGImages" / "both.jpg"


def test_the_stored_number_is_the_class_whatever_the_palette(voc: Path) -> None:
    both, dog, _ = read_voc(voc)
    np.testing.assert_array_equal(both.read().labels, [[0, 1, 1, 255], [0, 1, 0, 0]])
    assert set(np.unique(dog.read().labels)) == {0, 255}


def test_people_are_counted_by_their_objects(voc: Path) -> None:
    assert [entry.read().people for entry in read_voc(voc)] == [2, 0, 1]
    (voc / "SegmentationObject" / "both.png").unlink()
    assert read_voc(voc)[0].read().people is None


def test_objects_of_another_size_are_named(voc: Path) -> None:
    save_labels(voc / "SegmentationObject" / "both.png", np.zeros((3, 3)))
    with pytest.raises(DataError, match=r"SegmentationObject.both\.png is not of the size"):
        read_voc(voc)[0].read()


@pytest.mark.parametrize("above", [".", "VOCdevkit"])
def test_the_root_may_be_a_folder_around(voc: Path, tmp_path: Path, above: str) -> None:
    assert [entry.image for entry in read_voc(tmp_path / above)] == [entry.image for entry in read_voc(voc)]


def test_a_root_without_the_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no ImageSets/Segmentation in .*; name the folder"):
        read_voc(tmp_path)


def test_a_list_that_is_missing_or_empty_is_refused(voc: Path) -> None:
    listed = voc / "ImageSets" / "Segmentation" / "val.txt"
    listed.write_text("\n")
    with pytest.raises(DataError, match=r"val\.txt is empty"):
        read_voc(voc)
    listed.unlink()
    with pytest.raises(DataError, match=r"val\.txt cannot be read"):
        read_voc(voc)


@pytest.mark.parametrize("inner", [".", "dataset", "benchmark_RELEASE/dataset"])
def test_sbd_adds_its_photos_to_train_but_none_of_the_lists(voc: Path, tmp_path: Path, inner: str) -> None:
    sbd = write_sbd(tmp_path / "sbd" / inner, "more", WHO % 255)
    write_sbd(sbd, "alone", WHO % 255)
    *_, last, more = read_voc(voc, tmp_path / "sbd")
    assert (last.id, last.split, last.source) == ("alone", "val", "voc")
    assert (more.id, more.split, more.source) == ("more", "train", "sbd")
    assert more.image == voc / "JPEGImages" / "more.jpg"
    truth = more.read()
    np.testing.assert_array_equal(truth.labels, [[0, 1, 1, 0], [0, 1, 0, 0]])
    assert truth.people is None


def test_broken_files_of_sbd_are_named(voc: Path, tmp_path: Path) -> None:
    sbd = write_sbd(tmp_path / "sbd", "more", np.full((2, 2), 21, np.uint8))
    more = read_voc(voc, sbd)[-1]
    with pytest.raises(DataError, match=r"more\.mat holds no class numbers of 0 to 20"):
        more.read()
    whole = (sbd / "cls" / "more.mat").read_bytes()
    for broken in (b"", b"no matrix", whole[:150], whole[: len(whole) // 2]):
        (sbd / "cls" / "more.mat").write_bytes(broken)
        with pytest.raises(DataError, match=r"more\.mat cannot be read: .*; put a whole file"):
            more.read()
