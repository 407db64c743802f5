"""Sizes of pictures, and blurs, in both depths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import DTypeLike
from PIL.Image import Resampling
from scipy import ndimage

from cutaway.resampling import Plane, blurred, box_mean, resized, rounded, softened


def noise(*shape: int, depth: DTypeLike = np.uint16) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    return np.random.default_rng(4).integers(0, np.iinfo(depth).max, shape, depth, endpoint=True)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_half_the_size_is_the_mean_of_four_pixels_in_full_depth(depth: DTypeLike) -> None:
    image = noise(20, 30, 3, depth=depth)
    half = resized(image, 10, 15, Resampling.BOX)
    assert half.dtype == depth
    np.testing.assert_allclose(half, image.reshape(10, 2, 15, 2, 3).mean(axis=(1, 3)), atol=1)


def test_an_area_is_cut_out_between_pixels() -> None:
    rows, columns = np.mgrid[0:20, 0:30]
    image = (np.dstack([rows, columns, rows + columns]) * 1000).astype(np.uint16)
    part = resized(image, 8, 8, Resampling.BILINEAR, (4.5, 2.25, 12.5, 10.25))
    np.testing.assert_allclose(part, image[2:10, 4:12] + np.array((250.0, 500.0, 750.0)), atol=1)


def test_what_overshoots_stays_within_the_depth() -> None:
    steps = np.repeat(np.array([[0, 0, 65535, 65535, 0, 0]], np.uint16)[..., None], 3, axis=2)
    large = resized(steps, 1, 48, Resampling.BICUBIC)
    assert (large.min(), large.max()) == (0, 65535)
    assert np.abs(np.diff(large.astype(float), axis=1)).max() < 20000


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([Resampling.HAMMING, Resampling.BILINEAR]))
def test_a_plain_picture_stays_plain_whatever_its_alpha(height: int, width: int, kind: Resampling) -> None:
    image = noise(13, 17, 4)
    image[..., :3] = (60000, 12345, 7)
    image[4:9, 3:12, 3] = 0
    shown = resized(image, height, width, kind)
    seen = shown[shown[..., 3] > 0]
    np.testing.assert_allclose(seen[:, :3], np.broadcast_to((60000, 12345, 7), (len(seen), 3)), atol=1)


def test_samples_are_rounded_into_their_range() -> None:
    values = np.array([[-3.0, 0.4, 0.6, 254.6, 300.0]], np.float32)
    np.testing.assert_array_equal(rounded(values, np.empty(0, np.uint8)), [[0, 0, 1, 255, 255]])
    np.testing.assert_array_equal(rounded(values, np.empty(0, np.uint16)), [[0, 0, 1, 255, 300]])


def square(height: int = 200, width: int = 260) -> Plane:
    plane = np.zeros((height, width), np.float32)
    plane[70:130, 90:170] = 1
    return plane


@pytest.mark.parametrize("radius", [0.5, 1, 2, 2.5, 5.3, 12, 30])
def test_a_blur_is_that_of_scipy(radius: float) -> None:
    expected = ndimage.gaussian_filter(square(), radius, mode="nearest")
    np.testing.assert_allclose(blurred(square(), radius), expected, atol=0.01)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 30), st.integers(1, 30), st.floats(1e-300, 1e300))
def test_a_blur_of_any_radius_keeps_the_size_and_the_range(height: int, width: int, radius: float) -> None:
    plane = np.random.default_rng(height).random((height, width), np.float32)
    result = blurred(plane, radius)
    assert result.shape == plane.shape
    assert result.dtype == np.float32
    assert plane.min() <= result.min() <= result.max() <= plane.max()


def test_a_wide_blur_is_done_in_few_pixels() -> None:
    assert softened(square(), 20).shape == (20, 26)
    assert softened(square(), 1).shape == (200, 260)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (5, 2), (20, 31)])
@pytest.mark.parametrize("radius", [1, 3])
@pytest.mark.parametrize(("depth", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-6)])
def test_the_box_mean_is_scipys(shape: tuple[int, int], radius: int, depth: DTypeLike, tolerance: float) -> None:
    plane = np.random.default_rng(4).random(shape)
    size = 2 * radius + 1
    inside = ndimage.uniform_filter(np.ones(shape), size, mode="constant")
    expected = ndimage.uniform_filter(plane, size, mode="constant") / inside
    found = box_mean(plane.astype(depth), radius)
    assert found.dtype == depth
    np.testing.assert_allclose(found, expected, rtol=tolerance)


def test_planes_of_a_stack_have_the_box_means_that_each_has_alone() -> None:
    planes = np.random.default_rng(5).random((2, 3, 7, 5))
    found = box_mean(planes, 2)
    for place in np.ndindex(2, 3):
        np.testing.assert_array_equal(found[place], box_mean(planes[place], 2))
