from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cutaway.data.index import Failure, Sample
from cutaway.data.labelled import HIDING_SIDE, Entry, Truth, check_entries, make_sample, pair, where_people_are
from cutaway.data.masks import read_labels
from cutaway.errors import DataError, OutputError
from cutaway.types import Labels
from public_sets import save_labels, save_photo


def entry(folder: Path, labels: Labels, people: int | None = None) -> Entry:
    """Return a photo of the size of ``labels``, and these as its truth."""
    photo = save_photo(folder / "street.png", *labels.shape)
    return Entry("street", photo, "drawn", "val", lambda: Truth(labels, people))


def test_a_photo_with_a_person_is_a_sample_with_a_mask(tmp_path: Path) -> None:
    labels = np.array([[0, 1, 1, 255], [0, 0, 0, 0]], np.uint8)
    sample = make_sample(entry(tmp_path, labels, people=2), tmp_path, "CC0-1.0", people_free=False)
    assert sample == Sample(
        "street", tmp_path / "street.png", tmp_path / "street.png", 4, 2, 0.25, 2, "drawn", "CC0-1.0", "val"
    )


def test_void_is_kept_in_the_mask(tmp_path: Path) -> None:
    labels = np.array([[0, 1, 1, 255], [0, 0, 0, 0]], np.uint8)
    (tmp_path / "masks").mkdir()
    make_sample(entry(tmp_path, labels), tmp_path / "masks", "", people_free=False)
    np.testing.assert_array_equal(read_labels(tmp_path / "masks" / "street.png"), labels)


def test_a_photo_without_a_person_is_kept_if_asked_for(tmp_path: Path) -> None:
    empty = entry(tmp_path, np.zeros((20, 30), np.uint8))
    assert make_sample(empty, tmp_path, "", people_free=False) is None
    sample = make_sample(empty, tmp_path, "", people_free=True)
    assert isinstance(sample, Sample)
    assert (sample.mask, sample.people, sample.person_fraction) == (None, 0, 0.0)


@pytest.mark.parametrize(("side", "kept"), [(HIDING_SIDE - 1, True), (HIDING_SIDE, False)])
def test_void_that_may_hide_somebody_keeps_a_photo_out(tmp_path: Path, side: int, kept: bool) -> None:
    labels = np.zeros((40, 40), np.uint8)
    labels[2 : 1 + HIDING_SIDE] = 255  # a rim across the photo
    labels[20 : 20 + side, 7 : 7 + side] = 255
    assert (make_sample(entry(tmp_path, labels), tmp_path, "", people_free=True) is not None) is kept


def test_what_cannot_be_used_is_a_failure_that_names_the_file(tmp_path: Path) -> None:
    right = entry(tmp_path, np.ones((2, 4), np.uint8))
    gone = make_sample(replace(right, image=tmp_path / "gone.jpg"), tmp_path, "", people_free=False)
    larger = make_sample(replace(right, read=lambda: Truth(np.ones((3, 4), np.uint8))), tmp_path, "", people_free=False)
    assert isinstance(gone, Failure)
    assert "gone.jpg does not exist" in gone.reason
    assert isinstance(larger, Failure)
    assert "street.png is 4×2, but its labels are 4×3; they have to match" in larger.reason


def test_a_photo_that_breaks_off_is_a_failure(tmp_path: Path) -> None:
    whole = entry(tmp_path, np.ones((200, 300), np.uint8))
    broken = save_photo(tmp_path / "broken.jpg", 200, 300)
    broken.write_bytes(broken.read_bytes()[:-400])
    outcome = make_sample(replace(whole, image=broken), tmp_path, "", people_free=False)
    assert isinstance(outcome, Failure)
    assert "broken.jpg" in outcome.reason


def test_a_mask_that_cannot_be_written_stops_everything(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"nowhere.street\.png cannot be written"):
        make_sample(entry(tmp_path, np.ones((2, 4), np.uint8)), tmp_path / "nowhere", "", people_free=False)


def test_two_photos_of_one_name_are_refused_as_their_masks_would_be_one(tmp_path: Path) -> None:
    one = entry(tmp_path, np.ones((2, 4), np.uint8))
    check_entries([one, replace(one, id="lane")])
    with pytest.raises(DataError, match="two photos have the name 'street'"):
        check_entries([one, replace(one, split="train")])


def test_half_of_a_pair_is_listed_too(tmp_path: Path) -> None:
    save_photo(tmp_path / "photos" / "a.png")
    save_labels(tmp_path / "labels" / "b.png", [[0]])
    first, second = pair(tmp_path / "photos", tmp_path / "labels")
    assert (first.id, first.labels.exists()) == ("a", False)
    assert (second.id, second.image) == ("b", tmp_path / "photos" / "b.jpg")
    with pytest.raises(DataError, match="there is no folder"):
        pair(tmp_path / "nothing", tmp_path / "labels")


def test_void_stays_void_whoever_is_a_person() -> None:
    classes = np.array([[0, 9, 10, 255]], np.uint8)
    np.testing.assert_array_equal(where_people_are(classes, {9, 10}), [[0, 1, 1, 255]])
    np.testing.assert_array_equal(where_people_are(classes, {9}), [[0, 1, 0, 255]])
