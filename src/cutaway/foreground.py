"""The colour that a person has in the soft pixels of their outline, where the photo mixes it with the background."""

from typing import TypeAlias

import numpy as np
import PIL.Image
from numpy.typing import DTypeLike, NDArray

from cutaway.composite import quantised
from cutaway.tiles import enlarged, reduced, small_tiles, spread, tiles
from cutaway.types import Alpha, Image, Mask, Pixels, check_same_size, white

_Planes: TypeAlias = NDArray[np.float32]
"""Three channels of 0..1, first; where there is one axis more, the foreground's colour and then the background's."""

SOLVED_SIDE = 256
"""Longer side, in pixels, at which the smooth part of the colours is solved; finer detail comes from the photo."""

_SMOOTHNESS = 1e-5
# Twice the paper's iterations carry colours across wide soft regions, and serve better than twice SOLVED_SIDE.
_SMALL_SIDE = 64
_ITERATIONS_SMALL = 20
_ITERATIONS = 4


def estimate_foreground(image: Image, alpha: Alpha, out: Image | None = None) -> Image:
    """Return the foreground's own colour, H×W×3: mixed by ``alpha`` with a background it gives ``image``.

    It has the depth of ``image``, and is written to ``out``, of that shape and depth and apart from it, where this is
    given. Colours change only where alpha, rounded to that depth, lies between 0 and 1. Where it is 0 the colour is 0,
    so that nothing of the background can be recovered.

    Multi-level estimation (Germer, Uelwer, Conrad and Harmeling, "Fast Multi-Level Foreground Estimation", 2020) up to
    ``SOLVED_SIDE``; above that one step of the same iteration at full size, as Forte and Pitié do in "Approximate Fast
    Foreground Colour Estimation" (2021), in the soft pixels alone.
    """
    check_same_size(image, alpha)
    foreground = np.empty(image.shape, image.dtype) if out is None else out
    if (foreground.shape, foreground.dtype) != (image.shape, image.dtype):
        raise ValueError(f"out is {foreground.shape} {foreground.dtype}, the image {image.shape} {image.dtype}")
    height, width = alpha.shape
    has_soft = spread(lambda tile: _clear_invisible(foreground[tile], image[tile], alpha[tile]), tiles(height, width))
    if any(has_soft):
        smooth = _solve(image, alpha)
        for tile in small_tiles(smooth.shape[-2:], height, width):
            soft = _soft_pixels(alpha[tile], image.dtype)
            if soft.size:
                _settle(foreground[tile], image[tile], alpha[tile], enlarged(smooth, tile, height, width), soft)
    return foreground


def _clear_invisible(foreground: Image, image: Image, alpha: Alpha) -> bool:
    """Fill ``foreground`` with ``image``, 0 where nothing of it is seen, and return whether there are soft pixels."""
    if _is_even(alpha):
        foreground[...] = image if alpha.flat[0] else 0
        return False
    opacity = quantised(alpha, image.dtype)
    visible = opacity > 0
    # Channel by channel: with three channels innermost NumPy is several times as slow.
    for channel in range(3):
        np.multiply(image[..., channel], visible, out=foreground[..., channel])
    return bool(_is_soft(opacity).any())


def _settle(foreground: Image, image: Image, alpha: Alpha, around: _Planes, soft: NDArray[np.intp]) -> None:
    """Write the estimated colour into the pixels ``soft`` of ``foreground``."""
    # Channel by channel, and by numbers: through a mask NumPy is several times as slow too.
    guess = around.reshape(2, 3, -1).take(soft, axis=2)
    samples = np.stack([image[..., channel].take(soft) for channel in range(3)])
    mixed = np.divide(samples, white(image), dtype=np.float32)
    for channel, colour in enumerate(_fit(guess, mixed, alpha.take(soft), 0)[0]):
        foreground[..., channel].flat[soft] = np.rint(colour * white(image))


