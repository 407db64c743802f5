"""Does the work of ``cutaway data coco``: fetches what is missing, trims, and reports what each stage left."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from cutaway.cli.messages import complain, one_line
from cutaway.cli.progress import track, watched
from cutaway.data.coco import (
    Annotations,
    Photo,
    Place,
    archive_url,
    image_set,
    make_samples,
    photo_url,
    read_annotations,
    to_records,
    unpack_annotations,
)
from cutaway.data.download import Download, Failed, fetch_all
from cutaway.data.funnel import STAGES, Funnel, Rules, describe, draw_funnel, trim
from cutaway.data.index import Failure, Sample, count_splits, masks_beside, write_index
from cutaway.errors import DataError
from cutaway.imagefile import write


@dataclass(frozen=True)
class Order:
    """What to trim, and where the index goes, and the picture of the funnel if there is to be one."""

    annotations: Path
    images: Path
    out: Path
    rules: Rules
    source: str
    funnel: Path | None
    overwrite: bool


@dataclass(frozen=True)
class Origin:
    """Where COCO is downloaded from; ``part`` and ``year`` are None where the annotations say them."""

    url: str
    part: str | None
    year: int | None
    connections: int


@dataclass(frozen=True)
class Result:
    """What came of an order."""

    annotations: Annotations
    funnel: Funnel
    samples: list[Sample]
    failed: list[Failure]


def trim_coco(order: Order, origin: Origin | None, *, as_json: bool) -> int:
    """Write masks and index, report them, and return the exit code: 0 all done, 1 some photos failed.

    Nothing is downloaded where ``origin`` is None.

    Raises:
        DataError: The annotations are not as they have to be or do not arrive, or no photo is left.
    """
    images = image_set(order.annotations, origin.part, origin.year) if origin else ""
    if origin and not order.annotations.exists():
        _fetch_annotations(order.annotations, origin, images)
    with Console(stderr=True).status(f"Reading {order.annotations.name}"):
        annotations = read_annotations(order.annotations)
        funnel = trim(to_records(annotations, order.rules), order.rules)
    if not funnel.chosen:
        stages = _in_words(funnel, order.rules)
        raise DataError(f"no photo is left ({stages}); loosen --max-people, --min-share or --max-share")
    missing = _fetch_photos(_chosen(annotations, funnel), order.images, origin, images) if origin else {}
    result = _make(order, annotations, funnel, missing)
    write_index(order.out, result.samples, overwrite=order.overwrite)
    if order.funnel:
        write(order.funnel, draw_funnel(funnel.counts, order.rules), overwrite=order.overwrite)
    _print_json(order, result) if as_json else _print(order, result)
    return int(bool(result.failed))


def _chosen(annotations: Annotations, funnel: Funnel) -> list[Photo]:
    ids = {record.id for record in funnel.chosen}
    return [photo for photo in annotations.photos.values() if photo.id in ids]


def _make(order: Order, annotations: Annotations, funnel: Funnel, missing: dict[str, Failure]) -> Result:
    """Make the samples of the chosen photos, but of those that are ``missing``."""
    there = [record for record in funnel.chosen if record.id not in missing]
    place = Place(order.images, masks_beside(order.out))
    outcomes = make_samples(annotations, there, order.rules, place, order.source)
    samples, failed = [], list(missing.values())
    for outcome in track(outcomes, len(there), "Reading photos"):
        if isinstance(outcome, Sample):
            samples.append(outcome)
        else:
            complain(outcome.reason, about=outcome.id)
            failed.append(outcome)
    if not samples:
        raise DataError(f"none of {len(funnel.chosen)} chosen photos can be used, so {order.out} was not written")
    return Result(annotations, funnel, samples, failed)


def _fetch_annotations(path: Path, origin: Origin, images: str) -> None:
    url = archive_url(origin.url, images)
    archive = path.with_name(url.rpartition("/")[2])
    if not archive.exists():
        columns = (TextColumn("Fetching annotations"), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True, disable=not watched()) as bar:
            task = bar.add_task("", total=None)
            for outcome in fetch_all([Download(url, archive)], advance=lambda count: bar.advance(task, count)):
                if isinstance(outcome, Failed):
                    raise DataError(outcome.reason)
    unpack_annotations(archive, images, path)


def _fetch_photos(photos: Iterable[Photo], folder: Path, origin: Origin, images: str) -> dict[str, Failure]:
    """Fetch those of ``photos`` that ``folder`` lacks; return by id which did not arrive."""
    lacking = {path: photo for photo in photos if not (path := folder / photo.file_name).exists()}
    downloads = [Download(photo_url(origin.url, images, photo), path) for path, photo in lacking.items()]
    failures = {}
    outcomes = fetch_all(downloads, connections=origin.connections)
    for outcome in track(outcomes, len(downloads), "Fetching photos"):
        if isinstance(outcome, Failed):
            name = lacking[outcome.path].id
            failures[name] = Failure(name, outcome.reason)
            complain(outcome.reason, about=name)
    return failures


def _in_words(funnel: Funnel, rules: Rules) -> str:
    names = describe(rules)
    return ", ".join(f"{names[stage]}: {count}" for stage, count in funnel.counts.items())


def _print_json(order: Order, result: Result) -> None:
    passed_over = {"broken": len(result.annotations.broken), "empty": len(result.annotations.empty)}
    rules = {name: float(rule) if name != "max_people" else rule for name, rule in asdict(order.rules).items()}
    answer = {
        **result.funnel.counts,
        "index": str(order.out),
        **count_splits(result.samples),
        "failed": [asdict(failure) for failure in result.failed],
        "annotations_passed_over": passed_over,
        "rules": rules,
    }
    print(json.dumps(answer))


def _print(order: Order, result: Result) -> None:
    Console().print(_table(result.funnel, order.rules))
    for kind, positions in (("broken", result.annotations.broken), ("empty", result.annotations.empty)):
        if positions:
            print(f"{kind} outlines of people passed over: {len(positions)}, the first annotations[{positions[0]}]")
    parts = ", ".join(f"{count} {split}" for split, count in count_splits(result.samples).items())
    print(one_line(f"{order.out}: {len(result.samples)} photographs, {parts}; {len(result.failed)} failed"))


def _table(funnel: Funnel, rules: Rules) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("stage")
    table.add_column("photos", justify="right")
    table.add_column("removed", justify="right")
    names, before = describe(rules), funnel.counts[STAGES[0]]
    for stage, count in funnel.counts.items():
        table.add_row(names[stage], f"{count:,}", f"{before - count:,}" if stage != STAGES[0] else "")
        before = count
    return table
