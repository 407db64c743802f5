"""Public data sets as they unpack, of a few drawn pixels each."""

from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from scipy.io import savemat

from cutaway.types import Labels

WHO = np.array([[0, 15, 15, 255], [0, 15, 0, 12]], np.uint8)
"""VOC's numbers: a person, a dog, and void."""


def save_photo(path: Path, height: int = 2, width: int = 4) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    PillowImage.fromarray(np.zeros((height, width, 3), np.uint8)).save(path)
    return path


def save_labels(path: Path, labels: object, *, palette: bool = False) -> Path:
    """Write class numbers as a grey PNG, or as one with a palette whose colours say nothing of the numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = PillowImage.fromarray(np.asarray(labels, np.uint8))
    if palette:
        picture.putpalette(np.random.default_rng(0).integers(0, 256, 768).tolist())
    picture.save(path)
    return path


def write_voc(root: Path) -> Path:
    """Write VOC2012: ``both`` (two people) and ``dog`` to train on, ``alone`` (one) to validate on."""
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("both\ndog\n")
    (lists / "val.txt").write_text("alone\n")
    for name, classes in {"both": WHO, "dog": np.where(WHO == 15, 12, WHO), "alone": WHO}.items():
        save_photo(root / "JPEGImages" / f"{name}.jpg")
        save_labels(root / "SegmentationClass" / f"{name}.png", classes, palette=True)
    save_labels(root / "SegmentationObject" / "both.png", [[0, 1, 2, 255], [0, 1, 0, 3]], palette=True)
    save_labels(root / "SegmentationObject" / "alone.png", [[0, 1, 1, 255], [0, 1, 0, 2]], palette=True)
    save_labels(root / "SegmentationObject" / "dog.png", [[0, 1, 1, 255], [0, 1, 0, 1]], palette=True)
    return root


def write_sbd(folder: Path, name: str, classes: Labels) -> Path:
    """Write SBD's class numbers of one photo into ``folder``."""
    (folder / "cls").mkdir(parents=True, exist_ok=True)
    savemat(
        folder / "cls" / f"{name}.mat", {"GTcls": {"Segmentation": classes, "Boundaries": [], "CategoriesPresent": 15}}
    )
    return folder


def write_ade20k(root: Path) -> Path:
    """Write ADEChallengeData2016: somebody to train on, a hall of nobody to validate on."""
    for folder, name, classes in (
        ("training", "ADE_train_00000001", [[0, 13, 13, 1], [1, 13, 150, 1]]),
        ("validation", "ADE_val_00000001", [[1, 2, 3, 4], [1, 2, 3, 4]]),
    ):
        save_photo(root / "images" / folder / f"{name}.jpg")
        save_labels(root / "annotations" / folder / f"{name}.png", classes)
    return root


def write_camvid(root: Path) -> Path:
    """Write CamVid: in each split a street with a pedestrian, a bicyclist and a pixel of nobody knows what."""
    for split in ("train", "val", "test"):
        save_photo(root / split / f"{split}_01.png")
        save_labels(root / f"{split}annot" / f"{split}_01.png", [[0, 9, 9, 11], [3, 9, 10, 10]])
    return root
