import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from cutaway import refine
from cutaway.discriminant import line_between_sides
from cutaway.evaluation.synthetic_mattes import draw
from cutaway.evidence import settle_by_colour
from cutaway.geometry import resize_alpha, resize_image
from cutaway.lines import Line, Planes
from cutaway.refine import follow_edges, guided, settled
from cutaway.tiles import tiles
from cutaway.types import Alpha, Image

Floats = NDArray[np.floating]


def person(height: int, width: int) -> Floats:
    """A true alpha: an ellipse with a wavy, hard outline."""
    rows, columns = np.mgrid[0:height, 0:width]
    down, right = (rows - height / 2) / height, (columns - width / 2) / width
    radius = 0.3 + 0.04 * np.sin(7 * np.arctan2(down, right))
    return np.asarray(np.hypot(down, right) < radius, np.float32)


def photo(truth: Floats, noise: float = 3) -> NDArray[np.uint8]:
    """A photo of ``truth``: skin before a shaded blue wall, with the noise of a sensor."""
    height, width = truth.shape
    wall = np.array((40, 70, 150)) + 30 * np.linspace(0, 1, width)[:, np.newaxis]
    colours = np.where(truth[..., np.newaxis] > 0.5, (215, 160, 130), wall)
    colours = colours + np.random.default_rng(11).normal(0, noise, (height, width, 3))
    return np.asarray(np.clip(np.rint(colours), 0, 255), np.uint8)


def busy(size: tuple[int, int]) -> NDArray[np.uint8]:
    """A photo of blotches of a few pixels, in all colours."""
    blotches = ndimage.gaussian_filter(np.random.default_rng(8).normal(0, 1, (*size, 3)), (2, 2, 0))
    return np.asarray(np.clip(128 + 400 * blotches, 0, 255), np.uint8)


