"""From a file to a file: what becomes of a photograph's depth, colours, orientation and alpha in the saved cut-out."""

import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PIL import ImageOps

from cutaway import Remover, imagefile
from cutaway.colour import between, from_srgb, to_srgb
from cutaway.photo import Metadata, Photo
from cutaway.types import Alpha, Image, Mask
from profiles import p3_profile
from synthetic import draw_person, person_mask

HEIGHT, WIDTH = 240, 200


@pytest.fixture(scope="module")
def remover(tiny_model_path: Path) -> Remover:
    return Remover(tiny_model_path, threads=1)


def saved(remover: Remover, data: bytes, path: Path, *, keep_metadata: bool = False) -> Photo:
    """Return what is in the file that the cut-out of ``data`` is saved to."""
    remover.remove(data).save(path, keep_metadata=keep_metadata)
    return imagefile.read(path)


def shaded_person() -> Image:
    """Somebody of many colours, H×W×3 uint16, all brighter than what the tiny model takes for the wall."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    shades = np.dstack([50000 + rows * 60, 46000 + columns * 70, 44000 + (rows + columns) * 30]).astype(np.uint16)
    wall = draw_person(HEIGHT, WIDTH).astype(np.uint16) * 257
    return np.where(person_mask(HEIGHT, WIDTH)[..., np.newaxis], shades, wall)


def inner(alpha: Alpha) -> Mask:
    return np.asarray(alpha == 1)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_16_bits_go_through_with_every_level(remover: Remover, tmp_path: Path, suffix: str) -> None:
    person = np.full((256, 256, 3), 65535, np.uint16)
    ramp = np.arange(16384, dtype=np.uint16).reshape(128, 128) + 49152
    person[64:192, 64:192] = ramp[..., np.newaxis]
    photo = saved(remover, imagefile.encode(person, "png"), tmp_path / f"out{suffix}")
    assert photo.alpha is None
    np.testing.assert_array_equal(photo.image, person)
    assert len(np.unique(photo.image[64:192, 64:192])) == 16384


def test_inside_the_person_16_bits_are_the_photographs_own(remover: Remover, tmp_path: Path) -> None:
    person = shaded_person()
    photo = saved(remover, imagefile.encode(person, "png"), tmp_path / "out.png")
    assert photo.alpha is not None
    whole = inner(photo.alpha)
    assert whole.sum() > 10_000
    np.testing.assert_array_equal(photo.image[whole], person[whole])
    assert photo.image[photo.alpha == 0].max() == 0
    soft = photo.alpha[(photo.alpha > 0) & (photo.alpha < 1)] * 65535
    assert (np.abs(soft / 257 - np.rint(soft / 257)) > 0.01).any(), "alpha has no finer steps than 8 bits hold"


@pytest.mark.parametrize("orientation", range(2, 9))
def test_all_orientations_give_one_cut_out(remover: Remover, tmp_path: Path, orientation: int) -> None:
    """A phone that is held otherwise stores the same pixels turned, and says so."""
    upright = PIL.Image.fromarray(draw_person(HEIGHT, WIDTH)[:, :-20])
    turn_back = {6: 8, 8: 6}.get(orientation, orientation)
    upright.getexif()[0x0112] = turn_back
    stored = ImageOps.exif_transpose(upright)
    tags = PIL.Image.Exif()
    tags[0x0112] = orientation
    buffer = io.BytesIO()
    stored.save(buffer, "PNG", exif=tags.tobytes())
    turned = saved(remover, buffer.getvalue(), tmp_path / "turned.png")
    straight = saved(remover, imagefile.encode(np.asarray(upright), "png"), tmp_path / "straight.png")
    np.testing.assert_array_equal(turned.image, straight.image)
    np.testing.assert_array_equal(turned.alpha, straight.alpha)


def test_a_display_p3_photo_is_the_srgb_photo_in_other_words(remover: Remover, tmp_path: Path) -> None:
    person = shaded_person()
    wide = imagefile.encode(from_srgb(person, p3_profile(), person), "png", Metadata(profile=p3_profile()))
    photo = saved(remover, wide, tmp_path / "wide.png")
    plain = saved(remover, imagefile.encode(person, "png"), tmp_path / "plain.png")
    assert photo.metadata.profile == p3_profile()
    assert plain.metadata.profile is None
    assert photo.alpha is not None
    assert plain.alpha is not None
    sure = inner(photo.alpha) & inner(plain.alpha)
    assert sure.sum() > 10_000
    seen = to_srgb(photo.image, p3_profile())[sure].astype(int)
    assert np.abs(seen - to_srgb(plain.image, None)[sure]).max() <= 1
    error = np.abs(photo.alpha - plain.alpha)
    assert error.mean() < 0.001
    assert error.max() < 0.3


def test_a_background_is_brought_to_the_photographs_colours(remover: Remover) -> None:
    person = shaded_person()
    wide = imagefile.encode(from_srgb(person, p3_profile(), person), "png", Metadata(profile=p3_profile()))
    cutout = remover.remove(wide)
    outside = cutout.alpha == 0
    for background in ("#d03020", np.full((HEIGHT, WIDTH, 3), (208, 48, 32), np.uint8)):
        picture = cutout.over(background)
        assert picture.dtype == np.uint16
        back = between(picture, p3_profile(), None, picture)[outside] / 257
        assert np.abs(back - (208, 48, 32)).max() < 1


def test_alpha_that_is_there_is_multiplied_into_the_file(remover: Remover, tmp_path: Path) -> None:
    given = np.full((HEIGHT, WIDTH), 65535, np.uint16)
    given[: HEIGHT // 2] = 56000
    person = np.dstack([shaded_person(), given])
    photo = saved(remover, imagefile.encode(person, "png"), tmp_path / "with.png")
    assert photo.alpha is not None
    head, chest = photo.alpha[70:110, 85:115], photo.alpha[170:230, 60:140]
    np.testing.assert_allclose(head, 56000 / 65535, atol=0.01)
    np.testing.assert_array_equal(chest, 1)


def test_nobody_learns_where_a_photograph_was_taken(remover: Remover, tmp_path: Path) -> None:
    tags = PIL.Image.Exif()
    tags[0x010F], tags[0x8825] = "Maker", {1: "N", 2: (31.0, 46.0, 12.0)}
    buffer = io.BytesIO()
    PIL.Image.fromarray(draw_person(HEIGHT, WIDTH)).save(buffer, "JPEG", exif=tags.tobytes(), dpi=(240, 240))
    photo = saved(remover, buffer.getvalue(), tmp_path / "public.png")
    assert photo.metadata == Metadata(dpi=photo.metadata.dpi)
    assert photo.metadata.dpi == pytest.approx(240, abs=0.1)
    kept = saved(remover, buffer.getvalue(), tmp_path / "kept.png", keep_metadata=True)
    assert kept.metadata.exif is not None
    assert b"Maker" in kept.metadata.exif
