from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.color import rgb2lab

from cutaway.evaluation.matting import is_soft
from cutaway.evaluation.synthetic_mattes import BACKDROPS, KINDS, Backdrop, Kind, KnownPhoto, compose, draw
from cutaway.remover import Remover
from cutaway.types import Image

SIZE = 128, 96

COMBED: tuple[tuple[Kind, int], ...] = ("hard", 5), ("hair", 5), ("hard", 6)


@cache
def drawn(kind: Kind, backdrop: Backdrop = "gradient", seed: int = 5) -> KnownPhoto:
    return draw(kind, backdrop, seed, *SIZE)


EVERY_KIND_AND_BACKDROP = [("hard", backdrop) for backdrop in BACKDROPS] + [(kind, "gradient") for kind in KINDS[1:]]


@pytest.mark.parametrize(("kind", "backdrop"), EVERY_KIND_AND_BACKDROP)
def test_the_photo_is_the_composite_of_its_parts(kind: Kind, backdrop: Backdrop) -> None:
    photo = drawn(kind, backdrop)
    share = photo.alpha.astype(np.float64)[..., np.newaxis]
    mixed = share * photo.foreground + (1 - share) * photo.background
    assert photo.image.shape == photo.foreground.shape == photo.background.shape == (*SIZE, 3)
    assert photo.image.dtype == photo.foreground.dtype == photo.background.dtype == np.uint8
    assert np.abs(photo.image - mixed).max() <= 0.51


@pytest.mark.parametrize("kind", KINDS)
def test_alpha_is_what_a_file_holds(kind: Kind) -> None:
    alpha = drawn(kind).alpha
    stored = np.rint(alpha * 255).astype(np.uint8)
    assert alpha.dtype == np.float32
    assert np.array_equal(alpha, stored / np.float32(255))
    assert (stored.min(), stored.max()) == (0, 255)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_photo_and_another_one_another(kind: Kind) -> None:
    first, again, other = (draw(kind, "gradient", seed, *SIZE) for seed in (5, 5, 6))
    for part in ("image", "alpha", "foreground", "background"):
        assert np.array_equal(getattr(first, part), getattr(again, part))
    assert not np.array_equal(first.image, other.image)


def test_the_person_does_not_change_with_the_background_nor_the_background_with_the_kind() -> None:
    assert np.array_equal(drawn("hair", "stripes").foreground, drawn("hair", "dark").foreground)
    assert np.array_equal(drawn("hair", "texture").background, drawn("veil", "texture").background)


def soft_share(kind: Kind) -> float:
    return float(is_soft(drawn(kind).alpha).mean())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "hard"])
def test_every_kind_is_far_softer_than_the_control(kind: Kind) -> None:
    assert soft_share("hard") < 0.04
    assert soft_share(kind) > 2 * soft_share("hard")


def test_a_hard_outline_covers_as_much_as_its_ovals_do() -> None:
    """Shoulders cut off at the frame, by the area of half an ellipse; a row of the head by its chord."""
    alpha = drawn("hard").alpha
    across = np.sqrt(1 - ((27.5 / 128 - 0.36) / 0.2) ** 2) * 2 * 0.155 * 128
    assert alpha[27].sum() == pytest.approx(across, abs=0.5)


def test_what_is_on_a_face_and_the_combed_hair_change_no_outline() -> None:
    """Every point is inside of the shoulders, the neck, the hair or the face, and those are covered throughout."""
    down, across = (np.mgrid[:512, :384] + 0.5) / 512
    ovals = (1.01, 0.35, 0.33), (0.62, 0.12, 0.07), (0.36, 0.2, 0.155), (0.42, 0.17, 0.118)  # middle, half the sides
    distance = np.min([((down - at) / tall) ** 2 + ((across - 0.375) / wide) ** 2 for at, tall, wide in ovals], axis=0)
    for seed in range(5):
        alpha = draw("hard", "plain", seed).alpha
        assert not alpha[distance > 1.06].any()
        assert (alpha[distance < 0.94] == 1).all()


