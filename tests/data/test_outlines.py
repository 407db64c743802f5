from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from coco_files import HEIGHT, WIDTH, block, box, runs, text_runs
from cutaway.data.outlines import Outline, read_outline, union_mask, union_pixels
from cutaway.types import Mask

SIZE = (HEIGHT, WIDTH)
MASKS = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=30))


def outline(segmentation: Any) -> Outline:
    read = read_outline(segmentation, SIZE)
    assert read is not None
    return read


@given(MASKS, st.sampled_from([runs, text_runs]))
def test_runs_come_back_as_the_mask_they_were_made_of(mask: Mask, store: Any) -> None:
    read = read_outline(store(mask), mask.shape)
    assert read is not None
    assert read.pixels == mask.sum()
    np.testing.assert_array_equal(union_mask([read], mask.shape), mask)


def test_a_polygon_covers_the_pixels_within_it() -> None:
    expected = np.zeros(SIZE, np.bool_)
    expected[5:15, 10:30] = True
    np.testing.assert_array_equal(union_mask([outline(box(10, 5, 30, 15))], SIZE), expected)


def test_several_polygons_are_one_outline() -> None:
    assert outline([*box(0, 0, 5, 20), *box(3, 0, 10, 20)]).pixels == 200


def test_what_lies_outside_the_photo_is_cut_off() -> None:
    assert outline(box(-10, -10, 5, 30)).pixels == 100
    assert outline(box(60, 0, 80, 20)).pixels == 0


def test_a_union_counts_each_pixel_once() -> None:
    people = [outline(box(0, 0, 10, 20)), outline(box(5, 0, 15, 20))]
    assert union_pixels(people, SIZE) == 300
    np.testing.assert_array_equal(union_mask(people, SIZE), block(300))


def test_nobody_covers_nothing() -> None:
    assert union_pixels([], SIZE) == 0
    assert union_mask([], SIZE).shape == SIZE
    assert not union_mask([], SIZE).any()


@pytest.mark.parametrize(
    "segmentation",
    [
        [],
        [[]],
        [[1, 1, 9, 9]],
        [[1, 1, 9, 1, 9, 9, 1]],
        [*box(0, 0, 9, 9), [1, 1, 9, 9]],
        [1, 1, 9, 1, 9, 9],
        [[1, 1, 9, 1, 9, None]],
        [[1, 1, 9, 1, 9, "9"]],
        [[1, 1, 9, 1, 9, True]],
        [[1, 1, 9, 1, 9, float("nan")]],
        [[1, 1, 9, 1, 9, float("inf")]],
        [[1, 1, 9, 1, 9, 1e12]],
        {},
        {"size": [20, 50]},
        {"size": [50, 20], "counts": [0, 1000]},
        {"size": [20, 50], "counts": [0, 999]},
        {"size": [20, 50], "counts": [0, 1001]},
        {"size": [20, 50], "counts": [1001, -1]},
        {"size": [20, 50], "counts": [500.0, 500.0]},
        {"size": [20, 50], "counts": []},
        {"size": [20, 50], "counts": ""},
        {"size": [20, 50], "counts": text_runs(block(300))["counts"][:-1]},
        {"size": [20, 50], "counts": "\x00"},
        {"size": [20, 50], "counts": "ooo"},
        {"size": [20, 50], "counts": 7},
    ],
)
def test_broken_outlines_are_none(segmentation: Any) -> None:
    assert read_outline(segmentation, SIZE) is None


@given(st.text() | st.text(st.characters(min_codepoint=48, max_codepoint=111)))
def test_no_text_reaches_beyond_the_photo(text: str) -> None:
    read = read_outline({"size": list(SIZE), "counts": text}, SIZE)
    assert read is None or union_mask([read], SIZE).sum() == read.pixels
