"""What can be made of a result."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from cutaway import Cutout
from cutaway.errors import CutawayError, OutputError
from synthetic import draw_person, encode

PERSON, WALL = (240, 200, 160), (20, 40, 80)


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
