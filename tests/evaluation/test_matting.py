import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from cutaway.evaluation.matting import colour_error, gradient, largest_part, measure, unknown_band
from cutaway.types import Alpha, Mask

SEEDS = range(6)


def cloud(seed: int, height: int = 52, width: int = 67) -> Alpha:
    """Soft islands with some pixels of exactly 0 and 1."""
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).random((height, width)), 2)
    return np.asarray(np.clip((smooth - 0.5) * 9 + 0.5, 0, 1), np.float32)


def reference_gradient(alpha: Alpha) -> NDArray[np.float64]:
    """SciPy's derivatives of a Gaussian cut off at 4 pixels, brought to filters whose squares add up to 1."""

    def derivative(plane: NDArray[np.float64], order: tuple[int, int]) -> NDArray[np.float64]:
        return np.asarray(ndimage.gaussian_filter(plane, 1.4, order, mode="nearest", radius=4))

    impulse = np.zeros((21, 21))
    impulse[10, 10] = 1
    size = np.sqrt(np.sum(derivative(impulse, (0, 1)) ** 2))
    across, down = (derivative(alpha.astype(np.float64), order) for order in ((0, 1), (1, 0)))
    return np.asarray(np.sqrt(across**2 + down**2) / size)


def reference_connectedness(alpha: Alpha, truth: Alpha) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixels drop out, one threshold after the other, at the level before; parts are SciPy's."""
    level = np.full(truth.shape, -1.0)
    for threshold in np.arange(1, 11) / 10:
        parts = ndimage.label((alpha >= threshold) & (truth >= threshold))[0]
        inside = parts == 1 + np.argmax(np.bincount(parts.ravel(), minlength=2)[1:])
        level[(level < 0) & ~inside] = threshold - 0.1
    level[level < 0] = 1
    above, above_truth = alpha - level, truth - level
    return 1 - np.where(above < 0.15, 0, above), 1 - np.where(above_truth < 0.15, 0, above_truth)


@pytest.mark.parametrize("seed", SEEDS)
def test_errors_equal_those_of_scipy(seed: int) -> None:
    alpha, truth, region = cloud(seed), cloud(seed + 50), cloud(seed + 100) > 0.4
    errors = measure(alpha, truth, region)
    off = np.abs(alpha.astype(np.float64) - truth)[region].tolist()
    steep = (reference_gradient(alpha) - reference_gradient(truth))[region]
    first, second = reference_connectedness(alpha, truth)
    assert errors.sad == pytest.approx(sum(off) / 1000)
    assert errors.mad == pytest.approx(sum(off) / len(off))
    assert errors.mse == pytest.approx(sum(value**2 for value in off) / len(off))
    assert errors.grad == pytest.approx(float(steep @ steep) / 1000, rel=1e-6)
    assert errors.conn == pytest.approx(np.abs(first - second)[region].sum() / 1000)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.6, 0.8])
