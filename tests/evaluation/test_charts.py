import math
import re
from itertools import combinations

import numpy as np
import pytest

from cutaway.evaluation.charts import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Mark,
    Point,
    histogram,
    place_labels,
    scatter,
    score_axis,
    time_axis,
)
from cutaway.evaluation.intervals import Estimate


def crowd(count: int, spread: float) -> list[Mark]:
    """Marks with intervals, as near to each other as ``spread`` pixels."""
    random = np.random.default_rng(count)
    marks = []
    for place in range(count):
        x, y = 260 + random.uniform(-spread, spread), 150 + random.uniform(-spread, spread)
        marks.append(Mark(f"fc-densenet{place}", x, y, y - 12, y + 20))
    return marks


@pytest.mark.parametrize(("count", "spread"), [(1, 0), (2, 0), (5, 5), (8, 60), (12, 120)])
def test_no_name_covers_another_or_a_point(count: int, spread: float) -> None:
    marks = crowd(count, spread)
    labels = place_labels(marks)
    assert not any(one.overlaps(other) for one, other in combinations(labels, 2))
    assert not any(label.overlaps(mark.room) for label in labels for mark in marks)
    assert all(label.left >= LEFT and label.right <= WIDTH and label.bottom <= BOTTOM for label in labels)


def test_a_name_without_a_free_place_is_there_all_the_same() -> None:
    assert len(place_labels([Mark("x" * 200, 260, 150, 140, 160)])) == 1


def test_the_time_axis_is_logarithmic_and_has_room_for_every_point() -> None:
    axis = time_axis([8, 19, 500])
    places = [axis.place(math.log10(time)) for time in (8, 80, 800)]
    assert places[1] - places[0] == pytest.approx(places[2] - places[1])
    assert LEFT < axis.place(math.log10(8)) < axis.place(math.log10(500)) < RIGHT
    assert [round(10**tick) for tick in axis.ticks] == [5, 10, 20, 50, 100, 200, 500]


@pytest.mark.parametrize("time", [0.03, 1.0, 9.9, 3000.0])
def test_a_single_time_has_ticks_around_it(time: float) -> None:
    assert time_axis([time]).ticks


@pytest.mark.parametrize(
    "scores",
    [
        [Estimate(0.9, (0.88, 0.92)), Estimate(0.7, (0.65, 0.74))],
        [Estimate(0.9, None)],
        [Estimate(1.0, (1.0, 1.0))],
        [Estimate(0.0, (0.0, 0.1)), Estimate(1.0, (0.9, 1.0))],
    ],
)
def test_the_score_axis_holds_every_interval_between_round_ticks(scores: list[Estimate]) -> None:
    axis = score_axis(scores)
    for score in scores:
        for value in (score.mean, *(score.interval or ())):
            assert TOP <= axis.place(value) <= BOTTOM
    assert axis.place(axis.high) < axis.place(axis.low)
    assert 2 <= len(axis.ticks) <= 7


def test_every_point_can_be_reached_and_says_its_numbers() -> None:
    chart = scatter([Point("portrait", 19.2, Estimate(0.902, (0.88, 0.92))), Point("<unet>", 80, Estimate(0.85, None))])
    assert re.findall(r'tabindex="0" role="img" aria-label="([^"]*)"', chart) == [
        "portrait: person IoU .902, interval .880–.920, 19.2 ms an image",
        "&lt;unet&gt;: person IoU .850, 80 ms an image",
    ]
    assert "<unet>" not in chart


def test_better_is_higher_and_slower_is_further_right() -> None:
    chart = scatter([Point("fast", 10, Estimate(0.8, None)), Point("good", 100, Estimate(0.9, None))])
    fast, good = (
        (float(x), float(y)) for x, y in re.findall(r'<circle class="good" cx="([\d.]+)" cy="([\d.]+)"', chart)
    )
    assert fast[0] < good[0]
    assert fast[1] > good[1]


def test_the_histogram_counts_a_perfect_photo_in_its_last_bar() -> None:
    counts = re.findall(r"<title>([\d.]+)–[\d.]+: (\d+)</title>", histogram([1.0, 0.96, 0.05, 0.0]))
    assert {low: int(count) for low, count in counts if count != "0"} == {"0.00": 1, "0.05": 1, "0.95": 2}
