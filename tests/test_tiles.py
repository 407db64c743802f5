import numpy as np
import PIL.Image
import pytest

from cutaway.tiles import enlarged, source_of, tiles


@pytest.mark.parametrize(("height", "width"), [(1, 1), (256, 257), (700, 300)])
def test_tiles_cover_each_pixel_once(height: int, width: int) -> None:
    seen = np.zeros((height, width), int)
    for tile in tiles(height, width):
        seen[tile] += 1
    assert seen.min() == seen.max() == 1


@pytest.mark.parametrize(("height", "width"), [(700, 300), (311, 997), (20, 24), (3, 600)])
@pytest.mark.parametrize("mode", ["F", "RGB"])
def test_a_tile_is_what_the_whole_would_show_there(height: int, width: int, mode: str) -> None:
    random = np.random.default_rng(1)
    values = random.random((30, 43), np.float32) if mode == "F" else random.integers(0, 256, (30, 43, 3), np.uint8)
    picture = PIL.Image.fromarray(values)
    whole = np.asarray(picture.resize((width, height), PIL.Image.Resampling.BILINEAR)).astype(np.float64)
    tolerance = 1e-5 if mode == "F" else 1
    for tile in tiles(height, width):
        np.testing.assert_allclose(enlarged(picture, tile, height, width), whole[tile], atol=tolerance)


@pytest.mark.parametrize(("height", "width"), [(700, 300), (311, 997), (20, 24), (3, 600)])
def test_the_source_of_a_tile_holds_all_that_it_reads(height: int, width: int) -> None:
    values = np.random.default_rng(1).random((30, 43), np.float32)
    for tile in tiles(height, width):
        only = np.zeros_like(values)
        part = source_of(tile, values.shape, height, width)
        only[part] = values[part]
        expected = enlarged(PIL.Image.fromarray(values), tile, height, width)
        np.testing.assert_array_equal(enlarged(PIL.Image.fromarray(only), tile, height, width), expected)
