"""What of a photograph is shown, and how large."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import DTypeLike

from cutaway.composite import Box, bounding_box
from cutaway.errors import CutawayError
from cutaway.framing import (
    PRESETS,
    Frame,
    IdPhoto,
    Margin,
    ShopPhoto,
    cover,
    crop,
    find_preset,
    is_cut_below,
    place,
    place_goods,
    place_head,
    take,
    whole,
)
from cutaway.head import find_head
from cutaway.types import Alpha
from synthetic import person_mask

PHOTO = 400, 300


def rectangle(box: Box, height: int = PHOTO[0], width: int = PHOTO[1]) -> Alpha:
    alpha = np.zeros((height, width), np.float32)
    alpha[box[0] : box[2], box[1] : box[3]] = 1
    return alpha


def head_and_shoulders(height: int = 1200, width: int = 1000) -> Alpha:
    return person_mask(height, width).astype(np.float32)


def shown(box: Box, frame: Frame) -> tuple[float, float, float, float]:
    """Return where the picture of ``frame`` has ``box``."""
    rows = [(box[side] - frame.top) * frame.scale for side in (0, 2)]
    columns = [(box[side] - frame.left) * frame.scale for side in (1, 3)]
    return rows[0], columns[0], rows[1], columns[1]


def test_a_crop_adds_its_margin_by_the_longer_side_or_in_pixels_and_stops_at_the_photograph() -> None:
    assert crop((10, 20, 30, 60), Margin(share=0.1), 100, 100) == Frame(6, 16, 28, 48)
    assert crop((10, 20, 30, 60), Margin(pixels=7), 100, 100) == Frame(3, 13, 34, 54)
    assert crop((10, 20, 30, 60), Margin(share=1.0), 50, 70) == Frame(0, 0, 50, 70)
    assert crop((0, 0, 100, 100), Margin(pixels=5), 100, 100) == whole(100, 100)


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_a_margin_below_nought_or_without_end_is_refused(value: float) -> None:
    for wrong in ({"share": value}, {"pixels": value}):
        with pytest.raises(CutawayError, match="makes no sense"):
            Margin(**wrong)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [3, 4])
def test_a_crop_takes_the_very_pixels(depth: DTypeLike, channels: int) -> None:
    image = np.random.default_rng(1).integers(0, np.iinfo(depth).max, (40, 30, channels), depth)
    taken = take(image, Frame(3, 5, 20, 10))
    assert taken.dtype == depth
    np.testing.assert_array_equal(taken, image[3:23, 5:15])
    np.testing.assert_array_equal(take(image, whole(40, 30)), image)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("frame", [Frame(-3.3, 4.5, 30, 25, 0.4), Frame(2.2, -1, 50, 70, 2.3)])
def test_both_depths_show_the_same(frame: Frame, channels: int) -> None:
    image = np.random.default_rng(1).integers(0, 256, (60, 50, channels), np.uint8)
    image[..., 3:] |= 128  # of low alphas, 8 bits hold colours roughly
    deep = take(image.astype(np.uint16) * 257, frame)
    assert deep.dtype == np.uint16
    np.testing.assert_allclose(deep / 257, take(image, frame), atol=4)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("scale", [0.37, 1.6])
def test_colours_that_alpha_hides_do_not_run_into_what_is_seen(depth: DTypeLike, scale: float) -> None:
    white = np.iinfo(depth).max
    image = np.full((40, 40, 4), (white, 0, white // 3, 0), depth)
    image[10:30, 10:30] = (white // 5, white // 2, white // 4, white)
    taken = take(image, Frame(0, 0, round(40 * scale), round(40 * scale), scale))
    seen = taken[taken[..., 3] > white // 8, :3].astype(float) / white
    assert seen.size
    np.testing.assert_allclose(seen, np.broadcast_to((1 / 5, 1 / 2, 1 / 4), seen.shape), atol=0.02)


@pytest.mark.parametrize("scale", [0.3, 1.7])
def test_a_16_bit_photograph_keeps_its_levels_when_it_is_resized(scale: float) -> None:
    ramp = np.broadcast_to(np.arange(20000, 21000, dtype=np.uint16)[None, :, None], (40, 1000, 3))
    taken = take(ramp, Frame(0, 0, round(40 * scale), round(1000 * scale), scale)).astype(float)
    assert np.abs(np.diff(taken, axis=1) - 1 / scale).max() <= 1


def test_beyond_the_photograph_there_is_nothing() -> None:
    taken = take(np.ones((4, 5), np.float32), Frame(-2.4, -3.4, 10, 12))
    np.testing.assert_array_equal(taken, np.pad(np.ones((4, 5)), ((2, 4), (3, 4))))
    assert not take(np.ones((4, 5), np.float32), Frame(50, 0, 3, 3, 0.5)).any()


@settings(deadline=None)
@given(
    *(st.floats(-60, 60) for _ in range(2)), *(st.integers(1, 90) for _ in range(2)), st.floats(0.1, 4), st.booleans()
)
def test_any_frame_has_its_size_and_no_other_values(
    top: float, left: float, height: int, width: int, scale: float, unscaled: bool
) -> None:
    taken = take(np.full((30, 40), 0.5, np.float32), Frame(top, left, height, width, 1.0 if unscaled else scale))
    assert taken.shape == (height, width)
    assert np.all((taken == 0) | np.isclose(taken, 0.5))


def test_a_smaller_picture_keeps_the_aspect_and_overshoots_nowhere() -> None:
    alpha = rectangle((100, 60, 300, 160))
    small = take(alpha, Frame(0, 0, 100, 75, 0.25))
    assert bounding_box(small) == (25, 15, 75, 40)
    assert (small.min(), small.max()) == (0, 1)


boxes = st.tuples(st.integers(8, 200), st.integers(8, 150), st.integers(1, 180), st.integers(1, 130)).map(
    lambda side: (side[0], side[1], side[0] + side[2], side[1] + side[3])
)
sizes = st.tuples(st.integers(20, 900), st.integers(20, 900))


@given(boxes, sizes, st.floats(0, 0.5), st.booleans())
def test_a_person_stands_whole_in_the_middle_on_the_lower_margin(
    box: Box, size: tuple[int, int], share: float, upscale: bool
) -> None:
    margin = Margin(share=share)
    frame = place(box, margin, PHOTO, size, upscale=upscale)
    top, left, bottom, right = shown(box, frame)
    pad = margin.around(box) * frame.scale
    assert (frame.height, frame.width) == size
    assert min(top, left, size[1] - right) >= pad - 1e-6
    assert size[0] - bottom == pytest.approx(pad, abs=1e-6)
    assert left == pytest.approx(size[1] - right, abs=1e-6)
    assert upscale or frame.scale <= 1
    tight = min(top - pad, left - pad) < 1e-6
    assert tight or (frame.scale == 1 and not upscale)


def test_a_person_whom_the_lower_edge_cuts_off_reaches_the_pictures_lower_edge() -> None:
    box = 100, 80, 400, 220
    frame = place(box, Margin(share=0.1), PHOTO, (200, 200))
    top, left, bottom, right = shown(box, frame)
    assert bottom == 200
    assert top == pytest.approx(30 * frame.scale)
    assert left == pytest.approx(200 - right)


@pytest.mark.parametrize("size", [(500, 300), (200, 200), (100, 300)])
def test_no_cut_shows_beside_shoulders_that_fill_the_photograph(size: tuple[int, int]) -> None:
    box = 100, 0, 400, 300
    frame = place(box, Margin(share=0.1), PHOTO, size, upscale=True)
    top, left, bottom, right = shown(box, frame)
    assert left <= 1e-6
    assert right >= size[1] - 1e-6
    assert bottom >= size[0] - 1e-6
    assert top > 0


@pytest.mark.parametrize("size", [(300, 500), (200, 200), (300, 150)])
def test_no_cut_shows_above_and_below_a_close_up(size: tuple[int, int]) -> None:
    box = 0, 60, PHOTO[0], 240
    top, left, bottom, right = shown(box, place(box, Margin(share=0.1), PHOTO, size, upscale=True))
    assert top <= 1e-6
    assert bottom >= size[0] - 1e-6
    assert left == pytest.approx(size[1] - right)
    assert left >= 0


def test_nobody_loses_their_sides_for_that() -> None:
    box = 0, 60, PHOTO[0], 240
    _, left, _, right = shown(box, place(box, Margin(share=0.1), PHOTO, (300, 100), upscale=True))
    assert left >= 0
    assert right <= 100


@pytest.mark.parametrize(("columns", "side"), [((0, 90), 1), ((210, 300), 3)])
def test_a_person_whom_one_side_cuts_off_reaches_that_side(columns: tuple[int, int], side: int) -> None:
    box = 50, columns[0], 350, columns[1]
    edges = shown(box, place(box, Margin(share=0.1), PHOTO, (300, 600)))
    assert edges[side] == pytest.approx(0 if side == 1 else 600)


def test_a_head_that_the_photograph_cuts_has_no_room_above() -> None:
    box = 0, 100, 300, 200
    assert place(box, Margin(share=0.1), PHOTO, (400, 400)).top == 0


@given(sizes)
def test_the_middle_of_a_photograph_covers_any_size(size: tuple[int, int]) -> None:
    assert take(np.ones(PHOTO, np.float32), cover(PHOTO, size)).min() == pytest.approx(1)


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if isinstance(preset, IdPhoto)])
def test_an_id_photo_has_the_head_where_the_preset_says(name: str) -> None:
    preset, alpha = find_preset(name), head_and_shoulders()
    assert isinstance(preset, IdPhoto)
    frame, head = place_head(alpha, preset), find_head(alpha)
    picture = take(alpha, frame)
    assert picture.shape == (preset.height, preset.width)
    assert (head.chin - head.crown) * frame.scale / preset.height == pytest.approx(preset.head)
    crown = bounding_box(picture)
    assert crown is not None
    assert crown[0] / preset.height == pytest.approx(preset.head_room, abs=0.01)
    hair = np.flatnonzero(picture[round(preset.height * (preset.head_room + preset.head / 3))] >= 0.5)
    assert hair.mean() == pytest.approx(preset.width / 2, abs=2)


def test_the_presets_keep_to_the_figures_of_their_rules() -> None:
    european, american, shop = (PRESETS[name] for name in ("id-35x45", "us-2x2", "shop-square"))
    assert isinstance(european, IdPhoto)
    assert (european.width, european.height) == (round(35 / 25.4 * 300), round(45 / 25.4 * 300))
    assert 32 / 45 < european.head < 0.8
    assert isinstance(american, IdPhoto)
    assert (american.width, american.height) == (2 * 300, 2 * 300)
    assert 0.5 < american.head < 0.69
    # The eyes lie about half-way down a head.
    assert 0.56 < 1 - american.head_room - american.head / 2 < 0.69
    assert isinstance(shop, ShopPhoto)
    assert (shop.height, shop.fill) == (shop.width, 0.85)


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(CutawayError, match=r"'id-35x46'.*id-35x45, us-2x2, shop-square"):
        find_preset("id-35x46")


def test_a_head_too_small_is_enlarged_only_when_asked() -> None:
    alpha, preset = head_and_shoulders(240, 200), PRESETS["us-2x2"]
    assert isinstance(preset, IdPhoto)
    with pytest.raises(CutawayError, match="larger photograph"):
        place_head(alpha, preset)
    assert place_head(alpha, preset, upscale=True).scale > 1


@pytest.mark.parametrize(
    ("rows", "columns", "side"),
    [
        (slice(0, 760), slice(None), "below"),
        (slice(200, None), slice(None), "above"),
        (slice(None), slice(200, None), "left"),
        (slice(None), slice(0, 800), "right"),
    ],
)
def test_an_id_photo_that_would_show_where_the_photograph_ends_is_refused(
    rows: slice, columns: slice, side: str
) -> None:
    preset = PRESETS["us-2x2"]
    assert isinstance(preset, IdPhoto)
    wider = replace(preset, head=0.5)
    with pytest.raises(CutawayError, match=side):
        place_head(head_and_shoulders()[rows, columns], wider, upscale=True)


def test_goods_fill_their_share_of_the_frame() -> None:
    preset = ShopPhoto(200, 200, 0.85)
    box = 50, 100, 350, 200
    top, left, bottom, right = shown(box, place_goods(box, PHOTO, preset))
    assert (bottom - top) / 200 == pytest.approx(0.85)
    assert (left + right) / 2 == pytest.approx(100)
    with pytest.raises(CutawayError, match="larger photograph"):
        place_goods(box, PHOTO, PRESETS["shop-square"])  # type: ignore[arg-type]


def test_the_lower_edge_cuts_whoever_ends_at_it() -> None:
    assert is_cut_below((0, 0, 400, 9), 400)
    assert is_cut_below((0, 0, 397, 9), 400)
    assert not is_cut_below((0, 0, 390, 9), 400)
