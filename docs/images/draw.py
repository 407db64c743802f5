"""Draw the README's picture anew, after a change of the shipped weights: ``python docs/images/draw.py``."""

from pathlib import Path

import numpy as np
from PIL import Image

import cutaway

HERE = Path(__file__).parent
PORTRAIT = Path(cutaway.__file__).parent / "samples" / "astronaut.jpg"
SQUARE = 16


def main() -> None:
    """Put the bundled portrait beside its cut-out, over the chequers that stand for transparency."""
    cutout = cutaway.remove(PORTRAIT)
    rows, columns = np.indices(cutout.alpha.shape) // SQUARE
    chequers = np.where((rows + columns) % 2, 255, 205).astype(np.uint8)
    over = cutout.over(np.dstack([chequers] * 3))
    Image.fromarray(np.hstack([cutout.image, over])).save(HERE / "astronaut.jpg", quality=88)


main()
