from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from cutaway import imagefile
from cutaway.data.close_ups import FRACTIONS, SHORTEST, close_ups, make_close_ups, with_small_people
from cutaway.data.index import Failure, Sample
from cutaway.data.masks import PERSON, VOID, read_labels, write_labels
from cutaway.types import Labels

ALONE = Sample("street_1", Path("street.png"), Path("mask.png"), 640, 480, 0.05, 1, "streets", "CC0", "val")


def standing(top: int = 180, left: int = 400) -> Labels:
    """Somebody of 160 × 70 pixels in a frame of 480 × 640, 3.6 % of it."""
    labels = np.zeros((480, 640), np.uint8)
    labels[top : top + 160, left : left + 70] = PERSON
    return labels


@pytest.fixture
def street(tmp_path: Path) -> Sample:
    for name in ("photos", "masks"):
        (tmp_path / name).mkdir()
    labels = standing()
    labels[300:340, 395:400] = VOID
    rows, columns = np.mgrid[:480, :640]
    image = np.dstack([rows % 256, columns % 256, labels]).astype(np.uint8)
    PillowImage.fromarray(image).save(tmp_path / "street.png")
    write_labels(tmp_path / "mask.png", labels)
    return replace(ALONE, image=tmp_path / "street.png", mask=tmp_path / "mask.png")


@pytest.mark.parametrize(("top", "left"), [(180, 400), (0, 0), (320, 570)])
def test_somebody_small_fills_a_good_part_of_every_close_up(top: int, left: int) -> None:
    labels = standing(top, left)
    boxes = close_ups("street_1", labels, 5)
    assert len({str(box) for box in boxes}) == 5
    for rows, columns in boxes:
        assert 0 <= rows.start < rows.stop <= 480
        assert 0 <= columns.start < columns.stop <= 640
        assert min(labels[rows, columns].shape) >= SHORTEST
        assert FRACTIONS[0] <= np.mean(labels[rows, columns] == PERSON) <= FRACTIONS[1]


def test_close_ups_depend_on_the_photo_s_name_alone() -> None:
    assert close_ups("street_1", standing(), 3) == close_ups("street_1", standing(), 3)
    assert close_ups("street_1", standing(), 3) != close_ups("street_2", standing(), 3)


def test_nobody_and_somebody_of_a_few_pixels_have_none() -> None:
    speck = np.zeros((480, 640), np.uint8)
    assert close_ups("street_1", speck, 3) == []
    speck[100:110, 100:104] = PERSON
    assert close_ups("street_1", speck, 3) == []


def test_a_close_up_is_the_pixels_of_its_photo_and_says_where_it_comes_from(street: Sample, tmp_path: Path) -> None:
    made = make_close_ups(street, 2, tmp_path / "photos", tmp_path / "masks")
    assert isinstance(made, list)
    assert [sample.id for sample in made] == ["street_1-close-1", "street_1-close-2"]
    boxes = close_ups("street_1", read_labels(tmp_path / "mask.png"), 2)
    for sample, box in zip(made, boxes, strict=True):
        image = imagefile.read(street.image).image[box]
        assert np.array_equal(imagefile.read(sample.image).image, image)
        assert sample.mask
        labels = read_labels(sample.mask)
        assert np.array_equal(labels, image[..., 2])  # the blue of this photo is its labels, void included
        assert (sample.height, sample.width) == labels.shape
        assert sample.person_fraction == np.mean(labels == PERSON)
        assert (sample.source, sample.licence, sample.split, sample.people) == ("close:streets", "CC0", "val", None)


def test_a_photo_that_cannot_be_read_is_a_failure(street: Sample, tmp_path: Path) -> None:
    street.image.write_bytes(b"nothing")
    made = make_close_ups(street, 2, tmp_path / "photos", tmp_path / "masks")
    assert isinstance(made, Failure)
    assert made.id == "street_1"


def test_photos_are_taken_whose_people_are_small() -> None:
    large, nobody = replace(ALONE, person_fraction=0.2), replace(ALONE, mask=None, person_fraction=0)
    assert with_small_people([large, nobody, ALONE]) == [ALONE]
