"""The fit into the network's canvas, and the way back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import DTypeLike
from PIL import Image as PillowImage

from cutaway.geometry import (
    PADDING,
    Fit,
    Placement,
    centred,
    crop_canvas,
    fit_image,
    fit_mask,
    place,
    place_square,
    resize_alpha,
    resize_image,
    to_tensor,
)
from cutaway.types import Alpha, eight_bit
from synthetic import draw_person, person_mask

LETTERBOX = Fit("letterbox", 256, 32)
SIDES = st.integers(1, 5000)


def restore(alpha: Alpha, placement: Placement) -> Alpha:
    """The way back, as the remover goes it."""
    return resize_alpha(crop_canvas(alpha, placement), *placement.source)


@given(SIDES, SIDES)
def test_a_canvas_is_made_of_whole_strides_and_holds_the_whole_photo(height: int, width: int) -> None:
    placement = place(height, width, LETTERBOX)
    assert placement.canvas[0] % 32 == placement.canvas[1] % 32 == 0
    assert 0 <= placement.top <= placement.canvas[0] - placement.height
    assert 0 <= placement.left <= placement.canvas[1] - placement.width
    assert placement.height >= 1
    assert placement.width >= 1


@given(st.integers(200, 5000), st.floats(0.5, 2))
def test_letterbox_keeps_the_aspect_to_a_pixel_and_costs_the_same_for_every_shape(height: int, aspect: float) -> None:
    width = round(height / aspect)
    placement = place(height, width, LETTERBOX)
    scale = placement.height / height
    assert abs(placement.width - width * scale) <= 0.5 * (1 + width / height) + 1e-9
    assert 0.75 <= placement.canvas[0] * placement.canvas[1] / 256**2 <= 1.33


@given(st.integers(100, 5000), st.floats(1 / 12, 12))
def test_padding_is_at_most_half_a_stride(height: int, aspect: float) -> None:
    placement = place(height, max(1, round(height / aspect)), LETTERBOX)
    padding = placement.canvas[0] - placement.height, placement.canvas[1] - placement.width
    assert min(padding) == 0
    assert max(padding) <= 17  # a pixel more for the rounding of the photo's own size


@given(SIDES, SIDES)
def test_no_shape_costs_much_more_than_a_square(height: int, width: int) -> None:
    canvas = place(height, width, LETTERBOX).canvas
    assert canvas[0] * canvas[1] <= 1.7 * 256**2


def test_letterbox_touches_two_opposite_sides_and_is_centred_between_the_others() -> None:
    placement = centred(100, 50, (64, 64))
    assert (placement.top, placement.left, placement.height, placement.width) == (0, 16, 64, 32)


def test_squash_fills_the_square_whatever_the_aspect() -> None:
    placement = place(300, 100, Fit("squash", 224, 32))
    assert placement.canvas == (224, 224)
    assert (placement.height, placement.width) == (224, 224)
    assert place_square(300, 100, 96, "squash").width == 96
    assert place_square(300, 100, 96, "letterbox").width == 32


def test_around_the_photo_the_canvas_is_grey_and_nobody() -> None:
    placement = centred(100, 50, (64, 64))
    white = fit_image(np.full((100, 50, 3), 255, np.uint8), placement)
    assert (white[:, :16] == PADDING).all()
    assert (white[:, 48:] == PADDING).all()
    assert (white[:, 16:48] == 255).all()
    everybody = fit_mask(np.ones((100, 50), np.bool_), placement)
    assert everybody[:, 16:48].min() == 1
    assert everybody[:, :16].max() == 0


@pytest.mark.parametrize(("height", "width"), [(97, 61), (512, 340), (31, 200), (1, 1), (60, 400)])
@pytest.mark.parametrize("rule", ["letterbox", "squash"])
def test_restore_is_the_inverse_of_the_fit(height: int, width: int, rule: str) -> None:
    fit = Fit("letterbox" if rule == "letterbox" else "squash", 256, 32)
    placement = place(height, width, fit)
    down, across = np.mgrid[0.5 : height + 0.5, 0.5 : width + 0.5].astype(np.float32)
    for truth in (down / height, across / width):
        canvas = np.zeros(placement.canvas, np.float32)
        top, left = placement.top, placement.left
        canvas[top : top + placement.height, left : left + placement.width] = resize_alpha(
            truth, placement.height, placement.width
        )
        inner = (slice(height // 8, height - height // 8), slice(width // 8, width - width // 8))
        np.testing.assert_allclose(restore(canvas, placement)[inner], truth[inner], atol=0.02)


def test_restore_lands_a_mask_where_it_was() -> None:
    mask = person_mask(480, 320)
    placement = place(480, 320, LETTERBOX)
    back = restore(fit_mask(mask, placement), placement)
    assert np.mean((back >= 0.5) != mask) < 0.004


def test_restore_never_stretches_a_prediction_to_its_own_range() -> None:
    placement = place(300, 200, LETTERBOX)
    faint = np.full(placement.canvas, 0.03, np.float32)
    faint[50:60, 50:60] = 0.05
    assert restore(faint, placement).max() <= 0.0501


def test_shrinking_averages_so_that_fine_stripes_become_grey() -> None:
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    canvas = fit_image(stripes, place(512, 512, Fit("letterbox", 64, 32)))
    assert abs(canvas.astype(int) - 127).max() <= 3


def test_the_image_is_scaled_as_pillow_scales_it() -> None:
    image = draw_person(200, 150)
    placement = place(200, 150, Fit("letterbox", 64, 32))
    size = (placement.width, placement.height)
    expected = np.asarray(PillowImage.fromarray(image).resize(size, PillowImage.Resampling.BILINEAR))
    found = crop_canvas(fit_image(image, placement)[..., 0].astype(np.float32), placement)
    assert np.abs(found - expected[..., 0]).mean() < 1


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize(("height", "width"), [(701, 299), (1000, 1300), (150, 2000), (3, 5)])
def test_resized_images_are_those_of_a_reducing_gap_of_three(height: int, width: int, depth: DTypeLike) -> None:
    image = np.random.default_rng(3).integers(0, np.iinfo(depth).max, (height, width, 3), depth, endpoint=True)
    for tall, wide in ((37, 41), (64, 64), (100, 7)):
        picture = PillowImage.fromarray(eight_bit(image))
        expected = picture.resize((wide, tall), PillowImage.Resampling.BILINEAR, reducing_gap=3)
        np.testing.assert_array_equal(resize_image(image, tall, wide), expected)


def test_to_tensor_puts_channels_first_and_scales_to_one() -> None:
    canvases = np.zeros((2, 4, 6, 3), np.uint8)
    canvases[1, 2, 3] = (255, 51, 0)
    batch = to_tensor(canvases)
    assert batch.shape == (2, 3, 4, 6)
    assert batch.dtype == np.float32
    np.testing.assert_allclose(batch[1, :, 2, 3], [1, 0.2, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("rule", "size", "multiple", "advice"),
    [
        ("stretch", 256, 32, "letterbox, squash"),
        ("letterbox", 250, 32, "multiple of 32"),
        ("squash", 0, 32, "multiple of 32"),
    ],
)
def test_a_fit_that_cannot_be_is_refused(rule: str, size: int, multiple: int, advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        Fit(rule, size, multiple)  # type: ignore[arg-type]  # what a damaged manifest may hold
