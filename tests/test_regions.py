import numpy as np
import pytest
from scipy import ndimage

from cutaway.regions import regions


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (7, 5), (60, 81)])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.6, 1.0])
def test_regions_are_those_of_scipy_inside_and_outside(size: tuple[int, int], share: float) -> None:
    mask = np.random.default_rng(2).random(size) < share
    inside, outside = ndimage.label(mask)[0], ndimage.label(~mask)[0]
    expected = np.where(mask, inside, -outside)
    pairs = set(zip(regions(mask).ravel().tolist(), expected.ravel().tolist(), strict=True))
    assert len(pairs) == len({found for found, _ in pairs}) == len({wanted for _, wanted in pairs})


def test_a_spiral_is_one_region() -> None:
    mask = np.zeros((41, 41), bool)
    for ring in range(0, 20, 2):
        mask[ring, ring : 41 - ring] = mask[ring : 41 - ring, 40 - ring] = mask[40 - ring, ring : 41 - ring] = True
        mask[ring + 2 : 41 - ring, ring] = True
        mask[ring + 2, ring : ring + 3] = True
    assert len(np.unique(regions(mask)[mask])) == ndimage.label(mask)[1] == 1
