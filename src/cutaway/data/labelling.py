"""Masks that a net makes for photographs that have none (self-training: D.-H. Lee 2013, *Pseudo-Label*).

The net looks at a photo several times: at several sizes, and mirrored. The mean of these views is what it says; where
that is undecided the truth is void, and where the views differ about the person the photo is not to be trusted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cutaway import imagefile
from cutaway.data.index import Failure, Sample
from cutaway.data.masks import BACKGROUND, PERSON, VOID, write_labels
from cutaway.errors import CutawayError
from cutaway.geometry import Fit, crop_canvas, fit_image, place, resize_alpha, to_tensor
from cutaway.types import Alpha, Image, Labels

UNDECIDED = (0.2, 0.8)
"""Alpha between these is void."""

LEAST_PERSON = 0.01
"""Share of person pixels below which a photo counts as one that shows nobody."""

Predict: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Images N×3×H×W, RGB 0..1, into alpha N×1×H×W, 0..1."""


@dataclass(frozen=True)
class Teacher:
    """A net and how it looks at photos: once for each of ``fits``, and ``mirrored`` once more for each."""

    predict: Predict
    fits: Sequence[Fit]
    mirrored: bool


@dataclass(frozen=True)
class Answer:
    """What the teacher says of a photo. ``stamp`` is the file's: its bytes, and when it was changed, in nanoseconds.

    ``person_fraction`` is the share of person pixels, ``confidence`` how far the views agree; both 0..1.
    """

    id: str
    stamp: tuple[int, int]
    width: int
    height: int
    person_fraction: float
    confidence: float


def label(identity: str, photo: Path, teacher: Teacher, masks: Path) -> Answer | Failure:
    """Write the mask of ``photo`` to ``masks``/``identity``.png, and return the answer, or why there is none.

    Raises:
        ModelError: The net fails.
        OutputError: The mask cannot be written.
    """
    try:
        before, image = stamp(photo), imagefile.read_srgb(photo)
    except (CutawayError, OSError) as error:
        return Failure(identity, str(error))
    seen = views(image, teacher)
    labels = to_labels(seen.mean(axis=0))
    write_labels(masks / f"{identity}.png", labels, overwrite=True)
    height, width = labels.shape
    return Answer(identity, before, width, height, float((labels == PERSON).mean()), agreement(seen))


def stamp(photo: Path) -> tuple[int, int]:
    """Return what tells that a file was changed. Raises ``OSError`` if it is not there."""
    facts = photo.stat()
    return facts.st_size, facts.st_mtime_ns


def views(image: Image, teacher: Teacher) -> NDArray[np.float32]:
    """Return the teacher's views of ``image`` (H×W×3 uint8): alphas V×H×W, each at the size of the image."""
    return np.stack([alpha for fit in teacher.fits for alpha in _look(image, fit, teacher)])


def agreement(seen: NDArray[np.float32]) -> float:
    """Return how far views V×H×W agree: the least of their persons' IoU with the person of their mean, 0..1.

    1 where none of them shows a person.
    """
    person = seen.mean(axis=0) >= 0.5
    return min(_iou(view >= 0.5, person) for view in seen)


def to_labels(alpha: Alpha) -> Labels:
    """Return ``alpha`` as labels: 0 background, 1 person, 255 void where it is undecided."""
    low, high = UNDECIDED
    decided = np.where(alpha >= high, PERSON, BACKGROUND)
    return np.where((alpha > low) & (alpha < high), VOID, decided).astype(np.uint8)


def reason_against(answer: Answer, least: float) -> str | None:
    """Return why the photo is not to be trained on, None where it is: somebody is there, with ``least`` confidence."""
    if answer.person_fraction < LEAST_PERSON:
        return "nobody"
    return "unsure" if answer.confidence < least else None


def to_sample(answer: Answer, photo: Path, mask: Path, source: str, licence: str) -> Sample:
    """Return the sample of an answer, which is of train: no score may come from what a net said."""
    share = answer.person_fraction
    return Sample(answer.id, photo, mask, answer.width, answer.height, share, None, source, licence, "train")


def _look(image: Image, fit: Fit, teacher: Teacher) -> list[Alpha]:
    height, width = image.shape[:2]
    placement = place(height, width, fit)
    canvas = fit_image(image, placement)
    canvases = np.stack([canvas, canvas[:, ::-1]] if teacher.mirrored else [canvas])
    # A mirrored answer is turned back before the padding, which need not be even, is cut off.
    turned = [alpha[:, :: 1 - 2 * number] for number, alpha in enumerate(teacher.predict(to_tensor(canvases))[:, 0])]
    return [resize_alpha(np.ascontiguousarray(crop_canvas(alpha, placement)), height, width) for alpha in turned]


def _iou(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    union = int((one | other).sum())
    return int((one & other).sum()) / union if union else 1.0
