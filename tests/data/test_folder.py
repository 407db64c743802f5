from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from cutaway import imagefile
from cutaway.data.folder import load_samples, read_folder, read_people_free, with_split
from cutaway.data.index import split_of, write_index
from cutaway.data.masks import VOID, write_labels
from cutaway.data.torch_dataset import read_sample
from cutaway.errors import DataError
from folders import write_people, write_rooms
from synthetic import png_declaring


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Two photos to train on, one to validate on, one to test on."""
    return write_people(tmp_path / "people", "ttvx")


def save(path: Path, values: object, orientation: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    PillowImage.fromarray(np.asarray(values)).save(path, exif=exif)
    return path


def test_every_row_of_the_table_is_a_sample(people: Path) -> None:
    samples = read_folder(people, licence="CC0-1.0")
    assert [sample.id for sample in samples] == [f"person_0{number}" for number in range(4)]
    assert [sample.split for sample in samples] == ["train", "train", "val", "test"]
    assert {(sample.source, sample.licence, sample.people) for sample in samples} == {("ellipses", "CC0-1.0", None)}
    assert {(sample.width, sample.height) for sample in samples} == {(64, 64)}


def test_person_fraction_is_the_share_of_the_mask(people: Path) -> None:
    mask = np.zeros((64, 64), np.bool_)
    mask[:16] = True
    save(people / "masks" / "person_00.png", mask)
    assert read_folder(people)[0].person_fraction == 0.25


def test_nobody_is_in_a_photo_whose_mask_is_black(people: Path) -> None:
    save(people / "masks" / "person_00.png", np.zeros((64, 64), np.uint8))
    samples = read_folder(people)
    assert [(sample.mask is None, sample.people) for sample in samples[:2]] == [(True, 0), (False, None)]
    assert (samples[0].person_fraction, samples[0].split) == (0.0, "train")


def test_a_mask_of_void_without_a_person_is_refused(people: Path) -> None:
    labels = np.zeros((64, 64), np.uint8)
    labels[:9] = VOID
    write_labels(people / "masks" / "person_00.png", labels, overwrite=True)
    with pytest.raises(DataError, match=r"person_00\.png holds void and no person"):
        read_folder(people)


def test_splits_are_drawn_where_the_table_names_none(people: Path) -> None:
    (people / "index.csv").write_text("set,stem,split\nellipses,person_00,\nellipses,person_01,test\n")
    assert [sample.split for sample in read_folder(people)] == [split_of("person_00"), "test"]


def test_without_a_table_every_photo_is_taken(people: Path) -> None:
    (people / "index.csv").unlink()
    (people / "images" / "notes.txt").write_text("no photo")
    samples = read_folder(people)
    assert [(sample.id, sample.source) for sample in samples] == [(f"person_0{n}", "people") for n in range(4)]
    assert [sample.split for sample in samples] == [split_of(sample.id) for sample in samples]
    assert {sample.source for sample in read_folder(people, source="drawn")} == {"drawn"}
    assert {sample.licence for sample in samples} == {"not stated"}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_as_large_as_it_is_looked_at(tmp_path: Path, orientation: int) -> None:
    photo = save(tmp_path / "images" / "phone.jpg", np.zeros((30, 40, 3), np.uint8), orientation)
    height, width = imagefile.read(photo).image.shape[:2]
    save(tmp_path / "masks" / "phone.png", np.ones((height, width), np.bool_))
    (sample,) = read_folder(tmp_path)
    assert (sample.height, sample.width) == (height, width) == ((30, 40) if orientation < 5 else (40, 30))
    assert read_sample(sample)[0].shape == (height, width, 3)


def test_a_table_of_a_spreadsheet_may_begin_with_a_byte_order_mark(people: Path) -> None:
    table = people / "index.csv"
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes())
    assert len(read_folder(people)) == 4


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("set,stem\nellipses,person_00\n", "lacks the column split"),
        ("", "lacks the column set, split, stem"),
        (
            "set,stem,split\nellipses,person_09,train\n",
            "lists 'person_09', but .* holds no photo of that stem; add the photo",
        ),
        ("set,stem,split\nellipses,person_00,dev\n", "split is 'dev'; it has to be one of train, val, test"),
        ("set,stem,split\nellipses,person_00,train\nx,person_00,test\n", "lists 'person_00' more than once"),
        ("set,stem,split\nellipses\n", "lists None"),
    ],
)
def test_a_wrong_table_is_refused(people: Path, table: str, message: str) -> None:
    (people / "index.csv").write_text(table)
    with pytest.raises(DataError, match=message):
        read_folder(people)


def test_a_table_that_is_no_text_is_refused(people: Path) -> None:
    (people / "index.csv").write_bytes(b"set,stem,split\nM\xfcller,person_00,train\n")
    with pytest.raises(DataError, match=r"index\.csv cannot be read: .*; save it as CSV"):
        read_folder(people)


def test_a_missing_mask_is_named(people: Path) -> None:
    (people / "masks" / "person_02.png").unlink()
    with pytest.raises(DataError, match=r"there is no mask .*person_02\.png; draw one"):
        read_folder(people)


def test_a_mask_of_another_size_is_named(people: Path) -> None:
    save(people / "masks" / "person_01.png", np.ones((64, 48), np.bool_))
    with pytest.raises(DataError, match=r"person_01\.png is 48×64, but its photo is 64×64"):
        read_folder(people)


def test_a_photo_that_is_no_image_is_named(people: Path) -> None:
    (people / "images" / "person_01.png").write_text("no image")
    with pytest.raises(DataError, match=r"the photo .*person_01\.png cannot be read"):
        read_folder(people)


@pytest.mark.parametrize("folder", ["images", "masks"])
def test_a_header_that_tells_of_too_many_pixels_is_named(people: Path, folder: str) -> None:
    (people / folder / "person_01.png").write_bytes(png_declaring(60_000, 60_000))
    with pytest.raises(DataError, match=r"person_01\.png cannot be read"):
        read_folder(people)


def test_two_photos_of_one_stem_are_refused(people: Path) -> None:
    save(people / "images" / "person_01.jpg", np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(DataError, match="have the same stem"):
        read_folder(people)


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no folder .*images"):
        read_folder(tmp_path)
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match="holds no photograph; put JPEG, PNG"):
        read_folder(tmp_path)


def test_photos_without_people_have_no_mask(tmp_path: Path) -> None:
    samples = read_people_free(write_rooms(tmp_path / "rooms", 3))
    assert [(sample.id, sample.mask, sample.people, sample.person_fraction) for sample in samples] == [
        (f"room_0{number}", None, 0, 0.0) for number in range(3)
    ]
    assert [sample.split for sample in samples] == [split_of(sample.id) for sample in samples]


def test_samples_are_loaded_from_a_folder_or_an_index(people: Path) -> None:
    samples = load_samples(people)
    assert samples == read_folder(people)
    write_index(people / "index.jsonl", samples)
    assert load_samples(people / "index.jsonl") == samples
    with pytest.raises(DataError, match=r"there is no index or data folder at .*nowhere"):
        load_samples(people / "nowhere")


def test_one_split_is_loaded_without_the_masks_of_the_others(people: Path) -> None:
    write_index(people / "index.jsonl", read_folder(people))
    (people / "masks" / "person_00.png").unlink()
    for data in (people, people / "index.jsonl"):
        assert [sample.id for sample in load_samples(data, "test")] == ["person_03"]


def test_an_empty_split_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'test'; they hold train, val"):
        load_samples(write_people(tmp_path, "tv"), "test")


def test_samples_of_one_split_keep_their_order(people: Path) -> None:
    assert [sample.id for sample in with_split(read_folder(people), "train")] == ["person_00", "person_01"]
