"""Says what keeps weights from better scores: ``python -m benchmarks.limits PERSONS BACKGROUNDS``.

Three things are set side by side: photos that were trained on, photos of ``val`` that were not, and those of ``val``
again, their people laid over other photos, where the outline is the mask's by construction. Of what is wrong it is said
how far from the true outline it lies, and how much of it the alpha is sure of.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np
from benchmarks.matting import laid_over
from benchmarks.trained import RECIPES
from rich.console import Console
from rich.progress import track

from cutaway import imagefile, weights
from cutaway.data.folder import load_samples, photos_by_stem
from cutaway.data.index import Sample
from cutaway.data.left_out import leave_out, read_left_out
from cutaway.data.masks import PERSON, VOID, read_labels
from cutaway.errors import CutawayError, DataError
from cutaway.evaluation.score import ALL
from cutaway.evaluation.tables import number
from cutaway.remover import Remover
from cutaway.resampling import box_mean
from cutaway.types import Image, Mask

NEAR = 0.004, 0.015
"""Distances from the true outline, as shares of the diagonal: beside it, and not far from it."""

SURE = 0.9
"""What |2 · alpha - 1| is above where alpha is sure: below .05, or above .95."""

TRAINED, NEW, LAID_OVER = GROUPS = "trained on", "val", "val, laid over"
"""What is set side by side."""


class Photo(NamedTuple):
    """A photo, where it has people, and where that is known: H×W×3 and two H×W."""

    group: str
    source: str
    image: Image
    person: Mask
    known: Mask


class Loss(NamedTuple):
    """Person IoU, and what it lacks to 1: ``beside`` the outline, ``near`` it and ``far``, all of it together.

    ``sure`` is what of it alpha is sure of, wherever it lies.
    """

    iou: float
    beside: float
    near: float
    far: float
    sure: float


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("persons", type=Path, help="folder of images/ and masks/")
    parser.add_argument("backgrounds", type=Path, help="folder of photos without people")
    parser.add_argument("--every", type=int, default=8, help="one in so many of those trained on, 1 or more")
    parser.add_argument("--model", default=weights.DEFAULT, help="weights trained on the train split")
    arguments = parser.parse_args()
    if arguments.every < 1:
        parser.error("--every has to be 1 or more")
    try:
        photos = all_photos(arguments.persons, arguments.backgrounds, arguments.every)
        print("\n".join(table(losses(Remover(arguments.model), photos))))
    except CutawayError as error:
        sys.exit(f"{parser.prog}: {error}")


def all_photos(persons: Path, backgrounds: Path, every: int) -> Iterator[Photo]:
    """Yield the photos of all three groups."""
    kept = leave_out(load_samples(persons), read_left_out(RECIPES / "left-out.csv"))
    trained = [sample for sample in kept if sample.split == "train"][::every]
    val = [sample for sample in kept if sample.split == "val"]
    for group, samples in ((TRAINED, trained), (NEW, val)):
        for source, image, mask in files(samples):
            labels = read_labels(mask)
            yield Photo(group, source, imagefile.read_srgb(image), labels == PERSON, labels != VOID)
    behind = [*photos_by_stem(backgrounds).values()]
    chosen = np.random.default_rng(0).integers(len(behind), size=len(val))
    for (source, image, mask), at in zip(files(val), chosen, strict=True):
        known = laid_over(image, mask, behind[at])
        yield Photo(LAID_OVER, source, known.image, known.alpha >= 0.5, np.ones(known.alpha.shape, bool))


def files(samples: Iterable[Sample]) -> Iterator[tuple[str, Path, Path]]:
    """Yield the set, the photo and the mask of each."""
    for sample in samples:
        if not isinstance(sample.image, Path) or not isinstance(sample.mask, Path):
            raise DataError(
                f"{sample.id} is not a photo and a mask in a folder; give the folder, not an index or shards"
            )
        yield sample.source, sample.image, sample.mask


def losses(remover: Remover, photos: Iterable[Photo]) -> dict[tuple[str, str], list[Loss]]:
    """Return the loss of each photo by group and set, and once more by group and all."""
    found = defaultdict(list)
    for photo in track(photos, "looking", console=Console(stderr=True)):
        loss = judge(photo, remover)
        found[photo.group, photo.source].append(loss)
        found[photo.group, ALL].append(loss)
    return found


def judge(photo: Photo, remover: Remover) -> Loss:
    """Return how ``remover`` fares with ``photo``."""
    alpha = remover.remove(photo.image).alpha
    found = alpha >= 0.5
    wrong = (found != photo.person) & photo.known
    union = max(1, int(((found | photo.person) & photo.known).sum()))
    diagonal = float(np.hypot(*photo.person.shape))
    beside, near = (around_outline(photo.person, max(1, round(share * diagonal))) for share in NEAR)
    sure = np.abs(2 * alpha - 1) > SURE
    where = wrong & beside, wrong & near & ~beside, wrong & ~near, wrong & sure
    return Loss(1 - int(wrong.sum()) / union, *(int(part.sum()) / union for part in where))


def around_outline(person: Mask, reach: int) -> Mask:
    """Return the pixels that have both sides within ``reach`` rows and columns."""
    share = box_mean(person.astype(np.float64), reach)
    return np.asarray((share > 0) & (share < 1))


def table(found: Mapping[tuple[str, str], Sequence[Loss]]) -> list[str]:
    """Return the lines of a table with a row for each group and set."""
    head = ["photos", "set", "n", "person IoU", "lost", *(f"within {share:.1%}" for share in NEAR), "beyond", "sure"]
    lines = [f"| {' | '.join(head)} |".replace("%", " %"), "|" + "---|" * len(head)]
    for (group, source), rows in sorted(found.items(), key=lambda item: (GROUPS.index(item[0][0]), item[0][1] == ALL)):
        iou, *parts = (fmean(column) for column in zip(*rows, strict=True))
        cells = [group, source, str(len(rows)), *map(number, (iou, 1 - iou, *parts))]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    main()
