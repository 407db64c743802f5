"""Scores weights at several sizes of the network's input: ``python benchmarks/input_size.py ../shared/data/persons``.

The net takes any size, so a copy of the weights with another ``fit.size`` in its manifest is all that a size needs. The
sizes take turns on each photo, so that whatever else the machine does slows all of them alike.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import onnx
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table

from cutaway import weights
from cutaway.cli.scoring import SampleRemover
from cutaway.data.folder import load_samples
from cutaway.data.index import Sample
from cutaway.errors import CutawayError
from cutaway.evaluation.score import ALL, Evaluation, Row, judge, summarise, thin
from cutaway.evaluation.tables import number
from cutaway.manifest import UNSIGNED
from cutaway.remover import Remover
from cutaway.runtime import Runtime
from cutaway.training.export import with_manifest

SIZES = (192, 224, 256, 288, 320, 352, 384, 448)

ENOUGH = 0.002
"""Person IoU that a smaller size may lose to the best."""


@dataclass(frozen=True)
class SizeScore:
    """How a size does: means over the photos, ``person_iou`` by set, and the median time from file to alpha."""

    size: int
    person_iou: Mapping[str, float]
    poor_share: float
    boundary_f: float
    milliseconds: float


def main() -> None:
    """Print the table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="what cutaway evaluate --data takes")
    parser.add_argument("--split", default="val")
    parser.add_argument("--model", default=weights.DEFAULT)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--limit", type=int, help="photos, spread evenly over the split")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    try:
        samples = thin(load_samples(arguments.data, arguments.split), arguments.limit)
        scores = [score(*item) for item in evaluate_all(arguments.model, arguments.sizes, samples).items()]
    except CutawayError as error:
        sys.exit(f"{parser.prog}: {error}")
    if arguments.json:
        print(json.dumps({"sizes": list(map(asdict, scores)), "recommended": recommended(scores)}))
    else:
        show(scores)


def evaluate_all(model: str, sizes: Iterable[int], samples: Sequence[Sample]) -> dict[int, Evaluation]:
    """Return the evaluation of each size."""
    with TemporaryDirectory() as folder:
        # One thread each: the pools of several sessions would wait for work in each other's time.
        removers = {size: SampleRemover(Remover(resized(model, size, Path(folder)), threads=1)) for size in sizes}
    rows: dict[int, list[Row]] = {size: [] for size in removers}
    for sample in track(samples, "sizes", console=Console(stderr=True)):
        for size, remover in removers.items():
            if isinstance(outcome := judge(remover, sample), Row):
                rows[size].append(outcome)
    return {size: Evaluation(str(size), tuple(found), ()) for size, found in rows.items()}


def resized(model: str, size: int, folder: Path) -> Path:
    """Write a copy of ``model`` that is shown photos at ``size``."""
    card, copy = Runtime(model).manifest, onnx.load(weights.find(model))
    changed = replace(card, fit=replace(card.fit, size=size), sha256=UNSIGNED)
    path = folder / f"{size}.onnx"
    path.write_bytes(with_manifest(copy, changed))
    return path


def score(size: int, evaluation: Evaluation) -> SizeScore:
    """Return what the table shows of ``size``."""
    sets = {summary.source: summary for summary in summarise(evaluation)}
    milliseconds = 1000 * median(row.seconds for row in evaluation.rows)
    ious = {source: summary.person_iou for source, summary in sets.items()}
    return SizeScore(size, ious, sets[ALL].poor_share, sets[ALL].boundary_f, milliseconds)


def recommended(scores: Sequence[SizeScore]) -> int:
    """Return the smallest size whose person IoU is within ``ENOUGH`` of the best."""
    best = max(one.person_iou[ALL] for one in scores)
    return min(one.size for one in scores if one.person_iou[ALL] >= best - ENOUGH)


def show(scores: Sequence[SizeScore]) -> None:
    """Print the table; times are multiples of the smallest size's."""
    sets = list(scores[0].person_iou)
    table = Table(title="Person IoU by size of input", box=SIMPLE, padding=(0, 1, 0, 0))
    for head in ("size", "time", *sets, "under 0.8", "boundary F"):
        table.add_column(head, justify="right", overflow="fold")
    least = min(one.milliseconds for one in scores)
    for one in scores:
        ious = [number(one.person_iou[source]) for source in sets]
        time = f"{one.milliseconds / least:.2f}"
        table.add_row(str(one.size), time, *ious, number(one.poor_share), number(one.boundary_f))
    table.caption = (
        f"Recommended: {recommended(scores)}, the smallest within {ENOUGH} of the best. "
        f"Time from file to alpha, as a multiple of {least:.0f} ms."
    )
    Console().print(table)


if __name__ == "__main__":
    main()
