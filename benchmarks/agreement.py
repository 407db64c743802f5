"""Says how far a net's agreement with itself can be trusted: ``python benchmarks/agreement.py ../shared/data/persons``.

``cutaway data label`` keeps a photo where the net's views of it agree. On photos whose masks are known this counts, for
each threshold, how many would be kept, and of how many of these the net's mask is right.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table

from cutaway import weights
from cutaway.data.folder import load_samples
from cutaway.data.index import Sample
from cutaway.data.labelling import LEAST_PERSON, Teacher, agreement, to_labels, views
from cutaway.data.masks import PERSON, VOID
from cutaway.data.photos import read_photo
from cutaway.errors import CutawayError
from cutaway.runtime import Runtime

THRESHOLDS = (0.0, 0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98)

RIGHT = 0.95
"""Person IoU from which on a mask is right."""


@dataclass(frozen=True)
class Seen:
    """One photo: agreement of the views, IoU of the label's decided pixels with the truth, and the share of void."""

    id: str
    source: str
    agreement: float
    person_iou: float
    void: float


@dataclass(frozen=True)
class Row:
    """What a threshold keeps: a share of the photos; of the kept, those right, the mean IoU, and the least decile."""

    threshold: float
    kept: float
    right: float
    person_iou: float
    lowest_decile: float


def main() -> None:
    """Print the table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="what cutaway evaluate --data takes")
    parser.add_argument("--split", default="val")
    parser.add_argument("--model", default=weights.DEFAULT)
    parser.add_argument("--sizes", type=int, nargs="+", default=(320, 256))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    try:
        runtime = Runtime(arguments.model)
        fits = [replace(runtime.manifest.fit, size=size) for size in arguments.sizes]
        samples = [sample for sample in load_samples(arguments.data, arguments.split) if sample.mask]
        seen = list(look(samples, Teacher(runtime.predict, fits, mirrored=True)))
    except (CutawayError, ValueError) as error:
        sys.exit(f"{parser.prog}: {error}")
    rows = [row(seen, threshold) for threshold in THRESHOLDS]
    if arguments.json:
        print(json.dumps({"rows": list(map(asdict, rows)), "photos": list(map(asdict, seen))}))
    else:
        show(rows, len(seen))


def look(samples: Sequence[Sample], teacher: Teacher) -> Iterator[Seen]:
    """Yield how each photo in which the net finds somebody was seen."""
    for sample in track(samples, "photos", console=Console(stderr=True)):
        image, truth = read_photo(sample)
        alphas = views(image, teacher)
        labels = to_labels(alphas.mean(axis=0))
        if truth is None or (labels == PERSON).mean() < LEAST_PERSON:
            continue
        counted = (labels != VOID) & (truth != VOID)
        person, found = (truth == PERSON) & counted, (labels == PERSON) & counted
        iou = int((person & found).sum()) / max(1, int((person | found).sum()))
        yield Seen(sample.id, sample.source, agreement(alphas), iou, float((labels == VOID).mean()))


def row(seen: Sequence[Seen], threshold: float) -> Row:
    """Return what ``threshold`` keeps of ``seen``."""
    ious = np.array([one.person_iou for one in seen if one.agreement >= threshold])
    if not ious.size:
        return Row(threshold, 0.0, float("nan"), float("nan"), float("nan"))
    kept, right = ious.size / len(seen), float((ious >= RIGHT).mean())
    return Row(threshold, kept, right, float(ious.mean()), float(np.quantile(ious, 0.1)))


def show(rows: Sequence[Row], photos: int) -> None:
    """Print the table."""
    table = Table(title=f"Of {photos} photos in which the net finds somebody", box=SIMPLE, padding=(0, 1, 0, 0))
    for head in ("agreement", "kept", f"IoU ≥ {RIGHT}", "mean IoU", "lowest decile"):
        table.add_column(head, justify="right")
    for one in rows:
        shares = (f"{one.kept:.0%}", f"{one.right:.0%}", f"{one.person_iou:.3f}", f"{one.lowest_decile:.3f}")
        table.add_row(f"{one.threshold:.2f}", *shares)
    Console().print(table)


if __name__ == "__main__":
    main()
