"""Scores a remover over samples: one row per photo, then a summary per set. What is scored is what users run."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Protocol, TypeAlias

import numpy as np

from cutaway.data.index import Sample
from cutaway.data.masks import PERSON, VOID, read_labels
from cutaway.errors import CutawayError, DataError, ModelError
from cutaway.evaluation.metrics import Counts, Scores, measure
from cutaway.types import Alpha, Image

POOR = 0.8
"""A photo of a person IoU below this is a bad cut-out."""

ALL = "all"
"""The name of the summary over every set."""


class CutoutLike(Protocol):
    """What scoring needs of a cutout."""

    @property
    def image(self) -> Image:
        """The upright photo, H×W×3 uint8."""

    @property
    def alpha(self) -> Alpha:
        """H×W float32, 0..1."""

    @property
    def confidence(self) -> float:
        """How sure the remover is, 0..1."""

    @property
    def found_person(self) -> bool:
        """Whether there is anybody."""


class RemoverLike(Protocol):
    """What scoring needs of a remover; ``cutaway.remover.Remover`` is one."""

    def remove(self, photo: Path) -> CutoutLike:
        """Return the cutout of the photo in a file. Raises ``CutawayError`` if it cannot be read."""


@dataclass(frozen=True)
class Row:
    """One answered photo. ``scores`` is None where the truth is that nobody is in it; ``seconds`` is file to alpha."""

    id: str
    source: str
    image: Path
    mask: Path | None
    scores: Scores | None
    confidence: float
    found_person: bool
    seconds: float

    @property
    def sample(self) -> tuple[str, Path, Path | None]:
        """What tells the photo and its truth from others: two may have drawn masks of one photo."""
        return self.id, self.image, self.mask


@dataclass(frozen=True)
class Failure:
    """One photo without an answer, and the sentence that says why."""

    id: str
    source: str
    reason: str


@dataclass(frozen=True)
class Summary:
    """The scores of one set of photos with people: means over photos, except where the name says otherwise.

    ``poor_share`` is the share of photos with a person IoU under ``POOR``. ``pooled_*`` come from the pixels of all
    photos together, so a large photo weighs more.
    """

    source: str
    n: int
    person_iou: float
    person_iou_median: float
    poor_share: float
    boundary_f: float
    mean_iou: float
    dice: float
    pixel_accuracy: float
    mad: float
    pooled_person_iou: float
    pooled_mean_iou: float
    pooled_dice: float
    pooled_pixel_accuracy: float
    seconds_median: float


@dataclass(frozen=True)
class EmptySummary:
    """The answers to one set of photos without people: in how many a person was found all the same."""

    source: str
    n: int
    found_person: int
    found_person_share: float


@dataclass(frozen=True)
class Evaluation:
    """Everything that scoring one model found. ``model`` is what the user called it; photos keep the samples' order."""

    model: str
    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]

    @property
    def people(self) -> list[Row]:
        """The rows of photos with people."""
        return [row for row in self.rows if row.scores is not None]

    @property
    def empty(self) -> list[Row]:
        """The rows of photos without people."""
        return [row for row in self.rows if row.scores is None]


Outcome: TypeAlias = Row | Failure


def thin(samples: Sequence[Sample], limit: int | None = None) -> list[Sample]:
    """Return ``samples``, thinned evenly to at most ``limit``, so that every set stays represented."""
    wanted = min(len(samples), limit or len(samples))
    return [samples[number * len(samples) // wanted] for number in range(wanted)]


def evaluate(
    model: str, remover: RemoverLike, samples: Iterable[Sample], progress: Callable[[Outcome], None] = lambda _: None
) -> Evaluation:
    """Return the evaluation of ``remover``, named ``model``. ``progress`` is called once after each photo."""
    outcomes = []
    for sample in samples:
        outcomes.append(judge(remover, sample))
        progress(outcomes[-1])
    rows = tuple(outcome for outcome in outcomes if isinstance(outcome, Row))
    return Evaluation(model, rows, tuple(outcome for outcome in outcomes if isinstance(outcome, Failure)))


def judge(remover: RemoverLike, sample: Sample) -> Outcome:
    """Return the row of one sample, or why there is none: a photo that cannot be used never stops the rest."""
    try:
        start = time.perf_counter()
        cutout = remover.remove(sample.image)
        seconds = time.perf_counter() - start
        scores = None if sample.mask is None else _scores(cutout.alpha, sample.mask)
    except CutawayError as error:
        return Failure(sample.id, sample.source, str(error))
    return Row(
        id=sample.id,
        source=sample.source,
        image=sample.image,
        mask=sample.mask,
        scores=scores,
        confidence=cutout.confidence,
        found_person=cutout.found_person,
        seconds=seconds,
    )


def summarise(evaluation: Evaluation) -> list[Summary]:
    """Return one summary per set of photos with people, in the order of their first photo, and one over all of them."""
    return [_summary(source, rows) for source, rows in by_source(evaluation.people)]


def summarise_empty(evaluation: Evaluation) -> list[EmptySummary]:
    """Return one summary per set of photos without people, and one over all of them; none if there are none."""
    return [_empty_summary(source, rows) for source, rows in by_source(evaluation.empty)]


def by_source(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Return ``rows`` by set, in the order of each set's first, and last all of them as ``ALL``; nothing of no rows.

    A set may be called ``ALL`` too.
    """
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.source, []).append(row)
    return [*groups.items(), (ALL, list(rows))] if rows else []


def _scores(alpha: Alpha, path: Path) -> Scores:
    labels = read_labels(path)
    if labels.shape != alpha.shape:
        sizes = f"{labels.shape[1]}×{labels.shape[0]}, but its upright photo is {alpha.shape[1]}×{alpha.shape[0]}"
        raise DataError(f"the mask {path} is {sizes}; they have to match")
    valid = np.not_equal(labels, VOID)
    if not valid.any():
        raise DataError(f"the mask {path} is void everywhere, so there is nothing to judge; leave its photo out")
    try:
        return measure(alpha, np.equal(labels, PERSON), valid)
    except ValueError as error:
        raise ModelError(f"the model's answer cannot be scored: {error}; has its training diverged?") from error


def _summary(source: str, rows: Sequence[Row]) -> Summary:
    scores = [row.scores for row in rows if row.scores is not None]
    person_ious = [score.person_iou for score in scores]
    pooled = sum((score.counts for score in scores), Counts(0, 0, 0, 0))
    return Summary(
        source=source,
        n=len(scores),
        person_iou=fmean(person_ious),
        person_iou_median=median(person_ious),
        poor_share=fmean(value < POOR for value in person_ious),
        boundary_f=fmean(score.boundary_f for score in scores),
        mean_iou=fmean(score.mean_iou for score in scores),
        dice=fmean(score.dice for score in scores),
        pixel_accuracy=fmean(score.pixel_accuracy for score in scores),
        mad=fmean(score.mad for score in scores),
        pooled_person_iou=pooled.person_iou,
        pooled_mean_iou=pooled.mean_iou,
        pooled_dice=pooled.dice,
        pooled_pixel_accuracy=pooled.pixel_accuracy,
        seconds_median=median(row.seconds for row in rows),
    )


def _empty_summary(source: str, rows: Sequence[Row]) -> EmptySummary:
    found = sum(row.found_person for row in rows)
    return EmptySummary(source, len(rows), found, found / len(rows))
