"""Does and reports what ``cutaway data stats | preview | split | pack | copies | close-ups`` ask for."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cutaway import imagefile
from cutaway.cli.messages import complain, one_line
from cutaway.cli.progress import advancing, track
from cutaway.data.close_ups import make_close_ups, with_small_people
from cutaway.data.copies import Fingerprint, Pair, find_pairs, read_fingerprints, without_crossing
from cutaway.data.index import SPLITS, Failure, Sample, count_splits, masks_beside, write_index
from cutaway.data.packing import Packing, pack
from cutaway.data.preview import arrange, make_tile
from cutaway.data.stats import Stats
from cutaway.errors import DataError


def print_stats(stats: Stats, *, as_json: bool) -> None:
    """Print the counts, as tables or as one JSON object."""
    if as_json:
        print(json.dumps(asdict(stats)))
        return
    print(f"{stats.photos} photos, {stats.with_person} with a person")
    _print_table(["set", *SPLITS], [[source, *map(str, counts.values())] for source, counts in stats.sources.items()])
    _print_histogram("share of person, %", stats.shares)
    _print_histogram("people", stats.people)
    _print_histogram("longer side, pixels", stats.long_sides)


def draw_preview(samples: Sequence[Sample], out: Path, file_format: str, *, overwrite: bool) -> int:
    """Write the contact sheet of ``samples``; return 1 if some photos failed, each with a line on standard error."""
    outcomes = list(track(map(make_tile, samples), len(samples), "Drawing"))
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    _complain(failures)
    tiles = [outcome for outcome in outcomes if not isinstance(outcome, Failure)]
    if not tiles:
        raise DataError(f"none of {len(samples)} photos can be drawn, so {out} was not written")
    imagefile.write(out, imagefile.encode(arrange(tiles), file_format), overwrite=overwrite)
    print(one_line(f"{out}: {len(tiles)} photos"))
    return int(bool(failures))


def print_split(out: Path, before: Sequence[Sample], after: Sequence[Sample], *, as_json: bool) -> None:
    """Print how many photos are in each split, and how many were in another before."""
    moved = sum(old.split != new.split for old, new in zip(before, after, strict=True))
    splits = count_splits(after)
    if as_json:
        print(json.dumps({"index": str(out), "photos": len(after), **splits, "moved": moved}))
    else:
        parts = ", ".join(f"{count} {split}" for split, count in splits.items())
        print(one_line(f"{out}: {len(after)} photos, {parts}; {moved} moved"))


def pack_shards(samples: Sequence[Sample], out: Path, packing: Packing, *, overwrite: bool, as_json: bool) -> int:
    """Pack ``samples``; return 1 if some photos failed, each with a line on standard error."""
    failures: list[Failure] = []
    with advancing(len(samples), "Packing") as advance:

        def progress(failure: Failure | None) -> None:
            if failure:
                _complain([failure])
                failures.append(failure)
            advance()

        shards = pack(samples, out, packing, overwrite=overwrite, progress=progress)
    photos, size = len(samples) - len(failures), sum(shard.stat().st_size for shard in shards)
    if as_json:
        facts = {"shards": [str(shard) for shard in shards], "photos": photos, "bytes": size}
        print(json.dumps({**facts, "failed": [asdict(failure) for failure in failures]}))
    else:
        print(one_line(f"{out}: {photos} photos in {len(shards)} shards, {size / 1e6:.1f} MB"))
    return int(bool(failures))


def report_copies(samples: Sequence[Sample], out: Path | None, *, overwrite: bool, as_json: bool) -> int:
    """Print every pair of copies; return 1 if a pair stands in two splits or a photo failed.

    What stands in a second split is left out of the index ``out``, and so is what failed.

    Raises:
        DataError: Not one photo can be read; no index is written then.
    """
    prints = list(track(read_fingerprints(samples), len(samples), "Reading"))
    failures = [found for found in prints if isinstance(found, Failure)]
    _complain(failures)
    read = [(sample, found) for sample, found in zip(samples, prints, strict=True) if isinstance(found, Fingerprint)]
    if not read:
        raise DataError(f"none of {len(samples)} photos can be read, so nothing was compared")
    kept = [sample for sample, _ in read]
    pairs = find_pairs(kept, [found for _, found in read])
    if out:
        write_index(out, without_crossing(kept, pairs), overwrite=overwrite)
    _print_pairs(len(kept), pairs, failures, as_json=as_json)
    return int(bool(failures) or any(pair.crosses for pair in pairs))


def cut_close_ups(samples: Sequence[Sample], each: int, out: Path, *, overwrite: bool, as_json: bool) -> int:
    """Write close-ups of those of ``samples`` whose people are small, and their index; return 1 if some failed.

    Raises:
        DataError: No close-up came of them; no index is written then.
    """
    small = with_small_people(samples)
    photos, masks = out.with_name(f"{out.stem}-photos"), masks_beside(out)
    for folder in (photos, masks) if small else ():
        folder.mkdir(exist_ok=True)
    made = [make_close_ups(sample, each, photos, masks) for sample in track(small, len(small), "Cropping")]
    failures = [outcome for outcome in made if isinstance(outcome, Failure)]
    _complain(failures)
    crops = [crop for outcome in made if not isinstance(outcome, Failure) for crop in outcome]
    if not crops:
        raise DataError(f"no close-up came of {len(small)} photos with small people, so {out} was not written")
    write_index(out, crops, overwrite=overwrite)
    if as_json:
        counts = {"photos": len(samples), "small": len(small), "close_ups": len(crops), **count_splits(crops)}
        print(json.dumps({"index": str(out), **counts, "failed": [asdict(failure) for failure in failures]}))
    else:
        print(one_line(f"{out}: {len(crops)} close-ups of {len(small)} photos with small people among {len(samples)}"))
    return int(bool(failures))


def _print_pairs(photos: int, pairs: Sequence[Pair], failures: Sequence[Failure], *, as_json: bool) -> None:
    crossing = sum(pair.crosses for pair in pairs)
    if as_json:
        rows = {"pairs": [_to_json(pair) for pair in pairs], "failed": [asdict(failure) for failure in failures]}
        print(json.dumps({"photos": photos, "crossing": crossing, **rows}))
        return
    for pair in pairs:
        ends = " and ".join(f"{sample.id} ({sample.source}, {sample.split})" for sample in (pair.first, pair.second))
        print(one_line(f"{ends}: {pair.how}, correlation {pair.correlation:.3f}"))
    print(f"{photos} photos; pairs: {len(pairs)}, of them in two splits: {crossing}")


def _to_json(pair: Pair) -> dict[str, object]:
    ends = {
        name: {"id": sample.id, "source": sample.source, "split": sample.split}
        for name, sample in (("first", pair.first), ("second", pair.second))
    }
    return {**ends, "how": pair.how, "correlation": round(pair.correlation, 4), "crosses": pair.crosses}


def _complain(failures: Sequence[Failure]) -> None:
    for failure in failures:
        complain(failure.reason, about=failure.id)


def _print_histogram(name: str, bars: dict[str, int]) -> None:
    _print_table([name, "photos"], [[bar, str(count)] for bar, count in bars.items() if count])


def _print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for number, text in enumerate(head):
        table.add_column(escape(text), justify="right" if number else "left")
    for row in rows:
        table.add_row(*map(escape, row))
    Console().print(table)
