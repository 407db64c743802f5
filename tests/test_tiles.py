import numpy as np
import PIL.Image
import pytest

from cutaway.tiles import enlarged, tiles


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
