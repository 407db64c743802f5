from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cutaway.data.index import Failure
from cutaway.data.labelling import Answer, Teacher, agreement, label, reason_against, to_labels, to_sample, views
from cutaway.data.masks import read_labels
from cutaway.geometry import Fit
from cutaway.types import Mask
from synthetic import draw_person, encode, person_mask

SMALL, LARGE = Fit("letterbox", 64, 32), Fit("letterbox", 96, 32)
ANSWER = Answer("anna", (1, 2), 80, 96, 0.3, 0.97)


def bright(canvases: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take what is bright for a person."""
    return np.asarray(canvases.mean(axis=1, keepdims=True) > 0.6, np.float32)


def leftmost(canvases: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take the left half for a person, whatever is there."""
    alpha = np.zeros_like(canvases[:, :1])
    alpha[..., : alpha.shape[-1] // 2] = 1
    return alpha


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "anna.png"
    path.write_bytes(encode(draw_person()))
    return path


def iou(one: Mask, other: Mask) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize(("mirrored", "count"), [(False, 2), (True, 4)])
def test_every_view_lies_on_the_photo(mirrored: bool, count: int) -> None:
    image = np.roll(draw_person(), 14, axis=1)  # to one side, so that a view which stays mirrored would lie beside it
    seen = views(image, Teacher(bright, (SMALL, LARGE), mirrored))
    assert seen.shape == (count, 96, 80)
    assert seen.dtype == np.float32
    for view in seen:
        assert iou(view >= 0.5, np.roll(person_mask(96, 80), 14, axis=1)) > 0.93


@pytest.mark.parametrize("width", [37, 64, 90])
def test_a_mirrored_view_is_turned_back_whatever_the_padding(width: int) -> None:
    plain, turned = views(draw_person(61, width), Teacher(leftmost, (SMALL,), mirrored=True))
    assert abs(float((plain + turned).mean()) - 1) < 0.1
    assert iou(plain >= 0.5, turned < 0.5) > 0.9


def test_views_agree_by_the_worst_of_them() -> None:
    seen = np.zeros((3, 10, 10), np.float32)
    seen[:, :5] = 1
    assert agreement(seen) == 1
    seen[2, 4] = 0
    assert agreement(seen) == pytest.approx(4 / 5)
    assert agreement(np.zeros((2, 4, 4), np.float32)) == 1


def test_what_is_undecided_is_void() -> None:
    alpha = np.array([[0, 0.2, 0.21, 0.5, 0.79, 0.8, 1]], np.float32)
    np.testing.assert_array_equal(to_labels(alpha), [[0, 0, 255, 255, 255, 1, 1]])


def test_a_photo_gets_a_mask_and_an_answer(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    answer = label("anna", photo, Teacher(bright, (SMALL, LARGE), mirrored=True), tmp_path / "masks")
    assert isinstance(answer, Answer)
    labels = read_labels(tmp_path / "masks" / "anna.png")
    assert labels.shape == (answer.height, answer.width) == (96, 80)
    assert answer.person_fraction == float((labels == 1).mean())
    assert answer.confidence > 0.9
    certain = labels != 255
    assert 0 < (~certain).mean() < 0.15
    np.testing.assert_array_equal(labels[certain] == 1, person_mask(96, 80)[certain])


def test_a_photo_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    teacher = Teacher(bright, (SMALL,), mirrored=False)
    for name in ("broken", "gone"):
        assert isinstance(label(name, tmp_path / f"{name}.jpg", teacher, tmp_path), Failure)
        assert not (tmp_path / f"{name}.png").exists()


@pytest.mark.parametrize(
    ("person_fraction", "confidence", "reason"),
    [(0.3, 0.95, None), (0.3, 0.94, "unsure"), (0.0, 1.0, "nobody"), (0.009, 0.5, "nobody")],
)
def test_photos_are_refused_for_a_reason(person_fraction: float, confidence: float, reason: str | None) -> None:
    answer = replace(ANSWER, person_fraction=person_fraction, confidence=confidence)
    assert reason_against(answer, 0.95) == reason


def test_a_sample_is_always_of_train() -> None:
    samples = [to_sample(replace(ANSWER, id=str(i)), Path("a.jpg"), Path("a.png"), "pseudo:p", "x") for i in range(20)]
    assert {sample.split for sample in samples} == {"train"}
    assert (samples[0].width, samples[0].height, samples[0].source) == (80, 96, "pseudo:p")
