"""How often the network is asked about a photo, and what its answers make together."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from cutaway.geometry import Fit
from cutaway.prediction import mean_by_log_odds, predict
from cutaway.runtime import Runtime
from synthetic import TINY

Batch = NDArray[np.float32]


class Asked(Runtime):
    """A network that answers as it is told to, and keeps what it was shown."""

    def __init__(self, answer: Callable[[Batch], Batch]) -> None:
        self.manifest = replace(TINY, fit=Fit("letterbox", 160, 16))
        self.answer = answer
        self.shown: list[Batch] = []

    def predict(self, batch: Batch) -> Batch:
        self.shown.append(batch)
        return self.answer(batch).astype(np.float32)


def sure(batch: Batch) -> Batch:
    """White is somebody, without a doubt."""
    return np.where(batch.mean(axis=1, keepdims=True) > 0.5, 0.999, 0.001)


def doubting(batch: Batch) -> Batch:
    return np.where(batch.mean(axis=1, keepdims=True) > 0.5, 0.8, 0.05)


def somebody(height: int, width: int, top: float, left: float, bottom: float, right: float) -> NDArray[np.uint8]:
    """Return a black photo with a white rectangle in it, its corners in shares of the photo."""
    photo = np.zeros((height, width, 3), np.uint8)
    photo[round(top * height) : round(bottom * height), round(left * width) : round(right * width)] = 255
    return photo


def share_of_white(batch: Batch) -> float:
    return float((batch > 0.5).mean())


def test_a_sure_network_is_asked_once() -> None:
    network = Asked(sure)
    alpha, small = predict(network, somebody(320, 320, 0.2, 0.1, 1, 0.5))
    assert [batch.shape for batch in network.shown] == [(1, 3, 160, 160)]
    assert alpha.shape == small.shape[:2] == (160, 160)
    assert small.dtype == np.uint8
    np.testing.assert_array_equal(alpha, sure(network.shown[0])[0, 0].astype(np.float32))


def test_a_doubting_network_is_shown_the_mirror_image_from_further_away_and_closer() -> None:
    network = Asked(doubting)
    photo = somebody(320, 320, 0.0, 0.0, 1, 0.4)
    predict(network, photo)
    first, further, closer = network.shown
    assert [batch.shape[2] for batch in (first, further)] == [160, 128]
    assert first[0, 0, 80, :60].min() > 0.9
    assert first[0, 0, 80, 70:].max() < 0.1
    assert further[0, 0, 64, -48:].min() > 0.9
    assert further[0, 0, 64, :-55].max() < 0.1
    middle = closer[0, 0, closer.shape[2] // 2]
    assert middle[-60:-10].min() > 0.9  # but for the grey around it
    assert middle[10:20].max() < 0.1


def test_somebody_who_fills_the_photo_is_close_enough() -> None:
    network = Asked(doubting)
    predict(network, somebody(320, 320, 0.05, 0.05, 0.95, 0.95))
    assert [batch.shape[2:] for batch in network.shown] == [(160, 160), (128, 128)]


def test_somebody_small_is_looked_at_from_nearby_at_the_networks_own_size() -> None:
    network = Asked(doubting)
    predict(network, somebody(640, 640, 0.5, 0.6, 0.7, 0.8))
    closer = network.shown[2]
    assert closer.shape[2:] == (160, 160)
    assert share_of_white(closer) == pytest.approx(1 / 1.4**2, rel=0.1)  # a margin of a fifth on each side
    assert share_of_white(network.shown[0]) == pytest.approx(0.04, rel=0.1)


@pytest.mark.parametrize(("height", "width"), [(320, 320), (300, 471), (900, 200), (50, 70)])
def test_every_look_comes_back_to_where_it_was_taken(height: int, width: int) -> None:
    """The looks agree, so their mean is what each of them says, but at the edge."""
    photo = somebody(height, width, 0.3, 0.1, 0.8, 0.4)
    once, thrice = Asked(doubting), Asked(doubting)
    alpha, small = predict(thrice, photo)
    np.testing.assert_array_equal(small, predict(once, photo)[1])
    difference = np.abs(alpha - doubting((small.transpose(2, 0, 1)[None] / 255).astype(np.float32))[0, 0])
    assert difference.max() < 0.76
    assert np.count_nonzero(difference > 0.02) < 0.04 * difference.size


def test_nobody_gets_no_closer_look() -> None:
    network = Asked(doubting)
    alpha, _ = predict(network, np.zeros((320, 320, 3), np.uint8))
    assert len(network.shown) == 2
    np.testing.assert_allclose(alpha, 0.05, rtol=1e-5)


def test_outside_the_closer_look_the_other_two_count_alone() -> None:
    answers = iter([0.8, 0.4, 0.1])
    network = Asked(lambda batch: next(answers) * (batch[:, :1] > 0.75))
    alpha, _ = predict(network, somebody(320, 320, 0.4, 0.4, 0.6, 0.6))
    assert alpha[80, 80] == pytest.approx(
        mean_by_log_odds(*(np.array([[share]], np.float32) for share in (0.8, 0.4, 0.1)))[0, 0]
    )


def test_the_mean_is_one_of_log_odds() -> None:
    one, other = np.full((2, 3), 0.9, np.float32), np.full((2, 3), 0.5, np.float32)
    np.testing.assert_allclose(mean_by_log_odds(one, other), 0.75, rtol=1e-5)  # odds of 9 and 1: 3
    assert mean_by_log_odds(one, 1 - one).dtype == np.float32
    np.testing.assert_allclose(mean_by_log_odds(one, 1 - one), 0.5, rtol=1e-5)
    np.testing.assert_allclose(
        mean_by_log_odds(np.zeros((1, 2), np.float32), np.ones((1, 2), np.float32)), 0.5, rtol=0.05
    )
