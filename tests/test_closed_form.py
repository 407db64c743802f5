import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, sparse

from cutaway import closed_form as module
from cutaway.closed_form import closed_form
from cutaway.errors import CutawayError
from cutaway.evaluation.synthetic_mattes import KnownPhoto, draw
from cutaway.geometry import resize_alpha
from cutaway.refine import MOST, guided
from cutaway.types import Alpha, Mask


class StandIn:
    """A Laplacian that is quick to build: neighbours of like colours are to have like alphas. It notes its tiles."""

    def __init__(self) -> None:
        self.tiles: list[tuple[int, int]] = []

    def __call__(self, colours: NDArray[np.float64], epsilon: float, is_known: Mask) -> Any:
        self.tiles.append(is_known.shape)
        numbers = np.arange(is_known.size).reshape(is_known.shape)
        pairs = [(numbers[1:], numbers[:-1]), (numbers[:, 1:], numbers[:, :-1])]
        one, other = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
        flat = colours.reshape(-1, 3)
        weight = 0.01 / (np.square(flat[one] - flat[other]).sum(axis=1) + 0.01 + epsilon)
        links = sparse.coo_matrix((weight, (one, other)), (is_known.size, is_known.size)).tocsr()
        links = links + links.T
        return sparse.diags(links.sum(axis=1).A1) - links


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    laplacian = StandIn()
    monkeypatch.setattr(module, "_load_laplacian", lambda: laplacian)
    return laplacian


@pytest.fixture(scope="module")
def photo() -> KnownPhoto:
    return draw("defocus", "plain", height=80, width=60)


@pytest.fixture(scope="module")
def coarse(photo: KnownPhoto) -> Alpha:
    """What a network may say: small, and blurred far beyond the edge's own blur."""
    blurred: Alpha = ndimage.gaussian_filter(resize_alpha(photo.alpha, 40, 30), 1.5)
    return blurred


def test_with_pymatting_it_comes_nearer_to_the_truth_than_the_guided_filter(
    monkeypatch: pytest.MonkeyPatch, photo: KnownPhoto, coarse: Alpha
) -> None:
    # Compiling takes numba a minute and more, which one small photo is not worth.
    monkeypatch.setattr("numba.config.DISABLE_JIT", True)
    errors = [np.abs(way(coarse, photo.image) - photo.alpha).mean() for way in (closed_form, guided)]
    assert errors[0] < errors[1]


def test_it_moves_alpha_in_the_band_alone_and_by_no_more_than_the_bound(stand_in: StandIn) -> None:
    busy = np.random.default_rng(8).integers(0, 256, (120, 90, 3), np.uint8)
    coarse = np.zeros((40, 30), np.float32)
    coarse[8:, 6:24] = 1
    coarse[20:23, 12:15] = 0  # a hole, and a doubt at the side
    coarse[12, 23] = 0.6
    by_filter, solved = guided(coarse, busy), closed_form(coarse, busy)
    doubtful = ndimage.maximum_filter(np.square(coarse - 0.5) < 0.1, 2 * module.REACH + 3).repeat(3, 0).repeat(3, 1)
    assert len(stand_in.tiles) == 1
    assert (solved != by_filter)[doubtful].any()
    np.testing.assert_array_equal(solved[~doubtful], by_filter[~doubtful])
    assert np.abs(solved - resize_alpha(coarse, 120, 90)).max() < MOST + 1e-5
    assert 0 <= solved.min() <= solved.max() <= 1


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_nothing_is_solved_where_the_network_is_sure(stand_in: StandIn, value: float) -> None:
    image = np.random.default_rng(8).integers(0, 256, (80, 60, 3), np.uint8)
    assert (closed_form(np.full((40, 30), value, np.float32), image) == value).all()
    assert not stand_in.tiles


def test_only_tiles_of_the_band_are_solved_and_their_borders_do_not_show(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, columns = np.mgrid[:300, :300]
    inside = np.hypot(rows - 110, columns - 110) < 70
    image = np.where(inside[..., np.newaxis], (215, 160, 130), (40, 70, 150)).astype(np.uint8)
    coarse = ndimage.gaussian_filter(resize_alpha(inside.astype(np.float32), 100, 100), 1.5)
    whole = closed_form(coarse, image)
    monkeypatch.setattr(module, "SIDE", 100)
    monkeypatch.setattr(module, "OVERLAP", 40)
    by_tiles = closed_form(coarse, image)
    assert stand_in.tiles[0] == (300, 300)
    assert len(stand_in.tiles) - 1 <= 4 * 4  # of 5 × 5
    assert max(map(max, stand_in.tiles[1:])) == 100
    assert np.abs(by_tiles - whole).mean() < 0.1 * np.abs(whole - guided(coarse, image)).mean()


def test_large_photos_are_solved_at_a_smaller_size(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, photo: KnownPhoto, coarse: Alpha
) -> None:
    at_full_size, by_filter = closed_form(coarse, photo.image), guided(coarse, photo.image)
    monkeypatch.setattr(module, "LONGEST", 40)
    reduced = closed_form(coarse, photo.image)
    assert stand_in.tiles == [(80, 60), (40, 30)]
    assert np.abs(reduced - at_full_size).mean() < 0.6 * np.abs(by_filter - at_full_size).mean()


def test_a_photo_of_16_bits_gives_the_alpha_of_its_8_bits(stand_in: StandIn, photo: KnownPhoto, coarse: Alpha) -> None:
    deep = photo.image.astype(np.uint16) * np.uint16(257)
    np.testing.assert_allclose(closed_form(coarse, deep), closed_form(coarse, photo.image), atol=1 / 255)
    assert len(stand_in.tiles) == 2


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (7, 5), (700, 3)])
def test_any_size(stand_in: StandIn, size: tuple[int, int]) -> None:
    random = np.random.default_rng(9)
    solved = closed_form(random.random((16, 12), np.float32), random.integers(0, 256, (*size, 3), np.uint8))
    assert stand_in.tiles
    assert solved.shape == size
    assert solved.dtype == np.float32


def test_without_pymatting_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, coarse: Alpha) -> None:
    monkeypatch.setitem(sys.modules, "pymatting", None)
    with pytest.raises(CutawayError, match=r'pip install "cutaway\[matting\]"'):
        closed_form(coarse, np.zeros((80, 60, 3), np.uint8))


def test_wrong_arrays_are_refused(stand_in: StandIn, coarse: Alpha) -> None:
    with pytest.raises(ValueError, match="an alpha is"):
        closed_form(coarse.astype(np.float64), np.zeros((80, 60, 3), np.uint8))
    with pytest.raises(ValueError, match="an image is"):
        closed_form(coarse, np.zeros((80, 60, 4), np.uint8))
    assert not stand_in.tiles


@pytest.mark.usefixtures("stand_in")
def test_it_starts_from_doubts_that_are_settled() -> None:
    """A haze of the wall's colour is gone, though the network's own alpha there would bound it from below."""
    coarse = np.zeros((64, 80), np.float32)
    coarse[:, :30] = 1
    coarse[10:18, 50:58] = 0.6
    image = np.where((np.arange(160) < 60)[:, np.newaxis], (215, 160, 130), (40, 70, 150)).astype(np.uint8)
    solved = closed_form(coarse, np.repeat(image[np.newaxis], 128, axis=0))
    assert solved[22:34, 102:114].max() < 0.05
