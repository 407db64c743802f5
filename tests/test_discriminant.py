import numpy as np
import pytest
from numpy.typing import NDArray

from cutaway import discriminant
from cutaway.discriminant import BLOCK, line_between_sides
from cutaway.lines import Line
from cutaway.types import Alpha

Floats = NDArray[np.floating]

RED, PINK, GREEN = (0.6, 0.2, 0.1), (0.85, 0.75, 0.85), (0.3, 0.8, 0.5)


def scene(height: int = 96, width: int = 128) -> tuple[Alpha, NDArray[np.float32]]:
    """The left half is surely a person's, the right half surely a wall, with a strip of doubt between; all is black."""
    alpha = np.zeros((height, width), np.float32)
    alpha[:, : width // 2], alpha[:, width // 2 - 4 : width // 2 + 4] = 1, 0.5
    return alpha, np.zeros((3, height, width), np.float32)


def painted(guide: NDArray[np.float32], where: tuple[slice, slice], colour: tuple[float, float, float]) -> None:
    guide[:, *where] = np.reshape(colour, (3, 1, 1))


def noisy(guide: NDArray[np.float32], deviation: float) -> NDArray[np.float32]:
    noise = np.random.default_rng(1).normal(0, deviation, guide.shape)
    return np.asarray(guide + noise, np.float32)


def alpha_at(line: Line, colour: tuple[float, float, float]) -> Floats:
    """What the line of each block makes of one colour."""
    return np.asarray(np.tensordot(colour, line.slope, 1) + line.offset)


def around(place: int, side: int) -> Floats:
    """The weight of each of ``side`` blocks in a row for the one at ``place``: the mean of the means of windows."""
    weights = np.zeros(side)
    reach = discriminant.NEARBY
    window = range(max(0, place - reach), min(side, place + reach + 1))
    for middle in window:
        inner = range(max(0, middle - reach), min(side, middle + reach + 1))
        weights[inner.start : inner.stop] += 1 / len(inner) / len(window)
    return weights


def by_hand(alpha: Floats, guide: Floats, row: int, column: int) -> tuple[Floats, float, float]:
    """Slope, offset and how far they tell, of one block, from the words of the docstring."""
    height, width = alpha.shape
    cover = alpha.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK).mean(axis=(1, 3))
    near = np.outer(around(row, height // BLOCK), around(column, width // BLOCK))
    # Each pixel with what its block is.
    covered, weights = (np.kron(of, np.ones((BLOCK, BLOCK))).ravel() for of in (cover, near * (2 * cover - 1) ** 2))
    samples = guide.reshape(3, -1)
    scatter, means, shares = discriminant.NOISE * np.eye(3), [], []
    for side in (covered > 0.5, covered < 0.5):
        share = weights[side].sum()
        means.append(np.average(samples[:, side], axis=1, weights=weights[side]))
        scatter += np.cov(samples[:, side], aweights=weights[side], bias=True) * share / weights.sum()
        shares.append(share / BLOCK**2)
    direction = np.linalg.solve(scatter, means[0] - means[1])
    apart = direction @ (means[0] - means[1])
    slope = direction / apart
    told = apart**2 / (apart**2 + discriminant.APART**2) * min(1, min(shares) / discriminant.LEAST)
    return slope, float(-slope @ means[1]), float(told)


# In the last two places one side is nearly out of reach, which counts where the colours tell much.
@pytest.mark.parametrize(
    ("place", "deviation"), [((0, 15), 0.3), ((11, 14), 0.3), ((23, 17), 0.3), ((11, 9), 0.05), ((11, 21), 0.05)]
)
def test_it_is_what_the_words_say_block_by_block(place: tuple[int, int], deviation: float) -> None:
    alpha, guide = scene()
    painted(guide, np.s_[:, :64], RED)
    painted(guide, np.s_[:, 64:], GREEN)
    guide = noisy(guide, deviation)
    alpha = np.clip(alpha + np.random.default_rng(2).normal(0, 0.1, alpha.shape), 0, 1).astype(np.float32)
    line, told = line_between_sides(alpha, guide)
    slope, offset, expected = by_hand(alpha.astype(np.float64), guide.astype(np.float64), *place)
    np.testing.assert_allclose(line.slope[:, *place], slope, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(line.offset[place], offset, atol=1e-3)
    np.testing.assert_allclose(told[place], expected, rtol=1e-2)


def test_it_is_one_at_the_persons_mean_colour_and_nothing_at_the_backgrounds() -> None:
    alpha, guide = scene()
    painted(guide, np.s_[:, :64], RED)
    painted(guide, np.s_[:, 64:], GREEN)
    line, told = line_between_sides(alpha, guide)
    np.testing.assert_allclose(alpha_at(line, RED)[:, 14:18], 1, atol=1e-3)
    np.testing.assert_allclose(alpha_at(line, GREEN)[:, 14:18], 0, atol=1e-3)
    assert told[:, 14:18].min() > 0.99


def test_stripes_of_the_wall_are_no_sign_of_the_person() -> None:
    alpha, guide = scene()
    painted(guide, np.s_[:, 64:], GREEN)
    for left in range(64, 128, 16):
        painted(guide, np.s_[:, left : left + 8], PINK)
    painted(guide, np.s_[:, :64], RED)
    line, told = line_between_sides(alpha, noisy(guide, 0.01))
    middle = np.s_[4:20, 15:17]
    for colour, expected in ((RED, 1), (PINK, 0), (GREEN, 0)):
        np.testing.assert_allclose(alpha_at(line, colour)[middle], expected, atol=0.1)
    assert told[middle].min() > 0.9


@pytest.mark.parametrize(("colour", "deviation"), [(RED, 0.01), (GREEN, 0.5)])
def test_colours_that_are_the_same_or_vary_as_much_as_they_differ_tell_nothing(
    colour: tuple[float, float, float], deviation: float
) -> None:
    alpha, guide = scene()
    painted(guide, np.s_[:, :64], RED)
    painted(guide, np.s_[:, 64:], colour)
    _, told = line_between_sides(alpha, noisy(guide, deviation))
    assert told.max() < 0.2


@pytest.mark.parametrize("level", [0, 0.5, 1])
@pytest.mark.parametrize("size", [(1, 1), (5, 7), (97, 130)])
def test_with_one_side_or_none_it_tells_nothing_and_stays_finite(level: float, size: tuple[int, int]) -> None:
    guide = np.random.default_rng(3).random((3, *size), np.float32)
    line, told = line_between_sides(np.full(size, level, np.float32), guide)
    blocks = tuple(-(-side // BLOCK) for side in size)
    assert (line.slope.shape, line.offset.shape, told.shape) == ((3, *blocks), blocks, blocks)
    assert np.isfinite(line.slope).all()
    assert np.isfinite(line.offset).all()
    assert not told.any()
