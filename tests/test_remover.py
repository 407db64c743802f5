"""The whole way from a photo to its cut-out, through a model that is known in full and through the shipped one."""

import weakref
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import as_file, files
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

import cutaway
from cutaway import Cutout, Remover
from cutaway.confidence import UNSURE, calibrated
from cutaway.errors import CutawayError, ImageError
from cutaway.geometry import place
from cutaway.manifest import Calibration
from cutaway.types import Alpha, Image
from synthetic import TINY, draw_person, encode, person_mask, tiny_model


@pytest.fixture(scope="module")
def remover(tiny_model_path: Path) -> Remover:
    return Remover(tiny_model_path, threads=1)


def parts_of(cutout: Cutout | CutawayError) -> tuple[Image, Alpha]:
    assert isinstance(cutout, Cutout)
    return cutout.image, cutout.predicted


def person_iou(cutout: Cutout, height: int, width: int) -> float:
    found, truth = cutout.alpha >= 0.5, person_mask(height, width)
    return float((found & truth).sum() / (found | truth).sum())


@pytest.mark.parametrize(("height", "width"), [(96, 80), (300, 200), (111, 333), (640, 479)])
def test_the_person_is_found_where_they_are(remover: Remover, height: int, width: int) -> None:
    cutout = remover.remove(draw_person(height, width))
    assert cutout.found_person
    assert cutout.alpha.shape == (height, width)
    assert cutout.alpha.dtype == np.float32
    assert person_iou(cutout, height, width) > 0.93
    assert cutout.confidence > 0.9


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (2, 3)])
def test_the_smallest_photos_have_a_cutout_too(remover: Remover, size: tuple[int, int]) -> None:
    assert remover.remove(np.full((*size, 3), 250, np.uint8)).alpha.shape == size


def test_guided_refinement_is_finer_than_none(tiny_model_path: Path) -> None:
    photo = draw_person(480, 400)
    truth = person_mask(480, 400)
    errors = {}
    for name in ("none", "guided"):
        alpha = Remover(tiny_model_path, refine="guided" if name == "guided" else "none").remove(photo).alpha
        errors[name] = float(np.abs(alpha - truth).mean())
    assert errors["guided"] < 0.8 * errors["none"]


def test_an_empty_room_gives_an_empty_alpha(remover: Remover) -> None:
    room = np.random.default_rng(0).integers(0, 90, (120, 160, 3)).astype(np.uint8)
    cutout = remover.remove(room)
    assert not cutout.found_person
    assert cutout.alpha.max() == 0
    assert cutout.rgba.max() == 0
    assert cutout.box is None
    assert cutout.confidence > 0.9


def test_a_few_bright_pixels_are_not_a_person(remover: Remover) -> None:
    room = np.zeros((128, 128, 3), np.uint8)
    room[60:63, 60:63] = 255
    cutout = remover.remove(room)
    assert not cutout.found_person
    assert cutout.alpha.max() == 0


def test_confidence_is_what_the_weights_are_calibrated_to(tiny_model_path: Path, tmp_path: Path) -> None:
    card = replace(TINY, calibration=Calibration(-3.0, 0.5))
    path = tmp_path / "calibrated.onnx"
    path.write_bytes(tiny_model(card))
    plain, lower = (Remover(model).remove(draw_person()).confidence for model in (tiny_model_path, path))
    assert lower == pytest.approx(calibrated(plain, card.calibration))
    assert lower < plain


def test_alpha_that_is_already_there_multiplies_into_the_result(remover: Remover) -> None:
    given = np.full((96, 80), 255, np.uint8)
    given[:, :40] = 200
    given[80:, :] = 0
    photo = np.dstack([draw_person(), given])
    alpha = remover.remove(photo).alpha
    assert alpha[80:].max() == 0
    assert alpha[60:70, 42:50].min() > 0.95
    np.testing.assert_allclose(alpha[60:70, 30:38], 200 / 255, atol=0.05)


def test_a_soft_edge_that_was_there_keeps_its_colour(remover: Remover) -> None:
    given = np.full((96, 80), 255, np.uint8)
    given[:, 30:50] = 128
    given[:, :20] = 0
    photo = np.dstack([np.full((96, 80, 3), (255, 240, 225), np.uint8), given])
    photo[:, :20, :3] = 0
    rgba = remover.remove(photo).rgba
    assert np.abs(rgba[40:60, 32:48, :3].astype(int) - (255, 240, 225)).max() <= 2
    np.testing.assert_allclose(rgba[40:60, 32:48, 3], 128, atol=2)


def test_a_faint_person_has_a_box(remover: Remover) -> None:
    person = np.dstack([np.full((96, 80, 3), 255, np.uint8), np.full((96, 80), 120, np.uint8)])
    cutout = remover.remove(person)
    assert cutout.found_person
    assert cutout.box == (0, 0, 96, 80)


def test_colour_that_was_hidden_is_not_blurred_into_the_open(remover: Remover) -> None:
    photo = np.dstack([draw_person(), np.full((96, 80), 255, np.uint8)])
    photo[:20, :20] = (255, 0, 0, 0)
    blurred = remover.remove(photo).over_blur(3)
    assert (blurred[:18, :18, 0].astype(int) <= blurred[:18, :18, 2].astype(int)).all()


