import io
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from cutaway.data.funnel import STAGES, Record, Rules, describe, draw_funnel, trim
from cutaway.errors import DataError

DEFAULT = Rules()
PASSING = Record("a", pixels=1000, annotated=True, crowd=False, people=1, person_pixels=500)
PHOTOS = st.builds(
    Record,
    id=st.just("a"),
    pixels=st.just(1000),
    annotated=st.booleans(),
    crowd=st.booleans(),
    people=st.integers(0, 4),
    person_pixels=st.integers(0, 1000),
)


def passes(record: Record, rules: Rules = DEFAULT) -> bool:
    return trim([record], rules).chosen == [record]


@given(st.lists(PHOTOS))
def test_each_stage_counts_what_passed_it_and_all_before(photos: list[Record]) -> None:
    with_person = [photo for photo in photos if photo.annotated]
    few = [photo for photo in with_person if photo.people in (1, 2) and not photo.crowd]
    in_range = [photo for photo in few if 200 <= photo.person_pixels <= 700]
    funnel = trim(photos, Rules())
    assert list(funnel.counts.items()) == list(zip(STAGES, map(len, (photos, with_person, few, in_range)), strict=True))
    assert funnel.chosen == in_range


@pytest.mark.parametrize(("pixels", "passed"), [(199, False), (200, True), (700, True), (701, False)])
def test_bounds_are_inclusive_and_exact(pixels: int, passed: bool) -> None:
    assert passes(replace(PASSING, person_pixels=pixels)) == passed


def test_a_bound_that_no_float_meets_is_met() -> None:
    third = replace(PASSING, pixels=30, person_pixels=10)
    assert passes(third, Rules(min_share=Fraction(1, 3)))
    assert passes(third, Rules(max_share=Fraction(1, 3)))
    assert not passes(third, Rules(min_share=Fraction(".3333333333333333334")))


def test_a_crowd_excludes_however_few_count() -> None:
    assert not passes(replace(PASSING, crowd=True))


def test_more_people_pass_if_they_may() -> None:
    four = replace(PASSING, people=4)
    assert not passes(four)
    assert passes(four, Rules(max_people=4))


def test_somebody_of_the_smallest_share_counts() -> None:
    rules = Rules(min_person_share=Fraction(1, 100))
    assert rules.count(10, 1000)
    assert not rules.count(9, 1000)
    assert Rules().count(1, 1000)
    assert not Rules().count(0, 1000)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"max_people": 0}, "at most 0 people leave no photo"),
        ({"min_share": Fraction(4, 5)}, "no share lies in 0.8 to 0.7"),
        ({"max_share": Fraction(20)}, "no share lies in 0.2 to 20"),
        ({"min_share": Fraction(-1, 2)}, "no share lies in -0.5 to 0.7"),
        ({"min_person_share": Fraction(2)}, "a person's smallest share is 2"),
    ],
)
def test_rules_that_make_no_sense_are_refused(rules: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Rules(**rules)


def test_stages_are_described_by_the_rules() -> None:
    rules = Rules(max_people=1, min_share=Fraction(1, 8))
    assert list(describe(rules).values()) == ["photos", "with a person", "1 person", "12.5 to 70 % person"]
    assert describe(Rules())["few_people"] == "1 to 2 people"


def test_the_picture_of_a_funnel_shows_its_counts() -> None:
    counts = dict(zip(STAGES, (118287, 64115, 30000, 12000), strict=True))
    pictures = {draw_funnel(counts | {"share_in_range": left}, Rules()) for left in (12000, 0)}
    assert len(pictures) == 2
    for picture in pictures:
        with PillowImage.open(io.BytesIO(picture)) as file:
            assert file.format == "PNG"
            assert file.width > file.height