def seen_coarsely(truth: Floats, factor: int = 6, shift: float = 0.7) -> NDArray[np.float32]:
    """What a network says of ``truth``: small, blurred and a little beside the edge."""
    small = truth.reshape(truth.shape[0] // factor, factor, -1, factor).mean(axis=(1, 3))
    moved = ndimage.shift(ndimage.gaussian_filter(small, 0.8), (shift, -shift), order=1, mode="nearest")
    return np.asarray(np.clip(moved, 0, 1), np.float32)


def followed(coarse: Alpha, image: Image) -> Alpha:
    """What ``guided`` does without settling doubts by colour: it is for a soft alpha that is right."""
    return follow_edges(coarse, image, resize_image(image, *coarse.shape))


def lines_of_windows(alpha: Floats, guide: Floats) -> Line:
    """The colour guided filter's line of each block: from the pixels of its window, by LAPACK."""
    height, width = alpha.shape
    lines = np.empty((4, -(-height // 2), -(-width // 2)))
    for row, column in np.ndindex(lines.shape[1:]):
        window = tuple(slice(max(0, 2 * block - 2), 2 * block + 4) for block in (row, column))
        colours, wanted = guide[:, *window].reshape(3, -1), alpha[window].ravel()
        covariance = np.cov(np.vstack([colours, wanted]), bias=True)
        slope = np.linalg.solve(covariance[:3, :3] + refine.EPSILON * np.eye(3), covariance[:3, 3])
        lines[:, row, column] = *slope, wanted.mean() - slope @ colours.mean(axis=1)
    return Line(lines[:3], lines[3])


def untold(sides: tuple[Line, Planes]) -> tuple[Line, Planes]:
    """The same line, but as one that tells nothing."""
    line, told = sides
    return line, np.zeros_like(told)


def edge_error(alpha: Floats, truth: Floats, width: int = 12) -> float:
    """Mean absolute difference within ``width`` pixels of the true outline."""
    inside = truth > 0.5
    distance = ndimage.distance_transform_edt(inside) + ndimage.distance_transform_edt(~inside)
    return float(np.abs(alpha - truth)[distance < width].mean())


@pytest.mark.parametrize("colours", ["many", "nearly grey"])
@pytest.mark.parametrize("size", [(30, 40), (31, 41), (2, 5)])
def test_the_lines_are_those_that_fit_the_windows_around_each_block(colours: str, size: tuple[int, int]) -> None:
    """Also where the channels of a grey photo are one but for a level here and there, and at the end of odd sides."""
    random = np.random.default_rng(6)
    alpha, guide = ndimage.gaussian_filter(random.random(size), 2), random.random((3, *size))
    if colours == "nearly grey":
        guide = np.rint(guide[0] * 255 + random.integers(-1, 2, guide.shape)) / 255
    line = refine._fit_line(alpha.astype(np.float32), guide.astype(np.float32))
    expected = lines_of_windows(alpha, guide)
    corners = guide[:, ::2, ::2]
    found, wanted = ((one.slope * corners).sum(axis=0, dtype=np.float64) + one.offset for one in (line, expected))
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    np.testing.assert_allclose(np.asarray(line.offset, np.float64), expected.offset, atol=1e-3)


@pytest.mark.parametrize("size", [(30, 40), (31, 41), (2, 5), (1, 1)])
def test_blocks_are_enlarged_bilinearly_to_the_pixels_that_they_are_of(size: tuple[int, int]) -> None:
    height, width = size
    blocks = np.random.default_rng(7).random((-(-height // 2), -(-width // 2)))
    places = (np.indices(size) + 0.5) / 2 - 0.5
    expected = ndimage.map_coordinates(blocks, places, order=1, mode="nearest")
    np.testing.assert_allclose(refine._doubled(blocks, np.empty(size)), expected, atol=1e-12)


@pytest.mark.parametrize("size", [(32, 48), (33, 46)])
def test_the_line_between_the_sides_lies_where_it_was_found_and_leaves_most_to_a_step(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    down, across = np.indices([-(-side // 4) for side in size], np.float32)
    sides = Line(np.stack([down, across, down - across]), down + across)
    told = np.ones_like(sides.offset)
    monkeypatch.setattr(refine, "line_between_sides", lambda *_: (sides, told))
    soft = refine._trusted_line(np.full(size, 0.5, np.float32), np.zeros((3, *size), np.float32))
    down, across = (np.indices(size) + 0.5) / 4 - 0.5
    expected = [down, across, down - across, down + across]
    inner = np.s_[:, 4:-4, 4:-4]  # at the frame a ramp ends
    np.testing.assert_allclose(np.stack([*soft.slope, soft.offset])[inner], np.stack(expected)[inner], atol=1e-4)
    checks = np.indices(size).sum(axis=0) % 2
    step = refine._trusted_line(checks.astype(np.float32), np.zeros((3, *size), np.float32))
    np.testing.assert_allclose(step.slope, soft.slope * (1 - refine.STEP_KEPT), atol=1e-5)


def test_what_is_seen_of_the_wall_between_strands_fades_where_colours_tell_them_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    photo = draw("fur", "plain", height=384, width=288)
    # As of a network that takes the thick of the fur for skin, and of the rest a haze.
    coarse = np.clip(2.5 * ndimage.gaussian_filter(resize_alpha(photo.alpha, 192, 144), 2), 0, 1)
    fur = (photo.alpha > 0) & (resize_alpha(coarse, 384, 288) < 1)
    refined = followed(coarse, photo.image)
    monkeypatch.setattr(refine, "line_between_sides", lambda alpha, guide: untold(line_between_sides(alpha, guide)))
    by_windows = followed(coarse, photo.image)
    error, error_by_windows = (np.abs(alpha - photo.alpha)[fur].mean() for alpha in (refined, by_windows))
    assert error < 0.85 * error_by_windows


def test_the_edge_comes_out_sharper_and_nearer_the_truth_than_enlarging() -> None:
    truth = person(240, 360)
    coarse = seen_coarsely(truth)
    enlarged, refined = resize_alpha(coarse, 240, 360), guided(coarse, photo(truth))
    assert edge_error(refined, truth) < 0.45 * edge_error(enlarged, truth)
    assert np.mean((refined > 0.5) != truth) < 0.4 * np.mean((enlarged > 0.5) != truth)
    assert np.abs(np.diff(refined, axis=1)).max() > 3 * np.abs(np.diff(enlarged, axis=1)).max()


def test_edges_of_the_photo_where_the_network_is_sure_leave_no_trace() -> None:
    truth = person(240, 360)
    striped = photo(truth)
    striped[::8, :20] = 255 - striped[::8, :20]
    striped[110:130, 170:190] = (0, 255, 0)
    refined = guided(seen_coarsely(truth), striped)
    assert not refined[:, :20].any()
    assert (refined[110:130, 170:190] == 1).all()


def test_a_thing_of_the_persons_colour_that_touches_them_grows_no_spike() -> None:
    truth = person(240, 360)
    image = photo(truth)
    image[117:123, 290:] = (215, 160, 130)
    coarse = seen_coarsely(truth, shift=0)
    outline = np.flatnonzero(truth[120])[-1]
    beyond = guided(coarse, image)[110:130, outline + 24 :]  # four pixels of the coarse alpha away
    assert beyond.max() < 0.1


def test_a_soft_alpha_that_the_photo_does_not_explain_is_not_blurred() -> None:
    folds = ndimage.gaussian_filter(np.random.default_rng(3).random((120, 180), np.float32) - 0.5, 2)
    veil = 0.5 + 2 * folds
    flat = np.full((120, 180, 3), 90, np.uint8)
    steeper = np.clip((veil - 0.5) * refine.CONTRAST + 0.5, 0, 1)
    np.testing.assert_allclose(followed(veil, flat), steeper, atol=0.013)


def test_loose_hair_is_found_between_the_pixels_of_the_coarse_alpha() -> None:
    photo = draw("hair", "plain", height=192, width=144)
    coarse = resize_alpha(photo.alpha, 64, 48)
    enlarged, refined = resize_alpha(coarse, 192, 144), followed(coarse, photo.image)
    assert np.abs(refined - photo.alpha).mean() < 0.6 * np.abs(enlarged - photo.alpha).mean()


def test_a_haze_over_the_wall_and_a_thin_spot_in_the_person_go_by_their_colours() -> None:
    truth = person(240, 360)
    coarse = seen_coarsely(truth)
    coarse[2:8, 40:50], coarse[18:22, 28:32] = 0.4, 0.6
    image = photo(truth)
    assert np.abs(guided(coarse, image) - truth).mean() < 0.4 * np.abs(followed(coarse, image) - truth).mean()


@pytest.mark.parametrize("wrong", [np.s_[18:23, 28:33], np.s_[3:6, 3:6], np.s_[10:30, 48:]])
def test_an_error_of_the_network_is_not_amplified(wrong: tuple[slice, slice]) -> None:
    truth = person(240, 360)
    coarse = np.round(seen_coarsely(truth, shift=0))
    coarse[wrong] = 1 - coarse[wrong]  # a hole, an island, a piece of the background
    unsure = ndimage.maximum_filter(coarse, 7) != ndimage.minimum_filter(coarse, 7)
    enlarged, refined = resize_alpha(coarse, 240, 360), guided(coarse, busy(truth.shape))
    moved = np.abs(refined - enlarged)
    assert not moved[~unsure.repeat(6, axis=0).repeat(6, axis=1)].any()
    assert 0.3 < moved.max() < refine.MOST + 1e-5


def test_a_photo_of_16_bits_gives_the_alpha_of_its_8_bits() -> None:
    truth = person(240, 360)
    coarse, image = seen_coarsely(truth), photo(truth)
    deep = image.astype(np.uint16) * np.uint16(257)
    np.testing.assert_allclose(guided(coarse, deep), guided(coarse, image), atol=1e-4)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_what_is_certain_everywhere_stays_exactly_so(value: float) -> None:
    refined = guided(np.full((20, 30), value, np.float32), photo(person(120, 180)))
    assert (refined == value).all()


@pytest.mark.parametrize("shade", [0, 255])
def test_a_tile_without_edges_is_enlarged_as_it_is(shade: int) -> None:
    """Not filled with one value: shades whose lines have a slope of exactly 0."""
    ramp = np.repeat(np.linspace(0.2, 0.8, 30, dtype=np.float32)[np.newaxis], 30, axis=0)
    refined = followed(ramp, np.full((90, 90, 3), shade, np.uint8))
    assert refined[:, 5].max() < 0.3
    assert refined[:, -5].min() > 0.7


def test_a_faint_haze_is_cleared_and_a_nearly_opaque_person_filled() -> None:
    flat = np.full((60, 60, 3), 90, np.uint8)
    assert not guided(np.full((10, 10), 0.1, np.float32), flat).any()
    assert (guided(np.full((10, 10), 0.9, np.float32), flat) == 1).all()


def test_doubt_away_from_any_outline_goes_to_the_nearer_side_and_at_one_it_stays() -> None:
    grey = np.full((60, 90, 3), 90, np.uint8)
    coarse = np.zeros((60, 90), np.float32)
    coarse[:, 50:] = 1
    coarse[10:20, 10:20], coarse[10:20, 70:80] = 0.45, 0.55
    coarse[:, 49:51] = 0.45, 0.55
    alpha = settled(coarse, grey)
    assert not alpha[10:20, 10:20].any()
    assert (alpha[10:20, 70:80] == 1).all()
    np.testing.assert_allclose(alpha[40:, 49:51], settle_by_colour(coarse, grey)[40:, 49:51])
    assert 0.1 < alpha[40, 49] < 0.5 <= alpha[40, 50] < 0.9


def test_small_regions_change_sides_where_they_are_doubtful() -> None:
    """Told by their size beside the person's, and by their mean alpha: an island, a sure one, a hole, a sure one."""
    coarse, grey = np.zeros((100, 100), np.float32), np.full((100, 100, 3), 128, np.uint8)
    coarse[20:, 30:70] = 1
    coarse[40:48, 5:13], coarse[60:68, 5:13] = 0.7, 0.9
    coarse[40:48, 46:54], coarse[70:78, 46:54] = 0.45, 0.05
    alpha = settled(coarse, grey)
    assert (alpha[40:48, 5:13] < 0.01).all()
    assert (alpha[62:66, 7:11] > 0.5).all()
    assert (alpha[40:48, 46:54] > 0.99).all()
    assert (alpha[72:76, 48:52] < 0.5).all()


def test_a_second_person_who_is_large_stays_however_doubtful() -> None:
    coarse, grey = np.zeros((100, 100), np.float32), np.full((100, 100, 3), 128, np.uint8)
    coarse[20:, 5:45], coarse[30:, 60:90] = 1, 0.65
    assert (settled(coarse, grey)[40:90, 70:80] > 0.5).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (7, 5), (40, 30), (700, 3)])
@pytest.mark.parametrize("coarse", [(1, 1), (1, 8), (16, 12)])
def test_any_pair_of_sizes(size: tuple[int, int], coarse: tuple[int, int]) -> None:
    random = np.random.default_rng(9)
    image, alpha = random.integers(0, 256, (*size, 3), np.uint8), random.random(coarse, np.float32)
    refined = guided(alpha, image)
    assert refined.shape == size
    assert refined.dtype == np.float32
    assert 0 <= refined.min() <= refined.max() <= 1


def test_the_borders_between_tiles_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = person(360, 600)
    coarse, image = seen_coarsely(truth), photo(truth)
    by_tiles = guided(coarse, image)
    monkeypatch.setattr("cutaway.refine.small_tiles", lambda _source, height, width: tiles(height, width, 1000))
    np.testing.assert_allclose(by_tiles, guided(coarse, image), atol=1e-4)


def test_the_photo_may_be_read_only_and_the_inputs_stay() -> None:
    truth = person(120, 180)
    coarse, image = seen_coarsely(truth), photo(truth)
    before = coarse.copy()
    coarse.flags.writeable = image.flags.writeable = False
    guided(coarse, image)
    np.testing.assert_array_equal(coarse, before)


def test_memory_does_not_grow_with_the_photo_beyond_its_own_alpha() -> None:
    truth = person(960, 1560)
    coarse, image = seen_coarsely(truth, 20), photo(truth)
    tracemalloc.start()
    refined = guided(coarse, image)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < refined.nbytes + 4_000_000  # a plane of the photo's size would take 6 MB


def test_wrong_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="an alpha is"):
        guided(np.zeros((4, 4), np.float64), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match="an image is"):
        guided(np.zeros((4, 4), np.float32), np.zeros((8, 8), np.uint8))
