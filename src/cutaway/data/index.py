"""The data index: one ``Sample`` a line of JSON. Paths are relative to the index, so a folder can be moved whole."""

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from hashlib import sha256
from pathlib import Path
from types import UnionType
from typing import Any

from cutaway import imagefile
from cutaway.errors import DataError

SPLITS = ("train", "val", "test")

CLOSE_UP = "-close-"
"""What stands in the id of a close-up between its photo's id and a number."""

CLOSE = "close:"
"""What a close-up's source begins with; its photo's follows."""

PSEUDO = "pseudo:"
"""What the source of a photo that a net labelled begins with: no score may come from it."""

_KINDS: dict[str, type | UnionType] = {
    "id": str,
    "image": str,
    "mask": str | None,
    "width": int,
    "height": int,
    "person_fraction": float | int,
    "people": int | None,
    "source": str,
    "licence": str,
    "split": str,
}
"""What a field of a sample is in JSON."""


@dataclass(frozen=True)
class Sample:
    """One photograph with its mask.

    ``mask`` is None where nobody is in the photo. ``person_fraction`` is the share of person pixels, 0..1, at
    original size. ``people`` is None where nobody counted. ``source`` names the data set.
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


@dataclass(frozen=True)
class Failure:
    """One photo that cannot be used, and the sentence that says why."""

    id: str
    reason: str


def split_of(identity: str) -> str:
    """Return the split that a photo's id belongs to: 70 % train, 20 % val, 10 % test, by a hash, so it never moves.

    A close-up belongs where its photo does.
    """
    share = int.from_bytes(sha256(photo_of(identity).encode()).digest()[:4], "big") / 2**32
    return "train" if share < 0.7 else "val" if share < 0.9 else "test"


def photo_of(identity: str) -> str:
    """Return the id of the photo that a close-up was cut from; any other id is returned as it is."""
    return identity.partition(CLOSE_UP)[0]


def split_anew(samples: Iterable[Sample]) -> list[Sample]:
    """Return ``samples`` with each in the split that its id belongs to; what a net labelled stays in train.

    Raises:
        DataError: An id repeats.
    """
    anew = [replace(sample, split="train" if _is_pseudo(sample) else split_of(sample.id)) for sample in samples]
    check_ids(anew)
    return anew


def _is_pseudo(sample: Sample) -> bool:
    return sample.source.removeprefix(CLOSE).startswith(PSEUDO)


def count_splits(samples: Iterable[Sample]) -> dict[str, int]:
    """Return how many of ``samples`` each of ``SPLITS`` holds."""
    counts = Counter(sample.split for sample in samples)
    return {split: counts[split] for split in SPLITS}


def masks_beside(index: Path) -> Path:
    """Return the folder of the masks that are made for ``index``."""
    return index.with_name(f"{index.stem}-masks")


def check_ids(samples: Iterable[Sample]) -> None:
    """Raise ``DataError`` if two samples have the same id."""
    if (repeated := first_repeated(sample.id for sample in samples)) is not None:
        raise DataError(f"the id {repeated!r} is there more than once; 'cutaway data copies' tells where")


def first_repeated(names: Iterable[str]) -> str | None:
    """Return the first of ``names`` that is there more than once, None where each is there once."""
    return next((name for name, count in Counter(names).items() if count > 1), None)


def write_index(path: Path, samples: Iterable[Sample], *, overwrite: bool = False) -> None:
    """Write ``samples`` to ``path`` as JSONL, whole or not at all.

    Raises:
        OutputError: The file cannot be written, or exists and is not to be overwritten.
    """
    base = path.resolve().parent
    lines = [json.dumps(_to_row(sample, base)) for sample in samples]
    imagefile.write(path, "".join(f"{line}\n" for line in lines).encode(), overwrite=overwrite)


def read_index(path: Path) -> list[Sample]:
    """Return the samples of a JSONL index.

    Raises:
        DataError: The file cannot be read, or a line is not a sample; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the index {path} cannot be read: {error}; make it anew with 'cutaway data'") from error
    base = path.resolve().parent
    return [to_sample(line, base, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]


def _to_row(sample: Sample, base: Path) -> dict[str, Any]:
    row = asdict(sample)
    for key in ("image", "mask"):
        if row[key] is not None:
            row[key] = Path(os.path.relpath(row[key].resolve(), base)).as_posix()
    return row


def to_sample(line: str, base: Path, place: str) -> Sample:
    """Return the sample of one line of JSON, whose paths are relative to ``base``; errors call the line ``place``.

    Raises:
        DataError: The line is no sample.
    """
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{place}: this is not JSON ({error}); make the index anew with 'cutaway data'") from error
    names = [field.name for field in fields(Sample)]
    if not isinstance(row, dict) or set(row) != set(names):
        advice = "make the index anew with 'cutaway data'"
        raise DataError(f"{place}: a sample has exactly the fields {', '.join(names)}; {advice}")
    for name, kind in _KINDS.items():
        if not isinstance(row[name], kind) or isinstance(row[name], bool):
            raise DataError(f"{place}: {name} cannot be {row[name]!r}; make the index anew with 'cutaway data'")
    row["image"] = base / row["image"]
    row["mask"] = None if row["mask"] is None else base / row["mask"]
    try:
        return Sample(**row)
    except DataError as error:
        raise DataError(f"{place}: {error}") from error
