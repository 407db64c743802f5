"""Where a drawn shadow falls."""

import numpy as np
import pytest

from cutaway.composite import bounding_box
from cutaway.errors import CutawayError
from cutaway.shadow import Shadow, cast
from cutaway.types import Alpha


def standing(height: int = 200, width: int = 160) -> Alpha:
    alpha = np.zeros((height, width), np.float32)
    alpha[height // 10 : height * 9 // 10, width * 3 // 8 : width // 2] = 1
    return alpha


def test_a_ground_shadow_starts_at_the_feet_and_falls_to_the_right() -> None:
    shadow = cast(standing(), Shadow("ground", 0.5))
    beside = np.where(standing() > 0, 0, shadow)
    rows, columns = np.nonzero(beside > 0.1)
    assert rows.max() == pytest.approx(180, abs=6)
    assert rows.min() > 120
    assert columns.max() > 110
    assert shadow[:100].max() == 0


def test_a_ground_shadow_is_darkest_and_sharpest_at_the_feet() -> None:
    shadow = cast(standing(), Shadow("ground", 0.5))
    assert shadow[174:180].max() > 2 * shadow[138:144].max() > 0
    assert np.abs(np.diff(shadow[176])).max() > 2 * np.abs(np.diff(shadow[142])).max()


def test_a_drop_shadow_is_the_outline_moved_down_and_right() -> None:
    shadow = cast(standing(), Shadow("drop", 0.5))
    person, dark = bounding_box(standing()), bounding_box(shadow, 0.25)
    assert person is not None
    assert dark is not None
    moved = np.subtract(dark, person)
    assert moved == pytest.approx(4, abs=2)


@pytest.mark.parametrize("kind", ["ground", "drop"])
def test_strength_is_what_the_darkest_place_takes(kind: str) -> None:
    alpha = standing()
    for strength in (0, 0.3, 1):
        shadow = cast(alpha, Shadow(kind, strength))  # type: ignore[arg-type]
        assert shadow.shape == alpha.shape
        assert shadow.dtype == np.float32
        assert shadow.min() == 0
        assert shadow.max() == pytest.approx(strength, abs=0.1 * strength)


@pytest.mark.parametrize("kind", ["ground", "drop"])
def test_a_large_photograph_has_the_shadow_of_a_small_one(kind: str) -> None:
    small, large = (cast(standing(side, side), Shadow(kind, 0.5)) for side in (300, 1500))  # type: ignore[arg-type]
    np.testing.assert_allclose(large[2::5, 2::5], small, atol=0.08)


@pytest.mark.parametrize("kind", ["ground", "drop"])
def test_a_shadow_has_more_levels_than_8_bits_hold(kind: str) -> None:
    shadow = cast(standing(900, 700), Shadow(kind, 0.5))  # type: ignore[arg-type]
    assert np.unique(np.rint(shadow * 65535)).size > 2000


@pytest.mark.parametrize("kind", ["ground", "drop"])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (9, 1), (2000, 3), (3, 2000)])
def test_a_shadow_of_any_size_is_an_alpha(kind: str, height: int, width: int) -> None:
    shadow = cast(np.ones((height, width), np.float32), Shadow(kind, 1))  # type: ignore[arg-type]
    assert shadow.shape == (height, width)
    assert shadow.min() >= 0
    assert shadow.max() <= 1


def test_nobody_casts_no_shadow() -> None:
    assert not cast(np.zeros((20, 30), np.float32), Shadow("ground", 1)).any()


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_beyond_nought_and_one_is_refused(strength: float) -> None:
    with pytest.raises(CutawayError, match="strength"):
        Shadow("ground", strength)
