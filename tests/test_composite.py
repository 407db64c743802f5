import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import CSS4_COLORS, to_hex
from numpy.typing import DTypeLike, NDArray
from PIL.Image import Resampling
from scipy import ndimage

from cutaway import composite
from cutaway.composite import (
    Fit,
    blur_background,
    bounding_box,
    fit_background,
    is_colour,
    over_colour,
    over_image,
    parse_colour,
    parse_position,
    quantised,
    under,
)
from cutaway.errors import CutawayError
from cutaway.resampling import resized, rounded
from cutaway.types import Image

DEPTHS = pytest.mark.parametrize("depth", [np.uint8, np.uint16])


def noise(height: int, width: int, depth: DTypeLike = np.uint8) -> Image:
    return np.random.default_rng(5).integers(0, np.iinfo(depth).max, (height, width, 3), depth, endpoint=True)


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
        *("hsl(1, 300%, 50%)", "hsl(0, 300%, 10%)", "rgba(1, 2, 3, 4)", "beach.jpg", "x" * 1000),
    ],
)
def test_what_is_no_colour_is_refused_with_advice(text: str) -> None:
    assert not is_colour(text)
    with pytest.raises(CutawayError, match="such as white"):
        parse_colour(text)


@DEPTHS
def test_over_a_colour_follows_the_compositing_equation(depth: DTypeLike) -> None:
    foreground, alpha, colour = noise(20, 30, depth), disc(20, 30), noise(1, 1, depth)[0, 0]
    expected = alpha[..., None] * foreground.astype(float) + (1 - alpha[..., None].astype(float)) * colour
    result = over_colour(foreground, alpha, colour)
    assert result.dtype == depth
    np.testing.assert_allclose(result, expected, atol=0.51)


@DEPTHS
def test_over_an_image_of_the_same_size_follows_the_compositing_equation(depth: DTypeLike) -> None:
    foreground, background, alpha = noise(20, 30, depth), noise(20, 30, depth)[::-1], disc(20, 30)
    expected = alpha[..., None] * foreground.astype(float) + (1 - alpha[..., None].astype(float)) * background
    result = over_image(foreground, alpha, background)
    assert result.dtype == depth
    np.testing.assert_allclose(result, expected, atol=0.51)
    np.testing.assert_array_equal(result[alpha == 1], foreground[alpha == 1])
    np.testing.assert_array_equal(result[alpha == 0], background[alpha == 0])


def test_an_alpha_of_16_bits_shows_more_levels_than_one_of_8() -> None:
    alpha = np.linspace(0, 1, 2000, dtype=np.float32)[None]
    white = np.full((1, 2000, 3), 65535, np.uint16)
    assert np.unique(over_colour(white, alpha, (0, 0, 0))).size == 2000


def test_pictures_of_different_depths_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in depth"):
        over_image(noise(4, 5), disc(4, 5), noise(4, 5, np.uint16))


def test_every_colour_name_of_css_is_known() -> None:
    assert {name: "#{:02x}{:02x}{:02x}".format(*parse_colour(name)) for name in CSS4_COLORS} == {
        name: to_hex(colour) for name, colour in CSS4_COLORS.items()
    }


