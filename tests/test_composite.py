import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from cutaway.composite import (
    alpha_bytes,
    blur_background,
    bounding_box,
    is_colour,
    over_colour,
    over_image,
    pad_box,
    parse_colour,
)
from cutaway.errors import CutawayError


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8)


def disc(height: int, width: int, soft: float = 4.0) -> NDArray[np.float32]:
    """A soft disc in the middle of the frame."""
    rows, columns = np.mgrid[0:height, 0:width]
    distance = np.hypot(rows - height / 2, columns - width / 2)
    return np.asarray(np.clip((min(height, width) / 4 - distance) / soft + 0.5, 0, 1), np.float32)


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("white", (255, 255, 255)),
        (" RebeccaPurple ", (102, 51, 153)),
        ("#f80", (255, 136, 0)),
        ("#0a141e", (10, 20, 30)),
        ("rgb(1, 2, 3)", (1, 2, 3)),
        ("rgb(100%, 0%, 0%)", (255, 0, 0)),
    ],
)
def test_colours(text: str, colour: tuple[int, int, int]) -> None:
    assert parse_colour(text) == colour
    assert is_colour(text)


@pytest.mark.parametrize("text", ["", "wite", "#12", "#11223344", "rgb(1,2)", "rgb(300, 0, 0)", "beach.jpg"])
def test_what_is_no_colour_is_refused_with_advice(text: str) -> None:
    assert not is_colour(text)
    with pytest.raises(CutawayError, match="such as white"):
        parse_colour(text)


def test_over_a_colour_follows_the_compositing_equation() -> None:
    foreground, alpha = noise(20, 30), disc(20, 30)
    expected = alpha[..., None] * foreground + (1 - alpha[..., None]) * np.array((10, 200, 90))
    np.testing.assert_allclose(over_colour(foreground, alpha, (10, 200, 90)), expected, atol=1.01)


def test_over_an_image_of_the_same_size_follows_the_compositing_equation() -> None:
    foreground, background, alpha = noise(20, 30), noise(20, 30)[::-1], disc(20, 30)
    expected = alpha[..., None] * foreground + (1 - alpha[..., None]) * background
    np.testing.assert_allclose(over_image(foreground, alpha, background), expected, atol=1.01)


@pytest.mark.parametrize(("height", "width"), [(10, 40), (40, 10), (7, 7)])
def test_a_background_covers_the_frame_from_its_middle(height: int, width: int) -> None:
    background = np.zeros((60, 60, 3), np.uint8)
    background[20:40, 20:40] = 255
    result = over_image(np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.float32), background)
    assert result.shape == (height, width, 3)
    np.testing.assert_array_equal(result[height // 2, width // 2], (255, 255, 255))
    np.testing.assert_allclose(result, result[::-1, ::-1], atol=1)


def test_alpha_is_rounded_to_bytes() -> None:
    alpha = np.array([[0, 0.4 / 255, 0.6 / 255, 0.5, 1]], np.float32)
    np.testing.assert_array_equal(alpha_bytes(alpha), [[0, 0, 1, 128, 255]])


def test_the_caller_may_draw_on_the_result() -> None:
    assert over_colour(noise(4, 5), disc(4, 5), (0, 0, 0)).flags.writeable
    assert blur_background(noise(4, 5), disc(4, 5), 2).flags.writeable


def test_arrays_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in size"):
        over_colour(noise(4, 5), disc(5, 4), (0, 0, 0))


def test_the_blurred_background_holds_next_to_nothing_of_the_person() -> None:
    alpha = disc(96, 96)
    red, blue = np.array((255, 0, 0)), np.array((0, 120, 250))
    image = np.rint(alpha[..., None] * red + (1 - alpha[..., None]) * blue).astype(np.uint8)
    around = (alpha == 0) & (ndimage.distance_transform_edt(alpha == 0) < 3)
    plainly_blurred = ndimage.gaussian_filter(image[..., 0].astype(float), 6)
    assert plainly_blurred[around].min() > 45
    assert blur_background(image, alpha, 6)[..., 0][around].max() < 12


def test_the_blur_is_the_normalised_convolution() -> None:
    image, alpha = noise(64, 80), disc(64, 80)
    share = np.square(1 - alpha.astype(np.float64))
    # Pillow's Gaussian is three boxes, and each of them continues the frame's edge anew.
    judged = np.pad(np.ones((44, 60), bool), 10) & (share > 0.2)
    weight = ndimage.gaussian_filter(share, 3, mode="nearest")
    blurred = blur_background(image, alpha, 3)
    for channel in range(3):
        expected = ndimage.gaussian_filter(image[..., channel] * share, 3, mode="nearest") / weight
        error = (blurred[..., channel] - expected)[judged]
        assert np.abs(error).max() < 9
        assert abs(error.mean()) < 0.3


def test_a_blur_of_radius_0_changes_nothing_and_a_negative_one_is_refused() -> None:
    np.testing.assert_array_equal(blur_background(noise(8, 8), disc(8, 8), 0), noise(8, 8))
    for radius in (-1, float("nan"), float("inf")):
        with pytest.raises(CutawayError, match="makes no sense"):
            blur_background(noise(8, 8), disc(8, 8), radius)


def test_a_photo_that_is_all_person_can_be_blurred() -> None:
    assert blur_background(noise(8, 8), np.ones((8, 8), np.float32), 2).shape == (8, 8, 3)


def test_the_box_is_half_open_and_none_when_empty() -> None:
    alpha = np.zeros((10, 20), np.float32)
    assert bounding_box(alpha) is None
    alpha[3, 5] = 0.5
    alpha[6, 11] = 1
    alpha[9, 19] = 0.4
    assert bounding_box(alpha) == (3, 5, 7, 12)
    assert bounding_box(alpha, 0.3) == (3, 5, 10, 20)


def test_padding_takes_the_longer_side_and_stops_at_the_frame() -> None:
    assert pad_box((10, 20, 30, 60), 0.1, 100, 100) == (6, 16, 34, 64)
    assert pad_box((10, 20, 30, 60), 1.0, 50, 70) == (0, 0, 50, 70)
    with pytest.raises(CutawayError, match="margin"):
        pad_box((0, 0, 1, 1), -0.1, 10, 10)
