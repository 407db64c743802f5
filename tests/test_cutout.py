"""What can be made of a result."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import DTypeLike
from PIL import Image as PillowImage

from cutaway import Cutout
from cutaway.errors import CutawayError, OutputError
from cutaway.framing import Margin
from synthetic import draw_person, encode, person_mask

PERSON, WALL = (240, 200, 160), (20, 40, 80)


def standing(height: int = 200, width: int = 160) -> Cutout:
    """Somebody whose feet are in the photograph."""
    alpha = np.zeros((height, width), np.float32)
    alpha[height // 10 : height * 9 // 10, width * 3 // 8 : width // 2] = 1
    image = np.where(alpha[..., None] > 0, PERSON, WALL).astype(np.uint8)
    return Cutout(image, alpha, confidence=0.9, found_person=True)


def bust(height: int = 1200, width: int = 1000) -> Cutout:
    alpha = person_mask(height, width).astype(np.float32)
    return Cutout(draw_person(height, width), alpha, confidence=0.9, found_person=True)


@pytest.fixture
def cutout() -> Cutout:
    """Left third person, right third wall, and between them a soft edge that shows both colours."""
    alpha = np.repeat(np.clip(np.linspace(2, -1, 60, dtype=np.float32), 0, 1)[None], 40, axis=0)
    image = alpha[..., None] * np.array(PERSON) + (1 - alpha[..., None]) * np.array(WALL)
    return Cutout(np.rint(image).astype(np.uint8), alpha, confidence=0.9, found_person=True)


def test_a_soft_edge_keeps_the_persons_own_colour(cutout: Cutout) -> None:
    visible = cutout.rgba[..., 3] >= 16
    assert np.abs(cutout.rgba[..., :3][visible].astype(int) - PERSON).max() <= 4


def test_colour_under_alpha_nought_is_cleared(cutout: Cutout) -> None:
    hidden = cutout.rgba[cutout.rgba[..., 3] == 0]
    assert len(hidden)
    assert hidden.max() == 0


def test_alpha_too_faint_for_eight_bits_leaves_no_colour_behind() -> None:
    faint = Cutout(draw_person(), np.full((96, 80), 0.001, np.float32), 0.5, found_person=True)
    assert faint.rgba.max() == 0


def test_rgba_holds_alpha_to_the_nearest_level(cutout: Cutout) -> None:
    np.testing.assert_array_equal(cutout.rgba[..., 3], np.rint(cutout.alpha * 255))


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_the_cut_out_shows_the_foreground_where_anything_is_to_be_seen(cutout: Cutout, depth: DTypeLike) -> None:
    given = np.tile(np.array([1, 0.5, 0], np.float32), (40, 20))
    image = cutout.image.astype(depth) * (np.iinfo(depth).max // 255)
    masked = Cutout(image, cutout.predicted, 0.9, found_person=True, given=given)
    colours, opacity = masked.rgba[..., :3], masked.rgba[..., 3:]
    assert colours.dtype == depth
    np.testing.assert_array_equal(colours, masked.foreground * (opacity > 0))
    again = replace(masked)
    np.testing.assert_array_equal(again.foreground, masked.foreground)
    np.testing.assert_array_equal(again.rgba, masked.rgba)


def test_the_foreground_is_estimated_once(cutout: Cutout, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cutout.foreground.any()
    monkeypatch.setattr("cutaway.cutout.estimate_foreground", None)
    assert cutout.rgba.any()


def test_the_box_is_around_what_is_more_person_than_not(cutout: Cutout) -> None:
    columns = np.flatnonzero(cutout.alpha[0] >= 0.5)
    assert cutout.box == (0, 0, 40, columns[-1] + 1)


def test_over_a_colour_mixes_the_two_colours(cutout: Cutout) -> None:
    alpha = cutout.alpha[..., None]
    expected = alpha * np.array(PERSON) + (1 - alpha) * 255
    assert np.abs(cutout.over("white") - expected).max() <= 4
    np.testing.assert_array_equal(cutout.over("#ffffff"), cutout.over("white"))


def test_over_an_image_or_its_path_shows_that_image(cutout: Cutout, tmp_path: Path) -> None:
    scene = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    path = tmp_path / "scene.png"
    path.write_bytes(encode(scene))
    for background in (scene, path, str(path)):
        result = cutout.over(background)
        np.testing.assert_array_equal(result[:, 45:], scene[:, 45:])
        assert np.abs(result[:, :15].astype(int) - PERSON).max() <= 2


def test_over_what_is_neither_colour_nor_image_is_an_error(cutout: Cutout) -> None:
    with pytest.raises(CutawayError, match=r"'wite' is neither a colour.* nor an image file"):
        cutout.over("wite")


def test_over_an_image_with_holes_is_an_error(cutout: Cutout) -> None:
    with pytest.raises(CutawayError, match="transparent parts"):
        cutout.over(np.zeros((40, 60, 4), np.uint8))


def test_blur_keeps_the_persons_colour_out_of_the_background(cutout: Cutout) -> None:
    blurred = cutout.over_blur(6)
    assert np.abs(blurred[:, 45:].astype(int) - WALL).max() <= 6
    assert np.abs(blurred[:, :15].astype(int) - PERSON).max() <= 3


def test_an_image_is_placed_as_asked(cutout: Cutout) -> None:
    scene = np.zeros((40, 10, 3), np.uint8)
    scene[:20] = 90
    contained = cutout.over(scene, fit="contain", position="right")
    assert contained[:, 45:50].min() == 255
    np.testing.assert_array_equal(contained[:20, 50:], 90)
    np.testing.assert_array_equal(cutout.over(scene, position="top")[:, 45:], 90)
    with pytest.raises(CutawayError, match="no position"):
        cutout.over(scene, position="behind")


def test_a_shadow_darkens_the_background_alone() -> None:
    plain, shaded = standing().over("white").astype(int), standing().with_shadow(0.6).over("white").astype(int)
    np.testing.assert_array_equal(shaded[standing().alpha > 0], plain[standing().alpha > 0])
    assert (shaded <= plain).all()
    assert shaded[170, 90].max() < 200
    np.testing.assert_array_equal(shaded[:90], plain[:90])


def test_a_shadow_behind_a_bust_is_that_of_its_outline() -> None:
    shaded = bust(240, 200).with_shadow().over("white")
    head = np.flatnonzero(person_mask(240, 200)[84])
    assert shaded[88, head[-1] + 4].max() < 220
    assert shaded[88, head[0] - 8].min() > 235


def test_a_shadow_is_in_the_transparent_cut_out_as_over_a_colour() -> None:
    rgba = standing().with_shadow().rgba.astype(float)
    share = rgba[..., 3:] / 255
    over_white = share * rgba[..., :3] + (1 - share) * 255
    np.testing.assert_allclose(over_white, standing().with_shadow().over("white"), atol=2)
    assert not rgba[rgba[..., 3] == 0].any()


def test_a_shadow_keeps_its_kind_in_a_frame_that_ends_at_the_feet() -> None:
    shaded = standing().with_shadow().cropped(Margin()).rgba
    assert shaded.shape[:2] == (160, 20)
    wide = standing().with_shadow().sized(160, 300, Margin()).over("white")
    assert wide[150, 165].max() < 200
    assert wide[20, 165:].min() == 255


def test_a_crop_is_the_part_around_the_person() -> None:
    whole, part = standing(), standing().cropped(Margin(pixels=5))
    assert part.alpha.shape == (170, 30)
    assert part.box == (5, 5, 165, 25)
    np.testing.assert_array_equal(part.rgba, whole.rgba[15:185, 55:85])
    assert part.scale == 1


def test_a_size_is_kept_and_the_rest_of_the_picture_is_background() -> None:
    small = standing().sized(100, 300, Margin(share=0.1))
    assert small.alpha.shape == (100, 300)
    assert small.scale == pytest.approx(100 / 192)
    assert small.box == pytest.approx((8, 145, 92, 155), abs=1)
    over = small.over("#0000ff")
    np.testing.assert_array_equal(over[:, :100], np.broadcast_to((0, 0, 255), (100, 100, 3)))
    np.testing.assert_allclose(over[50, 150], PERSON, atol=1)
    assert small.rgba[0, 0].max() == 0


def test_a_blur_goes_on_beyond_the_photo_with_its_colours() -> None:
    beside = standing().sized(100, 300, Margin(share=0.1)).over_blur(4)[:, :120]
    np.testing.assert_allclose(beside, np.broadcast_to(WALL, beside.shape), atol=4)


def test_colour_that_the_photos_own_alpha_hides_does_not_run_into_a_smaller_picture() -> None:
    image, given = np.full((80, 80, 3), 200, np.uint8), np.ones((80, 80), np.float32)
    image[:, 41:], given[:, 41:] = 0, 0
    whole = Cutout(image, np.ones((80, 80), np.float32), 1, found_person=True, given=given)
    rgba = whole.sized(30, 30, Margin()).rgba
    assert rgba[rgba[..., 3] > 0][:, :3].min() >= 198


def test_where_nobody_was_found_a_crop_is_all_and_a_size_is_the_middle() -> None:
    nobody = Cutout(draw_person(), np.zeros((96, 80), np.float32), 0.9, found_person=False)
    assert nobody.cropped(Margin()) is nobody
    assert nobody.sized(50, 50, Margin()).over("white").shape == (50, 50, 3)
    for name in ("id-35x45", "shop-square"):
        with pytest.raises(CutawayError, match="nobody"):
            nobody.for_preset(name)


@pytest.mark.parametrize(("name", "size"), [("id-35x45", (531, 413)), ("us-2x2", (600, 600))])
def test_a_preset_gives_its_size(name: str, size: tuple[int, int]) -> None:
    assert bust().for_preset(name).over("white").shape == (*size, 3)


def test_goods_fill_the_shops_square() -> None:
    shop = standing(400, 320).for_preset("shop-square", upscale=True)
    assert shop.alpha.shape == (2000, 2000)
    assert shop.box is not None
    assert (shop.box[2] - shop.box[0]) / 2000 == pytest.approx(0.85, abs=0.005)


@pytest.mark.parametrize("suffix", ["png", "PNG", "webp", "tiff", "tif"])
def test_save_keeps_every_pixel(cutout: Cutout, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"anna.{suffix}"
    cutout.save(path)
    with PillowImage.open(path) as file:
        np.testing.assert_array_equal(np.asarray(file.convert("RGBA")), cutout.rgba)


def test_save_as_jpeg_says_that_it_needs_a_background(cutout: Cutout, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="background"):
        cutout.save(tmp_path / "anna.jpg")
    assert not list(tmp_path.iterdir())


def test_save_under_an_unknown_ending_names_the_known_ones(cutout: Cutout, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.png"):
        cutout.save(tmp_path / "anna.psd")


def test_save_can_be_told_to_keep_what_is_there(cutout: Cutout, tmp_path: Path) -> None:
    path = tmp_path / "anna.png"
    path.write_bytes(b"precious")
    with pytest.raises(OutputError, match=r"anna\.png"):
        cutout.save(path, overwrite=False)
    assert path.read_bytes() == b"precious"
    cutout.save(path)
    assert path.read_bytes() != b"precious"
