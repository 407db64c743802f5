"""Near-copies: one photograph that stands in the data twice, scaled, saved anew, recoloured or mirrored.

Each photo's difference hash (N. Krawetz, *Kind of Like That*, The Hacker Factor Blog, 2013) says where brightness
rises along 16 rows of 17 grey pixels. Photos whose hashes differ in few of the 256 bits are held against each other
as small pictures, by correlation; so hashes that are alike by chance make no pair. A copy that was cropped by more
than 2 % of a side may be missed.

Every hash is compared with every other, 64 × 4096 at a time, at least 150 million pairs a second on one core: 130,000
photos and their mirror images take two minutes, and 3 kB of memory a photo. Reading them takes longer.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cutaway import imagefile
from cutaway.data.index import SPLITS, Failure, Sample
from cutaway.data.shards import content
from cutaway.errors import CutawayError
from cutaway.geometry import resize_alpha, resize_image
from cutaway.types import Image

MAX_BITS = 48
"""Hashes that differ in more bits are not looked into. Of two photos that have nothing in common about 128 do."""

MIN_CORRELATION = 0.95

How: TypeAlias = Literal["copy", "mirrored", "same id"]

_ROWS = 16
_SIDE = 32
_BLOCK = (64, 4096)  # what is counted at a time stays in the processor's cache
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Fingerprint:
    """What is kept of a photo: its hash and its mirror image's (4 uint64 each), and 32×32 grey values (uint8)."""

    hash: NDArray[np.uint64]
    mirrored: NDArray[np.uint64]
    small: NDArray[np.uint8]


@dataclass(frozen=True)
class Pair:
    """Two samples that show one photograph or have one id. ``correlation`` is that of both as small grey pictures."""

    first: Sample
    second: Sample
    how: How
    correlation: float

    @property
    def crosses(self) -> bool:
        """Whether the two stand in different splits."""
        return self.first.split != self.second.split


def fingerprint(image: Image) -> Fingerprint:
    """Return the fingerprint of ``image`` (H×W×3 uint8)."""
    grey = resize_image(image, 2 * _SIDE, 2 * _SIDE) @ _LUMA
    small = np.rint(resize_alpha(grey, _SIDE, _SIDE)).astype(np.uint8)
    return Fingerprint(_hash(grey), _hash(np.ascontiguousarray(grey[:, ::-1])), small)


def read_fingerprints(samples: Iterable[Sample]) -> Iterator[Fingerprint | Failure]:
    """Yield the fingerprint of each sample's photo, in their order, or why there is none."""
    with ThreadPoolExecutor() as pool:
        yield from pool.map(_read_fingerprint, samples)


def find_pairs(samples: Sequence[Sample], fingerprints: Sequence[Fingerprint]) -> list[Pair]:
    """Return every pair of near-copies among ``samples``, and of samples with one id, in the order of the samples."""
    if not samples:
        return []
    small = np.stack([one.small for one in fingerprints])
    hashes = np.stack([one.hash for one in fingerprints], axis=1)
    mirrored = np.stack([one.mirrored for one in fingerprints], axis=1)
    found: dict[tuple[int, int], tuple[How, float]] = {
        (first, second): ("same id", float(_correlate(small[first], small[[second]])[0]))
        for first, second in _same_ids(samples)
    }
    found |= {place: ("mirrored", value) for place, value in _near(hashes, mirrored, small, small[:, :, ::-1])}
    found |= {place: ("copy", value) for place, value in _near(hashes, hashes, small, small)}
    return [Pair(samples[a], samples[b], how, value) for (a, b), (how, value) in sorted(found.items())]


def without_crossing(samples: Iterable[Sample], pairs: Iterable[Pair]) -> list[Sample]:
    """Return ``samples`` without what stands in a second split: train gives way to val, and val to test."""
    dropped = {min(pair.first, pair.second, key=_split_number) for pair in pairs if pair.crosses}
    return [sample for sample in samples if sample not in dropped]


def _split_number(sample: Sample) -> int:
    return SPLITS.index(sample.split)


def _read_fingerprint(sample: Sample) -> Fingerprint | Failure:
    try:
        return fingerprint(imagefile.read_srgb(content(sample.image)))
    except CutawayError as error:
        return Failure(sample.id, str(error))


def _hash(grey: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Return whether each of 16×17 grey pixels is darker than its right neighbour, as 256 bits in 4 numbers."""
    tiny = resize_alpha(grey, _ROWS, _ROWS + 1)
    return np.packbits(tiny[:, :-1] < tiny[:, 1:]).view(np.uint64)


def _same_ids(samples: Sequence[Sample]) -> Iterator[tuple[int, int]]:
    places: dict[str, list[int]] = {}
    for place, sample in enumerate(samples):
        places.setdefault(sample.id, []).append(place)
    for same in places.values():
        yield from combinations(same, 2)


def _near(
    hashes: NDArray[np.uint64], others: NDArray[np.uint64], small: NDArray[np.uint8], other_small: NDArray[np.uint8]
) -> Iterator[tuple[tuple[int, int], float]]:
    """Yield the places of each two photos, the first before the second, that are alike, and their correlation."""
    for first, seconds in _similar(hashes, others):
        for second, value in zip(seconds, _correlate(small[first], other_small[seconds]), strict=True):
            if value >= MIN_CORRELATION:
                yield (first, int(second)), float(value)


def _similar(hashes: NDArray[np.uint64], others: NDArray[np.uint64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield a place in ``hashes`` (4×N) and the later ones in ``others`` (4×N) whose bits differ little from it."""
    rows, columns = _BLOCK
    for top in range(0, hashes.shape[1], rows):
        for left in range(top, hashes.shape[1], columns):
            close = _distances(hashes[:, top : top + rows], others[:, left : left + columns]) <= MAX_BITS
            for row in np.flatnonzero(close.any(axis=1)):
                seconds = left + np.flatnonzero(close[row])
                if (later := seconds[seconds > top + row]).size:
                    yield top + int(row), later


def _distances(hashes: NDArray[np.uint64], others: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return in how many bits each of ``hashes`` (4×N) differs from each of ``others`` (4×M), as N×M.

    All 256 overflow to 0, which makes a photo and its negative alike; no correlation will agree.
    """
    words = (np.bitwise_count(word[:, None] ^ other) for word, other in zip(hashes, others, strict=True))
    return sum(words, np.zeros((1, 1), np.uint8))


def _correlate(small: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the correlation of a picture (H×W) with each of ``others`` (N×H×W), -1..1; 0 with one of a single grey."""
    one, many = _normalised(small[None]), _normalised(others)
    return np.asarray(many @ one[0])


def _normalised(small: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return N×H×W as N×(H·W) of mean 0 and length 1."""
    flat = small.reshape(len(small), -1).astype(np.float32)
    centred = flat - flat.mean(axis=1, keepdims=True)
    lengths: NDArray[np.float32] = np.linalg.norm(centred, axis=1, keepdims=True)
    unit: NDArray[np.float32] = centred / np.maximum(lengths, np.float32(1e-6))
    return unit
