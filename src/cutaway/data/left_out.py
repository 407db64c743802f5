"""The list of training photos that are left out: CSV with the columns id and reason, a line a photo."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from cutaway.data.index import Sample, first_repeated, photo_of
from cutaway.errors import DataError


def read_left_out(path: Path) -> dict[str, str]:
    """Return why each photo of the list is left out, by its id.

    Raises:
        DataError: The file cannot be read, lacks a column, lists an id twice, or gives no reason.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns, rows = set(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"the list {path} cannot be read: {error}; save it as CSV in UTF-8") from error
    if missing := {"id", "reason"} - columns:
        raise DataError(f"the list {path} lacks the column {', '.join(sorted(missing))}; it needs id and reason")
    if (repeated := first_repeated(row["id"] for row in rows)) is not None:
        raise DataError(f"the list {path} names {repeated!r} more than once; take one line out")
    reasons = {row["id"]: (row["reason"] or "").strip() for row in rows}
    if (bare := next((identity for identity, reason in reasons.items() if not reason), None)) is not None:
        raise DataError(f"the list {path} gives no reason for {bare!r}; say what is wrong with its mask")
    return reasons


def leave_out(samples: Sequence[Sample], reasons: Mapping[str, str]) -> list[Sample]:
    """Return ``samples`` without those that ``reasons`` names, and without their close-ups.

    Raises:
        DataError: A named photo is not there, or is not of the split train: scores stay those of all photos.
    """
    if missing := reasons.keys() - {sample.id for sample in samples}:
        raise DataError(f"{min(missing)!r} is to be left out, but is no photo of the data; take it off the list")
    for sample in samples:  # two sets may have photos of one id
        if sample.id in reasons and sample.split != "train":
            raise DataError(f"{sample.id!r} is to be left out, but is of {sample.split}; only train may lose photos")
    return [sample for sample in samples if reasons.keys().isdisjoint((sample.id, photo_of(sample.id)))]
