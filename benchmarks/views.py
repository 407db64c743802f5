"""Scores weights by how much doubt one view may leave: ``python -m benchmarks.views ../shared/data/persons``.

Every photo is cut out by one view and by two; what a bound between them gives follows from that.
"""

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from rich.console import Console
from rich.progress import track

from cutaway import imagefile, prediction, weights
from cutaway.cli.scoring import SampleRemover
from cutaway.confidence import stray_doubt
from cutaway.data.folder import load_samples
from cutaway.data.index import Sample
from cutaway.data.shards import content
from cutaway.errors import CutawayError
from cutaway.evaluation.score import ALL, Evaluation, Outcome, Row, judge, summarise
from cutaway.evaluation.tables import number
from cutaway.remover import Remover
from cutaway.runtime import Runtime

NEVER, ALWAYS = math.inf, -1.0
BOUNDS = (NEVER, 0.1, 0.05, 0.04, prediction.DOUBTFUL, 0.02, 0.01, ALWAYS)
NAMES = {NEVER: "one view", ALWAYS: "always"}


@dataclass(frozen=True)
class Seen:
    """One photo: the stray doubt that the first view leaves, and the rows of one view and of all."""

    doubt: float
    once: Row
    again: Row


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="what cutaway evaluate --data takes")
    parser.add_argument("--split", default="val")
    parser.add_argument("--model", default=weights.DEFAULT)
    arguments = parser.parse_args()
    try:
        samples = load_samples(arguments.data, arguments.split)
        print("\n".join(table(look(arguments.model, [sample for sample in samples if sample.mask]))))
    except CutawayError as error:
        sys.exit(f"{parser.prog}: {error}")


def look(model: str, samples: Sequence[Sample]) -> list[Seen]:
    """Return what there is to know of each photo; those that cannot be read are left out."""
    remover, runtime = SampleRemover(Remover(model)), Runtime(model)
    seen = []
    for sample in track(samples, "looking", console=Console(stderr=True)):
        judge(remover, sample)  # not counted: it brings the files into the system's cache
        once, again = judge_by(NEVER, remover, sample), judge_by(ALWAYS, remover, sample)
        if isinstance(once, Row) and isinstance(again, Row):
            with doubtful_above(NEVER):
                first, _ = prediction.predict(runtime, imagefile.read_srgb(content(sample.image)))
            seen.append(Seen(stray_doubt(first), once, again))
    return seen


def judge_by(bound: float, remover: SampleRemover, sample: Sample) -> Outcome:
    """Return what ``judge`` does if more stray doubt than ``bound`` asks for a second view."""
    with doubtful_above(bound):
        return judge(remover, sample)


@contextmanager
def doubtful_above(bound: float) -> Iterator[None]:
    """Let more stray doubt than ``bound`` ask for a second view meanwhile."""
    before, prediction.DOUBTFUL = prediction.DOUBTFUL, bound
    try:
        yield
    finally:
        prediction.DOUBTFUL = before


def table(seen: Sequence[Seen]) -> list[str]:
    """Return the lines of a table with a row for each of ``BOUNDS``; time is from file to alpha, the mean."""
    sets = [summary.source for summary in summarise(chosen(NEVER, seen))]
    head = ["doubtful above", "shown again", "time", *sets, "under 0.8", "boundary F"]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    least = fmean(one.once.seconds for one in seen)
    for bound in BOUNDS:
        evaluation = chosen(bound, seen)
        by_set = {summary.source: summary for summary in summarise(evaluation)}
        again = fmean(one.doubt > bound for one in seen)
        time = fmean(row.seconds for row in evaluation.rows) / least
        ious = [number(by_set[source].person_iou) for source in sets]
        every = by_set[ALL]
        cells = [NAMES.get(bound, str(bound)), f"{again:.0%}".replace("%", " %"), f"{time:.2f}", *ious]
        lines.append(f"| {' | '.join([*cells, number(every.poor_share), number(every.boundary_f)])} |")
    return lines


def chosen(bound: float, seen: Sequence[Seen]) -> Evaluation:
    """Return the evaluation if more stray doubt than ``bound`` asks for a second view."""
    rows = tuple(one.again if one.doubt > bound else one.once for one in seen)
    return Evaluation(NAMES.get(bound, str(bound)), rows, ())


if __name__ == "__main__":
    main()
