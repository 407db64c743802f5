"""The ledger of ``cutaway data label``: a line of JSON for each photo done, so that what was cut short goes on.

Its first line says which teacher gave the answers; those of another teacher, and of a photo that changed, are none.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from cutaway import imagefile
from cutaway.data.labelling import Answer
from cutaway.errors import DataError


def beside(index: Path) -> Path:
    """Return the ledger of ``index``."""
    return index.with_name(f"{index.stem}-ledger.jsonl")


def read_ledger(path: Path, teacher: str) -> dict[str, Answer]:
    """Return the answers that ``teacher`` gave, by the photos' ids; none where there is no ledger of theirs.

    Raises:
        DataError: The file cannot be read.
    """
    try:
        first, *lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else [""]
        if first != json.dumps(teacher):
            return {}
        answers = [_to_answer(line) for line in lines[:-1]]  # after the last line break: nothing, or what a kill cut
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"the ledger {path} cannot be read: {error}; delete it, and all is done anew") from error
    return {answer.id: answer for answer in answers}


def write_ledger(path: Path, teacher: str, answers: Iterable[Answer]) -> None:
    """Write a ledger that ``to_line`` may add to, whole or not at all. Raises ``OutputError`` if that cannot be."""
    lines = [json.dumps(teacher) + "\n", *map(to_line, answers)]
    imagefile.write(path, "".join(lines).encode(), overwrite=True)


def to_line(answer: Answer) -> str:
    """Return an answer as a line of the ledger."""
    return json.dumps(asdict(answer)) + "\n"


def _to_answer(line: str) -> Answer:
    row = json.loads(line)
    return Answer(**{**row, "stamp": tuple(row["stamp"])})
