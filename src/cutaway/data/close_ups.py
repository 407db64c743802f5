"""Close-ups: crops of photos in which the person is small, such that the person fills a good part of the frame.

Sets that were gathered for finding people hold many who are small. Leaving these photos out, as the article's authors
did, leaves out most of them. A crop of the same photo has the person at the size that portraits have.
"""

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

import numpy as np

from cutaway import imagefile
from cutaway.data.index import CLOSE, CLOSE_UP, Failure, Sample
from cutaway.data.masks import PERSON, write_labels
from cutaway.data.photos import read_photo
from cutaway.errors import DataError, ImageError
from cutaway.types import Image, Labels

Box: TypeAlias = tuple[slice, slice]
"""Rows and columns."""

FRACTIONS = (0.2, 0.7)
"""The share of the frame that people fill in the photos that the article's authors kept."""

SHORTEST = 112
"""Least side of a close-up in pixels: smaller ones have too little of a photograph left in them."""

MAX_ASPECT = 4 / 3
"""Longest side of a close-up as a multiple of the other."""

TRIALS = 24
"""Crops that are tried for each close-up."""


def with_small_people(samples: Iterable[Sample]) -> list[Sample]:
    """Return the samples whose people fill less of the frame than ``FRACTIONS``."""
    return [sample for sample in samples if sample.mask is not None and sample.person_fraction < FRACTIONS[0]]


def make_close_ups(sample: Sample, count: int, photos: Path, masks: Path) -> list[Sample] | Failure:
    """Write at most ``count`` close-ups of a photo to ``photos``, their masks to ``masks``, and return their samples.

    Each stays in the photo's split; its id has ``-close-`` and a number behind the photo's, its source ``close:``
    before it.

    Raises:
        OutputError: A file cannot be written.
    """
    try:
        image, labels = read_photo(sample)
    except (DataError, ImageError) as error:
        return Failure(sample.id, str(error))
    if labels is None:
        return []
    boxes = close_ups(sample.id, labels, count)
    return [
        _write(replace(sample, id=f"{sample.id}{CLOSE_UP}{number}"), image[box], labels[box], photos, masks)
        for number, box in enumerate(boxes, 1)
    ]


def close_ups(identity: str, labels: Labels, count: int) -> list[Box]:
    """Return at most ``count`` crops of a photo in which the person fills 20–70 % of the frame.

    Args:
        identity: The photo's id; crops are drawn from it, so they are the same ones each time.
        labels: H×W uint8: 0 background, 1 person, 255 void.
        count: How many. There are fewer where few of the crops tried are as they should be.
    """
    if not (labels == PERSON).any():
        return []
    random = np.random.default_rng(list(sha256(identity.encode()).digest()[:8]))
    tried = (_draw(labels, random) for _ in range(TRIALS * count))
    good = (box for box in tried if _is_close_up(labels, box))
    return [box for box, _ in zip(good, range(count), strict=False)]


def _draw(labels: Labels, random: np.random.Generator) -> Box:
    """Return a crop around the person, of a size at which they would fill what is drawn from ``FRACTIONS``."""
    places = np.nonzero(labels == PERSON)
    area = len(places[0]) / random.uniform(*FRACTIONS)
    aspect = MAX_ASPECT ** random.uniform(-1, 1)
    sides = (area / aspect) ** 0.5, (area * aspect) ** 0.5
    rows, columns = (
        _extent(side, (along.min() + along.max() + 1) / 2 + random.uniform(-0.2, 0.2) * side, length)
        for side, along, length in zip(sides, places, labels.shape, strict=True)
    )
    return rows, columns


def _extent(side: float, middle: float, length: int) -> slice:
    """Return where a crop of ``side`` pixels about ``middle`` begins and ends, moved into 0..``length``."""
    whole = min(round(side), length)
    first = min(max(0, round(middle - whole / 2)), length - whole)
    return slice(first, first + whole)


def _is_close_up(labels: Labels, box: Box) -> bool:
    seen = labels[box]
    least, most = FRACTIONS
    return min(seen.shape) >= SHORTEST and bool(least <= np.mean(seen == PERSON) <= most)


def _write(sample: Sample, image: Image, labels: Labels, photos: Path, masks: Path) -> Sample:
    """Write a close-up and its mask, under the id of ``sample``, and return its own sample."""
    photo, mask = (folder / f"{sample.id}.png" for folder in (photos, masks))
    imagefile.write(photo, imagefile.encode(np.ascontiguousarray(image), "png"), overwrite=True)
    write_labels(mask, labels, overwrite=True)
    height, width = labels.shape
    fraction = float(np.mean(labels == PERSON))
    source = f"{CLOSE}{sample.source}"
    return replace(
        sample,
        image=photo,
        mask=mask,
        width=width,
        height=height,
        person_fraction=fraction,
        people=None,
        source=source,
    )
