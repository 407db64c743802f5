from collections.abc import Callable
from dataclasses import replace

import pytest

from cutaway.data.index import Sample
from cutaway.evaluation.comparison import (
    COMPARISON,
    Result,
    against_first,
    comparison,
    cost_line,
    short_names,
    verdicts,
    working_size,
)
from cutaway.geometry import Fit
from cutaway.types import Mask

MakeResult = Callable[..., Result]


@pytest.fixture
def samples(person: Callable[[float], Mask], make_sample: Callable[..., Sample]) -> list[Sample]:
    sizes = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75]
    return [make_sample(f"p{place}", person(size), person(size)) for place, size in enumerate(sizes)]


@pytest.fixture
def results(samples: list[Sample], make_result: MakeResult) -> list[Result]:
    """A perfect model, one that is a little off, and the first once more."""
    return [
        make_result("runs/sharp.onnx", samples),
        make_result("runs/blobby.onnx", samples, shift=6),
        make_result("runs/same.onnx", samples),
    ]


def test_the_table_has_a_row_per_model_and_a_cell_per_head(results: list[Result]) -> None:
    sharp, blobby, same = comparison(results)
    assert {len(row) for row in (sharp, blobby, same)} == {len(COMPARISON)}
    assert sharp == [
        "sharp\nletterbox 320²",
        "1.38 M",
        "8.83",
        "10",
        "5.5",
        "1.000\n1.000–1.000",
        "1.000\n1.000–1.000",
        "–",
        "–",
    ]
    assert blobby[7].startswith("−.")
    assert " to −." in blobby[7]
    assert same[7:] == [".000\n.000 to .000"] * 2


def test_differences_are_to_the_first_model(results: list[Result]) -> None:
    first, blobby, same = against_first(results)
    assert first == []
    assert blobby[-1].person_iou.mean < 0 == same[-1].person_iou.mean
    assert against_first(results[1::-1])[1][-1].person_iou.mean == pytest.approx(-blobby[-1].person_iou.mean)


def test_the_sentences_say_better_worse_or_neither(results: list[Result]) -> None:
    blobby, same = verdicts(results)
    assert blobby.startswith("blobby against sharp, on the same 6 photos: person IoU worse by .")
    assert same == "same against sharp, on the same 6 photos: person IoU undecided, boundary F undecided."
    (sharp,) = verdicts(results[1::-1])
    assert "person IoU better by ." in sharp


def test_one_photo_tells_no_models_apart(samples: list[Sample], make_result: MakeResult) -> None:
    results = [make_result("a", samples[:1]), make_result("b", samples[:1], shift=6)]
    assert "person IoU undecided" in next(verdicts(results))
    assert comparison(results)[0][5] == "1.000"


def test_without_scored_photos_cells_are_empty_and_nothing_is_said(make_result: MakeResult) -> None:
    results = [make_result("a", []), make_result("b", [])]
    assert [row[5:] for row in comparison(results)] == [["–"] * 4] * 2
    assert list(verdicts(results)) == []


def test_models_go_by_their_files_unless_two_files_share_a_name() -> None:
    assert short_names(["portrait", "runs/unet.onnx"]) == ["portrait", "unet"]
    assert short_names(["a/best.onnx", "b/best.onnx"]) == ["a/best.onnx", "b/best.onnx"]


def test_the_working_size_says_how_photos_are_fitted() -> None:
    assert working_size(Fit("letterbox", 320, 32)) == "letterbox 320²"
    assert working_size(Fit("squash", 224, 32)) == "squash 224×224"


def test_the_cost_line_states_size_arithmetic_time_and_threads(results: list[Result]) -> None:
    cost = results[0].cost
    assert cost_line(cost) == "1.38 M parameters, 5.5 MB; letterbox 320²: 8.83 GMAC, 10 ms (2 threads)"
    assert cost_line(replace(cost, milliseconds=2.34, threads=1)).endswith("2.34 ms (1 thread)")