def test_somebody_is_combed_alike_in_every_kind_and_others_are_not() -> None:
    crown = np.s_[58:70, 76:116]
    one, again, other = (draw(kind, "plain", seed, 256, 192).foreground[crown] for kind, seed in COMBED)
    assert np.array_equal(one, again)
    combing = [np.abs(np.diff(part.mean(axis=2), axis=1)) > 8 for part in (one, other)]
    assert combing[0].mean() > 0.05
    assert (combing[0] & combing[1]).sum() < 0.8 * combing[0].sum()


@pytest.mark.parametrize("backdrop", BACKDROPS)
def test_a_network_of_photographs_takes_them_for_people(backdrop: Backdrop) -> None:
    """Or else it would be judged by whom it misses and not by edges: the drawings are what has to change then."""
    photo = draw("hard", backdrop, BACKDROPS.index(backdrop))
    found = Remover().remove(photo.image).alpha >= 0.5
    person = photo.alpha >= 0.5
    assert (found & person).sum() > 0.9 * (found | person).sum()


def test_hair_has_separate_strands_away_from_the_head() -> None:
    beside = draw("hair", "plain", 5, 256, 192).alpha[60:100, 15:40]
    assert 0.02 < beside.mean() < 0.5
    assert np.abs(np.diff(beside, axis=0)).mean() > 2 * np.abs(np.diff(drawn("defocus").alpha, axis=0)).mean()


def test_a_veil_is_nowhere_opaque_beside_the_person() -> None:
    veil, bare = drawn("veil").alpha, drawn("hard").alpha
    cloth = veil[bare == 0]
    assert cloth.max() < 0.95
    assert np.count_nonzero(cloth > 0.1) > 300
    assert np.array_equal(veil[bare == 1], bare[bare == 1])


def test_motion_is_wider_across_than_defocus_and_moves_no_mass() -> None:
    bare = drawn("hard").alpha[:60].sum()
    assert drawn("motion").alpha[:60].sum() == pytest.approx(bare, rel=0.03)
    assert drawn("defocus").alpha[:60].sum() == pytest.approx(bare, rel=0.03)
    rows = {kind: np.count_nonzero(is_soft(drawn(kind).alpha)[45]) for kind in ("hard", "motion", "defocus")}
    assert rows["hard"] < rows["defocus"] < rows["motion"]


def lightness(image: Image, alpha: NDArray[np.float32], low: float, high: float) -> float:
    return float(np.median(rgb2lab(image)[(alpha > low) & (alpha < high)][:, 0]))


@pytest.mark.parametrize("kind", ["defocus", "motion", "fur"])
def test_colours_are_not_premultiplied(kind: Kind) -> None:
    """Or else the person would darken outwards."""
    photo = draw(kind, "plain", 5, 256, 192)
    faint, dense = (lightness(photo.foreground, photo.alpha, *part) for part in ((0.02, 0.3), (0.6, 0.98)))
    assert faint == pytest.approx(dense, abs=12)


def test_what_is_invisible_has_no_colour() -> None:
    photo = drawn("hair")
    assert not photo.foreground[photo.alpha == 0].any()
    assert photo.foreground[photo.alpha > 0].any()


def test_backgrounds_are_what_they_are_called() -> None:
    by_name = {backdrop: drawn("hard", backdrop).background.astype(int) for backdrop in BACKDROPS}
    assert np.ptp(by_name["plain"].reshape(-1, 3), axis=0).tolist() == [0, 0, 0]
    assert by_name["bright"].min() > 200
    assert by_name["dark"].max() < 55
    assert min(by_name[name].std(axis=(0, 1)).max() for name in ("gradient", "texture", "stripes", "near")) > 10


@pytest.mark.parametrize("size", [(40, 40), (64, 97)])
@pytest.mark.parametrize("kind", KINDS)
def test_any_size(kind: Kind, size: tuple[int, int]) -> None:
    assert draw(kind, "near", 1, *size).image.shape == (*size, 3)


def test_composing_rounds_alpha_first_and_clears_what_it_hides() -> None:
    white, black = np.full((1, 2, 3), 255, np.uint8), np.zeros((1, 2, 3), np.uint8)
    photo = compose("two", white, np.array([[0.001, 0.5]], np.float32), black)
    assert photo.alpha.tolist() == [[0, pytest.approx(128 / 255)]]
    assert photo.image[0, :, 0].tolist() == [0, 128]
    assert photo.foreground[0, :, 0].tolist() == [0, 255]
