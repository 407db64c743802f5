import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from numpy.typing import DTypeLike, NDArray
from scipy import sparse
from scipy.sparse.linalg import spsolve

from cutaway import foreground as module
from cutaway.foreground import estimate_foreground
from cutaway.types import Image

Floats = NDArray[np.floating]

DEPTHS = np.uint8, np.uint16


def flower(height: int, width: int, soft: float) -> NDArray[np.float32]:
    """An alpha with a wavy outline, ``soft`` pixels wide."""
    rows, columns = np.mgrid[0:height, 0:width]
    down, right, side = rows - height / 2, columns - width / 2, min(height, width)
    radius = side * (0.3 + 0.03 * np.sin(9 * np.arctan2(down, right)))
    return np.asarray(np.clip((radius - np.hypot(down, right)) / soft + 0.5, 0, 1), np.float32)


def gradients(height: int, width: int) -> tuple[Floats, Floats]:
    """The true colours of a person and of what lies behind them, H×W×3."""
    rows, columns = np.mgrid[0:height, 0:width] / max(height, width)
    person = np.dstack([200 + 40 * np.sin(13 * columns), 120 + 60 * rows, 90 + 50 * np.cos(18 * rows)])
    behind = np.dstack([40 + 100 * columns, 150 + 80 * np.sin(10 * (rows + columns)), 200 - 100 * rows])
    return person, behind


def mixed(person: Floats, behind: Floats, alpha: Floats, depth: DTypeLike = np.uint8) -> Image:
    share = alpha[..., np.newaxis]
    return np.asarray(np.rint(share * person + (1 - share) * behind), depth)


def error(estimate: Image, person: Floats, alpha: Floats) -> float:
    soft = (alpha > 0.02) & (alpha < 0.98)
    return float(np.abs(estimate - person)[soft].mean())


def exact(image: Image, alpha: Floats) -> Floats:
    """The foreground that minimises the cost of Germer et al., from the normal equations of all pixels at once."""
    height, width = alpha.shape
    count, cover = alpha.size, alpha.ravel().astype(np.float64)
    numbers = np.arange(count).reshape(height, width)
    pairs = np.hstack([(numbers[1:].ravel(), numbers[:-1].ravel()), (numbers[:, 1:].ravel(), numbers[:, :-1].ravel())])
    weights = 1e-5 + np.abs(cover[pairs[0]] - cover[pairs[1]])
    edges = np.arange(pairs.shape[1])
    slope = sparse.coo_array((np.ones_like(weights), (edges, pairs[0])), (edges.size, count)).tocsr()
    slope -= sparse.coo_array((np.ones_like(weights), (edges, pairs[1])), (edges.size, count)).tocsr()
    smooth = slope.T @ sparse.diags_array(weights) @ slope
    mix = sparse.hstack([sparse.diags_array(cover), sparse.diags_array(1 - cover)])
    system = (mix.T @ mix + sparse.block_diag([smooth, smooth])).tocsc()
    solved = [spsolve(system, mix.T @ image[..., c].ravel().astype(np.float64))[:count] for c in range(3)]
    return np.dstack([channel.reshape(height, width) for channel in solved])


@pytest.mark.parametrize("behind", [(0, 0, 0), (255, 255, 255), (20, 200, 90), (250, 10, 240)])
@pytest.mark.parametrize("band", [1, 5, 30])
@pytest.mark.parametrize(("depth", "unit"), [(np.uint8, 1), (np.uint16, 257)])
def test_half_covered_pixels_keep_the_persons_colour(
    behind: tuple[int, int, int], band: int, depth: DTypeLike, unit: int
) -> None:
    skin, alpha = np.array((240, 200, 160)) * unit, np.zeros((120, 150), np.float32)
    alpha[20:100, 30:120] = 128 / 255
    alpha[20 + band : 100 - band, 30 + band : 120 - band] = 1
    estimate = estimate_foreground(mixed(skin, np.array(behind) * unit, alpha, depth), alpha)
    assert estimate.dtype == depth
    assert np.abs(estimate[alpha > 0] - skin.astype(float)).max() <= 2 * unit


def test_the_foreground_can_be_written_into_a_larger_array() -> None:
    alpha = flower(60, 80, 9)
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    rgba = np.full((60, 80, 4), 7, np.uint8)
    estimate_foreground(image, alpha, out=rgba[..., :3])
    np.testing.assert_array_equal(rgba[..., :3], estimate_foreground(image, alpha))
    assert (rgba[..., 3] == 7).all()


@pytest.mark.parametrize("out", [np.empty((60, 80, 3), np.uint16), np.empty((60, 81, 3), np.uint8)])
def test_an_array_that_the_foreground_does_not_fit_is_refused(out: Image) -> None:
    with pytest.raises(ValueError, match="out is"):
        estimate_foreground(np.zeros((60, 80, 3), np.uint8), flower(60, 80, 9), out=out)


@pytest.mark.parametrize(("depth", "unit"), [(np.uint8, 1), (np.uint16, 257)])
def test_a_half_covered_pixel_before_its_own_colour_stays(depth: DTypeLike, unit: int) -> None:
    image, alpha = np.full((60, 80, 3), (240 * unit, 200 * unit, 160 * unit), depth), flower(60, 80, 9)
    alpha[30, 40] = 128 / 255
    np.testing.assert_array_equal(estimate_foreground(image, alpha)[alpha > 0.01], image[alpha > 0.01])


