"""How often the network is asked about a photo, and what its answers make together."""

from collections.abc import Callable
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from cutaway.colour import from_srgb
from cutaway.confidence import expected_iou
from cutaway.geometry import Fit, resize_image, to_tensor
from cutaway.prediction import SOMEBODY, mean_by_log_odds, predict
from cutaway.runtime import Runtime
from profiles import p3_profile
from synthetic import TINY

Batch = NDArray[np.float32]
FIT = Fit("letterbox", 160, 16)


class Asked(Runtime):
    """A network that answers as it is told to, and keeps what it was shown."""

    def __init__(self, answer: Callable[[Batch], Batch], fit: Fit = FIT) -> None:
        self.manifest = replace(TINY, fit=fit)
        self.answer = answer
        self.shown: list[Batch] = []

    def predict(self, batch: Batch) -> Batch:
        self.shown.append(batch)
        return self.answer(batch).astype(np.float32)


def by_colour(white: float, black: float) -> Callable[[Batch], Batch]:
    return lambda batch: np.where(batch.mean(axis=1, keepdims=True) > 0.5, white, black)


sure = by_colour(0.999, 0.001)
"""White is somebody, without a doubt."""

doubting = by_colour(0.8, 0.05)


def somebody(height: int, width: int, top: float, left: float, bottom: float, right: float) -> NDArray[np.uint8]:
    """Return a black photo with a white rectangle in it, its corners in shares of the photo."""
    photo = np.zeros((height, width, 3), np.uint8)
    photo[round(top * height) : round(bottom * height), round(left * width) : round(right * width)] = 255
    return photo


def share_of_white(batch: Batch) -> float:
    return float((batch > 0.75).mean())


def left_half(left: float, right: float) -> Callable[[Batch], Batch]:
    return lambda batch: np.where(
        np.arange(batch.shape[3]) < batch.shape[3] // 2, left, np.full_like(batch[:, :1], right)
    )


def mean(one: float, other: float) -> float:
    """Return the probability whose log-odds are the mean of those of two."""
    odds = sqrt(one / (1 - one) * other / (1 - other))
    return odds / (1 + odds)


def one_number(share: float) -> Callable[[Batch], Batch]:
    return lambda batch: np.full_like(batch[:, :1], share)


def test_a_sure_network_is_asked_once() -> None:
    network = Asked(sure)
    photo = somebody(320, 320, 0.2, 0.1, 1, 0.5)
    alpha, small = predict(network, photo)
    assert [batch.shape for batch in network.shown] == [(1, 3, 160, 160)]
    np.testing.assert_array_equal(small, resize_image(photo, 160, 160))
    np.testing.assert_array_equal(alpha, sure(network.shown[0])[0, 0].astype(np.float32))


def test_a_network_that_doubts_nothing_but_outlines_is_asked_once() -> None:
    network = Asked(lambda batch: ndimage.uniform_filter(by_colour(1, 0)(batch).astype(np.float32), (1, 1, 3, 3)))
    alpha, _ = predict(network, somebody(320, 320, 0.4, 0.4, 0.6, 0.6))
    assert len(network.shown) == 1
    assert expected_iou(alpha) < 0.93


@pytest.mark.parametrize("answer", [sure, doubting, one_number(SOMEBODY - 0.01)])
def test_a_network_that_sees_nobody_is_asked_once(answer: Callable[[Batch], Batch]) -> None:
    network = Asked(answer)
    alpha, _ = predict(network, np.zeros((320, 320, 3), np.uint8))
    assert len(network.shown) == 1
    assert alpha.max() < SOMEBODY


