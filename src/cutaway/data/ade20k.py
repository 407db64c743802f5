"""ADE20K as the scene parsing benchmark of 2016 lays it out: scenes, 150 classes.

Expected tree::

    ROOT/images/{training,validation}/NAME.jpg         photographs
    ROOT/annotations/{training,validation}/NAME.png    class numbers: 1 to 150, 0 = void

0 stands both for classes beyond the 150 and for what nobody labelled, and the benchmark does not score it; so it is
void, not background.
"""

from functools import partial
from pathlib import Path

from cutaway.data.labelled import Entry, Truth, pair, read_classes, where_people_are

PERSON_CLASS = 13
CLASSES = 151
FOLDERS = {"training": "train", "validation": "val"}
"""The set's own halves, and the split that each is; its test photos were published without labels."""


def read_ade20k(root: Path) -> list[Entry]:
    """Return every photo of ``root``, the folder ``ADEChallengeData2016`` or the one around it, in its own split.

    Raises:
        DataError: A folder of photos is missing or empty.
    """
    inner = root / "ADEChallengeData2016"
    base = inner if inner.is_dir() else root
    return [
        Entry(found.id, found.image, "ade20k", split, partial(_read_truth, found.labels))
        for folder, split in FOLDERS.items()
        for found in pair(base / "images" / folder, base / "annotations" / folder)
    ]


def _read_truth(path: Path) -> Truth:
    return Truth(where_people_are(read_classes(path, CLASSES, void=0), {PERSON_CLASS}))
