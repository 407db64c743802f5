from dataclasses import replace
from pathlib import Path

import pytest

from cutaway.data.folder import read_folder
from cutaway.data.left_out import leave_out, read_left_out
from cutaway.errors import DataError
from folders import write_people


def test_the_list_says_why_each_photo_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "left-out.csv"
    path.write_text('id,reason\nperson_00,shifted\n"with, comma","one person, of two"\n')
    assert read_left_out(path) == {"person_00": "shifted", "with, comma": "one person, of two"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lacks the column id, reason"),
        ("stem,reason\na,b\n", "lacks the column id"),
        ("id,reason\na,b\na,c\n", "names 'a' more than once"),
        ("id,reason\na,b\nc\n", "no reason for 'c'"),
        ('id,reason\na,"b\n', "cannot be read"),
    ],
)
def test_a_wrong_list_is_an_error_that_names_it(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "left-out.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as failure:
        read_left_out(path)
    assert str(path) in str(failure.value)


def test_a_missing_list_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_left_out(tmp_path / "left-out.csv")


def test_named_photos_are_left_out_and_the_others_keep_their_order(tmp_path: Path) -> None:
    samples = read_folder(write_people(tmp_path, "ttvt"))
    assert leave_out(samples, {"person_01": "shifted"}) == [samples[0], *samples[2:]]
    assert leave_out(samples, {}) == samples


@pytest.mark.parametrize(
    ("identity", "message"), [("person_09", "no photo of the data"), ("person_01", "only train may lose photos")]
)
def test_what_cannot_be_left_out_is_named(tmp_path: Path, identity: str, message: str) -> None:
    samples = read_folder(write_people(tmp_path, "tv"))
    with pytest.raises(DataError, match=f"'{identity}' is to be left out.*{message}"):
        leave_out(samples, {identity: "shifted"})


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_an_id_of_train_in_one_set_and_of_val_in_another_cannot_be_left_out(tmp_path: Path, order: slice) -> None:
    samples = [*read_folder(write_people(tmp_path / "one", "v")), *read_folder(write_people(tmp_path / "two", "t"))]
    with pytest.raises(DataError, match="'person_00' is to be left out, but is of val"):
        leave_out(samples[order], {"person_00": "shifted"})


def test_a_photo_s_close_ups_are_left_out_with_it(tmp_path: Path) -> None:
    samples = read_folder(write_people(tmp_path / "people", "tt"))
    crops = [replace(sample, id=f"{sample.id}-close-{number}") for sample in samples for number in (1, 2)]
    kept = leave_out([*samples, *crops], {"person_00": "shifted", "person_01-close-1": "no person is left in it"})
    assert [sample.id for sample in kept] == ["person_01", "person_01-close-2"]
