from itertools import islice

import numpy as np
import PIL.Image
import pytest
from numpy.typing import DTypeLike
from PIL.Image import Resampling

from cutaway.tiles import enlarged, reduced, small_tiles, source_of, tiles


@pytest.mark.parametrize(("height", "width"), [(1, 1), (256, 257), (700, 300)])
def test_tiles_cover_each_pixel_once(height: int, width: int) -> None:
    seen = np.zeros((height, width), int)
    for tile in tiles(height, width):
        seen[tile] += 1
    assert seen.min() == seen.max() == 1


@pytest.mark.parametrize(("height", "width"), [(700, 300), (311, 997), (20, 24), (3, 600)])
def test_a_tile_is_what_pillow_would_show_there(height: int, width: int) -> None:
    planes = np.random.default_rng(1).random((2, 30, 43), np.float32)
    pictures = [PIL.Image.fromarray(plane).resize((width, height), Resampling.BILINEAR) for plane in planes]
    whole = np.stack([np.asarray(picture) for picture in pictures])
    for tile in tiles(height, width, side=80):
        np.testing.assert_allclose(enlarged(planes, tile, height, width), whole[:, *tile], atol=1e-5)
        np.testing.assert_allclose(enlarged(planes[1], tile, height, width), whole[1, *tile], atol=1e-5)


@pytest.mark.parametrize("source", [(1, 1), (30, 43), (320, 320), (2000, 1500)])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (12, 9), (320, 320), (1000, 700), (3000, 4000)])
def test_products_of_small_tiles_are_for_one_thread(source: tuple[int, int], height: int, width: int) -> None:
    for tile in islice(small_tiles(source, height, width), 20):
        down, across = (part.stop - part.start for part in tile)
        tall, wide = (part.stop - part.start for part in source_of(tile, source, height, width))
        assert max(down * tall * wide, down * wide * across) <= 2**18 or down == across == 1


@pytest.mark.parametrize("depth", [np.uint8, np.uint16, np.float32])
def test_a_reduced_picture_keeps_its_means_and_its_fractions(depth: DTypeLike) -> None:
    rows, columns = np.mgrid[0:120, 0:150]
    planes = [rows + columns // 2, 2 * rows, 255 - columns // 2]
    picture = planes[0].astype(depth) if depth == np.float32 else np.dstack(planes).astype(depth)
    if depth == np.uint16:
        picture *= 257
    small = reduced(picture, 30, 30)
    assert small.shape == (1 if depth == np.float32 else 3, 30, 30)
    assert small.dtype == np.float32
    means = picture.reshape(30, 4, 30, 5, -1).mean(axis=(1, 3)).transpose(2, 0, 1)
    step = 0 if depth == np.float32 else 257 if depth == np.uint16 else 1  # of 8 bits, to which a mean is rounded
    np.testing.assert_allclose(small[:, 1:-1, 1:-1], means[:, 1:-1, 1:-1], atol=max(0.01, 0.6 * step))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 100), (37, 41), (64, 99), (100, 130)])
def test_a_reduced_picture_lies_where_the_large_one_does(height: int, width: int) -> None:
    rows, columns = np.mgrid[0:100, 0:130].astype(np.float32)
    # In its own pixels, each of which has to show its own number; at the frame a mean is cut off.
    down = (reduced(rows, height, width)[0] + 0.5) * height / 100 - 0.5
    across = (reduced(columns, height, width)[0] + 0.5) * width / 130 - 0.5
    inner = np.s_[1:-1, 1:-1]
    np.testing.assert_allclose(down[inner], np.indices((height, width))[0][inner], atol=0.15)
    np.testing.assert_allclose(across[inner], np.indices((height, width))[1][inner], atol=0.15)
