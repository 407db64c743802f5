import math
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.color import rgb2lab

from cutaway import evidence
from cutaway.evidence import settle_by_colour
from cutaway.types import Alpha, Image

SKIN, WALL, NOBODYS = (215, 160, 130), (40, 70, 150), (60, 200, 60)
DOUBT = np.s_[20:23, 31:34]
"""Narrower than the lattice of neighbours, so that doubts do not ask each other."""


def scene(doubtful: tuple[int, int, int], people: int = 30) -> tuple[Alpha, Image]:
    """The left ``people`` columns are surely a person's, the rest surely a wall, but for a doubt beside them."""
    alpha = np.zeros((64, 80), np.float32)
    image = np.full((64, 80, 3), WALL, np.uint8)
    alpha[:, 30 - people : 30] = 1
    image[:, 30 - people : 30] = SKIN
    alpha[DOUBT], image[DOUBT] = 0.4, doubtful
    return alpha, image


def doubled(alpha: Alpha, image: Image) -> tuple[Alpha, Image]:
    return alpha.repeat(2, axis=0).repeat(2, axis=1), image.repeat(2, axis=0).repeat(2, axis=1)


def by_hand(alpha: NDArray[np.float64], image: Image, row: int, column: int) -> float:
    """The settled alpha of one pixel, from the words of the docstring, a neighbour at a time."""
    colours = rgb2lab(image)
    like, any_colour = np.zeros(2), np.zeros(2)  # the person's, the background's
    for down, across in lattice():
        there = row + down, column + across
        if 0 <= there[0] < alpha.shape[0] and 0 <= there[1] < alpha.shape[1]:
            near = math.exp(-(down**2 + across**2) / (2 * evidence.NEAR**2))
            alike = math.exp(-((colours[there] - colours[row, column]) ** 2).sum() / (2 * evidence.ALIKE**2))
            vote = near * abs(2 * alpha[there] - 1) * np.array([alpha[there], 1 - alpha[there]])
            any_colour += vote
            like += vote * alike
    prior = ((any_colour[0] + evidence.UNASKED) / (any_colour[1] + evidence.UNASKED)) ** evidence.DISCOUNT
    few = evidence.UNASKED * np.sqrt([prior, 1 / prior])
    ratio = (like[0] + few[0]) / (like[1] + few[1]) / prior
    odds = alpha[row, column] / (1 - alpha[row, column]) * ratio**evidence.WEIGHT
    return float(odds / (1 + odds))


def lattice() -> Iterator[tuple[int, int]]:
    side = range(-evidence.REACH, evidence.REACH + 1, evidence.STEP)
    for down in side:
        for across in side:
            if 0 < math.hypot(down, across) <= evidence.REACH:
                yield down, across


def test_it_is_what_the_words_say_pixel_by_pixel() -> None:
    random = np.random.default_rng(5)
    alpha = random.random((50, 40), np.float32)
    image = (random.integers(0, 4, (50, 40, 1)) * 12 + random.integers(90, 96, (50, 40, 3))).astype(np.uint8)
    settled = settle_by_colour(alpha, image)
    pixels = [(row, column) for row, column in random.integers(0, 40, (60, 2)) if 0.05 < alpha[row, column] < 0.95]
    expected = [by_hand(alpha.astype(np.float64), image, row, column) for row, column in pixels]
    np.testing.assert_allclose([settled[pixel] for pixel in pixels], expected, atol=2e-3)
    assert np.abs(np.subtract(expected, [alpha[pixel] for pixel in pixels])).max() > 0.1


def test_a_doubt_goes_to_the_side_that_has_its_colour() -> None:
    assert settle_by_colour(*scene(SKIN))[DOUBT].min() > 0.9
    assert settle_by_colour(*scene(WALL))[DOUBT].max() < 0.1


def test_a_colour_that_nobody_near_has_says_nothing() -> None:
    np.testing.assert_allclose(settle_by_colour(*scene(NOBODYS))[DOUBT], 0.4, atol=0.01)


