"""What an alpha says of itself."""

import numpy as np
import pytest

from cutaway.confidence import calibrated, expected_iou, person_share, shows_person, stray_doubt
from cutaway.manifest import UNCALIBRATED, Calibration


def test_expected_iou_is_the_iou_over_many_draws() -> None:
    random = np.random.default_rng(3)
    alpha = random.random((400, 400)).astype(np.float32) ** 2
    cut = alpha >= 0.5
    drawn = random.random((30, 400, 400)) < alpha
    ious = [(cut & truth).sum() / (cut | truth).sum() for truth in drawn]
    assert expected_iou(alpha) == pytest.approx(float(np.mean(ious)), abs=0.003)


def test_a_soft_outline_is_no_stray_doubt_and_a_doubtful_arm_is() -> None:
    alpha = np.zeros((40, 40), np.float32)
    alpha[10:30, 10:30] = 1
    alpha[10:30, 8:12] = 0.2, 0.4, 0.6, 0.8
    assert stray_doubt(alpha) == 0
    alpha[16:24, 20:25] = 0.7
    assert stray_doubt(alpha) == pytest.approx(0.3 * 40 / 400)


def test_what_is_thinner_than_an_outline_is_wide_is_no_stray_doubt() -> None:
    alpha = np.zeros((40, 40), np.float32)
    alpha[:, 10:14] = 0.6
    assert stray_doubt(alpha) == 0
    alpha[:, 10:15] = 0.6
    assert stray_doubt(alpha) == pytest.approx(0.4 / 5)


def test_where_nobody_is_likelier_than_not_pixels_are_counted() -> None:
    assert stray_doubt(np.full((20, 30), 0.4, np.float32)) == pytest.approx(0.4 * 600)


def test_doubts_about_where_nobody_is_are_strays_too() -> None:
    alpha = np.full((40, 40), 0.3, np.float32)
    assert stray_doubt(alpha) > 1
    alpha[:20] = 1
    assert stray_doubt(alpha) == pytest.approx(0.3 * 18 / 20, rel=1e-5)


def test_expected_iou_of_nothing_is_nothing() -> None:
    assert expected_iou(np.zeros((4, 4), np.float32)) == 0
    assert expected_iou(np.ones((4, 4), np.float32)) == 1


def test_a_person_takes_up_what_is_surely_theirs() -> None:
    alpha = np.zeros((10, 20), np.float32)
    alpha[:5] = 1
    assert person_share(alpha) == pytest.approx(0.5)
    assert person_share(alpha * 0.75) == pytest.approx(0.25)
    assert person_share(alpha * 0.5) == 0


def test_few_sure_pixels_are_somebody_and_many_wavering_ones_nobody() -> None:
    far = np.zeros((100, 100), np.float32)
    far[40:55, 50:60] = 0.9
    assert shows_person(far)
    shadow = np.zeros((100, 100), np.float32)
    shadow[40:70, 50:80] = 0.55
    assert not shows_person(shadow)


@pytest.mark.parametrize("expected", [0.0, 0.2, 0.5, 0.93, 1.0])
def test_without_a_calibration_nothing_changes(expected: float) -> None:
    assert calibrated(expected, UNCALIBRATED) == pytest.approx(expected, abs=1e-5)


def test_a_calibration_moves_the_log_odds_along_a_line() -> None:
    odds = np.exp(-0.5) * (0.8 / 0.2) ** 1.5
    assert calibrated(0.8, Calibration(-0.5, 1.5)) == pytest.approx(odds / (1 + odds))


def test_a_calibration_keeps_the_order_and_the_bounds() -> None:
    values = [calibrated(expected, Calibration(-2.0, 3.0)) for expected in np.linspace(0, 1, 50)]
    assert values == sorted(set(values))
    assert 0 <= values[0] < values[-1] <= 1
