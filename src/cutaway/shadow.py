"""A drawn shadow of a person, made from their alpha alone: nothing is known of the light or of the ground."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import PIL.Image
from PIL.Image import Resampling

from cutaway.composite import Box, bounding_box
from cutaway.errors import CutawayError
from cutaway.resampling import blurred, resized
from cutaway.tiles import enlarged, reduced, small_tiles
from cutaway.types import Alpha

DRAWN_SIDE = 1024
"""Longer side, in pixels, at which a shadow is drawn and then enlarged; it is soft, so nothing is lost."""

# Of a ground shadow: its length as a share of the person's height, how far it leans to the right for each pixel that
# it goes up, and what is left of it at its far end.
_LENGTH = 0.28
_LEAN = 1.1
_FAR_END = 0.25
# As shares of the person's longer side: the softness of a ground shadow at the feet and at its far end, and the offset
# (right and down) and softness of a drop shadow.
_SOFT_NEAR = 0.008
_SOFT_FAR = 0.03
_DROP = 0.025
_SOFT_DROP = 0.03


@dataclass(frozen=True)
class Shadow:
    """``ground``: lies on the floor behind somebody who stands there; ``drop``: the outline on a wall close behind.

    ``strength`` is how much of the light the shadow takes where it is darkest, 0..1.
    """

    kind: Literal["ground", "drop"]
    strength: float

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise CutawayError(f"A shadow's strength of {self.strength} makes no sense; give a share of 0..1.")


def cast(alpha: Alpha, shadow: Shadow) -> Alpha:
    """Return the alpha of the black that ``shadow`` lays behind the person of ``alpha``, H×W float32, 0..1."""
    scale = min(1, DRAWN_SIDE / max(alpha.shape))
    small = reduced(alpha, *(max(1, round(side * scale)) for side in alpha.shape))[0]
    box = bounding_box(small)
    if box is None:
        return np.zeros_like(alpha)
    drawn = _on_the_ground(small, box[0], box[2]) if shadow.kind == "ground" else _dropped(small, box)
    small_shade, shade = drawn * np.float32(shadow.strength), np.empty_like(alpha)
    height, width = alpha.shape
    for tile in small_tiles(small_shade.shape, height, width):
        shade[tile] = enlarged(small_shade, tile, height, width)
    return shade


def _on_the_ground(person: Alpha, top: int, base: int) -> Alpha:
    """Return the silhouette laid flat from its feet up and to the right, softer and fainter the farther it falls."""
    height, width = person.shape
    flat = resized(person, max(1, round(_LENGTH * height)), width, Resampling.BOX)
    length = len(flat) / height
    # Each pixel (x, y) shows the flat silhouette at (x - lean * (base - y), length * base - (base - y)).
    lying = _moved(flat, (height, width), (1, _LEAN, -_LEAN * base, 0, 1, (length - 1) * base))
    tall = base - top
    away = np.clip((base - np.arange(height, dtype=np.float32)[:, np.newaxis]) / (length * tall), 0, 1)
    soft = blurred(lying, _SOFT_NEAR * tall) * (1 - away) + blurred(lying, _SOFT_FAR * tall) * away
    faded: Alpha = soft * (1 - (1 - _FAR_END) * away)
    return faded


def _dropped(person: Alpha, box: Box) -> Alpha:
    longer = max(box[2] - box[0], box[3] - box[1])
    shifted = _moved(person, person.shape, (1, 0, -_DROP * longer, 0, 1, -_DROP * longer))
    return blurred(shifted, _SOFT_DROP * longer)


def _moved(alpha: Alpha, shape: tuple[int, int], onto: tuple[float, ...]) -> Alpha:
    """Return what lies at ``onto``, the six numbers of Pillow's affine transform, of each pixel of ``shape``."""
    picture = PIL.Image.fromarray(alpha)
    return np.asarray(picture.transform(shape[::-1], PIL.Image.Transform.AFFINE, onto, Resampling.BILINEAR))
