import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.distance import dice, jaccard
from skimage.metrics import mean_squared_error

from cutaway.evaluation.metrics import Counts, boundary, boundary_f, count, measure
from cutaway.types import Alpha, Mask

SEEDS = range(12)


def blob(seed: int, height: int = 60, width: int = 47) -> Mask:
    """A few random ellipses: edges of every direction, holes, parts at the frame."""
    random = np.random.default_rng(seed)
    mask = np.zeros((height, width), np.bool_)
    for _ in range(random.integers(1, 5)):
        centre, radii = random.uniform((0, 0), (height, width)), random.uniform(2, 25, 2)
        mask ^= ellipse(height, width, centre, radii)
    return mask


def ellipse(height: int, width: int, centre: NDArray[np.float64], radii: NDArray[np.float64]) -> Mask:
    rows, columns = np.ogrid[:height, :width]
    return np.asarray(((rows - centre[0]) / radii[0]) ** 2 + ((columns - centre[1]) / radii[1]) ** 2 < 1)


def noisy_alpha(seed: int, height: int = 60, width: int = 47) -> Alpha:
    """A blob with soft edges and some noise."""
    soft = ndimage.gaussian_filter(blob(seed, height, width).astype(np.float32), 2)
    noise = np.random.default_rng(seed).normal(0, 0.1, soft.shape)
    return np.asarray(np.clip(soft + noise, 0, 1), np.float32)


def as_set(mask: Mask) -> set[tuple[int, ...]]:
    return set(map(tuple, np.argwhere(mask).tolist()))


@pytest.mark.parametrize("seed", SEEDS)
def test_region_scores_equal_those_of_python_sets(seed: int) -> None:
    alpha, mask, valid = noisy_alpha(seed), blob(seed + 100), blob(seed + 200) | blob(seed + 300)
    judged = as_set(valid)
    predicted, true = as_set(alpha >= 0.5) & judged, as_set(mask) & judged
    off_predicted, off_true = judged - predicted, judged - true
    person = len(predicted & true) / len(predicted | true)
    background = len(off_predicted & off_true) / len(off_predicted | off_true)

    scores = measure(alpha, mask, valid)

    assert scores.person_iou == pytest.approx(person)
    assert scores.mean_iou == pytest.approx((person + background) / 2)
    assert scores.dice == pytest.approx(2 * len(predicted & true) / (len(predicted) + len(true)))
    assert scores.pixel_accuracy == pytest.approx(1 - len(predicted ^ true) / len(judged))


@pytest.mark.parametrize("seed", SEEDS)
def test_region_scores_agree_with_scipy_and_scikit_image(seed: int) -> None:
    alpha, mask = noisy_alpha(seed), blob(seed + 100)
    predicted = alpha >= 0.5
    scores = measure(alpha, mask)
    assert scores.person_iou == pytest.approx(1 - jaccard(predicted.ravel(), mask.ravel()))
    background_iou = 1 - jaccard(~predicted.ravel(), ~mask.ravel())
    assert scores.mean_iou == pytest.approx((scores.person_iou + background_iou) / 2)
    assert scores.dice == pytest.approx(1 - dice(predicted.ravel(), mask.ravel()))
    assert scores.pixel_accuracy == pytest.approx(1 - mean_squared_error(predicted.astype(float), mask.astype(float)))


@pytest.mark.parametrize("seed", SEEDS)
def test_mad_is_the_mean_over_valid_pixels(seed: int) -> None:
    alpha, mask, valid = noisy_alpha(seed), blob(seed + 100), blob(seed + 200)
    expected = [abs(float(alpha[at]) - float(mask[at])) for at in as_set(valid)]
    assert measure(alpha, mask, valid).mad == pytest.approx(math.fsum(expected) / len(expected), rel=1e-6)


