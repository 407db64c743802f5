"""Pictures of class numbers, as public sets have them, and the person masks that an index needs made of them.

They are grey or palette PNG whose stored value is the class; one value, or none, means void.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageFilter

from cutaway import imagefile
from cutaway.data.folder import photos_by_stem
from cutaway.data.index import Failure, Sample, first_repeated
from cutaway.data.masks import BACKGROUND, PERSON, UNREADABLE, VOID, write_labels
from cutaway.errors import CutawayError, DataError
from cutaway.types import Labels

HIDING_SIDE = 11
"""Void that holds a square of so many pixels may hide somebody; the rims that VOC draws around things are thinner."""


@dataclass(frozen=True)
class Labelled:
    """A photograph, and the picture of its class numbers."""

    id: str
    image: Path
    labels: Path


@dataclass(frozen=True)
class Truth:
    """Where people are (0 background, 1 person, 255 void), and how many; ``people`` is None where nobody counted."""

    labels: Labels
    people: int | None = None


@dataclass(frozen=True)
class Entry:
    """One photograph of a set. ``read`` returns its truth, or raises ``DataError``."""

    id: str
    image: Path
    source: str
    split: str
    read: Callable[[], Truth]


Outcome: TypeAlias = Sample | Failure | None
"""What becomes of an entry; None where the photo shows nobody and is left out for it."""


def pair(images: Path, labels: Path) -> list[Labelled]:
    """Return every stem of ``images`` or of ``labels``, in order; what is missing of a pair is told on reading it.

    Raises:
        DataError: The folder ``images`` is missing or holds no photograph.
    """
    photos = photos_by_stem(images)
    stems = sorted(photos.keys() | {path.stem for path in labels.glob("*.png")})
    return [Labelled(stem, photos.get(stem, images / f"{stem}.jpg"), labels / f"{stem}.png") for stem in stems]


def read_classes(path: Path, classes: int, void: int) -> Labels:
    """Return a picture of class numbers as H×W uint8: 0..``classes`` - 1 as stored, 255 where ``void`` is stored.

    Raises:
        DataError: The file is missing, no image, in colours, or holds another value.
    """
    try:
        with PillowImage.open(path) as file:
            mode, values = file.mode, np.asarray(file)
    except UNREADABLE as error:
        raise DataError(f"the labels {path} cannot be read: {error}; put a whole image there") from error
    if mode not in ("L", "P"):
        raise DataError(f"the labels {path} are a {mode} picture; a grey or palette PNG of class numbers is needed")
    odd = values[(values >= classes) & (values != void)]
    if odd.size:
        raise DataError(f"the labels {path} hold {odd[0]}; they have to be 0 to {classes - 1}, or {void} for void")
    return np.where(values == void, VOID, values).astype(np.uint8)


def where_people_are(classes: Labels, persons: Iterable[int]) -> Labels:
    """Return class numbers as 0 background, 1 person (those in ``persons``), 255 void."""
    people = np.where(np.isin(classes, list(persons)), PERSON, BACKGROUND)
    return np.where(classes == VOID, VOID, people).astype(np.uint8)


def check_entries(entries: Iterable[Entry]) -> None:
    """Raise ``DataError`` if two entries have the same id: their masks would be one file."""
    if (repeated := first_repeated(entry.id for entry in entries)) is not None:
        raise DataError(f"two photos have the name {repeated!r}, and masks go by the name; rename one, and its labels")


def make_sample(entry: Entry, masks: Path, licence: str, *, people_free: bool) -> Outcome:
    """Write the mask of a photo with a person to ``masks``/ID.png, and return the sample.

    With ``people_free`` a photo without a person is a sample too, without a mask, unless void may hide somebody in it.

    Raises:
        OutputError: The mask cannot be written.
    """
    try:
        truth = entry.read()
        _check_photo(entry, truth.labels)
    except CutawayError as error:
        return Failure(entry.id, str(error))
    if (truth.labels == PERSON).any():
        write_labels(masks / f"{entry.id}.png", truth.labels, overwrite=True)
        return _sample(entry, truth, masks / f"{entry.id}.png", licence)
    if people_free and not _may_hide_somebody(truth.labels):
        return _sample(entry, replace(truth, people=0), None, licence)
    return None


def _check_photo(entry: Entry, labels: Labels) -> None:
    """Raise an error unless the photo is whole and of the size of ``labels``."""
    height, width = imagefile.read(entry.image).image.shape[:2]  # all of it: a header says nothing of what is cut off
    if labels.shape != (height, width):
        raise DataError(
            f"{entry.image} is {width}×{height}, but its labels are {labels.shape[1]}×{labels.shape[0]}; "
            "they have to match"
        )


def _sample(entry: Entry, truth: Truth, mask: Path | None, licence: str) -> Sample:
    height, width = truth.labels.shape
    share = float((truth.labels == PERSON).mean())
    return Sample(entry.id, entry.image, mask, width, height, share, truth.people, entry.source, licence, entry.split)


def _may_hide_somebody(labels: Labels) -> bool:
    void = PillowImage.fromarray((labels == VOID).astype(np.uint8))
    return bool(np.asarray(void.filter(ImageFilter.MinFilter(HIDING_SIDE))).any())
