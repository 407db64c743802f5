"""Draw the sheet of docs/edges.md: ``python docs/images/cutouts.py``. Ten heads cut out, at twice their size.

Three photographs that may be shown (matplotlib's and scikit-image's, and the one that comes with Cutaway), and drawn
people with loose hair: the first seven that the network is sure of.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import matplotlib as mpl
import numpy as np
import skimage
from PIL import Image as PillowImage

import cutaway
from cutaway import imagefile
from cutaway.cutout import Cutout
from cutaway.evaluation.synthetic_mattes import BACKDROPS, Kind, draw
from cutaway.remover import Remover
from cutaway.types import Image

HERE = Path(__file__).parent
COLOURS = "white", "black", "#00a040"
KINDS: tuple[Kind, ...] = "hair", "fur"
DRAWN, SURE_OF_DRAWN = 7, 0.9
ROUNDS = 10
"""How often people are drawn on all backdrops, new ones each time, before there are too few to be sure of."""

ROWS = 5
"""Heads in a column of the sheet."""

SIDE = 150
"""Pixels of the photo, each way, that a square shows."""


def main() -> None:
    """Write the sheet: in each row the photo, and its cut-out over each of ``COLOURS``."""
    remover = Remover()
    cutouts = [*map(remover.remove, photographs()), *islice(drawn(remover), DRAWN)]
    rows = [row(cutout) for cutout in cutouts]
    columns = [np.vstack(rows[start : start + ROWS]) for start in range(0, len(rows), ROWS)]
    PillowImage.fromarray(np.hstack(columns)).save(HERE / "edges-ten.webp", quality=80)


def photographs() -> list[Image]:
    """Return photographs of people, of the public domain or free of rights (CC0)."""
    files = [
        Path(cutaway.__file__).parent / "samples" / "astronaut.jpg",
        Path(mpl.get_data_path()) / "sample_data" / "grace_hopper.jpg",
        Path(skimage.__file__).parent / "data" / "camera.png",
    ]
    return [imagefile.read_srgb(file) for file in files]


def drawn(remover: Remover) -> Iterator[Cutout]:
    """Yield the cut-outs of drawn people with loose hair of whom the network is sure, of one seed after the other."""
    for seed, backdrop in enumerate(BACKDROPS * ROUNDS):
        for kind in KINDS:
            cutout = remover.remove(draw(kind, backdrop, seed).image)
            if cutout.found_person and cutout.confidence >= SURE_OF_DRAWN:
                yield cutout


def row(cutout: Cutout) -> Image:
    """Return the head, in the photo and over each of ``COLOURS``."""
    top, left = _head(cutout)
    pictures = [cutout.image, *(cutout.over(colour) for colour in COLOURS)]
    squares = [picture[top : top + SIDE, left : left + SIDE] for picture in pictures]
    return np.hstack(squares).repeat(2, axis=0).repeat(2, axis=1)


def _head(cutout: Cutout) -> tuple[int, int]:
    """Return the corner of a square with the top of the head in the middle of its upper half."""
    height, width = cutout.alpha.shape
    top = cutout.box[0] if cutout.box else 0
    columns = np.flatnonzero((cutout.alpha[top : top + SIDE // 2] > 0.5).any(axis=0))
    left = int(columns.mean()) - SIDE // 2
    return int(np.clip(top - SIDE // 6, 0, height - SIDE)), int(np.clip(left, 0, width - SIDE))


if __name__ == "__main__":
    main()
