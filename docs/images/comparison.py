"""Draw the strips of docs/comparison.md: ``python docs/images/comparison.py MODEL.onnx ... [--out DIR]``.

Two portraits of the public domain, which matplotlib and Cutaway bring with them, and a person drawn with loose hair:
the photo, and its person over a colour by each model in the order given.
"""

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image as PillowImage

import cutaway
from cutaway import imagefile
from cutaway.evaluation.synthetic_mattes import draw
from cutaway.remover import Remover
from cutaway.resampling import resized
from cutaway.types import Image

HERE = Path(__file__).parent
COLOUR = "seagreen"
ROWS = 300
"""Height of a strip, in pixels."""


def main() -> None:
    """Write a strip for each photo."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--out", type=Path, default=HERE)
    arguments = parser.parse_args()
    removers = [Remover(model) for model in arguments.models]
    for name, photo in photos().items():
        over = [remover.remove(photo).over(COLOUR) for remover in removers]
        strip = np.hstack([_low(picture) for picture in (photo, *over)])
        PillowImage.fromarray(strip).save(arguments.out / f"comparison-{name}.webp", quality=82)


def photos() -> dict[str, Image]:
    """Return the photos by the names of their strips."""
    return {
        "astronaut": imagefile.read(Path(cutaway.__file__).parent / "samples" / "astronaut.jpg").image,
        "hopper": imagefile.read(Path(mpl.get_data_path()) / "sample_data" / "grace_hopper.jpg").image,
        "drawn": draw("hair", "texture", 1, 512, 384).image,
    }


def _low(picture: Image) -> Image:
    height, width = picture.shape[:2]
    return resized(picture, ROWS, round(width * ROWS / height), PillowImage.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
