"""Makes the index of a public set, and reports what became of its photographs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cutaway.cli.messages import complain, one_line
from cutaway.cli.progress import track
from cutaway.data.index import Failure, Sample, count_splits, masks_beside, write_index
from cutaway.data.labelled import Entry, Outcome, check_entries, make_sample
from cutaway.errors import DataError


@dataclass(frozen=True)
class Order:
    """Where the index goes and what goes into it. ``people_free``: photos without a person too."""

    out: Path
    licence: str
    people_free: bool
    overwrite: bool


def make_index(entries: Sequence[Entry], order: Order, *, as_json: bool) -> int:
    """Write masks and index, report them, and return the exit code: 0 all done, 1 some photos failed.

    Raises:
        DataError: Two photos have one id, or not one gives a sample; no index is written then.
        OutputError: A mask or the index cannot be written.
    """
    check_entries(entries)
    outcomes = list(_make(entries, order))
    samples = [outcome for outcome in outcomes if isinstance(outcome, Sample)]
    if not samples:
        raise DataError(f"none of {len(entries)} photos can be used, so {order.out} was not written")
    write_index(order.out, samples, overwrite=order.overwrite)
    failed = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    _print(order.out, samples, len(outcomes) - len(samples) - len(failed), failed, as_json=as_json)
    return int(bool(failed))


def _make(entries: Sequence[Entry], order: Order) -> Iterator[Outcome]:
    masks = masks_beside(order.out)
    masks.mkdir(exist_ok=True)
    for entry in track(entries, len(entries), "Indexing"):
        outcome = make_sample(entry, masks, order.licence, people_free=order.people_free)
        if isinstance(outcome, Failure):
            complain(outcome.reason, about=outcome.id)
        yield outcome


def _print(out: Path, samples: Sequence[Sample], left_out: int, failed: Sequence[Failure], *, as_json: bool) -> None:
    splits = count_splits(samples)
    with_person = sum(sample.mask is not None for sample in samples)
    if as_json:
        counts = {"photos": len(samples), "with_person": with_person, **splits}
        print(json.dumps({"index": str(out), **counts, "left_out": left_out, "failed": [asdict(f) for f in failed]}))
        return
    parts = ", ".join(f"{count} {split}" for split, count in splits.items())
    print(one_line(f"{out}: {len(samples)} photographs, {with_person} with a person, {parts}; {left_out} left out"))
