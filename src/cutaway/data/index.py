"""The data index: one ``Sample`` a line of JSON, with paths relative to the index, so that a folder can be moved as a whole."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

from cutaway.errors import DataError

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Sample:
    """One photograph with its mask.

    ``mask`` is None where nobody is in the photo. ``person_fraction`` is the share of person pixels, 0..1, at original size.
    ``people`` is None where nobody counted. ``source`` names the data set.
    """

    id: str
    image: Path
    mask: Path | None
    width: int
    height: int
    person_fraction: float
    people: int | None
    source: str
    licence: str
    split: str

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise DataError(f"sample {self.id!r}: split is {self.split!r}; it has to be one of {', '.join(SPLITS)}")


def split_of(identity: str) -> str:
    """Return the split that a photo's id belongs to: 70 % train, 20 % val, 10 % test, by a hash, so it never moves."""
    share = int.from_bytes(sha256(identity.encode()).digest()[:4], "big") / 2**32
    return "train" if share < 0.7 else "val" if share < 0.9 else "test"


def write_index(path: Path, samples: Iterable[Sample]) -> None:
    """Write ``samples`` to ``path`` as JSONL.

    Raises:
        DataError: The file cannot be written.
    """
    base = path.resolve().parent
    lines = [json.dumps(_to_row(sample, base), ensure_ascii=False) for sample in samples]
    try:
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise DataError(f"the index {path} cannot be written: {error.strerror or error}") from error


def read_index(path: Path) -> list[Sample]:
    """Return the samples of a JSONL index.

    Raises:
        DataError: The file cannot be read, or a line is not a sample; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the index {path} cannot be read: {error}") from error
    base = path.resolve().parent
    return [_to_sample(line, base, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]


def _to_row(sample: Sample, base: Path) -> dict[str, Any]:
    row = asdict(sample)
    for key in ("image", "mask"):
        if row[key] is not None:
            row[key] = Path(os.path.relpath(row[key].resolve(), base)).as_posix()
    return row


def _to_sample(line: str, base: Path, place: str) -> Sample:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{place}: this is not JSON ({error}); make the index anew with 'cutaway data'") from error
    names = {field.name for field in fields(Sample)}
    if not isinstance(row, dict) or set(row) != names:
        raise DataError(f"{place}: a sample has exactly the fields {', '.join(sorted(names))}")
    row["image"] = base / row["image"]
    row["mask"] = None if row["mask"] is None else base / row["mask"]
    return Sample(**row)