def test_a_doubting_network_is_shown_somebody_in_the_mirror_and_close_up() -> None:
    network = Asked(doubting)
    predict(network, somebody(320, 320, 0.0, 0.0, 1, 0.4))
    first, closer = network.shown
    assert first[0, 0, 80, :60].min() > 0.9
    assert first[0, 0, 80, 70:].max() < 0.1
    middle = closer[0, 0, closer.shape[2] // 2]
    assert middle[-80:-16].min() > 0.9
    assert middle[:5].max() < 0.1


def test_somebody_who_fills_the_photo_is_seen_in_the_mirror_and_from_further_away() -> None:
    """What it says there of the left of the mirror image counts for the right of the photo, as much as the first."""
    answers = iter([doubting, left_half(0.9, 0.3)])
    network = Asked(lambda batch: next(answers)(batch))
    alpha, _ = predict(network, somebody(320, 320, 0.0, 0.0, 1, 0.85))
    first, further = network.shown
    assert [batch.shape[2:] for batch in (first, further)] == [(160, 160), (128, 128)]
    assert further[0, 0, 64, -100:].min() > 0.9
    assert further[0, 0, 64, :15].max() < 0.1
    assert alpha[80, 20] == pytest.approx(mean(0.8, 0.3), rel=1e-4)
    assert alpha[80, 120] == pytest.approx(mean(0.8, 0.9), rel=1e-4)
    assert alpha[80, 150] == pytest.approx(mean(0.05, 0.9), rel=1e-4)


def test_the_view_from_further_away_is_of_the_pixels_of_the_first() -> None:
    network = Asked(one_number(0.6))
    _, small = predict(network, np.random.default_rng(0).integers(0, 256, (320, 320, 3), np.uint8))
    smaller = resize_image(small, 128, 128)[:, ::-1]
    np.testing.assert_array_equal(network.shown[1], to_tensor(smaller[np.newaxis]))


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("share", "close_up"), [(0.8, True), (0.825, False)])
def test_close_up_is_for_those_who_take_up_less_than_nine_tenths_with_what_is_around_them(
    turned: bool, share: float, close_up: bool
) -> None:
    """They are cut off on three sides; a tenth of them more is 141 and 146 of 160 pixels."""
    network = Asked(doubting)
    photo = somebody(320, 320, 0, 0, 1, share)
    predict(network, np.ascontiguousarray(photo.swapaxes(0, 1)) if turned else photo)
    height, width = network.shown[1].shape[2:]
    assert (height * width > 150 * 150) == close_up  # what is smaller is the view from further away, of 128 × 128


def test_a_network_that_sees_nobody_for_sure_but_perhaps_somebody_is_asked_again() -> None:
    network = Asked(one_number(SOMEBODY + 0.1))
    predict(network, np.zeros((320, 320, 3), np.uint8))
    assert len(network.shown) == 2


def test_somebody_small_is_looked_at_from_nearby_at_the_networks_own_size() -> None:
    network = Asked(doubting)
    predict(network, somebody(640, 640, 0.5, 0.6, 0.7, 0.8))
    closer = network.shown[1]
    assert closer.shape[2:] == (160, 160)
    assert share_of_white(closer) == pytest.approx(1 / 1.2**2, rel=0.1)  # a tenth of their height and width around
    assert share_of_white(network.shown[0]) == pytest.approx(0.04, rel=0.1)


def test_a_photo_smaller_than_what_the_network_sees_is_enlarged_for_the_close_view() -> None:
    network = Asked(doubting)
    predict(network, somebody(120, 120, 0.5, 0.6, 0.7, 0.8))
    assert [batch.shape[2:] for batch in network.shown] == [(160, 160), (160, 160)]
    assert share_of_white(network.shown[1]) == pytest.approx(1 / 1.2**2, rel=0.15)


def test_what_the_close_view_says_of_the_left_of_the_mirror_image_counts_on_the_right() -> None:
    answers = iter([doubting, left_half(0.9, 0.3)])
    network = Asked(lambda batch: next(answers)(batch))
    alpha, _ = predict(network, somebody(320, 320, 0.4, 0.4, 0.6, 0.6))
    assert alpha[80, 66] == pytest.approx(mean(0.8, 0.3), rel=1e-4)
    assert alpha[80, 94] == pytest.approx(mean(0.8, 0.9), rel=1e-4)


@pytest.mark.parametrize(("height", "width"), [(320, 320), (300, 471), (900, 200), (60, 60), (50, 70), (20, 20)])
@pytest.mark.parametrize("fit", [FIT, Fit("squash", 160, 16), Fit("letterbox", 32, 32)])
def test_every_view_comes_back_to_where_it_was_taken(height: int, width: int, fit: Fit) -> None:
    """The views agree, so their mean is what each of them says, but for a pixel at the edge."""
    network = Asked(doubting, fit)
    alpha, small = predict(network, somebody(height, width, 0.3, 0.1, 0.8, 0.4))
    assert len(network.shown) == 2
    assert alpha.shape == small.shape[:2]
    inside = small[..., 0] > 127
    edge = np.zeros_like(inside)
    edge[1:] |= inside[1:] != inside[:-1]
    edge[:, 1:] |= inside[:, 1:] != inside[:, :-1]
    grown = edge.copy()
    for down, across in ((-1, 0), (0, -1), (-1, -1), (1, 0), (0, 1), (1, 1), (-2, 0), (0, -2)):
        grown |= np.roll(edge, (down, across), (0, 1))
    np.testing.assert_allclose(alpha[~grown], np.where(inside, 0.8, 0.05)[~grown], atol=0.02)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 3)])
