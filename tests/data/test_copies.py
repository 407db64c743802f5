import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from scipy import ndimage

from cutaway.data.copies import Fingerprint, find_pairs, fingerprint, read_fingerprints, without_crossing
from cutaway.data.index import Failure, Sample
from cutaway.imagefile import read
from cutaway.types import Image


def scene(seed: int, height: int = 120, width: int = 160) -> Image:
    """Return a picture of soft spots, unlike that of any other seed."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3))
    spots = ndimage.gaussian_filter(noise, (12, 12, 0))
    return np.asarray(np.interp(spots, (spots.min(), spots.max()), (0, 255)), np.uint8)


def sample(name: str, split: str = "train") -> Sample:
    return Sample(name, Path(f"{name}.jpg"), None, 160, 120, 0.0, 0, "drawn", "none", split)


def saved(image: Image, quality: int) -> Image:
    buffer = io.BytesIO()
    PillowImage.fromarray(image).save(buffer, "JPEG", quality=quality)
    return read(buffer.getvalue()).image


def resized(image: Image, width: int, height: int) -> Image:
    return np.asarray(PillowImage.fromarray(image).resize((width, height)))


ORIGINAL = scene(0)
COPIES = {
    "the same": ORIGINAL,
    "saved anew": saved(ORIGINAL, 20),
    "smaller": resized(ORIGINAL, 70, 50),
    "another shape": resized(ORIGINAL, 200, 200),
    "darker": (ORIGINAL * 0.7).astype(np.uint8),
    "pale": (ORIGINAL // 2 + 60).astype(np.uint8),
    "grey": np.repeat(np.asarray(PillowImage.fromarray(ORIGINAL).convert("L"))[..., None], 3, axis=2),
    "cropped a little": ORIGINAL[1:, 2:],
}


def pairs_of(*images: Image) -> list[tuple[str, str, str]]:
    samples = [sample(str(number)) for number in range(len(images))]
    pairs = find_pairs(samples, [fingerprint(image) for image in images])
    return [(pair.first.id, pair.second.id, pair.how) for pair in pairs]


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_found_among_others(name: str) -> None:
    assert pairs_of(scene(1), ORIGINAL, scene(2), COPIES[name], scene(3)) == [("1", "3", "copy")]


@pytest.mark.parametrize("name", COPIES)
def test_a_mirrored_copy_is_found(name: str) -> None:
    assert pairs_of(COPIES[name][:, ::-1], scene(1), ORIGINAL) == [("0", "2", "mirrored")]


def test_other_photos_are_no_copies() -> None:
    assert pairs_of(*(scene(seed) for seed in range(100))) == []


def test_neither_a_negative_nor_plain_grey_is_a_copy() -> None:
    grey = np.full_like(ORIGINAL, 90)
    assert pairs_of(ORIGINAL, 255 - ORIGINAL, grey, grey + 1) == []


def test_photos_whose_hashes_are_alike_by_chance_are_no_copies() -> None:
    """Both brighten from left to right, which is all that a hash sees; from top to bottom one darkens."""
    down, right = np.mgrid[:120, :160]
    lit_below, lit_above = (
        np.repeat((40 + right * 0.6 + rows * 0.4).astype(np.uint8)[..., None], 3, axis=2) for rows in (down, 120 - down)
    )
    np.testing.assert_array_equal(fingerprint(lit_below).hash, fingerprint(lit_above).hash)
    assert pairs_of(lit_below, lit_above) == []


def test_three_of_a_kind_are_three_pairs() -> None:
    assert [pair[:2] for pair in pairs_of(*[ORIGINAL] * 3)] == [("0", "1"), ("0", "2"), ("1", "2")]


def test_pairs_are_found_however_far_apart_they_stand() -> None:
    random = np.random.default_rng(0)
    hashes = random.integers(0, 2**64, (9000, 4), dtype=np.uint64)
    small = random.integers(0, 256, (9000, 32, 32)).astype(np.uint8)
    for first, second in ((0, 8999), (63, 64), (4095, 4096), (5000, 4200)):
        hashes[first], small[first] = hashes[second], small[second]
    prints = [Fingerprint(one, ~one, values) for one, values in zip(hashes, small, strict=True)]
    pairs = find_pairs([sample(str(number)) for number in range(9000)], prints)
    found = [(int(pair.first.id), int(pair.second.id)) for pair in pairs]
    assert found == [(0, 8999), (63, 64), (4095, 4096), (4200, 5000)]


def test_photos_of_one_id_are_a_pair_whatever_they_show() -> None:
    same, other = sample("a"), sample("a", "test")
    (pair,) = find_pairs([same, other], [fingerprint(scene(1)), fingerprint(scene(2))])
    assert (pair.how, pair.crosses) == ("same id", True)
    assert pair.correlation < 0.9


def test_of_a_pair_in_two_splits_the_lesser_is_dropped() -> None:
    samples = [sample("a"), sample("b", "test"), sample("c", "val"), sample("d"), sample("e")]
    images = [ORIGINAL, ORIGINAL, ORIGINAL, scene(1), scene(1)]
    pairs = find_pairs(samples, [fingerprint(image) for image in images])
    assert [pair.crosses for pair in pairs] == [True, True, True, False]
    assert [kept.id for kept in without_crossing(samples, pairs)] == ["b", "d", "e"]


def test_nothing_has_no_pairs() -> None:
    assert find_pairs([], []) == []


def test_photos_are_read_in_order_and_the_unreadable_named(tmp_path: Path) -> None:
    PillowImage.fromarray(ORIGINAL).save(tmp_path / "a.png")
    right, gone = replace(sample("a"), image=tmp_path / "a.png"), replace(sample("b"), image=tmp_path / "b.png")
    first, failure, last = read_fingerprints([right, gone, right])
    assert isinstance(first, Fingerprint)
    assert isinstance(last, Fingerprint)
    np.testing.assert_array_equal(first.hash, fingerprint(ORIGINAL).hash)
    assert isinstance(failure, Failure)
    assert "b.png does not exist" in failure.reason
