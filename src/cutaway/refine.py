"""From the network's coarse alpha to an alpha at the photo's own size, with its edges where the photo has them."""

import functools
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cutaway.evidence import settle_by_colour
from cutaway.geometry import resize_image
from cutaway.regions import regions
from cutaway.resampling import box_mean
from cutaway.tiles import enlarged, small_tiles, source_of
from cutaway.types import Alpha, Image, check_alpha, check_image, white

_Planes: TypeAlias = NDArray[np.float32 | np.float64]

EPSILON = 1e-4
"""Variance of the photo's colours (0..1) that counts as noise."""

MOST = 0.5
"""The most that alpha may move from the coarse alpha enlarged: what the network is sure of never changes sides."""

CONTRAST = 1.1
"""How much steeper edges are made around an alpha of 0.5: a network's doubt beside an edge is a halo to the eye."""

ISLAND_SHARE, ISLAND_ALPHA = 0.3, 0.8
"""How large a region of person is at least, beside the largest, to be theirs too; or how sure, by its mean alpha."""

HOLE_SHARE, HOLE_ALPHA = 0.1, 0.4
"""How small a region of background is, beside that, and how unsure, by its mean alpha, to be no background."""

ABOUT = 6
"""Pixels of the coarse alpha that each of two means reaches, by which it is told how much of a side is about."""

BESIDE = 12
"""One over the share of a side that has to be about for doubt to stay as it is."""

_SURE, _UNSURE = 0.05, 0.4
_SLOW, _STEP = 0.1, 0.3
_PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


class _Line(NamedTuple):
    """Alpha as a linear function of colour (0..1): ``slope``, 3×h×w, times the colour, plus ``offset``, h×w."""

    slope: _Planes
    offset: _Planes


def guided(coarse: Alpha, image: Image, small: Image | None = None) -> Alpha:
    """Return ``coarse`` (h×w, of the same frame as ``image`` and usually smaller) at the size of ``image``, H×W, 0..1.

    ``small`` is what ``resize_image`` makes of ``image`` at the size of ``coarse``, for whoever has it already.
    Doubts are ``settled`` first, then ``follow_edges`` does the rest.
    """
    check_alpha(coarse)
    check_image(image)
    seen = resize_image(image, *coarse.shape) if small is None else small
    return follow_edges(settled(coarse, seen), image, seen)


def settled(coarse: Alpha, small: Image) -> Alpha:
    """Return ``coarse`` with its doubts settled by the colours of ``small``, of its size, and by where they lie.

    Doubt belongs to outlines. What of it lies away from them, a haze over the background or a thin spot in a person, is
    brought to the side that it is nearer to: the more, the less of the other side there is about. Small regions that
    are doubtful throughout change sides: a scrap of background, a hole in a sleeve.
    """
    alpha = _without_specks(settle_by_colour(coarse, small))
    person = alpha >= 0.5
    about = box_mean(box_mean(person.astype(np.float32), ABOUT), ABOUT)
    by_person, by_background = (np.minimum(BESIDE * share, 1) for share in (about, 1 - about))
    return np.where(person, 1 - (1 - alpha) * by_background, alpha * by_person)


def _without_specks(alpha: Alpha) -> Alpha:
    """Return ``alpha`` with 0 for a person, 1 for background in small regions of them that the network doubts."""
    region = regions(alpha >= 0.5).ravel()
    size = np.bincount(region)
    mean = np.bincount(region, alpha.ravel()) / np.maximum(size, 1)
    person = mean >= 0.5
    largest = size[person].max(initial=0)
    island = person & (size < ISLAND_SHARE * largest) & (mean < ISLAND_ALPHA)
    hole = ~person & (size < HOLE_SHARE * largest) & (mean > HOLE_ALPHA)
    decided = np.where((island | hole)[region], hole[region], alpha.ravel())
    return decided.reshape(alpha.shape).astype(np.float32)


def follow_edges(coarse: Alpha, image: Image, small: Image) -> Alpha:
    """Return ``coarse`` at the size of ``image``, with its edges where the photo has them; as ``guided`` takes them.

    The fast guided filter (He and Sun, "Fast Guided Filter", 2015) with the photo as colour guide: for each window of
    the coarse alpha, 6 × 6 pixels around each block of 2 × 2, the linear function of colour that fits it best is
    found, and applied at full size. Between windows it is interpolated, which takes the place of the paper's mean over
    the windows that hold a pixel. What the photo does not explain of a soft edge is added back: the filter would take
    a slow ramp for noise. Away from where the network is unsure the coarse alpha stands, enlarged bilinearly: edges of
    the photo there are not the person's. The result is steeper by ``CONTRAST``; an alpha of 0 everywhere stays 0.
    Nowhere does alpha move by more than ``MOST``.
    """
    # Seen through the filter by which the network's input was made, or the finest strands do not agree.
    guide = small.transpose(2, 0, 1).astype(np.float32, order="C") / np.float32(white(small))
    return _apply(_trusted_line(coarse, guide), coarse, image)


def _trusted_line(alpha: Alpha, guide: _Planes) -> _Line:
    """Return what fits ``alpha`` where the network is unsure nearby, and ``alpha`` itself where it is sure."""
    slope, offset = _fit_line(alpha, guide)
    missed = alpha - _sum_of_products(slope, guide) - offset
    soft, trust = 1 - _step(alpha), _trust(alpha)
    return _Line(slope * trust, (offset + soft * missed) * trust + alpha * (1 - trust))


