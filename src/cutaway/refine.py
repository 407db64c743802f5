"""From the network's coarse alpha to an alpha at the photo's own size, with its edges where the photo has them."""

import functools
from collections.abc import Iterable

import numpy as np

from cutaway.discriminant import line_between_sides
from cutaway.evidence import settle_by_colour
from cutaway.geometry import resize_image
from cutaway.lines import PAIRS, Line, Planes, solve_symmetric, sum_of_products
from cutaway.regions import regions
from cutaway.resampling import box_mean
from cutaway.tiles import enlarged, small_tiles, source_of
from cutaway.types import Alpha, Image, check_alpha, check_image, white

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

STEP_KEPT = 0.75
"""How much the window's line counts at least where alpha is a step, whatever the colours of both sides tell."""

_SURE, _UNSURE = 0.05, 0.4
_SLOW, _STEP = 0.1, 0.3


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
    the windows that hold a pixel. Where alpha is soft and no step, it stands itself in the place of that line: the
    filter would take a slow ramp for noise. As far as the colours of both sides nearby tell of each other, the ``Line``
    between them takes the place of either, so that what is seen of the background between strands is none of the
    person; of a step's, ``STEP_KEPT`` stays. Away from where the network is unsure the coarse alpha stands, enlarged
    bilinearly: edges of the photo there are not the person's. The result is steeper by ``CONTRAST``; an alpha of 0
    everywhere stays 0. Nowhere does alpha move by more than ``MOST``.
    """
    # Seen through the filter by which the network's input was made, or the finest strands do not agree.
    guide = small.transpose(2, 0, 1).astype(np.float32, order="C") / np.float32(white(small))
    return _apply(_trusted_line(coarse, guide), coarse, image)


def _trusted_line(alpha: Alpha, guide: Planes) -> Line:
    """Return what ``alpha`` follows: of three opinions where the network is unsure nearby, else ``alpha`` itself."""
    step, window, trust = _step(alpha), _fit_line(alpha, guide), _trust(alpha)
    sides, told = line_between_sides(alpha, guide)
    told = _doubled(told, step) * (1 - STEP_KEPT * step)
    # Of three opinions that of the sides counts ``told``; the window's and alpha itself share what it leaves.
    left, own = step * (1 - told), (1 - step) * (1 - told)
    slopes = [_doubled(one, step) * told + other * left for one, other in zip(sides.slope, window.slope, strict=True)]
    offset = _doubled(sides.offset, step) * told + window.offset * left
    slope = np.stack([_doubled(part, alpha) for part in slopes])
    own_share = trust * _doubled(own, alpha) + (1 - trust)
    return Line(slope * trust, _doubled(offset, alpha) * trust + alpha * own_share)


def _trust(alpha: Alpha) -> Alpha:
    """Return how far the photo's edges are followed, 0..1: not at all where the network is sure all around."""
    # Within two pixels and not the whole window, or things of the person's colour that touch the window grow spikes.
    share = box_mean(box_mean(alpha, 1), 1)
    trust: Alpha = np.clip((4 * share * (1 - share) - _SURE) / (_UNSURE - _SURE), 0, 1)
    return trust


def _fit_line(alpha: Alpha, guide: Planes) -> Line:
    """Return the line of each block, fitted to its window as by He, Sun and Tang 2013, § 3.4."""
    colour, with_alpha = _window_means(guide), _window_means(channel * alpha for channel in guide)
    with_colour = _window_means(guide[i] * guide[j] for i, j in PAIRS)
    (mean,) = _window_means([alpha])
    covariances = [product - channel * mean for product, channel in zip(with_alpha, colour, strict=True)]
    variances = [
        product - colour[i] * colour[j] + (EPSILON if i == j else 0)
        for product, (i, j) in zip(with_colour, PAIRS, strict=True)
    ]
    slopes = solve_symmetric(variances, covariances)
    return Line(np.stack(slopes), mean - sum_of_products(slopes, colour))


def _step(alpha: Alpha) -> Alpha:
    """Return how far ``alpha`` is a step between 0 and 1 about each block, 0..1: there the window's line is followed.

    A window that holds nothing but 0 and 1 has the variance mean · (1 − mean), a slow ramp or an even alpha far less.
    """
    mean, square = _window_means([alpha, alpha * alpha])
    variance = square - mean * mean
    share = variance / np.maximum(mean * (1 - mean), EPSILON)
    step: Alpha = np.clip((share - _SLOW) / (_STEP - _SLOW), 0, 1)
    return step


def _window_means(planes: Iterable[Planes]) -> list[Planes]:
    """Return the means of the windows around the blocks of each of ``planes``, as far as the frame goes."""
    return [_window_sums(plane) * _shares(*plane.shape) for plane in planes]


@functools.lru_cache(maxsize=8)
def _shares(height: int, width: int) -> Alpha:
    """Return one over how many pixels the window around each block holds: six along a side, fewer at the frame."""
    rows, columns = (
        np.minimum(starts + 4, side) - np.maximum(starts - 2, 0)
        for side, starts in ((height, np.arange(0, height, 2)), (width, np.arange(0, width, 2)))
    )
    shares: Alpha = (1 / np.multiply.outer(rows, columns)).astype(np.float32)
    shares.flags.writeable = False
    return shares


def _window_sums(plane: Planes) -> Planes:
    """Return the sum of each block of 2 × 2 pixels of ``plane`` and of the eight around it; beyond the frame lie 0."""
    height, width = plane.shape
    even = np.pad(plane, ((0, height % 2), (0, width % 2))) if height % 2 or width % 2 else plane
    rows = even[::2] + even[1::2]
    blocks = np.zeros((rows.shape[0] + 2, rows.shape[1] // 2 + 2), plane.dtype)
    np.add(rows[:, ::2], rows[:, 1::2], out=blocks[1:-1, 1:-1])
    threes = blocks[:-2] + blocks[1:-1]
    threes += blocks[2:]
    sums: Planes = threes[:, :-2] + threes[:, 1:-1]
    sums += threes[:, 2:]
    return sums


def _doubled(blocks: Planes, plane: Planes) -> Alpha:
    """Return ``blocks`` bilinearly at the size of ``plane``, of whose blocks of 2 × 2 they are."""
    height, width = plane.shape
    return _doubled_rows(_doubled_rows(blocks).T).T[:height, :width]


def _doubled_rows(rows: Planes) -> Alpha:
    """Return ``rows`` bilinearly at twice the height."""
    around = np.concatenate([rows[:1], rows, rows[-1:]]) * np.float32(0.25)
    near = rows * np.float32(0.75)
    return np.stack([around[:-2] + near, near + around[2:]], axis=1).reshape(-1, rows.shape[1])


def _apply(line: Line, coarse: Alpha, image: Image) -> Alpha:
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
