"""The network's alpha of a photo: of one look, and where that leaves it unsure of more (test-time augmentation)."""

from dataclasses import replace
from math import ceil, floor

import numpy as np

from cutaway.colour import to_srgb
from cutaway.composite import bounding_box
from cutaway.confidence import expected_iou
from cutaway.geometry import Fit, Placement, crop_canvas, pad_image, place, resize_alpha, resize_image, to_tensor
from cutaway.runtime import Runtime
from cutaway.tiles import Tile
from cutaway.types import Alpha, Image

SURE_AT_ONCE = 0.96
"""Expected person IoU from which one look is enough: further ones would take their time and change next to nothing."""

FURTHER = 0.8
"""How large the second look shows things, as a multiple of the first."""

AROUND = 0.2
"""What the third look, at whom the first has found, shows around them, as a share of the longer side of their box."""

SOMEBODY = 0.3
"""Alpha from which the third look wants to have a pixel in it: parts that the first doubts may be theirs too."""

CLOSE_ENOUGH = 0.8
"""Share of the photo from which the third look is left out: it would show hardly anything larger."""

_NEARLY_CERTAIN = 1e-6


def predict(runtime: Runtime, image: Image, profile: bytes | None = None) -> tuple[Alpha, Image]:
    """Return the network's alpha of ``image``, and ``image`` as uint8, in its own colours, at the size of that alpha.

    A network that expects little of its first alpha is shown the photo again in the mirror: from further away and,
    where it has found somebody in a part of it, that part close up. The mean of its log-odds counts. What it takes for
    a person by chance, it seldom takes for one again; and small people are seen large.

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
    if expected_iou(alpha) < SURE_AT_ONCE:
        alpha = _looked_again(runtime, image, small, profile, alpha)
    return alpha, small


def mean_by_log_odds(*alphas: Alpha) -> Alpha:
    """Return the alpha whose log-odds are the mean of those of ``alphas``, all of one size."""
    within = np.clip(alphas, _NEARLY_CERTAIN, 1 - _NEARLY_CERTAIN)
    odds = np.exp(np.log(within / (1 - within)).mean(axis=0))
    mean: Alpha = odds / (1 + odds)
    return mean


def _looked_again(runtime: Runtime, image: Image, small: Image, profile: bytes | None, alpha: Alpha) -> Alpha:
    """Return the mean of ``alpha``, which a first look gave, and of those of the further looks."""
    fit, size = runtime.manifest.fit, alpha.shape
    smaller = replace(fit, size=max(1, round(FURTHER * fit.size / fit.multiple)) * fit.multiple)
    further = resize_alpha(_mirrored(runtime, small, profile, smaller), *size)
    mean = mean_by_log_odds(alpha, further)
    part = _somebody(alpha)
    near = alpha[part]
    if near.size < CLOSE_ENOUGH * alpha.size:
        close = _mirrored(runtime, image[_enlarged(part, size, image.shape[:2])], profile, fit)
        mean[part] = mean_by_log_odds(near, further[part], resize_alpha(close, *near.shape))
    return mean


def _mirrored(runtime: Runtime, image: Image, profile: bytes | None, fit: Fit) -> Alpha:
    """Return the alpha, at the size that ``fit`` gives, that the network has of the mirrored ``image``, turned back."""
    placement = place(image.shape[0], image.shape[1], fit)
    small = to_srgb(resize_image(image, placement.height, placement.width), profile)
    return np.ascontiguousarray(_ask(runtime, small[:, ::-1], placement)[:, ::-1])


def _ask(runtime: Runtime, small: Image, placement: Placement) -> Alpha:
    """Return the network's alpha of ``small``, sRGB and of the size that ``placement`` has for it."""
    return crop_canvas(runtime.predict(to_tensor(pad_image(small, placement)[np.newaxis]))[0, 0], placement)


def _somebody(alpha: Alpha) -> Tile:
    """Return the part of the frame in which somebody may be, and what lies ``AROUND``; the whole of it if nobody is."""
    height, width = alpha.shape
    top, left, bottom, right = bounding_box(alpha, SOMEBODY) or (0, 0, height, width)
    pad = round(AROUND * max(bottom - top, right - left))
    return slice(max(0, top - pad), min(height, bottom + pad)), slice(max(0, left - pad), min(width, right + pad))


def _enlarged(part: Tile, size: tuple[int, ...], full: tuple[int, ...]) -> Tile:
    """Return the pixels, of a picture of size ``full``, that ``part`` of its reduction to ``size`` covers."""
    rows, columns = (
        slice(floor(side.start * whole / length), ceil(side.stop * whole / length))
        for side, length, whole in zip(part, size, full, strict=True)
    )
    return rows, columns
