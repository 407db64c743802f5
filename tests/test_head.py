"""Where the head of an outline is."""

import numpy as np
import pytest

from cutaway.errors import CutawayError
from cutaway.head import find_head
from cutaway.types import Alpha, Mask


def draw(head: tuple[float, float], neck: float, *, chin: float = 300, shoulders: float = 400) -> Alpha:
    """Return somebody with an elliptic head (height, width) above ``chin``, a neck so wide, and ``shoulders``."""
    rows, columns = np.mgrid[0:700, 0:600]
    height, width = head
    ellipse = ((rows - chin + height / 2) / (height / 2)) ** 2 + ((columns - 320) / (width / 2)) ** 2 <= 1
    throat = (abs(columns - 320) <= neck / 2) & (rows >= chin - height / 4) & (rows <= shoulders + width)
    torso = (abs(columns - 320) <= np.clip((rows - shoulders) * 3, 0, 1.3 * width)) & (rows > shoulders)
    return np.asarray(ellipse | throat | torso, np.float32)


@pytest.mark.parametrize("size", [(200, 148), (240, 170), (160, 120)])
@pytest.mark.parametrize("neck", [0.5, 0.65, 0.75])
def test_the_head_is_found_within_a_tenth_of_its_height(size: tuple[int, int], neck: float) -> None:
    head = find_head(draw(size, neck * size[1], shoulders=300 + size[0] / 5))
    assert head.crown == pytest.approx(300 - size[0], abs=1)
    assert head.chin == pytest.approx(300, abs=size[0] / 10)
    assert head.middle == pytest.approx(320, abs=1)


def test_a_scaled_or_soft_outline_has_the_same_head() -> None:
    alpha = draw((240, 170), 110, shoulders=345)
    large = np.kron(alpha, np.ones((2, 2), np.float32))
    assert find_head(large).chin == pytest.approx(2 * find_head(alpha).chin, abs=4)
    assert find_head(alpha * np.float32(0.9)) == find_head(alpha)


def test_a_wisp_of_hair_is_no_head() -> None:
    alpha = draw((240, 170), 110, shoulders=345)
    alpha[45:60, 310:318] = 1
    assert find_head(alpha).chin == pytest.approx(300, abs=35)


def test_a_head_without_a_neck_is_refused() -> None:
    hooded = draw((240, 170), 170)
    with pytest.raises(CutawayError, match="long hair"):
        find_head(hooded)


def test_a_raised_arm_and_a_head_alone_are_refused() -> None:
    alpha = draw((240, 170), 110, chin=400, shoulders=445)
    alpha[5:500, 100:130] = 1
    with pytest.raises(CutawayError, match="raised arm"):
        find_head(alpha)
    with pytest.raises(CutawayError, match="shoulders"):
        find_head(draw((240, 170), 110)[:330])


def test_a_gap_between_two_people_is_no_head() -> None:
    def ellipse(across: float, down: float, width: float, height: float) -> Mask:
        inside: Mask = ((columns - across) / width) ** 2 + ((rows - down) / height) ** 2 <= 1
        return inside

    rows, columns = np.mgrid[0:400, 0:600]
    people = np.zeros((400, 600), np.bool_)
    for across, top in ((180, 100), (290, 118)):
        throat = (abs(columns - across) <= 10) & (rows >= top + 40) & (rows <= top + 68)
        people |= ellipse(across, top + 26, 20, 26) | throat | ellipse(across, top + 182, 50, 118)
    with pytest.raises(CutawayError, match="a second person"):
        find_head(people.astype(np.float32))


def test_a_lock_of_hair_beside_the_head_is_none_of_it() -> None:
    alpha = draw((240, 170), 110, shoulders=345)
    alpha[120:290, 412:420] = 1
    assert find_head(alpha).middle == pytest.approx(320, abs=1)


def test_a_bar_above_the_body_is_no_head() -> None:
    """No column of it holds a head's share of person, so there is no middle."""
    rows, columns = np.mgrid[0:300, 0:500]
    bar = (rows < 75) & (columns >= 3 * rows) & (columns < 3 * rows + 60)
    throat = (rows >= 75) & (rows < 110) & (columns >= 400) & (columns < 440)
    body = (rows >= 110) & (columns >= 100)
    with pytest.raises(CutawayError, match="what is beside it"):
        find_head(np.asarray(bar | throat | body, np.float32))


def test_nobody_has_no_head() -> None:
    with pytest.raises(CutawayError, match="nobody"):
        find_head(np.zeros((40, 30), np.float32))
