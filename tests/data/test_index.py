import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cutaway.data.index import Sample, read_index, split_anew, split_of, write_index
from cutaway.errors import DataError, OutputError


def sample(root: Path, **changes: Any) -> Sample:
    plain = Sample("a", root / "images/a.jpg", root / "masks/a.png", 40, 30, 0.25, None, "drawings", "CC0-1.0", "train")
    return replace(plain, **changes)


def write_row(path: Path, **changes: Any) -> None:
    row: dict[str, Any] = {
        "id": "a",
        "image": "a.jpg",
        "mask": None,
        "width": 40,
        "height": 30,
        "person_fraction": 0,
        "people": 0,
        "source": "drawings",
        "licence": "CC0-1.0",
        "split": "val",
    }
    path.write_text(json.dumps(row | changes))


def test_samples_come_back_as_they_were_written(tmp_path: Path) -> None:
    samples = [sample(tmp_path), sample(tmp_path, id="b", mask=None, people=0, person_fraction=0.0, split="test")]
    write_index(tmp_path / "index.jsonl", samples)
    assert read_index(tmp_path / "index.jsonl") == samples


def test_a_folder_can_be_moved_with_its_index(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    write_index(old / "index.jsonl", [sample(old)])
    new = old.rename(tmp_path / "new")
    assert read_index(new / "index.jsonl") == [sample(new)]


def test_photos_may_lie_beside_the_folder_of_the_index(tmp_path: Path) -> None:
    (tmp_path / "indexes").mkdir()
    path = tmp_path / "indexes" / "index.jsonl"
    write_index(path, [sample(tmp_path)])
    assert json.loads(path.read_text())["image"] == "../images/a.jpg"
    assert [read.image.resolve() for read in read_index(path)] == [tmp_path / "images/a.jpg"]


@pytest.mark.parametrize("name", ["Jürgen", "line\u2028separator", "two\nlines", "not\udcfftext"])
def test_any_name_comes_back(tmp_path: Path, name: str) -> None:
    samples = [sample(tmp_path, id=name, image=tmp_path / f"{name}.jpg"), sample(tmp_path)]
    write_index(tmp_path / "index.jsonl", samples)
    assert read_index(tmp_path / "index.jsonl") == samples


def test_empty_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "index.jsonl"
    write_index(path, [sample(tmp_path), sample(tmp_path, id="b")])
    path.write_text(path.read_text().replace("\n", "\r\n\r\n"), newline="")
    assert [read.id for read in read_index(path)] == ["a", "b"]


def test_an_index_is_kept_unless_it_may_be_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "index.jsonl"
    write_index(path, [sample(tmp_path)])
    with pytest.raises(OutputError, match="already exists"):
        write_index(path, [])
    assert len(read_index(path)) == 1
    write_index(path, [], overwrite=True)
    assert read_index(path) == []


def test_missing_index_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.jsonl cannot be read: .*; make it anew with"):
        read_index(tmp_path / "gone.jsonl")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"index\.jsonl, line 2: this is not JSON"),
        ("[1, 2]", "line 2: a sample has exactly the fields id, image, mask.*; make the index anew"),
        ('{"id": "a"}', "line 2: a sample has exactly the fields"),
        ("\xff", "line 2: this is not JSON"),
    ],
)
def test_a_line_that_is_no_sample_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "index.jsonl"
    write_index(path, [sample(tmp_path)])
    path.write_text(path.read_text() + line, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_index(path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", 3),
        ("image", None),
        ("mask", 1),
        ("width", "40"),
        ("height", True),
        ("person_fraction", None),
        ("people", "2"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(tmp_path: Path, field: str, value: object) -> None:
    path = tmp_path / "index.jsonl"
    write_row(path, **{field: value})
    with pytest.raises(DataError, match=f"line 1: {field} cannot be {value!r}"):
        read_index(path)


def test_an_unknown_split_is_named_with_the_choices(tmp_path: Path) -> None:
    path = tmp_path / "index.jsonl"
    write_row(path, split="dev")
    with pytest.raises(DataError, match="line 1: sample 'a': split is 'dev'; it has to be one of train, val, test"):
        read_index(path)


def test_splits_never_move() -> None:
    """The literals were drawn once: should they change, every user's test photos would become training photos."""
    literals = {"anna": "train", "berta": "train", "hanna": "val", "ida": "val", "emma": "test", "klara": "test"}
    assert {name: split_of(name) for name in literals} == literals


def test_splits_are_seventy_twenty_ten() -> None:
    drawn = [split_of(f"photo {number}") for number in range(5000)]
    shares = [drawn.count(split) / len(drawn) for split in ("train", "val", "test")]
    assert shares == pytest.approx([0.7, 0.2, 0.1], abs=0.02)


def test_a_close_up_is_of_its_photo_s_split() -> None:
    photos = [f"photo {number}" for number in range(50)]
    assert [split_of(f"{photo}-close-2") for photo in photos] == [split_of(photo) for photo in photos]


def test_what_a_net_labelled_stays_in_train(tmp_path: Path) -> None:
    name = next(name for name in map(str, range(100)) if split_of(name) == "test")
    sources = ["drawings", "pseudo:portrait", "close:pseudo:portrait", "close:drawings"]
    samples = [sample(tmp_path, id=f"{name}-close-{number}", source=source) for number, source in enumerate(sources)]
    assert [one.split for one in split_anew(samples)] == ["test", "train", "train", "test"]