def test_the_network_does_not_see_colour_that_is_hidden(remover: Remover) -> None:
    hidden = np.dstack([np.full((64, 64, 3), 255, np.uint8), np.zeros((64, 64), np.uint8)])
    assert not remover.remove(hidden).found_person


def test_remove_many_keeps_the_order_and_yields_errors_in_place(remover: Remover) -> None:
    photos = [draw_person(90 + n, 70) for n in range(7)]
    sources: list[Image | bytes] = [*photos[:3], b"no photo", *photos[3:]]
    results = list(remover.remove_many(sources))
    assert isinstance(results.pop(3), ImageError)
    assert [result.alpha.shape[0] for result in results if isinstance(result, Cutout)] == [90 + n for n in range(7)]
    np.testing.assert_array_equal(results[2].alpha, remover.remove(photos[2]).alpha)  # type: ignore[union-attr]


@pytest.mark.parametrize("count", [0, 1, 5])
def test_what_the_photos_come_from_may_fail_after_those_it_gave(remover: Remover, count: int) -> None:
    def camera() -> Iterator[Image]:
        for _ in range(count):
            yield draw_person(96, 80)
        raise ConnectionError("the camera is gone")

    cutouts = remover.remove_many(camera())
    assert [type(cutout) for cutout in islice(cutouts, count)] == [Cutout] * count
    with pytest.raises(ConnectionError):
        next(cutouts)


def test_nothing_of_a_photo_is_kept_once_its_cut_out_is_out(remover: Remover) -> None:
    cutouts = remover.remove_many([draw_person(96, 80), draw_person(96, 80)])
    held = [weakref.ref(part) for part in parts_of(next(cutouts))]
    assert [reference() for reference in held] == [None, None]
    assert isinstance(next(cutouts), Cutout)


def test_an_unreadable_photo_is_an_image_error(remover: Remover) -> None:
    with pytest.raises(ImageError):
        remover.remove(b"GIF89a")


def test_closed_form_refines_where_it_is_asked_for(tiny_model_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    half = np.full((96, 80), 0.5, np.float32)
    monkeypatch.setattr("cutaway.closed_form.closed_form", lambda _coarse, _image, _small: half)
    np.testing.assert_array_equal(Remover(tiny_model_path, refine="closed-form").remove(draw_person()).alpha, half)


def test_an_unknown_refinement_is_answered_with_the_known_ones(tiny_model_path: Path) -> None:
    with pytest.raises(CutawayError, match="none, guided"):
        Remover(tiny_model_path, refine="magic")  # type: ignore[arg-type]  # what a user may type


@pytest.fixture(scope="module")
def astronaut() -> Cutout:
    with as_file(files(cutaway) / "samples" / "astronaut.jpg") as path:
        return cutaway.remove(path)


def test_the_shipped_model_cuts_the_bundled_portrait_out(astronaut: Cutout) -> None:
    """Judged where no eye would differ: face and chest are person, the flag and the shuttle are not."""
    assert astronaut.found_person
    assert astronaut.confidence > UNSURE
    assert astronaut.alpha[60:180, 190:250].mean() > 0.98
    assert astronaut.alpha[250:420, 100:260].mean() > 0.95
    assert astronaut.alpha[:150, :60].mean() < 0.03
    assert astronaut.alpha[20:200, 440:].mean() < 0.05


def test_the_shipped_model_finds_nobody_in_noise_and_plain_walls() -> None:
    noise = np.random.default_rng(5).integers(0, 256, (240, 320, 3)).astype(np.uint8)
    for scene in (noise, np.full((240, 320, 3), 200, np.uint8), np.zeros((240, 320, 3), np.uint8)):
        assert not cutaway.remove(scene).found_person


def test_a_photo_and_the_same_turned_have_the_same_canvas() -> None:
    fit = Remover().manifest.fit
    assert place(300, 200, fit).canvas == place(200, 300, fit).canvas[::-1]


def test_remove_is_the_default_remover(astronaut: Cutout) -> None:
    np.testing.assert_array_equal(Remover().remove(astronaut.image).alpha, astronaut.alpha)


def test_encoded_and_plain_pixels_give_the_same(remover: Remover) -> None:
    photo = draw_person()
    np.testing.assert_array_equal(remover.remove(encode(photo)).alpha, remover.remove(photo).alpha)


def test_nobody_is_found_where_colours_settle_every_doubt_against_them(
    tiny_model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    coarse = np.zeros((160, 160), np.float32)
    coarse[20:140, 74:86] = 0.6  # enough of the frame for somebody, in the colour of the wall around
    wall = np.full((160, 160, 3), 90, np.uint8)
    monkeypatch.setattr("cutaway.remover.predict", lambda _runtime, image, _profile: (coarse, image))
    assert Remover(tiny_model_path, refine="none").remove(wall).found_person
    cutout = Remover(tiny_model_path).remove(wall)
    assert not cutout.found_person
    assert cutout.box is None
    assert not cutout.alpha.any()
