import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import CSS4_COLORS, to_hex
from numpy.typing import NDArray
from scipy import ndimage

from cutaway.composite import (
    alpha_bytes,
    blur_background,
    bounding_box,
    fit_background,
    is_colour,
    over_colour,
    over_image,
    parse_colour,
    parse_position,
    under,
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
        ("rgb( 1 2 3 )", (1, 2, 3)),
        ("hsl(120, 100%, 25%)", (0, 128, 0)),
        ("hsl(120deg 100% 25%)", (0, 128, 0)),
        ("#ff8800ff", (255, 136, 0)),
        ("#f80f", (255, 136, 0)),
    ],
)
def test_colours(text: str, colour: tuple[int, int, int]) -> None:
    assert parse_colour(text) == colour
    assert is_colour(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "(",
            "wite",
            "transparent",
            "#12",
            "#1234",
            "#11223344",
            "rgb(1,2)",
            "rgb(300, 0, 0)",
            "rgb(1 2 3 / 50%)",
        ),
        *("hsl(1, 300%, 50%)", "rgba(1, 2, 3, 4)", "beach.jpg", "x" * 1000),
    ],
)
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


def test_every_colour_name_of_css_is_known() -> None:
    assert {name: "#{:02x}{:02x}{:02x}".format(*parse_colour(name)) for name in CSS4_COLORS} == {
        name: to_hex(colour) for name, colour in CSS4_COLORS.items()
    }


@pytest.mark.parametrize(("height", "width"), [(10, 40), (40, 10), (7, 7)])
def test_a_background_covers_the_frame_from_its_middle(height: int, width: int) -> None:
    background = np.zeros((60, 60, 3), np.uint8)
    background[20:40, 20:40] = 255
    result = fit_background(background, height, width, "cover", (0.5, 0.5))
    assert result.shape == (height, width, 3)
    np.testing.assert_array_equal(result[height // 2, width // 2], (255, 255, 255))
    np.testing.assert_allclose(result, result[::-1, ::-1], atol=1)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("center", (0.5, 0.5)),
        ("left", (0, 0.5)),
        ("Top", (0.5, 0)),
        ("right top", (1, 0)),
        ("top right", (1, 0)),
        ("bottom center", (0.5, 1)),
        ("center left", (0, 0.5)),
        ("20%", (0.2, 0.5)),
        ("20% 70.5%", (0.2, 0.705)),
        (" left  30% ", (0, 0.3)),
        ("30% bottom", (0.3, 1)),
    ],
)
def test_positions_are_those_of_css(text: str, position: tuple[float, float]) -> None:
    assert parse_position(text) == position


@pytest.mark.parametrize(
    "text", ["", "middle", "left right", "top bottom", "top 30%", "30% left", "10px", "120%", "a b c"]
)
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(CutawayError, match="right top"):
        parse_position(text)


def strips() -> NDArray[np.uint8]:
    """Three upright bars of 20 pixels, red, green and blue, 20 pixels high."""
    return np.repeat(np.repeat(np.diag([255, 255, 255]).astype(np.uint8)[None], 20, axis=1), 20, axis=0)


@pytest.mark.parametrize(("text", "channel"), [("left", 0), ("center", 1), ("right", 2)])
def test_position_says_what_a_covering_background_shows(text: str, channel: int) -> None:
    shown = fit_background(strips(), 40, 40, "cover", parse_position(text))
    np.testing.assert_array_equal(shown[20, 20], np.eye(3)[channel] * 255)


@pytest.mark.parametrize(("text", "first"), [("top", 0), ("center", 20), ("bottom", 40)])
def test_a_contained_background_is_whole_and_white_lies_around(text: str, first: int) -> None:
    shown = fit_background(strips(), 60, 60, "contain", parse_position(text))
    np.testing.assert_array_equal(shown[first : first + 20], strips())
    assert np.delete(shown, np.s_[first : first + 20], axis=0).min() == 255


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 30),
    st.integers(1, 30),
    st.integers(1, 30),
    st.integers(1, 30),
    st.sampled_from(["cover", "contain"]),
)
def test_a_background_of_any_size_fills_any_frame(height: int, width: int, rows: int, columns: int, fit: str) -> None:
    plain = np.full((rows, columns, 3), 77, np.uint8)
    shown = fit_background(plain, height, width, fit, (0.3, 1))  # type: ignore[arg-type]
    assert shown.shape == (height, width, 3)
    assert set(np.unique(shown)) <= ({77} if fit == "cover" else {77, 255})


def test_a_shadow_behind_a_cut_out_is_black_of_partial_alpha() -> None:
    foreground, alpha, shadow = noise(20, 30), disc(20, 30), np.full((20, 30), 0.4, np.float32)
    rgba = under(foreground, alpha, shadow)
    share = rgba[..., 3:] / 255
    over_white = share * rgba[..., :3] + (1 - share) * 255
    behind = (1 - shadow[..., None]) * 255
    np.testing.assert_allclose(over_white, alpha[..., None] * foreground + (1 - alpha[..., None]) * behind, atol=2)
    np.testing.assert_array_equal(rgba[0, 0], (0, 0, 0, 102))


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


@pytest.mark.parametrize(("height", "width", "radius"), [(96, 96, 2), (96, 96, 12), (300, 500, 6), (700, 400, 20)])
def test_no_halo_is_left_by_an_alpha_that_is_a_pixel_too_tight(height: int, width: int, radius: float) -> None:
    person = disc(height, width, soft=2) >= 0.5
    image = np.where(person[..., None], (255, 0, 0), (0, 120, 250)).astype(np.uint8)
    tight = ndimage.binary_erosion(person).astype(np.float32)
    blurred = blur_background(image, tight, radius)
    assert blurred[tight == 0][:, 0].max() <= 8
    np.testing.assert_allclose(
        blurred[tight == 0][:, 1:], np.broadcast_to((120, 250), (int((tight == 0).sum()), 2)), atol=8
    )


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 254), st.floats(0.5, 30))
def test_the_blur_of_a_plain_wall_is_that_wall_even_in_the_gaps_of_a_person(level: int, radius: float) -> None:
    alpha = disc(64, 80)
    alpha[30:34, 30:50] = 0  # a gap that the rim closes
    wall = np.full((64, 80, 3), level, np.uint8)
    wall[alpha > 0] = 255 - level
    blurred = blur_background(wall, (alpha > 0).astype(np.float32), radius)
    np.testing.assert_allclose(blurred[alpha == 0], level, atol=8)


def test_where_background_is_near_the_blur_is_the_normalised_convolution() -> None:
    image, alpha = noise(64, 80), disc(64, 80)
    grown = np.maximum(alpha, np.minimum(8 * ndimage.uniform_filter(alpha.astype(np.float64), 3), 1))
    share = np.square(1 - grown)
    weight = ndimage.gaussian_filter(share, 3, mode="nearest")
    # Pillow's Gaussian is three boxes, and each of them continues the frame's edge anew.
    judged = np.pad(np.ones((44, 60), bool), 10) & (weight > 0.9)
    blurred = blur_background(image, alpha, 3)
    for channel in range(3):
        expected = ndimage.gaussian_filter(image[..., channel] * share, 3, mode="nearest") / np.maximum(weight, 0.1)
        error = (blurred[..., channel] - expected)[judged]
        assert np.abs(error).max() < 9
        assert abs(error.mean()) < 0.5


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
