"""Scores weights by how light or dark the person and the photo are: ``python benchmarks/evenness.py DATA``.

Lightness is CIE L*, 0..100, the median over pixels: of the person under the true mask, of what is behind, and by how
much the person is lighter. For each, photos are sorted by it and cut into fifths. Prints the tables of
docs/benchmark.md. What is measured is the light in the picture, clothes and hair included: it is not skin colour.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from skimage.color import rgb2lab

from cutaway import imagefile, weights
from cutaway.cli.scoring import SampleRemover
from cutaway.data.folder import load_samples
from cutaway.data.index import Sample
from cutaway.data.masks import PERSON, VOID, read_labels
from cutaway.data.shards import content
from cutaway.errors import CutawayError
from cutaway.evaluation.intervals import Estimate, estimate
from cutaway.evaluation.metrics import Scores
from cutaway.evaluation.score import POOR, Row, by_source, judge
from cutaway.evaluation.tables import number, with_interval, with_range
from cutaway.remover import Remover

PARTS = 5


@dataclass(frozen=True)
class Lit:
    """A scored photo, the lightness of its ``person`` and of its ``background``; ``ahead`` of its set's mean IoU."""

    scores: Scores
    ahead: float
    person: float
    background: float


BY: dict[str, Callable[[Lit], float]] = {
    "person": lambda photo: photo.person,
    "background": lambda photo: photo.background,
    "person lighter by": lambda photo: photo.person - photo.background,
    "apart by": lambda photo: abs(photo.person - photo.background),
}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="what cutaway evaluate --data takes")
    parser.add_argument("--split", nargs="+", default=["test", "val"])
    parser.add_argument("--model", default=weights.DEFAULT)
    arguments = parser.parse_args()
    try:
        remover = SampleRemover(Remover(arguments.model))
        for split in arguments.split:
            photos = measured(remover, load_samples(arguments.data, split))
            print("\n\n".join(table(split, name, photos) for name in BY), end="\n\n")
    except CutawayError as error:
        sys.exit(f"{parser.prog}: {error}")


def measured(remover: SampleRemover, samples: Sequence[Sample]) -> list[Lit]:
    """Return what is known of each photo with a person before something."""
    outcomes = [judge(remover, sample) for sample in track(samples, "evenness", console=Console(stderr=True))]
    rows = [row for row in outcomes if isinstance(row, Row) and row.scores is not None]
    means = {source: fmean(ious(own)) for source, own in by_source(rows)[:-1]}
    return list(_measured(rows, means))


def _measured(rows: Sequence[Row], means: Mapping[str, float]) -> Iterator[Lit]:
    for row in rows:
        if row.mask is None or row.scores is None:
            continue
        lightness, labels = lightness_of(row.image), read_labels(row.mask)
        person, background = labels == PERSON, (labels != PERSON) & (labels != VOID)
        if person.any() and background.any():
            ahead = row.scores.person_iou - means[row.source]
            yield Lit(row.scores, ahead, float(np.median(lightness[person])), float(np.median(lightness[background])))


def ious(rows: Sequence[Row]) -> list[float]:
    """Return the person IoU of each row."""
    return [row.scores.person_iou for row in rows if row.scores]


def lightness_of(photo: Path) -> NDArray[np.float64]:
    """Return CIE L* of each pixel, H×W, 0..100."""
    lab: NDArray[np.float64] = rgb2lab(imagefile.read_srgb(content(photo)))
    return lab[..., 0]


def table(split: str, name: str, photos: Sequence[Lit]) -> str:
    """Return the table of the fifths by ``name``, in Markdown."""
    key = BY[name]
    head = f"| {split}: {name}, L* | n | person IoU | under {POOR} | boundary F | person IoU against its set |"
    places = np.array_split(np.array(sorted(range(len(photos)), key=lambda place: key(photos[place]))), PARTS)
    fifths = [[photos[place] for place in part] for part in places if part.size]
    return "\n".join([head, "|---" * 6 + "|", *(line(fifth, key) for fifth in fifths)])


def line(photos: Sequence[Lit], key: Callable[[Lit], float]) -> str:
    """Return a row of the table: these photos' range of lightness, and how well they are done."""
    scores = [photo.scores for photo in photos]
    cells = [
        f"{key(photos[0]):.0f} to {key(photos[-1]):.0f}",
        str(len(photos)),
        _of(with_interval, [one.person_iou for one in scores]),
        number(fmean(one.person_iou < POOR for one in scores)),
        _of(with_interval, [one.boundary_f for one in scores]),
        _of(with_range, [photo.ahead for photo in photos]),
    ]
    return f"| {' | '.join(cells)} |"


def _of(form: Callable[[Estimate], str], values: Sequence[float]) -> str:
    return form(estimate(values)).replace("\n", ", ")


if __name__ == "__main__":
    main()
