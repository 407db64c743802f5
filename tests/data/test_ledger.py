from dataclasses import replace
from pathlib import Path

import pytest

from cutaway.data.labelling import Answer
from cutaway.data.ledger import beside, read_ledger, to_line, write_ledger
from cutaway.errors import DataError

ANNA = Answer("anna", (100, 1_700_000_000_000_000_001), 80, 96, 0.3, 0.97)
BEN = replace(ANNA, id="ben")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.jsonl"
    write_ledger(path, "portrait", [ANNA])
    return path


def test_a_ledger_lies_beside_its_index() -> None:
    assert beside(Path("data/selfies.jsonl")) == Path("data/selfies-ledger.jsonl")


def test_answers_come_back_and_may_be_added(path: Path) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(to_line(BEN))
    assert read_ledger(path, "portrait") == {"anna": ANNA, "ben": BEN}


def test_a_line_that_a_kill_cut_short_is_no_answer(path: Path) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(to_line(BEN)[:-1])
    assert read_ledger(path, "portrait") == {"anna": ANNA}


def test_answers_of_another_teacher_are_none(path: Path, tmp_path: Path) -> None:
    assert read_ledger(path, "another") == {}
    assert read_ledger(tmp_path / "none.jsonl", "portrait") == {}


@pytest.mark.parametrize("line", ["no JSON\n", "[]\n", '{"id": "anna"}\n', '{"stamp": [1, 2]}\n'])
def test_a_damaged_ledger_is_told(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(line)
    with pytest.raises(DataError, match=r"ledger\.jsonl cannot be read.*delete it"):
        read_ledger(path, "portrait")
