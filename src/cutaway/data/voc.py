"""PASCAL VOC 2012, and the masks that SBD adds: photographs of 20 classes, people among them.

Expected tree::

    ROOT/ImageSets/Segmentation/{train,val}.txt    the names of the photos with masks
    ROOT/JPEGImages/NAME.jpg                       photographs
    ROOT/SegmentationClass/NAME.png                class numbers, 255 = void
    ROOT/SegmentationObject/NAME.png               object numbers, 255 = void
    SBD/cls/NAME.mat                               class numbers of SBD (``GTcls.Segmentation``), no void
"""

import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from cutaway.data.labelled import Entry, Truth, read_classes, where_people_are
from cutaway.errors import DataError
from cutaway.types import Labels

PERSON_CLASS = 15
CLASSES = 21
VOID = 255
SPLITS = ("train", "val")


def read_voc(root: Path, sbd: Path | None = None) -> list[Entry]:
    """Return the photos of VOC's lists, each in its own split, and of ``sbd`` those that are in neither list, in train.

    ``root`` is ``VOC2012``, ``VOCdevkit`` or the folder around it; ``sbd`` the archive's ``dataset`` or one around it.

    Raises:
        DataError: There is no such folder, or a list is missing or empty.
    """
    base = _find(root, ("", "VOC2012", "VOCdevkit/VOC2012"), "ImageSets/Segmentation")
    entries = [_entry(base, name, split) for split in SPLITS for name in _read_list(base, split)]
    return entries if sbd is None else [*entries, *_sbd_entries(base, sbd, {entry.id for entry in entries})]


def _find(root: Path, places: tuple[str, ...], holding: str) -> Path:
    """Return the first of ``places`` in ``root`` that has a folder ``holding``."""
    for place in places:
        if (root / place / holding).is_dir():
            return root / place
    raise DataError(f"there is no {holding} in {root}; name the folder that the archive unpacked to")


def _read_list(base: Path, split: str) -> list[str]:
    path = base / "ImageSets" / "Segmentation" / f"{split}.txt"
    try:
        names = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the list {path} cannot be read: {error}; unpack the archive anew") from error
    if not names:
        raise DataError(f"the list {path} is empty; unpack the archive anew")
    return names


def _entry(base: Path, name: str, split: str) -> Entry:
    return Entry(name, base / "JPEGImages" / f"{name}.jpg", "voc", split, partial(_read_truth, base, name))


def _sbd_entries(base: Path, sbd: Path, taken: set[str]) -> Iterator[Entry]:
    folder = _find(sbd, ("", "dataset", "benchmark_RELEASE/dataset"), "cls") / "cls"
    for path in sorted(folder.glob("*.mat")):
        if path.stem not in taken:
            photo = base / "JPEGImages" / f"{path.stem}.jpg"
            yield Entry(path.stem, photo, "sbd", "train", partial(_read_sbd_truth, path))


def _read_truth(base: Path, name: str) -> Truth:
    classes = read_classes(base / "SegmentationClass" / f"{name}.png", CLASSES, VOID)
    return Truth(where_people_are(classes, {PERSON_CLASS}), _count_people(base, name, classes))


def _count_people(base: Path, name: str, classes: Labels) -> int | None:
    """Return how many objects are people; None where the file of the objects is missing."""
    path = base / "SegmentationObject" / f"{name}.png"
    if not path.exists():
        return None
    objects = read_classes(path, VOID, VOID)
    if objects.shape != classes.shape:
        raise DataError(f"{path} is not of the size of the classes of the same name; they have to match")
    return len(set(np.unique(objects[classes == PERSON_CLASS]).tolist()) - {0, VOID})


def _read_sbd_truth(path: Path) -> Truth:
    from scipy.io import loadmat, matlab

    try:
        classes = np.asarray(loadmat(path)["GTcls"]["Segmentation"][0, 0])
    except (matlab.MatReadError, zlib.error, OSError, LookupError, TypeError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}; put a whole file of SBD there") from error
    if classes.ndim != 2 or classes.dtype != np.uint8 or classes.max() >= CLASSES:
        raise DataError(f"{path} holds no class numbers of 0 to {CLASSES - 1}; put a file of SBD's cls there")
    return Truth(where_people_are(classes, {PERSON_CLASS}))
