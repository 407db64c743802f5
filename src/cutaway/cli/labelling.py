"""Does the work of ``cutaway data label``: a net's masks for photographs that have none, and which to keep."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import typer

from cutaway.cli.messages import complain, one_line
from cutaway.cli.progress import track
from cutaway.data.folder import photos_by_stem
from cutaway.data.index import PSEUDO, Failure, Sample, masks_beside, write_index
from cutaway.data.labelling import Answer, Teacher, label, reason_against, stamp, to_sample
from cutaway.data.ledger import beside, read_ledger, to_line, write_ledger
from cutaway.errors import DataError
from cutaway.geometry import Fit
from cutaway.manifest import ModelManifest
from cutaway.runtime import Runtime


@dataclass(frozen=True)
class Order:
    """What to label, by which net and how, and where the index goes. No ``sizes``: the net's own and 3/4 of it."""

    photos: Path
    out: Path
    model: str
    min_confidence: float
    sizes: tuple[int, ...]
    mirror: bool
    licence: str
    overwrite: bool


@dataclass(frozen=True)
class Result:
    """What came of an order; ``refused`` counts by reason."""

    kept: list[Sample]
    refused: Counter[str]
    failed: list[Failure]


def label_photos(order: Order, *, as_json: bool) -> int:
    """Write masks and index, report them, and return the exit code: 0 all done, 1 some photos failed.

    Raises:
        DataError: The folder holds no photo, or not one is kept; no index is written then.
        ModelError: The model cannot be loaded, or fails.
        OutputError: A mask, the ledger or the index cannot be written.
    """
    photos = photos_by_stem(order.photos)
    runtime = Runtime(order.model)
    teacher = Teacher(runtime.predict, _fits(order, runtime.manifest.fit), order.mirror)
    outcomes = list(track(_answers(photos, order, teacher, runtime.manifest), len(photos), "Labelling"))
    result = _judge(outcomes, photos, order, f"{PSEUDO}{runtime.manifest.name}")
    if not result.kept:
        raise DataError(f"of {len(photos)} photos {_in_words(result)}; none is kept, so {order.out} was not written")
    write_index(order.out, result.kept, overwrite=order.overwrite)
    _print(order, result, as_json=as_json)
    return int(bool(result.failed))


def _fits(order: Order, own: Fit) -> list[Fit]:
    sizes = order.sizes or (own.size, max(own.multiple, round(own.size * 0.75 / own.multiple) * own.multiple))
    try:
        return [replace(own, size=size) for size in dict.fromkeys(sizes)]
    except ValueError as error:
        raise typer.BadParameter(f"{error}.", param_hint="'--size'") from error


def _answers(
    photos: Mapping[str, Path], order: Order, teacher: Teacher, card: ModelManifest
) -> Iterator[Answer | Failure]:
    """Yield each photo's answer, from the ledger where it is there."""
    masks, path = masks_beside(order.out), beside(order.out)
    masks.mkdir(exist_ok=True)
    name = f"{card.sha256}, sizes {[fit.size for fit in teacher.fits]}, mirrored: {teacher.mirrored}"
    known = read_ledger(path, name)
    write_ledger(path, name, known.values())
    with path.open("a", encoding="utf-8") as ledger:
        for identity, photo in photos.items():
            drawn = (masks / f"{identity}.png").is_file()
            if drawn and (answer := known.get(identity)) and answer.stamp == stamp(photo):
                yield answer
                continue
            outcome = label(identity, photo, teacher, masks)
            if isinstance(outcome, Answer):
                ledger.write(to_line(outcome))
                ledger.flush()
            else:
                complain(outcome.reason, about=identity)
            yield outcome


def _judge(outcomes: Sequence[Answer | Failure], photos: Mapping[str, Path], order: Order, source: str) -> Result:
    result = Result([], Counter(), [])
    for outcome in outcomes:
        if isinstance(outcome, Failure):
            result.failed.append(outcome)
        elif reason := reason_against(outcome, order.min_confidence):
            result.refused[reason] += 1
        else:
            mask = masks_beside(order.out) / f"{outcome.id}.png"
            result.kept.append(to_sample(outcome, photos[outcome.id], mask, source, order.licence))
    return result


def _in_words(result: Result) -> str:
    nobody, unsure = result.refused["nobody"], result.refused["unsure"]
    return f"{nobody} show nobody, of {unsure} the net is unsure, {len(result.failed)} failed"


def _print(order: Order, result: Result, *, as_json: bool) -> None:
    if not as_json:
        print(one_line(f"{order.out}: {len(result.kept)} photographs kept; {_in_words(result)}"))
        return
    refused = {reason: result.refused[reason] for reason in ("nobody", "unsure")}
    failed = [asdict(failure) for failure in result.failed]
    print(json.dumps({"index": str(order.out), "photos": len(result.kept), "refused": refused, "failed": failed}))
