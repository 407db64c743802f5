"""The network's alpha of a photo: of one view, or of two where one leaves it in doubt (test-time augmentation)."""

from dataclasses import replace
from math import ceil, floor

import numpy as np
from PIL.Image import Resampling

from cutaway.colour import to_srgb
from cutaway.composite import Box, bounding_box
from cutaway.confidence import NEARLY_CERTAIN, stray_doubt
from cutaway.geometry import Fit, Placement, crop_canvas, pad_image, place, resize_alpha, resize_image, to_tensor
from cutaway.resampling import resized
from cutaway.runtime import Runtime
from cutaway.tiles import Tile
from cutaway.types import Alpha, Image

DOUBTFUL = 0.03
"""Stray doubt above which one view is not enough: of less, a second takes its time and changes next to nothing."""

SOMEBODY = 0.3
"""Alpha from which a pixel may be somebody's: if none is, one view is enough too, and the close view wants them all."""

AROUND = 0.1
"""What the close view shows on each side of whom the first has found, as a share of their height and width."""

CLOSE_ENOUGH = 0.9
"""Share of the photo, what is around them included, from which there is no close view: it would show little larger."""

FURTHER = 0.8
"""How large the further view shows things, as a multiple of the first, as near as the network's multiple allows."""


def predict(runtime: Runtime, image: Image, profile: bytes | None = None) -> tuple[Alpha, Image]:
    """Return the network's alpha of ``image``, and ``image`` as uint8, in its own colours, at the size of that alpha.

    A network that sees somebody and is in doubt about more than outlines is shown the photo again in the mirror: close
    up or, where they fill it, from further away. The mean of its log-odds counts. What it takes for a person by chance,
    it seldom takes for one again; and small people are seen large.

    Args:
        runtime: The network.
        image: The photo, H×W×3, in the colours of ``profile``.
        profile: Its ICC profile; None: sRGB.

    Raises:
        ModelError: ONNX Runtime fails.
    """
    fit = runtime.manifest.fit
    placement = place(image.shape[0], image.shape[1], fit)
    small = resize_image(image, placement.height, placement.width)
    alpha = _ask(runtime, to_srgb(small, profile), placement)
    box = bounding_box(alpha, SOMEBODY)
    if box and stray_doubt(alpha) > DOUBTFUL:
        alpha = _of_two_views(runtime, image, small, profile, alpha, box)
    return alpha, small


def mean_by_log_odds(one: Alpha, other: Alpha) -> Alpha:
    """Return the alpha whose log-odds are the mean of those of two of one size; its odds are their geometric mean."""
    first, second = (np.clip(alpha, NEARLY_CERTAIN, 1 - NEARLY_CERTAIN) for alpha in (one, other))
    person, background = np.sqrt(first * second), np.sqrt((1 - first) * (1 - second))
    mean: Alpha = person / (person + background)
    return mean


def _of_two_views(runtime: Runtime, image: Image, small: Image, profile: bytes | None, alpha: Alpha, box: Box) -> Alpha:
    """Return the mean of ``alpha``, that of the first view, ``small``, and of a second: around ``box``, or of all."""
    fit, part = runtime.manifest.fit, _around(box, *alpha.shape)
    near = alpha[part]
    if near.size < CLOSE_ENOUGH * alpha.size:
        close = _close_up(runtime, image, profile, part, alpha.shape)
        mean = alpha.copy()
        mean[part] += _fading(part, box, alpha.shape) * (mean_by_log_odds(near, close) - near)
        return mean
    smaller = replace(fit, size=max(1, round(FURTHER * fit.size / fit.multiple)) * fit.multiple)
    return mean_by_log_odds(alpha, resize_alpha(_mirrored(runtime, small, profile, smaller), *alpha.shape))


def _close_up(runtime: Runtime, image: Image, profile: bytes | None, part: Tile, size: tuple[int, ...]) -> Alpha:
    """Return the network's alpha of ``part``, a part of an alpha of ``size``, seen as large as a whole photo is."""
    ends = [
        (side.start * whole / length, side.stop * whole / length)
        for side, whole, length in zip(part, image.shape[:2], size, strict=True)
    ]
    rows, columns = (slice(floor(start), ceil(stop)) for start, stop in ends)
    close = _mirrored(runtime, image[rows, columns], profile, runtime.manifest.fit)
    # Whole pixels of the photo reach beyond the part, by much where they are larger than the network's.
    (top, bottom), (left, right) = (
        [min((end - shown.start) * seen / (shown.stop - shown.start), seen) for end in pair]
        for pair, shown, seen in zip(ends, (rows, columns), close.shape, strict=True)
    )
    height, width = (side.stop - side.start for side in part)
    return resized(close, height, width, Resampling.BILINEAR, (left, top, right, bottom))


def _mirrored(runtime: Runtime, image: Image, profile: bytes | None, fit: Fit) -> Alpha:
    """Return the alpha, at the size that ``fit`` gives, that the network has of the mirrored ``image``, turned back."""
    placement = place(image.shape[0], image.shape[1], fit)
    small = to_srgb(resize_image(image, placement.height, placement.width), profile)
    return np.ascontiguousarray(_ask(runtime, small[:, ::-1], placement)[:, ::-1])


def _ask(runtime: Runtime, small: Image, placement: Placement) -> Alpha:
    """Return the network's alpha of ``small``, sRGB and of the size that ``placement`` has for it."""
    return crop_canvas(runtime.predict(to_tensor(pad_image(small, placement)[np.newaxis]))[0, 0], placement)


def _around(box: Box, height: int, width: int) -> Tile:
    """Return ``box`` and what lies ``AROUND`` it, as far as a frame of ``height`` × ``width`` goes."""
    top, left, bottom, right = box
    down, across = ceil(AROUND * (bottom - top)), ceil(AROUND * (right - left))
    return slice(max(0, top - down), min(height, bottom + down)), slice(
        max(0, left - across), min(width, right + across)
    )


def _fading(part: Tile, box: Box, size: tuple[int, ...]) -> Alpha:
    """Return how much a close view of ``part`` counts: wholly in ``box``, less and less around it, so no line shows.

    Where ``part`` reaches an edge of the photo, which ``size`` has, there is nothing to fade into.
    """
    rows, columns = (
        np.interp(
            range(side.start, side.stop),
            (side.start - 1, first, last - 1, side.stop),
            (side.start == 0, 1, 1, side.stop == length),
        )
        for side, first, last, length in zip(part, box[:2], box[2:], size, strict=True)
    )
    return np.outer(rows, columns).astype(np.float32)
