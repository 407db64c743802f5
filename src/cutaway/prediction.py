"""The network's alpha of a photo: of one look, and where that leaves it unsure of three (test-time augmentation)."""

from dataclasses import replace
from math import ceil, floor, sqrt

import numpy as np

from cutaway.colour import to_srgb
from cutaway.composite import Box, bounding_box
from cutaway.confidence import expected_iou
from cutaway.geometry import Fit, Placement, crop_canvas, pad_image, place, resize_alpha, resize_image, to_tensor
from cutaway.runtime import Runtime
from cutaway.tiles import Tile
from cutaway.types import Alpha, Image

SURE_AT_ONCE = 0.96
"""Expected person IoU from which one look is enough: further ones would take their time and change next to nothing."""

FURTHER, CLOSER = 0.8, 1.3
"""How large the second look shows things, and the third at least, as multiples of the first."""

AROUND = 0.2
"""What the third look, at whom the first has found, shows around them, as a share of the longer side of their box."""

SOMEBODY = 0.3
"""Alpha from which the third look wants to have a pixel in it: parts that the first doubts may be theirs too."""

_NEARLY_CERTAIN = 1e-6


def predict(runtime: Runtime, image: Image, profile: bytes | None = None) -> tuple[Alpha, Image]:
    """Return the network's alpha of ``image``, and ``image`` as uint8, in its own colours, at the size of that alpha.

    A network that expects little of its first alpha is shown the photo twice more, in the mirror: from further away,
    and close up where it has found somebody. The mean of its log-odds counts. What it takes for a person by chance, it
    seldom takes for one three times; and small people are seen large.

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
    return alpha if expected_iou(alpha) >= SURE_AT_ONCE else _looked_again(runtime, image, profile, alpha), small


def mean_by_log_odds(*alphas: Alpha) -> Alpha:
    """Return the alpha whose log-odds are the mean of those of ``alphas``, all of one size."""
    within = np.clip(alphas, _NEARLY_CERTAIN, 1 - _NEARLY_CERTAIN)
    odds = np.exp(np.log(within / (1 - within)).mean(axis=0))
    mean: Alpha = odds / (1 + odds)
    return mean


def _looked_again(runtime: Runtime, image: Image, profile: bytes | None, alpha: Alpha) -> Alpha:
    """Return the mean of ``alpha``, which a first look gave, and of those of the further looks."""
    fit, size = runtime.manifest.fit, alpha.shape
    further = resize_alpha(_mirrored(runtime, image, profile, _scaled(fit, FURTHER)), *size)
    mean = mean_by_log_odds(alpha, further)
    box = bounding_box(alpha, SOMEBODY)
    if box:
        part = _surroundings(box, *size)
        near = alpha[part]
        closer = _scaled(fit, max(1, CLOSER * sqrt(near.size / alpha.size)))
        close = _mirrored(runtime, image[_enlarged(part, size, image.shape[:2])], profile, closer)
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


def _surroundings(box: Box, height: int, width: int) -> Tile:
    """Return ``box`` with ``AROUND`` around it, as far as a frame of ``height`` × ``width`` goes."""
    top, left, bottom, right = box
    pad = round(AROUND * max(bottom - top, right - left))
    return slice(max(0, top - pad), min(height, bottom + pad)), slice(max(0, left - pad), min(width, right + pad))


def _enlarged(part: Tile, size: tuple[int, ...], full: tuple[int, ...]) -> Tile:
    """Return the pixels, of a picture of size ``full``, that ``part`` of its reduction to ``size`` covers."""
    rows, columns = (
        slice(floor(side.start * whole / length), ceil(side.stop * whole / length))
        for side, length, whole in zip(part, size, full, strict=True)
    )
    return rows, columns


def _scaled(fit: Fit, scale: float) -> Fit:
    return replace(fit, size=max(1, round(scale * fit.size / fit.multiple)) * fit.multiple)