def test_a_16_bit_gradient_under_a_soft_edge_has_no_steps_of_8_bits() -> None:
    rows, columns = np.mgrid[0:200, 0:300]
    person = np.dstack([30000 + columns, 20000 + columns / 2, 9000 + 2 * columns])
    alpha = np.asarray(rows / 200, np.float32)
    estimate = estimate_foreground(mixed(person, np.array((5000, 9000, 12000)), alpha, np.uint16), alpha)
    assert np.abs(np.diff(estimate[40:180].astype(float), axis=1)).max() < 100  # a step of 8 bits is 257


@settings(deadline=None, max_examples=25)
@given(arrays(np.uint8, (7, 9, 3)), arrays(np.uint8, (7, 9)))
def test_a_photo_has_the_same_foreground_in_both_depths(image: NDArray[np.uint8], opacity: NDArray[np.uint8]) -> None:
    alpha = opacity.astype(np.float32) / np.float32(255)
    shallow, deep = estimate_foreground(image, alpha), estimate_foreground(image.astype(np.uint16) * 257, alpha)
    np.testing.assert_allclose(deep / 257, shallow, atol=0.51)


@pytest.mark.parametrize("soft", [4, 12, 20])
def test_it_comes_far_nearer_the_truth_than_the_photo(soft: float) -> None:
    person, behind = gradients(180, 240)
    alpha = flower(180, 240, soft)
    image = mixed(person, behind, alpha)
    assert error(estimate_foreground(image, alpha), person, alpha) < 0.2 * error(image, person, alpha)


@pytest.mark.parametrize("soft", [3, 10])
def test_it_is_as_good_as_the_exact_minimum_of_its_cost(soft: float) -> None:
    person, behind = gradients(48, 64)
    alpha = flower(48, 64, soft)
    image = mixed(person, behind, alpha)
    reference = np.asarray(np.clip(np.rint(exact(image, alpha)), 0, 255), np.uint8)
    ours, best = (error(estimate, person, alpha) for estimate in (estimate_foreground(image, alpha), reference))
    assert ours < 1.25 * best + 0.5


def test_solving_at_a_reduced_size_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    person, behind = gradients(300, 400)
    alpha = flower(300, 400, 8)
    image = mixed(person, behind, alpha)
    whole = error(estimate_foreground(image, alpha), person, alpha)
    monkeypatch.setattr(module, "SOLVED_SIDE", 100)
    assert error(estimate_foreground(image, alpha), person, alpha) < whole + 2


def test_fine_detail_of_the_person_survives_in_nearly_opaque_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SOLVED_SIDE", 32)
    columns = np.tile(np.arange(128), (128, 1))
    stripes = np.repeat((120.0 + 100 * (columns % 2))[..., np.newaxis], 3, axis=2)
    alpha = np.full((128, 128), 0.9, np.float32)
    alpha[:, :20] = 0
    estimate = estimate_foreground(mixed(stripes, np.zeros(3), alpha), alpha)
    assert np.abs(estimate[:, 40:] - stripes[:, 40:]).mean() < 25  # without the photo's own detail: 50


@pytest.mark.parametrize("depth", DEPTHS)
def test_opaque_pixels_stay_and_invisible_ones_are_cleared(depth: DTypeLike) -> None:
    white = np.iinfo(depth).max
    image = np.random.default_rng(2).integers(1, white, (40, 50, 3), depth, endpoint=True)
    alpha = flower(40, 50, 6)
    alpha[0], alpha[1] = 0.4 / white, 1 - 0.4 / white  # a file keeps so many bits of alpha, where this is 0 and 1
    before = image.copy()
    estimate = estimate_foreground(image, alpha)
    opacity = np.rint(alpha.astype(float) * white)
    np.testing.assert_array_equal(estimate[opacity == white], image[opacity == white])
    assert not estimate[opacity == 0].any()
    np.testing.assert_array_equal(image, before)


def test_16_bits_tell_an_alpha_from_0_that_8_bits_do_not() -> None:
    alpha = np.full((9, 9), 0.3 / 255, np.float32)
    assert not estimate_foreground(np.full((9, 9, 3), 200, np.uint8), alpha).any()
    assert estimate_foreground(np.full((9, 9, 3), 200 * 257, np.uint16), alpha).all()


@pytest.mark.parametrize("depth", DEPTHS)
def test_memory_does_not_grow_with_the_photo_beyond_its_own_colours(
    monkeypatch: pytest.MonkeyPatch, depth: DTypeLike
) -> None:
    monkeypatch.setattr(module, "SOLVED_SIDE", 64)
    alpha = flower(1000, 1500, 20)
    image = np.full((1000, 1500, 3), 99, depth)
    tracemalloc.start()
    estimate = estimate_foreground(image, alpha)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < estimate.nbytes + 5_000_000  # a copy of the photo and its alpha would be 10.5 MB


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3)])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_degenerate_photos(shape: tuple[int, int], value: float) -> None:
    image = np.full((*shape, 3), 77, np.uint8)
    estimate = estimate_foreground(image, np.full(shape, value, np.float32))
    np.testing.assert_array_equal(estimate, image if value else 0 * image)


def test_image_and_alpha_have_to_fit() -> None:
    with pytest.raises(ValueError, match="differ in size"):
        estimate_foreground(np.zeros((4, 5, 3), np.uint8), np.zeros((5, 4), np.float32))
