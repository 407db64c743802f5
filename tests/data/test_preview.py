from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from cutaway.data.index import Failure, Sample
from cutaway.data.masks import write_labels
from cutaway.data.preview import CAPTION, COLUMNS, GAP, OUTLINE, SIDE, arrange, choose, make_tile
from cutaway.types import Image


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    """A grey photo: void above, a person at the left below."""
    PillowImage.new("RGB", (400, 400), (100, 100, 100)).save(tmp_path / "a.png")
    labels = np.zeros((400, 400), np.uint8)
    labels[:100] = 255
    labels[200:, :200] = 1
    write_labels(tmp_path / "mask.png", labels)
    return Sample("a", tmp_path / "a.png", tmp_path / "mask.png", 400, 400, 0.25, 1, "drawn", "none", "train")


def tile(sample: Sample) -> Image:
    made = make_tile(sample)
    assert isinstance(made, np.ndarray)
    return made


def test_person_and_void_are_marked_each_in_its_way(sample: Sample) -> None:
    made = tile(sample)
    assert made.shape == (SIDE + CAPTION, SIDE, 3)
    grey = [100, 100, 100]
    assert made[70, 150].tolist() == grey
    assert made[SIDE - 30, 50].tolist() == grey, "within the outline the photo is seen"
    assert made[101, 50].tolist() == made[150, 99].tolist() == list(OUTLINE)
    assert made[20, 50].tolist() not in (grey, list(OUTLINE))


def test_a_photo_of_nobody_has_no_marks(sample: Sample) -> None:
    made = tile(replace(sample, mask=None))
    assert (made[:SIDE] == 100).all()


def test_photos_of_any_shape_are_centred(sample: Sample) -> None:
    PillowImage.new("RGB", (400, 100), "black").save(sample.image)
    made = tile(replace(sample, mask=None))
    black = np.flatnonzero((made[:SIDE] == 0).all(axis=(1, 2)))
    assert (black.min(), black.max()) == (75, 124)


def test_captions_tell_samples_apart(sample: Sample) -> None:
    below = [
        tile(replace(sample, id=name, source=source))[SIDE:] for name, source in (("a", "x"), ("b", "x"), ("a", "y"))
    ]
    assert not np.array_equal(below[0], below[1])
    assert not np.array_equal(below[0], below[2])


def test_what_cannot_be_shown_is_named(sample: Sample, tmp_path: Path) -> None:
    gone = make_tile(replace(sample, image=tmp_path / "gone.jpg"))
    assert isinstance(gone, Failure)
    assert "gone.jpg does not exist" in gone.reason
    PillowImage.new("RGB", (300, 400)).save(sample.image)
    other_size = make_tile(sample)
    assert isinstance(other_size, Failure)
    assert "is not of the size of its photo" in other_size.reason


def test_the_choice_is_drawn_by_its_seed_and_keeps_the_order(sample: Sample) -> None:
    samples = [replace(sample, id=str(number)) for number in range(50)]
    chosen = choose(samples, 9, seed=1)
    assert chosen == choose(samples, 9, seed=1) != choose(samples, 9, seed=2)
    assert [int(one.id) for one in chosen] == sorted({int(one.id) for one in chosen})
    assert len(chosen) == 9
    assert choose(samples, 60, seed=1) == samples


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (COLUMNS, COLUMNS, 1), (COLUMNS + 1, COLUMNS, 2)])
def test_tiles_fill_row_after_row(count: int, columns: int, rows: int) -> None:
    sheet = arrange([np.full((20, 10, 3), number, np.uint8) for number in range(count)])
    assert sheet.shape == (rows * (20 + GAP) + GAP, columns * (10 + GAP) + GAP, 3)
    last = (rows - 1) * (20 + GAP) + GAP, (count - 1) % COLUMNS * (10 + GAP) + GAP
    assert sheet[last].tolist() == [count - 1] * 3
    assert sheet[0, 0].tolist() == [255] * 3