def test_a_colour_that_both_sides_have_says_little() -> None:
    alpha, image = scene(SKIN)
    image[:] = SKIN
    assert 0.25 < settle_by_colour(alpha, image)[DOUBT].mean() < 0.5


def test_a_small_person_among_much_background_is_not_outvoted() -> None:
    """The background has more of the colour than the person, who is all of that colour."""
    alpha, image = scene(SKIN, people=6)
    image[::2, :24] = image[::2, 36:] = SKIN
    assert settle_by_colour(alpha, image)[DOUBT].mean() > 0.55


def test_lab_is_scikit_images() -> None:
    colours = np.random.default_rng(4).integers(0, 256, (40, 50, 3), np.uint8)
    np.testing.assert_allclose(evidence._lab(colours), rgb2lab(colours), atol=0.02)
    assert evidence._lab(colours).dtype == np.float32


def test_where_a_large_alpha_is_reduced_evidence_keeps_its_place() -> None:
    """Sides that the factor does not divide; what is 0 or 1 stays so, whatever is settled beside it."""
    alpha, image = doubled(*doubled(*scene(SKIN)))
    alpha, image = alpha[:-1, :-1], image[:-1, :-1]
    doubt = alpha == np.float32(0.4)
    settled = settle_by_colour(alpha, image)
    assert settled[doubt].min() > 0.55
    assert settled[doubt].mean() > 0.85
    assert (settled[~doubt] == alpha[~doubt]).all()


def test_what_the_network_is_sure_of_stays() -> None:
    alpha, image = scene(SKIN)
    alpha[DOUBT] = 0.03
    settled = settle_by_colour(alpha, image)
    np.testing.assert_allclose(settled, alpha, rtol=1e-6)
    assert (settled[alpha == 1] == 1).all()
    assert (settled[alpha == 0] == 0).all()


def test_the_inputs_stay_and_may_be_read_only() -> None:
    alpha, image = scene(SKIN)
    before = alpha.copy(), image.copy()
    alpha.flags.writeable = image.flags.writeable = False
    settle_by_colour(alpha, image)
    np.testing.assert_array_equal(alpha, before[0])
    np.testing.assert_array_equal(image, before[1])


def test_the_parts_of_the_work_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    alpha, image = random.random((50, 40), np.float32), random.integers(90, 130, (50, 40, 3), np.uint8)
    at_once = settle_by_colour(alpha, image)
    monkeypatch.setattr(evidence, "_AT_ONCE", 7)
    np.testing.assert_allclose(settle_by_colour(alpha, image), at_once, rtol=1e-5)


def test_the_mirror_image_is_settled_alike() -> None:
    alpha, image = scene(SKIN)
    image = np.clip(image + np.random.default_rng(1).normal(0, 3, image.shape), 0, 255).astype(np.uint8)
    mirrored = settle_by_colour(np.ascontiguousarray(alpha[:, ::-1]), np.ascontiguousarray(image[:, ::-1]))
    np.testing.assert_allclose(mirrored[:, ::-1], settle_by_colour(alpha, image), atol=1e-5)


def test_a_larger_alpha_is_settled_like_a_small_one() -> None:
    """How far it reaches is a share of the frame, whatever the size of the network's input."""
    alpha, image = doubled(*scene(SKIN))
    alpha[alpha == 1] = 0.9
    settled, of_twice = settle_by_colour(alpha, image), settle_by_colour(*doubled(alpha, image))
    assert 0.6 < settled[41:45, 63:67].mean() < 0.97
    np.testing.assert_allclose(of_twice[82:90:2, 126:134:2], settled[41:45, 63:67], atol=0.02)


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (333, 2), (31, 47)])
def test_any_size(size: tuple[int, int]) -> None:
    random = np.random.default_rng(9)
    settled = settle_by_colour(random.random(size, np.float32), random.integers(0, 256, (*size, 3), np.uint8))
    assert settled.shape == size
    assert settled.dtype == np.float32
    assert 0 <= settled.min() <= settled.max() <= 1
