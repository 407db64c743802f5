"""What the colours nearby say of pixels that the network is unsure of."""

import math
from typing import TypeAlias

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from cutaway.types import Alpha, Image, Mask

SIDE = 160
"""About the side, in pixels, of the reduced alpha whose doubts are settled: exact outlines are left to ``refine``."""

REACH, STEP = 24, 4
"""How far away, in reduced pixels, neighbours are asked, and every how many of them."""

NEAR = 12.0
"""Standard deviation of their weight by distance, in reduced pixels."""

ALIKE = 3.0
"""Standard deviation of their weight by difference of colour, in units of L*a*b*."""

WEIGHT = 0.75
"""How much the evidence counts beside the network's log-odds."""

DISCOUNT = 0.7
"""How much of what neighbours of any colour say is no evidence: it is where a pixel lies, which the network has seen.

At 0 a small person among much background would be outvoted; at 1 it would not count of which side there is more.
"""

UNASKED = 0.05
"""Weight, in sure neighbours, of what is expected before any is asked: one of a like colour outweighs it."""

UNSURE = 0.05
"""How near to 0 or 1 a reduced alpha is sure."""

_AT_ONCE = 512
"""Pixels that are weighed together: with their neighbours they fit into a processor's cache, however many there are."""

Floats: TypeAlias = NDArray[np.float32]

_LEVELS = np.arange(256) / 255
_LINEAR = np.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4).astype(np.float32)
_WHITE = np.array([0.9505, 1, 1.089])
_PRIMARIES = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_TO_XYZ = (_PRIMARIES / _WHITE[:, np.newaxis]).astype(np.float32)
"""Of IEC 61966-2-1, over the white of D65, so that white is 1, 1, 1."""


def settle_by_colour(alpha: Alpha, image: Image) -> Alpha:
    """Return ``alpha`` (h×w) with the network's doubts settled where colour can tell.

    ``image`` is h×w×3 uint8 and taken for sRGB: in another space colours are a little nearer to each other.

    Each pixel that the network is unsure of asks neighbours that it is sure of; those near count for more, and those of
    a like colour. How the person's and the background's of a like colour stand to each other, beside those of any
    colour, is the evidence, and its log is added to the log-odds of alpha. This is the appearance term of Krähenbühl
    and Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials" (2011), applied once, on a
    lattice of neighbours, each as it is sure, and as a likelihood ratio.

    Colours that nobody near shares are no evidence; 0 and 1 stay, and what is nearly either hardly moves.
    """
    height, width = alpha.shape
    factor = max(1, round(math.sqrt(height * width) / SIDE))
    reduced = np.asarray(PIL.Image.fromarray(alpha).reduce(factor))
    colours = _lab(np.asarray(PIL.Image.fromarray(image).reduce(factor)))
    evidence = PIL.Image.fromarray(_evidence(reduced, colours))
    area = 0, 0, width / factor, height / factor
    against = np.exp(-WEIGHT * np.asarray(evidence.resize((width, height), PIL.Image.Resampling.BILINEAR, area)))
    settled: Alpha = alpha / (alpha + (1 - alpha) * against)
    return settled


def _evidence(alpha: Alpha, colours: Floats) -> Floats:
    """Return the log of the evidence for a person, h×w, 0 where ``alpha`` is sure; ``colours`` is h×w×3, L*a*b*."""
    unsure = (alpha > UNSURE) & (alpha < 1 - UNSURE)
    evidence = np.zeros_like(alpha)
    evidence[unsure] = np.concatenate([*_by_parts(alpha, colours, unsure), np.empty(0, np.float32)])
    return evidence


def _by_parts(alpha: Alpha, colours: Floats, unsure: Mask) -> list[Floats]:
    """Return the log evidence of the ``unsure`` pixels in their order, ``_AT_ONCE`` at a time."""
    sure = np.pad(np.abs(2 * alpha - 1), REACH)  # beyond the frame there is nobody to ask
    width = sure.shape[1]
    person, background = (sure * np.pad(side, REACH) for side in (alpha, 1 - alpha))
    shades = np.pad(colours, ((REACH, REACH), (REACH, REACH), (0, 0))).reshape(-1, 3).T.copy()
    steps, nearness = _neighbours(width)

    def weigh(pixels: NDArray[np.intp]) -> Floats:
        there = steps[:, np.newaxis] + pixels
        difference = sum(np.square(shade[there] - shade[pixels]) for shade in shades)
        alike = np.exp(difference / np.float32(-2 * ALIKE**2))
        persons, backgrounds = nearness * person.ravel()[there], nearness * background.ravel()[there]
        expected = _odds(persons, backgrounds, np.float32(1)) ** np.float32(DISCOUNT)
        return np.log(_odds(persons * alike, backgrounds * alike, expected) / expected)

    here = np.flatnonzero(np.pad(unsure, REACH))
    return [weigh(here[start : start + _AT_ONCE]) for start in range(0, len(here), _AT_ONCE)]


def _lab(image: NDArray[np.uint8]) -> Floats:
    """Return ``image``, h×w×3 sRGB, in CIE L*a*b* (white point D65), L* 0..100.

    libvips could, but where a process has used its threads a fork of it hangs (ADR 0009), and this needs no file.
    """
    light = _LINEAR[image] @ _TO_XYZ.T
    root = np.where(light > 216 / 24389, np.cbrt(light), (24389 / 27 * light + 16) / 116)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1, dtype=np.float32)


def _neighbours(width: int) -> tuple[NDArray[np.intp], Floats]:
    """Return where the n neighbours that are asked lie, as steps through a frame ``width`` wide, and weights n×1."""
    down, across = np.mgrid[-REACH : REACH + 1 : STEP, -REACH : REACH + 1 : STEP].reshape(2, -1)
    squared = down**2 + across**2
    asked = (squared <= REACH**2) & (squared > 0)
    nearness = np.exp(-squared[asked, np.newaxis] / (2 * NEAR**2))
    return (down * width + across)[asked], nearness.astype(np.float32)


def _odds(persons: Floats, backgrounds: Floats, expected: Floats | np.float32) -> Floats:
    """Return how the sums of the weights, n×pixels, stand to each other; ``expected`` where there are none."""
    share = np.sqrt(expected)
    odds: Floats = (persons.sum(axis=0) + UNASKED * share) / (backgrounds.sum(axis=0) + UNASKED / share)
    return odds