def test_the_smallest_photos_are_shown_again_too(size: tuple[int, int]) -> None:
    network = Asked(doubting)
    alpha, _ = predict(network, np.full((*size, 3), 255, np.uint8))
    assert len(network.shown) == 2
    np.testing.assert_allclose(alpha, 0.8, rtol=1e-4)


@pytest.mark.parametrize("size", [(1, 9), (9, 1), (2, 3), (3, 3)])
def test_of_the_smallest_photos_a_single_pixel_is_shown_close_up(size: tuple[int, int]) -> None:
    network = Asked(doubting)
    photo = np.zeros((*size, 3), np.uint8)
    photo[-1, -1] = 255
    alpha, _ = predict(network, photo)
    assert len(network.shown) == 2
    assert alpha[-1, -1] == pytest.approx(0.8, rel=1e-3)
    assert alpha[0, 0] == pytest.approx(0.05, rel=0.05)


def test_the_close_view_fades_out_around_whom_it_shows() -> None:
    """They are 32 pixels at the network's size, with four around them; beyond those the first view counts alone."""
    answers = iter([by_colour(0.8, 0.001), one_number(0.99)])
    network = Asked(lambda batch: next(answers)(batch))
    alpha, _ = predict(network, somebody(320, 320, 0.4, 0.4, 0.6, 0.6))
    np.testing.assert_allclose(alpha[64:96, 64:96], mean(0.8, 0.99), rtol=1e-4)
    share = np.array([0, 0.2, 0.4, 0.6, 0.8])
    expected = 0.001 + share * (mean(0.001, 0.99) - 0.001)
    for side in (alpha[59:64, 80], alpha[80, 59:64], alpha[100:95:-1, 80], alpha[80, 100:95:-1]):
        np.testing.assert_allclose(side, expected, rtol=1e-4)
    assert alpha[62, 97] == pytest.approx(0.001 + 0.6 * 0.6 * (mean(0.001, 0.99) - 0.001), rel=1e-4)


@pytest.mark.parametrize("gap", [0, 1, 3])
def test_the_close_view_counts_wholly_up_to_an_edge_of_the_photo_that_is_near(gap: int) -> None:
    answers = iter([by_colour(0.8, 0.001), one_number(0.99)])
    network = Asked(lambda batch: next(answers)(batch))
    photo = np.zeros((160, 160, 3), np.uint8)
    photo[80 : 160 - gap, gap:64] = 255
    alpha, _ = predict(network, photo)
    np.testing.assert_allclose(alpha[80 : 160 - gap, gap:64], mean(0.8, 0.99), rtol=1e-4)
    np.testing.assert_allclose(alpha[160 - gap :, :64], mean(0.001, 0.99), rtol=1e-4)
    np.testing.assert_allclose(alpha[80:, :gap], mean(0.001, 0.99), rtol=1e-4)


@pytest.mark.parametrize("answer", [one_number(0.6), doubting])
@pytest.mark.parametrize("depth", ["uint8", "uint16"])
def test_every_view_is_in_srgb_and_8_bits(depth: str, answer: Callable[[Batch], Batch]) -> None:
    """The network sees the same of a photo in sRGB and of one in Display P3, in either depth, close up too."""
    photo = somebody(320, 320, 0.3, 0.3, 0.7, 0.6)
    photo[..., 1:] //= 2
    plain, wide = Asked(answer), Asked(answer)
    predict(plain, photo)
    predict(wide, from_srgb(photo, p3_profile(), np.zeros_like(photo, depth)), p3_profile())
    assert len(plain.shown) == len(wide.shown) == 2
    for one, other in zip(plain.shown, wide.shown, strict=True):
        np.testing.assert_allclose(one, other, atol=0.02)


def test_the_mean_is_one_of_log_odds() -> None:
    one, other = np.full((2, 3), 0.9, np.float32), np.full((2, 3), 0.5, np.float32)
    np.testing.assert_allclose(mean_by_log_odds(one, other), 0.75, rtol=1e-5)  # odds of 9 and 1: 3
    assert mean_by_log_odds(one, 1 - one).dtype == np.float32
    np.testing.assert_allclose(mean_by_log_odds(one, 1 - one), 0.5, rtol=1e-5)
    nothing, everything = np.zeros((1, 2), np.float32), np.ones((1, 2), np.float32)
    np.testing.assert_allclose(mean_by_log_odds(nothing, everything), 0.5, rtol=0.05)
