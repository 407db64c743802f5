import json
from pathlib import Path

import pytest

from commands import Command, usage_error
from cutaway.data.index import read_index
from folders import write_people, write_rooms


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return write_people(tmp_path / "people", "ttvx")


def test_a_folder_becomes_an_index(cutaway_command: Command, people: Path, tmp_path: Path) -> None:
    out = tmp_path / "index.jsonl"
    finished = cutaway_command("data", "folder", people, "-o", out, "--licence", "CC0-1.0")
    assert (finished.code, finished.errors) == (0, [])
    assert finished.out.decode() == f"{out}: 4 photographs, 2 train, 1 val, 1 test\n"
    samples = read_index(out)
    assert [sample.split for sample in samples] == ["train", "train", "val", "test"]
    assert {sample.licence for sample in samples} == {"CC0-1.0"}


def test_json_is_one_object_and_nothing_else(cutaway_command: Command, people: Path, tmp_path: Path) -> None:
    out = tmp_path / "index.jsonl"
    finished = cutaway_command("data", "folder", people, "-o", out, "--json")
    assert json.loads(finished.out) == {"index": str(out), "photos": 4, "train": 2, "val": 1, "test": 1}
    assert finished.errors == []


def test_photos_of_nobody(cutaway_command: Command, tmp_path: Path) -> None:
    rooms, out = write_rooms(tmp_path / "rooms", 3), tmp_path / "index.jsonl"
    assert cutaway_command("data", "folder", rooms, "-o", out, "--nobody", "--source", "attic").code == 0
    assert [(sample.mask, sample.people, sample.source) for sample in read_index(out)] == [(None, 0, "attic")] * 3


def test_an_index_is_kept_unless_it_may_be_overwritten(cutaway_command: Command, people: Path, tmp_path: Path) -> None:
    out = tmp_path / "index.jsonl"
    out.write_text("precious")
    finished = cutaway_command("data", "folder", people, "-o", out)
    assert finished.code == 2
    assert "already exists" in usage_error(finished.errors)
    assert out.read_text() == "precious"
    assert cutaway_command("data", "folder", people, "-o", out, "--overwrite").code == 0
    assert len(read_index(out)) == 4


def test_what_is_wrong_with_the_data_is_one_line(cutaway_command: Command, people: Path, tmp_path: Path) -> None:
    (people / "masks" / "person_00.png").unlink()
    out = tmp_path / "index.jsonl"
    finished = cutaway_command("data", "folder", people, "-o", out)
    assert finished.code == 3
    assert finished.out == b""
    assert len(finished.errors) == 1
    assert "person_00.png" in finished.errors[0]
    assert not out.exists()


def test_a_folder_of_the_index_that_is_not_there_is_told_before_the_work(
    cutaway_command: Command, tmp_path: Path
) -> None:
    finished = cutaway_command("data", "folder", tmp_path / "no-data-either", "-o", tmp_path / "gone" / "index.jsonl")
    assert finished.code == 2
    assert "make it first" in usage_error(finished.errors)


@pytest.mark.parametrize(
    "arguments", [["folder"], ["folder", "people"], ["cityscapes"], ["folder", "a", "-o", "b", "--x"]]
)
def test_wrong_usage(cutaway_command: Command, arguments: list[str]) -> None:
    assert cutaway_command("data", *arguments).code == 2
