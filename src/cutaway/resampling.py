"""Pictures of 8 or 16 bits at another size, blurs and means of planes: Pillow has them, but for 8 bits alone."""

from collections.abc import Callable, Iterator
from math import ceil
from typing import Any, TypeAlias, TypeVar

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL.Image import Resampling

from cutaway.types import Pixels, white

Pixel = TypeVar("Pixel", bound=np.uint8 | np.uint16 | np.float32)

Plane: TypeAlias = NDArray[np.float32]
"""H×W, of any range."""

_Values: TypeAlias = NDArray[np.float32 | np.float64]

Area: TypeAlias = tuple[float, float, float, float]
"""A part of a picture: left, top, right, bottom, as Pillow has them; they need not be whole."""

_SMALL_RADIUS = 2.0
_LEAST_VARIANCE = 0.01
_ROWS_AT_ONCE = 32
_NO_SHARE = np.float32(1e-6)


def resized(
    pixels: NDArray[Pixel], height: int, width: int, kind: Resampling, area: Area | None = None
) -> NDArray[Pixel]:
    """Return ``area`` (None: all) of ``pixels``, H×W float32 or H×W×3 or 4 uint8 or uint16, at ``height`` × ``width``.

    Colours are weighed by the alpha beside them, so that what it hides does not run into what is seen. Where nothing
    changes it is ``pixels`` itself.
    """
    if area is None and pixels.shape[:2] == (height, width):
        return pixels

    def resize(part: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(PIL.Image.fromarray(part).resize((width, height), kind, area))

    if pixels.dtype != np.uint16:
        return resize(pixels)  # plane by plane, 8 bits would take twice the time
    result: NDArray[Any] = np.empty((height, width, pixels.shape[2]), pixels.dtype)
    for channel, plane in enumerate(_resized_planes(pixels, resize)):
        result[..., channel] = rounded(plane, result)
    return result


def rounded(values: Plane, like: Pixels) -> Pixels:
    """Return ``values`` as whole numbers in the type and range of ``like``."""
    whole = np.rint(values)
    return np.clip(whole, 0, white(like), out=whole).astype(like.dtype)


def blurred(plane: Plane, radius: float) -> Plane:
    """Return ``plane`` after a Gaussian blur; ``radius`` is its standard deviation in pixels, above 0."""
    height, width = plane.shape
    enlarged = resized(softened(plane, radius), height, width, Resampling.BICUBIC)
    # Bicubic: bilinear facets would show where a wide blur is enlarged. What overshoots is cut off.
    within: Plane = np.clip(enlarged, plane.min(), plane.max())
    return within


def softened(plane: Plane, radius: float) -> Plane:
    """Return the blur of ``plane`` at the size at which ``radius`` is no more than two pixels: enlarging loses nothing.

    What lies beyond the frame is what lies at its edge.
    """
    step = max(1.0, radius / _SMALL_RADIUS)
    height, width = (max(1, round(side / step)) for side in plane.shape)
    small = resized(plane, height, width, Resampling.BILINEAR)
    for before, after in zip(plane.shape, (height, width), strict=True):
        # Along a single pixel there is nothing to blur, however wide. Shrinking blurs too, by a variance of 1/6.
        variance = min(radius * after / before, 2 * _SMALL_RADIUS) ** 2 - (1 / 6 if after < before else 0)
        small = _convolve(small, max(variance, _LEAST_VARIANCE) ** 0.5)
    return small


def box_mean(planes: _Values, radius: int) -> _Values:
    """Return the mean of each pixel's window, 2 · ``radius`` + 1 along a side and cut off at the frame; …×h×w.

    ``planes`` are float32 or float64, and so is the result.
    """
    # For so small a window, additions of the shifted planes take a fifth of the time of a cumulative sum. They are done
    # in one piece, rows end to end: before each lie ``radius`` zeros, and what mixes two rows or planes is cut off.
    height, width = planes.shape[-2:]
    tall, wide = height + radius, width + radius
    rows = planes.size // (height * width) * tall
    padded = np.zeros((rows + 2 * radius + 2, wide), planes.dtype)  # rows more, for the last window to run into
    inside = padded[:rows].reshape(-1, tall, wide)[:, radius:, radius:]
    inside[...] = planes.reshape(inside.shape)
    columns = _shifted_sum(padded.ravel(), radius, wide, rows * wide + 2 * radius)
    total = _shifted_sum(columns, radius, 1, rows * wide).reshape(-1, tall, wide)[:, :height, :width]
    window: _Values = (_window(height, radius)[:, np.newaxis] * _window(width, radius)).astype(planes.dtype)
    mean: _Values = (total / window).reshape(planes.shape)
    return mean


def _convolve(plane: Plane, radius: float) -> Plane:
    """Return ``plane`` blurred down its columns and transposed; a few rows at a time stay in the processor's cache."""
    weights = np.exp(-0.5 * np.square(np.arange(ceil(3 * radius) + 1) / radius))
    weights /= 2 * weights.sum() - weights[0]
    middle, *sides = weights.astype(np.float32)
    (height, width), reach = plane.shape, len(sides)
    result = np.empty((width, height), np.float32)
    for top in range(0, height, _ROWS_AT_ONCE):
        count = min(_ROWS_AT_ONCE, height - top)
        around = plane[np.arange(top - reach, top + count + reach).clip(0, height - 1)]
        total = around[reach:][:count] * middle
        for away, weight in enumerate(sides, 1):
            pair = around[reach - away :][:count] + around[reach + away :][:count]
            pair *= weight
            total += pair
        result[:, top : top + count] = total.T
    return result


def _resized_planes(pixels: NDArray[Any], resize: Callable[[Plane], Plane]) -> Iterator[Plane]:
    if pixels.shape[2] == 3:
        yield from (resize(pixels[..., channel].astype(np.float32)) for channel in range(3))
        return
    cover: Plane = pixels[..., 3].astype(np.float32)
    share = resize(cover)
    for channel in range(3):
        yield np.divide(resize(pixels[..., channel] * cover), np.maximum(share, _NO_SHARE), dtype=np.float32)
    yield share


def _shifted_sum(samples: _Values, radius: int, step: int, count: int) -> _Values:
    """Return the sum, for each of the first ``count`` samples, of it and the 2 · ``radius`` that follow by ``step``."""
    total = samples[:count].copy()
    for place in range(step, (2 * radius + 1) * step, step):
        total += samples[place : place + count]
    return total


def _window(side: int, radius: int) -> NDArray[np.float32]:
    """Return how many of ``side`` pixels in a row are no farther than ``radius`` from each."""
    places = np.arange(side)
    return (np.minimum(places + radius, side - 1) - np.maximum(places - radius, 0) + 1).astype(np.float32)
