"""A drawn shadow of a person, made from their alpha alone: nothing is known of the light or of the ground."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import PIL.Image
from PIL import ImageFilter

from cutaway.composite import alpha_bytes, bounding_box
from cutaway.errors import CutawayError
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
    height, width = alpha.shape
    picture = PIL.Image.fromarray(alpha_bytes(alpha))
    picture.thumbnail((DRAWN_SIDE, DRAWN_SIDE), PIL.Image.Resampling.BOX)
    box = bounding_box(np.asarray(picture, np.float32) / np.float32(255))
    if box is None:
        return np.zeros_like(alpha)
    drawn = _on_the_ground(picture, box[0], box[2]) if shadow.kind == "ground" else _dropped(picture, box)
    enlarged = drawn.resize((width, height), PIL.Image.Resampling.BILINEAR)
    return np.asarray(enlarged, np.float32) * np.float32(shadow.strength / 255)


def _on_the_ground(picture: PIL.Image.Image, top: int, base: int) -> PIL.Image.Image:
    """Return the silhouette laid flat from its feet up and to the right, softer and fainter the farther it falls."""
    # The mean is taken over as many rows as become one.
    flat = picture.filter(ImageFilter.BoxBlur((0, 0.5 / _LENGTH)))
    # Each output pixel (x, y) shows the silhouette at (x - lean * (base - y), base - (base - y) / length).
    onto = (1, _LEAN, -_LEAN * base, 0, 1 / _LENGTH, base * (1 - 1 / _LENGTH))
    flat = flat.transform(picture.size, PIL.Image.Transform.AFFINE, onto, PIL.Image.Resampling.BILINEAR)
    tall = base - top
    near = flat.filter(ImageFilter.GaussianBlur(_SOFT_NEAR * tall))
    far = flat.filter(ImageFilter.GaussianBlur(_SOFT_FAR * tall))
    away = np.clip((base - np.arange(picture.height)[:, np.newaxis]) / (_LENGTH * tall), 0, 1)
    soft = np.asarray(near) * (1 - away) + np.asarray(far) * away
    return PIL.Image.fromarray(np.rint(soft * (1 - (1 - _FAR_END) * away)).astype(np.uint8))


def _dropped(picture: PIL.Image.Image, box: tuple[int, int, int, int]) -> PIL.Image.Image:
    longer = max(box[2] - box[0], box[3] - box[1])
    moved = (1, 0, -_DROP * longer, 0, 1, -_DROP * longer)
    shifted = picture.transform(picture.size, PIL.Image.Transform.AFFINE, moved, PIL.Image.Resampling.BILINEAR)
    return shifted.filter(ImageFilter.GaussianBlur(_SOFT_DROP * longer))
