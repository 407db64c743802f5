"""A contact sheet: small photos with the outline of the person, void tinted, each with its id and set."""

from collections.abc import Sequence

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFilter, ImageFont

from cutaway.data.index import Failure, Sample
from cutaway.data.masks import PERSON, VOID
from cutaway.data.photos import read_photo, resize_photo
from cutaway.errors import CutawayError
from cutaway.types import Image, Labels, Mask

SIDE = 200
"""Longer side of a small photo, in pixels."""

COLUMNS = 8
CAPTION, GAP, LETTER = 30, 6, 11
OUTLINE = (255, 0, 170)
"""Magenta: rare in photographs, and seen on dark and light alike."""

TINT = (0, 120, 255)


def choose(samples: Sequence[Sample], count: int, seed: int) -> list[Sample]:
    """Return ``count`` of ``samples``, drawn by ``seed``, in their order; all if there are no more."""
    drawn = np.random.default_rng(seed).permutation(len(samples))[:count]
    return [samples[place] for place in sorted(drawn)]


def make_tile(sample: Sample) -> Image | Failure:
    """Return the small photo of ``sample`` with its caption, all tiles of one size, or why there is none."""
    try:
        image, labels = read_photo(sample)
    except CutawayError as error:
        return Failure(sample.id, str(error))
    return _caption(_mark(image, labels), sample)


def arrange(tiles: Sequence[Image]) -> Image:
    """Return ``tiles`` as one picture, up to eight in a row, on white."""
    height, width = tiles[0].shape[:2]
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), 255, np.uint8)
    for place, tile in enumerate(tiles):
        row, column = divmod(place, columns)
        top, left = GAP + row * (height + GAP), GAP + column * (width + GAP)
        sheet[top : top + height, left : left + width] = tile
    return sheet


def _mark(image: Image, labels: Labels | None) -> Image:
    """Return a small version of ``image`` on which void is tinted and the person outlined."""
    image, labels = resize_photo(image, labels, SIDE)
    small = image.copy()
    if labels is not None:
        small[labels == VOID] = small[labels == VOID] // 2 + np.array(TINT, np.uint8) // 2
        small[_outline(labels == PERSON)] = OUTLINE
    return small


def _outline(mask: Mask) -> Mask:
    """Return a line of two pixels along the inside of ``mask``."""
    inner = PillowImage.fromarray(mask.astype(np.uint8)).filter(ImageFilter.MinFilter(5))
    line: Mask = mask & (np.asarray(inner) == 0)
    return line


def _caption(small: Image, sample: Sample) -> Image:
    tile = PillowImage.new("RGB", (SIDE, SIDE + CAPTION), "white")
    tile.paste(PillowImage.fromarray(small), ((SIDE - small.shape[1]) // 2, (SIDE - small.shape[0]) // 2))
    facts = f"{sample.source}, {sample.split}, " + (f"{sample.person_fraction:.0%}" if sample.mask else "nobody")
    draw, font = ImageDraw.Draw(tile), ImageFont.load_default(LETTER)
    for line, text in enumerate((sample.id, facts)):
        draw.text((0, SIDE + 2 + line * (LETTER + 3)), text, "black", font)
    return np.asarray(tile)
