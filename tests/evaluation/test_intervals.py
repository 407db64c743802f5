"""The intervals, judged by SciPy's, and by how they tell two models apart."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from cutaway.data.index import Sample
from cutaway.evaluation import intervals
from cutaway.evaluation.comparison import Result
from cutaway.evaluation.intervals import Estimate, bca_interval, differences, estimate, estimates
from cutaway.types import Mask

MakeResult = Callable[..., Result]
MakeSample = Callable[..., Sample]


def scores_like_ious(count: int, seed: int = 1) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Most near 1, with a tail of bad ones."""
    return np.clip(1 - np.random.default_rng(seed).exponential(0.1, count), 0, 1)


@pytest.mark.parametrize("count", [5, 40, 300])
def test_the_interval_is_that_of_scipy(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "RESAMPLES", 50_000)
    values = scores_like_ious(count)
    judge = stats.bootstrap((values,), np.mean, n_resamples=50_000, method="BCa", rng=np.random.default_rng(5))
    low, high = judge.confidence_interval
    assert bca_interval(values) == pytest.approx((low, high), abs=0.03 * (high - low))


def test_bias_and_skew_matter_for_such_scores() -> None:
    values = scores_like_ious(40)
    percentile = stats.bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(5))
    low, high = bca_interval(values)
    assert low < percentile.confidence_interval.low - 0.002
    assert high < percentile.confidence_interval.high


def test_nineteen_of_twenty_intervals_hold_the_true_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "RESAMPLES", 999)
    samples = np.random.default_rng(2).normal(0.5, 0.1, (400, 50))
    held = [low <= 0.5 <= high for low, high in map(bca_interval, samples)]
    assert 0.91 < np.mean(held) < 0.98


def test_the_same_scores_have_the_same_interval_however_much_is_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    values = scores_like_ious(60)
    at_once = bca_interval(values)
    assert bca_interval(values) == at_once
    monkeypatch.setattr(intervals, "DRAWN_AT_ONCE", 7 * values.size)
    assert bca_interval(values) == pytest.approx(at_once, abs=1e-12)


def test_scores_that_are_all_the_same_leave_no_doubt() -> None:
    assert estimate([0.5, 0.5, 0.5]) == Estimate(0.5, (0.5, 0.5))
    low, high = bca_interval(np.array([0.1, 0.1, np.nextafter(0.1, 1)]))
    assert (low, high) == pytest.approx((0.1, 0.1))


def test_a_single_photo_says_nothing_of_others() -> None:
    assert estimate([0.3]) == Estimate(0.3, None)


@pytest.fixture
def samples(person: Callable[[float], Mask], make_sample: MakeSample) -> list[Sample]:
    """Two sets of photos, from hard ones, of which an answer misses half, to easy ones."""
    shown = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85]
    return [
        make_sample(f"p{place}", person(size), person(0.8), source=("even", "odd")[place % 2])
        for place, size in enumerate(shown)
    ]


def test_there_is_an_estimate_for_each_set_and_for_all(samples: list[Sample], make_result: MakeResult) -> None:
    result = make_result("m", samples)
    even, odd, total = estimates(result.evaluation)
    assert [(each.source, each.n) for each in (even, odd, total)] == [("even", 4), ("odd", 4), ("all", 8)]
    scores = [row.scores for row in result.evaluation.people if row.scores]
    assert total.person_iou == estimate([score.person_iou for score in scores])
    assert total.boundary_f == estimate([score.boundary_f for score in scores])


def test_a_difference_is_taken_photo_by_photo(samples: list[Sample], make_result: MakeResult) -> None:
    """Both models are good and bad on the same photos, so their intervals overlap; that of the difference is clear."""
    first, other = make_result("first", samples), make_result("other", samples, shift=8)
    total = differences(first.evaluation, other.evaluation)[-1]
    of_first, of_other = (estimates(each.evaluation)[-1].person_iou for each in (first, other))
    assert total.person_iou.mean == pytest.approx(of_other.mean - of_first.mean)
    assert of_first.interval is not None
    assert of_other.interval is not None
    assert total.person_iou.interval is not None
    assert of_other.interval[1] > of_first.interval[0]
    assert total.person_iou.interval[1] < 0


def test_a_model_does_not_differ_from_itself(samples: list[Sample], make_result: MakeResult) -> None:
    result = make_result("m", samples)
    assert differences(result.evaluation, result.evaluation)[-1].boundary_f == Estimate(0, (0, 0))


def test_two_truths_of_one_photo_are_two_photos(
    samples: list[Sample], person: Callable[[float], Mask], make_sample: MakeSample, make_result: MakeResult
) -> None:
    other = make_sample("other", person(0.5), person(0.4))
    twice = [samples[0], replace(samples[0], id="by another", mask=other.mask)]
    result = make_result("m", twice)
    assert len({row.scores for row in result.evaluation.rows}) == 2
    assert differences(result.evaluation, result.evaluation)[-1].person_iou.mean == 0


def test_only_photos_that_both_answered_are_compared(samples: list[Sample], make_result: MakeResult) -> None:
    first = make_result("first", samples[1:])
    other = make_result("other", samples[:-1][::-1], shift=8)
    total = differences(first.evaluation, other.evaluation)[-1]
    both = make_result("first", samples[1:-1]), make_result("other", samples[1:-1], shift=8)
    assert total.n == 6
    assert total.person_iou.mean == pytest.approx(
        differences(both[0].evaluation, both[1].evaluation)[-1].person_iou.mean
    )


def test_without_scored_photos_there_is_no_estimate(samples: list[Sample], make_result: MakeResult) -> None:
    nothing = make_result("m", [])
    assert estimates(nothing.evaluation) == []
    assert differences(nothing.evaluation, make_result("other", samples).evaluation) == []
