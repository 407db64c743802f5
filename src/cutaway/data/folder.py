"""Any folder of photographs and masks as samples.

Expected tree::

    ROOT/images/NAME.jpg     photographs (any accepted format)
    ROOT/masks/NAME.png      masks of the same stem, person = 128..255; nobody is in a photo whose mask is all black
    ROOT/index.csv           optional: set, stem, split (other columns are not needed)
"""

import csv
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import ExifTags
from PIL import Image as PillowImage

from cutaway import imagefile
from cutaway.data.index import Sample, first_repeated, read_index, split_of
from cutaway.data.masks import BACKGROUND, PERSON, UNREADABLE, read_labels
from cutaway.data.shards import find_shards, read_shards
from cutaway.errors import DataError
from cutaway.filekind import READABLE

HEIC_SUFFIXES = {".heic", ".heif"}
NOT_STATED = "not stated"
"""The licence of photographs whose terms nobody named."""


def load_samples(path: Path, split: str | None = None) -> list[Sample]:
    """Return the samples of a JSONL index, of a folder with ``images/`` and ``masks/``, or of tar shards.

    These are a ``.tar`` or a folder of them. If ``split`` is named, its samples are returned alone.

    Raises:
        DataError: There is nothing of these, or what is there is not as it has to be.
    """
    if shards := find_shards(path):
        return _of_split(read_shards(shards), split)
    if path.is_dir():
        return [_masked(path, sample) for sample in _of_split(_read_unmasked(path), split)]
    if not path.exists():
        raise DataError(f"there is no index or data folder at {path}; check the path")
    return _of_split(read_index(path), split)


def read_folder(root: Path, *, source: str | None = None, licence: str = NOT_STATED) -> list[Sample]:
    """Return one sample per photograph of ``root``; see the module for the tree.

    Without an ``index.csv`` every photo of ``images/`` is taken, its split is drawn from its stem, and ``source`` is
    its set.

    Raises:
        DataError: A folder, a photo or a mask is missing, or sizes differ; the message names the file.
    """
    return [_masked(root, sample) for sample in _read_unmasked(root, source, licence)]


def read_people_free(root: Path, *, source: str | None = None, licence: str = NOT_STATED) -> list[Sample]:
    """Return one sample without a mask per photograph lying in ``root`` itself: photos in which nobody is.

    Raises:
        DataError: The folder is missing or holds no photograph.
    """
    photos = photos_by_stem(root)
    name = source or root.resolve().name
    return [_people_free(stem, path, name, licence) for stem, path in photos.items()]


def photos_by_stem(folder: Path) -> dict[str, Path]:
    """Return the photographs lying in ``folder`` itself by their stems, in order of their names.

    Raises:
        DataError: The folder is missing or holds no photograph, or two of one stem.
    """
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}; photographs are expected there")
    photos: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in imagefile.PHOTO_SUFFIXES:
            continue
        if path.stem in photos:
            raise DataError(f"{path} and {photos[path.stem]} have the same stem; masks could not be told apart")
        photos[path.stem] = path
    if not photos:
        raise DataError(f"{folder} holds no photograph; put {READABLE} files there")
    return photos


def upright_size(path: Path) -> tuple[int, int]:
    """Return (width, height) as the photo is looked at; only HEIC, which Pillow cannot open, is decoded for it.

    Raises:
        DataError: The photo is missing or cannot be read.
    """
    if path.suffix.lower() in HEIC_SUFFIXES:
        height, width = imagefile.read(path).image.shape[:2]
        return width, height
    try:
        with PillowImage.open(path) as file:
            lying = file.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
            return file.size[::-1] if lying else file.size
    except UNREADABLE as error:
        raise DataError(f"the photo {path} cannot be read: {error}; replace it or take it out") from error


def with_split(samples: Iterable[Sample], split: str) -> list[Sample]:
    """Return the samples of one split, in their order."""
    return [sample for sample in samples if sample.split == split]


def _of_split(samples: list[Sample], split: str | None) -> list[Sample]:
    if split is None:
        return samples
    chosen = with_split(samples, split)
    if not chosen:
        there = ", ".join(sorted({sample.split for sample in samples})) or "nothing at all"
        raise DataError(f"the data hold no photo of the split {split!r}; they hold {there}, so choose from that")
    return chosen


def _read_unmasked(root: Path, source: str | None = None, licence: str = NOT_STATED) -> list[Sample]:
    """Return the samples of ``root`` before their masks, which take long, are read."""
    photos = photos_by_stem(root / "images")
    listed = root / "index.csv"
    rows = _read_csv(listed) if listed.exists() else ((source or root.resolve().name, stem, None) for stem in photos)
    return [_unmasked(root, photos, row, licence) for row in rows]


def _read_csv(path: Path) -> list[tuple[str, str, str | None]]:
    """Return (set, stem, split) of every row."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns, rows = set(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}; save it as CSV in UTF-8") from error
    missing = {"set", "stem", "split"} - columns
    if missing:
        raise DataError(f"{path} lacks the column {', '.join(sorted(missing))}; it needs set, stem and split")
    if (repeated := first_repeated(row["stem"] for row in rows)) is not None:
        raise DataError(f"{path} lists {repeated!r} more than once; a photo belongs to one split")
    return [(row["set"], row["stem"], row["split"]) for row in rows]


def _unmasked(root: Path, photos: dict[str, Path], row: tuple[str, str, str | None], licence: str) -> Sample:
    source, stem, split = row
    if stem not in photos:
        raise DataError(
            f"{root / 'index.csv'} lists {stem!r}, but {root / 'images'} holds no photo of that stem; "
            "add the photo or take the line out"
        )
    sample = _people_free(stem, photos[stem], source, licence)
    return replace(sample, people=None, split=split or sample.split)


def _masked(root: Path, sample: Sample) -> Sample:
    mask_path = root / "masks" / f"{sample.id}.png"
    labels = read_labels(mask_path)
    if labels.shape != (sample.height, sample.width):
        raise DataError(
            f"{mask_path} is {labels.shape[1]}×{labels.shape[0]}, but its photo is {sample.width}×{sample.height}; "
            "they have to match"
        )
    share = float(np.equal(labels, PERSON).mean())
    if share == 0 and (labels != BACKGROUND).any():
        raise DataError(f"{mask_path} holds void and no person, so nobody can say who is there; take its photo out")
    return replace(sample, mask=mask_path, person_fraction=share) if share else replace(sample, people=0)


def _people_free(stem: str, path: Path, source: str, licence: str) -> Sample:
    width, height = upright_size(path)
    return Sample(stem, path, None, width, height, 0.0, 0, source, licence, split_of(stem))