def _soft_pixels(alpha: Alpha, depth: DTypeLike) -> NDArray[np.intp]:
    """Return the numbers of the pixels whose alpha, rounded to ``depth``, lies between 0 and 1."""
    return np.empty(0, np.intp) if _is_even(alpha) else np.flatnonzero(_is_soft(quantised(alpha, depth)))


def _is_even(alpha: Alpha) -> bool:
    """Return whether ``alpha`` is 0 throughout, or 1, as most of a photo is."""
    return bool(alpha.max() == 0 or alpha.min() == 1)


def _is_soft(opacity: Pixels) -> Mask:
    return (opacity > 0) & (opacity < white(opacity))


def _solve(image: Image, alpha: Alpha) -> _Planes:
    """Return both colours, smooth, up to ``SOLVED_SIDE`` along a side: from one pixel up, twice the size each time."""
    scale = min(1, SOLVED_SIDE / max(alpha.shape))
    height, width = (max(1, round(side * scale)) for side in alpha.shape)
    picture, cover = reduced(image, height, width) / np.float32(white(image)), reduced(alpha, height, width)
    colours = _mean_colours(picture, cover[0])
    planes = [PIL.Image.fromarray(plane) for plane in (*picture, *cover)]
    for size in _levels(width, height):
        level = np.stack([np.asarray(plane.resize(size, PIL.Image.Resampling.BOX)) for plane in planes])
        colours = _iterate(_repeated(colours, size), level[:3], level[3])
    return colours


def _levels(width: int, height: int) -> list[tuple[int, int]]:
    """Return the sizes (width, height) to solve, smallest first."""
    halvings = range((max(width, height) - 1).bit_length(), -1, -1)
    return [(max(1, width >> halving), max(1, height >> halving)) for halving in halvings]


def _mean_colours(image: _Planes, alpha: Alpha) -> _Planes:
    shares = np.stack([alpha, 1 - alpha])[:, np.newaxis]
    total = np.sum(image * shares, axis=(2, 3), keepdims=True)
    mean: _Planes = total / np.maximum(np.sum(shares, axis=(2, 3), keepdims=True), np.float32(1e-6))
    return mean


def _repeated(colours: _Planes, size: tuple[int, int]) -> _Planes:
    """Return ``colours`` at ``size`` (width, height), each pixel repeated."""
    rows = np.arange(size[1]) * colours.shape[2] // size[1]
    columns = np.arange(size[0]) * colours.shape[3] // size[0]
    return colours[:, :, rows[:, np.newaxis], columns]


def _iterate(colours: _Planes, image: _Planes, alpha: Alpha) -> _Planes:
    weights = [_SMOOTHNESS + np.abs(neighbour - alpha) for neighbour in _neighbours(alpha)]
    total = np.sum(weights, axis=0)
    shares = [weight / total for weight in weights]
    for _ in range(_ITERATIONS_SMALL if max(alpha.shape) <= _SMALL_SIDE else _ITERATIONS):
        around = np.zeros_like(colours)
        for neighbour, share in zip(_neighbours(colours), shares, strict=True):
            around += neighbour * share
        colours = _fit(around, image, alpha, total)
    return colours


def _fit(around: _Planes, image: _Planes, alpha: Alpha, smoothness: Alpha | float) -> _Planes:
    """Return the colours that mix to ``image`` and stay near those ``around``: Germer's 2 × 2 system, solved."""
    foreground, background = around
    missing = image - background - alpha * (foreground - background)
    missing /= np.square(alpha) + np.square(1 - alpha) + smoothness
    colours: _Planes = np.clip(around + np.stack([alpha * missing, (1 - alpha) * missing]), 0, 1)
    return colours


def _neighbours(planes: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return what lies above, below, left and right of each pixel; at the frame that is the pixel itself."""
    above = np.concatenate([planes[..., :1, :], planes[..., :-1, :]], axis=-2)
    below = np.concatenate([planes[..., 1:, :], planes[..., -1:, :]], axis=-2)
    left = np.concatenate([planes[..., :1], planes[..., :-1]], axis=-1)
    right = np.concatenate([planes[..., 1:], planes[..., -1:]], axis=-1)
    return [above, below, left, right]