@DEPTHS
@pytest.mark.parametrize(("height", "width"), [(10, 40), (40, 10), (7, 7)])
def test_a_background_covers_the_frame_from_its_middle(height: int, width: int, depth: DTypeLike) -> None:
    background = np.zeros((60, 60, 3), depth)
    background[20:40, 20:40] = white = np.iinfo(depth).max
    result = fit_background(background, height, width, "cover", (0.5, 0.5))
    assert result.shape == (height, width, 3)
    np.testing.assert_array_equal(result[height // 2, width // 2], (white, white, white))
    np.testing.assert_allclose(result, result[::-1, ::-1], atol=1)


@pytest.mark.parametrize("fit", ["cover", "contain"])
@pytest.mark.parametrize(("height", "width"), [(50, 20), (9, 90)])
def test_a_background_is_placed_alike_in_both_depths(height: int, width: int, fit: Fit) -> None:
    background = 64 + noise(30, 40) // 2  # where it overshoots, Pillow cuts 8 bits off between its two directions
    deep = fit_background(background.astype(np.uint16) * 257, height, width, fit, (0.2, 0.7))
    assert deep.dtype == np.uint16
    np.testing.assert_allclose(deep / 257, fit_background(background, height, width, fit, (0.2, 0.7)), atol=1.5)


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


@pytest.mark.parametrize("fit", ["cover", "contain"])
def test_a_16_bit_background_keeps_its_levels(fit: Fit) -> None:
    ramp = np.broadcast_to(np.arange(20000, 20600, dtype=np.uint16)[None, :, None], (300, 600, 3))
    assert np.unique(fit_background(ramp, 600, 1200, fit, (0.5, 0.5))).size >= 600


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
    st.sampled_from([np.uint8, np.uint16]),
)
def test_a_background_of_any_size_fills_any_frame(
    height: int, width: int, rows: int, columns: int, fit: Fit, depth: DTypeLike
) -> None:
    plain = np.full((rows, columns, 3), 77, depth)
    shown = fit_background(plain, height, width, fit, (0.3, 1))
    assert shown.shape == (height, width, 3)
    assert set(np.unique(shown)) <= ({77} if fit == "cover" else {77, np.iinfo(depth).max})


@DEPTHS
def test_a_shadow_behind_a_cut_out_is_black_of_partial_alpha(depth: DTypeLike) -> None:
    foreground, alpha, shadow = noise(20, 30, depth), disc(20, 30), np.full((20, 30), 0.4, np.float32)
    rgba, white = under(foreground, alpha, shadow), np.iinfo(depth).max
    share = rgba[..., 3:] / white
    over_white = share * rgba[..., :3] + (1 - share) * white
    behind = (1 - shadow[..., None]) * white
    np.testing.assert_allclose(over_white, alpha[..., None] * foreground + (1 - alpha[..., None]) * behind, atol=2)
    np.testing.assert_array_equal(rgba[0, 0], (0, 0, 0, 0.4 * white))


@DEPTHS
def test_no_colour_stays_where_person_and_shadow_round_to_nothing(depth: DTypeLike) -> None:
    faint = np.full((20, 30), 0.4 / np.iinfo(depth).max, np.float32)
    rgba = under(noise(20, 30, depth), faint, np.zeros_like(faint))
    assert not rgba.any()


@DEPTHS
def test_alpha_is_rounded_to_what_a_file_holds(depth: DTypeLike) -> None:
    white = np.iinfo(depth).max
    samples = quantised(np.array([[0, 0.4 / white, 0.6 / white, 0.5, 1]], np.float32), depth)
    assert samples.dtype == depth
    np.testing.assert_array_equal(samples, [[0, 0, 1, (white + 1) // 2, white]])


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


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_rows_that_are_enlarged_a_few_at_a_time_are_those_of_the_whole(depth: DTypeLike) -> None:
    plane = np.random.default_rng(4).uniform(0, np.iinfo(depth).max, (17, 23)).astype(np.float32)
    samples = np.zeros((300, 200), depth)
    composite._enlarge_into(samples, plane)
    whole = rounded(resized(plane, 300, 200, Resampling.BICUBIC), samples)
    assert np.abs(samples.astype(int) - whole).max() <= (1 if depth == np.uint8 else 4)


@DEPTHS
@pytest.mark.parametrize("radius", [1, 3, 12])
def test_a_blur_is_the_same_in_both_depths(radius: float, depth: DTypeLike) -> None:
    image, alpha, unit = noise(60, 90), disc(60, 90), np.iinfo(depth).max // 255
    blurred = blur_background(image.astype(depth) * np.asarray(unit, depth), alpha, radius)
    assert blurred.dtype == depth
    np.testing.assert_allclose(blurred / unit, blur_background(image, alpha, radius), atol=0.51)


@pytest.mark.parametrize("radius", [1.5, 8, 40])
def test_a_blurred_16_bit_gradient_has_no_bands(radius: float) -> None:
    ramp = np.broadcast_to(np.arange(20000, 20800, dtype=np.uint16)[None, :, None], (300, 800, 3))
    blurred = blur_background(ramp, disc(300, 800), radius).astype(float)
    assert np.unique(blurred).size > 500
    assert np.abs(np.diff(blurred[:40], axis=1)).max() <= 3  # bands of 8 bits would be 257 apart


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


def test_close_to_the_person_the_blur_still_is_the_normalised_convolution() -> None:
    texture = ndimage.gaussian_filter(noise(200, 240)[..., 0].astype(float), 5)
    texture = 128 + (texture - texture.mean()) * 40 / texture.std()
    alpha = disc(200, 240, soft=2)
    grown = np.maximum(alpha, np.minimum(8 * ndimage.uniform_filter(alpha.astype(np.float64), 3), 1))
    share = np.square(1 - grown)
    weight = ndimage.gaussian_filter(share, 4, mode="nearest")
    expected = ndimage.gaussian_filter(texture * share, 4, mode="nearest") / np.maximum(weight, 0.1)
    image = np.repeat(np.where(alpha > 0, 255, texture.clip(0, 255))[..., None], 3, axis=2).astype(np.uint8)
    near = (weight > 0.5) & (weight < 0.8)
    assert np.abs(blur_background(image, alpha, 4)[..., 0] - expected)[near].mean() < 1.5


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