def _trust(alpha: Alpha) -> Alpha:
    """Return how far the photo's edges are followed, 0..1: not at all where the network is sure all around."""
    # Within two pixels and not the whole window, or things of the person's colour that touch the window grow spikes.
    share = box_mean(box_mean(alpha, 1), 1)
    trust: Alpha = np.clip((4 * share * (1 - share) - _SURE) / (_UNSURE - _SURE), 0, 1)
    return trust


def _fit_line(alpha: Alpha, guide: _Planes) -> _Line:
    """Return the line of each pixel, between those of the windows nearby, each by He, Sun and Tang 2013, § 3.4."""
    mean, means = _window_mean(alpha), [_window_mean(channel) for channel in guide]
    covariances = [_window_mean(guide[i] * alpha) - means[i] * mean for i in range(3)]
    variances = [
        _window_mean(guide[i] * guide[j]) - means[i] * means[j] + (EPSILON if i == j else 0) for i, j in _PAIRS
    ]
    slopes = _solve_symmetric(variances, covariances)
    offset = mean - _sum_of_products(slopes, means)
    return _Line(np.stack([_between(slope, alpha) for slope in slopes]), _between(offset, alpha))


def _step(alpha: Alpha) -> Alpha:
    """Return how far ``alpha`` is a step between 0 and 1 about each pixel, 0..1: those follow the guide alone.

    A window that holds nothing but 0 and 1 has the variance mean · (1 − mean), a slow ramp or an even alpha far less.
    """
    mean = _window_mean(alpha)
    variance = _window_mean(alpha * alpha) - mean * mean
    share = variance / np.maximum(mean * (1 - mean), EPSILON)
    return _between(np.clip((share - _SLOW) / (_STEP - _SLOW), 0, 1), alpha)


def _window_mean(plane: _Planes) -> Alpha:
    """Return the mean of the window around each block of ``plane``, as far as the frame goes."""
    count = _window_sums(np.ones_like(plane[:, :1])) * _window_sums(np.ones_like(plane[:1].T)).T
    mean: Alpha = _window_sums(_window_sums(plane).T).T / count
    return mean


def _window_sums(plane: _Planes) -> _Planes:
    """Return, of each two rows of ``plane``, the sum of these, the two before and the two that follow."""
    height, width = plane.shape
    padded = np.zeros((2 + height + height % 2 + 2, width), plane.dtype)
    padded[2 : 2 + height] = plane
    pairs: _Planes = padded[::2] + padded[1::2]
    return pairs[:-2] + pairs[1:-1] + pairs[2:]


def _between(blocks: _Planes, plane: _Planes) -> Alpha:
    """Return ``blocks`` bilinearly at the size of ``plane``, of whose blocks they are."""
    height, width = plane.shape
    return _doubled(_doubled(blocks).T).T[:height, :width]


def _doubled(rows: _Planes) -> Alpha:
    """Return ``rows`` bilinearly at twice the height."""
    around = np.concatenate([rows[:1], rows, rows[-1:]]) * np.float32(0.25)
    near = rows * np.float32(0.75)
    return np.stack([around[:-2] + near, near + around[2:]], axis=1).reshape(-1, rows.shape[1])


def _sum_of_products(left: Iterable[_Planes], right: Iterable[_Planes]) -> _Planes:
    return functools.reduce(np.add, (one * other for one, other in zip(left, right, strict=True)))


def _solve_symmetric(matrix: Iterable[_Planes], right: Iterable[_Planes]) -> tuple[_Planes, _Planes, _Planes]:
    """Solve a positive definite 3×3 system in each pixel; ``matrix`` holds its elements in the order of ``_PAIRS``.

    By L·D·Lᵀ: the channels of a grey photo are nearly one, and in float32 a determinant would be lost in its rounding.
    """
    a, b, c, d, e, f = matrix
    x, y, z = right
    p, q = b / a, c / a
    second, mixed = d - p * b, e - p * c
    r = mixed / second
    third = f - q * c - r * mixed
    y = y - p * x
    last = (z - q * x - r * y) / third
    middle = y / second - r * last
    return x / a - p * middle - q * last, middle, last


def _apply(line: _Line, coarse: Alpha, image: Image) -> Alpha:
    height, width = image.shape[:2]
    alpha = np.empty((height, width), np.float32)
    planes = np.stack([coarse, line.offset, *(line.slope / np.float32(white(image)))], dtype=np.float32)
    followed, steeper = np.any(line.slope, axis=0), _steeper(coarse)
    for tile in small_tiles(coarse.shape, height, width):
        source = source_of(tile, coarse.shape, height, width)
        if followed[source].any():
            near, part, *slopes = enlarged(planes, tile, height, width)
            for channel, slope in enumerate(slopes):
                slope *= image[tile][..., channel]
                part += slope
            alpha[tile] = np.clip(_steeper(part), near - MOST, near + MOST)
            continue
        level = steeper[source]
        # Most such tiles are person throughout, or background: there is nothing to enlarge.
        even = level.min() == level.max()
        alpha[tile] = level[0, 0] if even else _steeper(enlarged(coarse, tile, height, width))
    return alpha


def _steeper(alpha: Alpha) -> Alpha:
    steeper: Alpha = (alpha - np.float32(0.5)) * np.float32(CONTRAST) + np.float32(0.5)
    return np.clip(steeper, 0, 1, out=steeper)