def test_the_largest_part_is_scipys(seed: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((40, 53)) < share
    parts = ndimage.label(mask)[0]
    assert np.array_equal(largest_part(mask), parts == 1 + np.argmax(np.bincount(parts.ravel())[1:]))


def test_a_long_winding_part_is_one() -> None:
    snake = np.zeros((81, 60), np.bool_)
    snake[::2] = True
    snake[1::4, -1] = snake[3::4, 0] = True
    assert np.array_equal(largest_part(snake), snake)


def test_nothing_has_no_part_and_parts_touch_at_sides_only() -> None:
    assert not largest_part(np.zeros((3, 4), np.bool_)).any()
    assert largest_part(np.eye(3, dtype=np.bool_)).tolist() == np.diag([True, False, False]).tolist()


def test_a_perfect_alpha_has_no_error() -> None:
    errors = measure(cloud(1), cloud(1))
    assert (errors.sad, errors.mse, errors.mad, errors.grad, errors.conn) == (0, 0, 0, 0, 0)


def test_scales_by_hand() -> None:
    """A tenth too little everywhere: as steep, and as connected within theta."""
    errors = measure(np.full((40, 50), 0.4, np.float32), np.full((40, 50), 0.5, np.float32))
    assert errors.sad == pytest.approx(0.2)
    assert errors.mad == pytest.approx(0.1)
    assert errors.mse == pytest.approx(0.01)
    assert errors.grad == pytest.approx(0)
    assert errors.conn == 0


def test_an_island_costs_connectivity_as_much_as_it_rises() -> None:
    truth = np.zeros((30, 40), np.float32)
    truth[5:25, 2:20] = 1
    alpha = truth.copy()
    alpha[10:14, 30:35] = 0.6
    assert measure(alpha, truth).conn == pytest.approx(20 * 0.6 / 1000)


def test_an_edge_has_the_gradient_of_the_filters_by_hand() -> None:
    step = np.zeros((30, 30), np.float32)
    step[:, 15:] = 1
    bell = np.exp(-(np.arange(-4, 5) ** 2) / (2 * 1.4**2))
    slope = np.arange(-4, 5) * bell
    expected = slope[5:].sum() / np.linalg.norm(slope) * bell.sum() / np.linalg.norm(bell)
    assert gradient(step)[15].max() == pytest.approx(expected)
    assert gradient(step)[:, :8] == pytest.approx(0)
    assert np.allclose(gradient(step), gradient(step.T).T)


def test_a_wide_and_faint_edge_is_a_gradient_error_though_nobody_stretches_it() -> None:
    sharp = np.zeros((30, 40), np.float32)
    sharp[:, 20:] = 1
    assert measure(sharp / np.float32(2), sharp).grad == pytest.approx(np.square(gradient(sharp) / 2).sum() / 1000)


def test_only_the_region_counts() -> None:
    alpha, truth = cloud(2), cloud(2)
    alpha[:, :10] = 1 - alpha[:, :10]
    region = np.zeros(truth.shape, np.bool_)
    region[:, 30:] = True
    errors = measure(alpha, truth, region)
    assert (errors.sad, errors.mse, errors.mad, errors.grad) == (0, 0, 0, 0)
    assert measure(alpha, truth, ~region).sad == measure(alpha, truth).sad > 0


def test_the_unknown_band_is_the_dilated_soft_part() -> None:
    alpha = cloud(3)
    soft = (alpha > 0) & (alpha < 1)
    expected = ndimage.binary_dilation(soft, np.ones((7, 7)))
    assert np.array_equal(unknown_band(alpha, 3), expected)


def test_colours_are_judged_in_soft_pixels_by_what_shows() -> None:
    truth = np.array([[0, 0.25, 0.75, 1]], np.float32)
    true_colours = np.full((1, 4, 3), 100, np.uint8)
    colours = true_colours + np.array([90, 40, 8, 50], np.uint8)[np.newaxis, :, np.newaxis]
    assert colour_error(colours, truth, true_colours, truth) == pytest.approx(0.25 * 40 + 0.75 * 8)
    missing = np.array([[0, 0, 0.5, 1]], np.float32)
    assert colour_error(colours, missing, true_colours, truth) == pytest.approx(8)
    assert colour_error(true_colours, truth, true_colours, truth) == 0


def test_the_colour_error_is_a_mean_over_channels_and_does_not_wrap() -> None:
    half = np.full((2, 2), 0.5, np.float32)
    black, reddish = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), (240, 30, 0), np.uint8)
    assert colour_error(black, half, reddish, half) == colour_error(reddish, half, black, half) == 90


def test_without_soft_pixels_there_is_no_colour_error() -> None:
    one, colours = np.ones((2, 2), np.float32), np.zeros((2, 2, 3), np.uint8)
    assert colour_error(colours, one, colours + np.uint8(9), one) == 0


def _alpha(value: float) -> Alpha:
    return np.full((4, 4), value, np.float32)


@pytest.mark.parametrize(
    ("alpha", "truth", "region", "complaint"),
    [
        (_alpha(0), np.zeros((4, 5), np.float32), None, "differ in size"),
        (_alpha(0), np.zeros((4, 4)), None, "float32"),
        (_alpha(0), _alpha(np.nan), None, "0..1"),
        (_alpha(1.1), _alpha(0), None, "0..1"),
        (_alpha(0), _alpha(0), np.ones((4, 4), np.uint8), "bool"),
        (_alpha(0), _alpha(0), np.zeros((4, 4), np.bool_), "nothing to judge"),
    ],
)
def test_arrays_that_cannot_be_compared_are_refused(
    alpha: Alpha, truth: Alpha, region: Mask | None, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        measure(alpha, truth, region)


def test_colours_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in size"):
        colour_error(np.zeros((4, 5, 3), np.uint8), _alpha(1), np.zeros((4, 4, 3), np.uint8), _alpha(1))