def reference_boundary_f(predicted: Mask, mask: Mask, distance: float) -> float:
    """Boundary F by SciPy's exact Euclidean distances to the other boundary."""
    found, true = reference_boundary(predicted), reference_boundary(mask)
    precision = (ndimage.distance_transform_edt(~true)[found] <= distance).mean()
    recall = (ndimage.distance_transform_edt(~found)[true] <= distance).mean()
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def reference_boundary(mask: Mask) -> NDArray[np.bool_]:
    """DAVIS's map in other words: the 2×2 window that starts at the pixel holds both kinds."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(mask, ((0, 1), (0, 1)), mode="edge"), (2, 2))
    return np.asarray(windows.any(axis=(2, 3)) & ~windows.all(axis=(2, 3)))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("share", [0.0, 0.0075, 0.031, 0.1])
def test_boundary_f_equals_that_of_distance_transforms(seed: int, share: float) -> None:
    predicted, mask = noisy_alpha(seed) >= 0.5, blob(seed) ^ blob(seed + 100)
    expected = reference_boundary_f(predicted, mask, share * math.hypot(*mask.shape))
    assert boundary_f(predicted, mask, tolerance=share) == pytest.approx(expected)


def test_boundary_tolerance_is_a_share_of_the_diagonal_and_not_rounded() -> None:
    mask, moved = np.zeros((300, 400), np.bool_), np.zeros((300, 400), np.bool_)  # diagonal 500: tolerance 3.75 pixels
    mask[100:200, :] = True
    moved[103:203, :] = True
    assert boundary_f(moved, mask) == 1.0
    assert boundary_f(np.roll(moved, 1, axis=0), mask) == 0.0


def test_boundary_f_sees_what_iou_hardly_sees() -> None:
    centre, radii = np.array([100.0, 100.0]), np.array([80.0, 80.0])
    mask, fringed = ellipse(200, 200, centre, radii), ellipse(200, 200, centre, radii + 5)
    assert count(fringed, mask).person_iou > 0.88
    assert boundary_f(fringed, mask) == 0.0


def test_boundary_of_a_mask_and_its_inverse_are_the_same() -> None:
    mask = blob(3)
    everywhere = np.ones_like(mask)
    assert np.array_equal(boundary(mask, everywhere), boundary(~mask, everywhere))


@pytest.mark.parametrize("seed", SEEDS)
def test_void_pixels_change_no_score(seed: int) -> None:
    alpha, mask, valid = noisy_alpha(seed), blob(seed + 100), blob(seed + 200)
    random = np.random.default_rng(seed)
    scrambled = np.where(valid, alpha, random.random(alpha.shape, np.float32))
    other_truth = np.where(valid, mask, random.random(mask.shape) < 0.5)
    assert measure(scrambled, other_truth, valid) == measure(alpha, mask, valid)


def test_a_perfect_answer_scores_one() -> None:
    mask = blob(1)
    scores = measure(mask.astype(np.float32), mask)
    assert (scores.person_iou, scores.mean_iou, scores.dice, scores.pixel_accuracy) == (1, 1, 1, 1)
    assert (scores.boundary_f, scores.mad) == (1, 0)


NOBODY, SOMEBODY = np.zeros((40, 40), np.bool_), blob(2, 40, 40)


@pytest.mark.parametrize(
    ("predicted", "mask", "person_iou", "dice", "edges"),
    [
        (NOBODY, NOBODY, 1.0, 1.0, 1.0),
        (SOMEBODY, NOBODY, 0.0, 0.0, 0.0),
        (NOBODY, SOMEBODY, 0.0, 0.0, 0.0),
        (~NOBODY, ~NOBODY, 1.0, 1.0, 1.0),
        (~NOBODY, NOBODY, 0.0, 0.0, 1.0),
    ],
)
def test_conventions_for_empty_masks(predicted: Mask, mask: Mask, person_iou: float, dice: float, edges: float) -> None:
    scores = measure(predicted.astype(np.float32), mask)
    assert (scores.person_iou, scores.dice, scores.boundary_f) == (person_iou, dice, edges)


def test_mean_iou_of_two_empty_masks_is_one() -> None:
    assert measure(NOBODY.astype(np.float32), NOBODY).mean_iou == 1.0


def test_dice_is_not_iou() -> None:
    counts = Counts(both=733, only_predicted=200, only_true=67, neither=0)
    assert counts.person_iou == pytest.approx(0.733)
    assert counts.dice == pytest.approx(0.846, abs=5e-4)


def test_an_alpha_of_exactly_the_cut_is_a_person() -> None:
    assert measure(np.full((4, 4), 0.5, np.float32), np.ones((4, 4), np.bool_)).person_iou == 1.0


def test_counts_of_photos_add_up_to_the_pooled_set() -> None:
    predicted, mask = blob(4), blob(5)
    upper, lower = count(predicted[:30], mask[:30]), count(predicted[30:], mask[30:])
    assert upper + lower == count(predicted, mask)


def _alpha(value: float) -> Alpha:
    return np.full((4, 4), value, np.float32)


@pytest.mark.parametrize(
    ("alpha", "mask", "valid", "complaint"),
    [
        (_alpha(0), np.zeros((4, 5), np.bool_), None, "differ in size"),
        (_alpha(0), np.zeros((4, 4), np.uint8), None, "bool"),
        (np.zeros((4, 4)), np.zeros((4, 4), np.bool_), None, "float32"),
        (_alpha(1.5), np.zeros((4, 4), np.bool_), None, "0..1"),
        (_alpha(math.nan), np.zeros((4, 4), np.bool_), None, "0..1"),
        (_alpha(0), np.zeros((4, 4), np.bool_), np.zeros((4, 4), np.bool_), "void"),
    ],
)
def test_arrays_that_cannot_be_compared_are_refused(
    alpha: Alpha, mask: Mask, valid: Mask | None, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        measure(alpha, mask, valid)
