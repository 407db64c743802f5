"""COCO instances files of a few photos, and the photos."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage
from pycocotools import mask as rle

from cutaway.types import Mask

HEIGHT, WIDTH = 20, 50
"""Of every photo here: 1000 pixels, so that a hundredth is ten of them."""


def block(pixels: int, left: int = 0) -> Mask:
    """Return H×W bool: so many pixels in a row, column by column, from the column ``left`` on."""
    mask = np.zeros(HEIGHT * WIDTH, np.bool_)
    mask[left * HEIGHT : left * HEIGHT + pixels] = True
    return mask.reshape(WIDTH, HEIGHT).T


def box(left: float, top: float, right: float, bottom: float) -> list[list[float]]:
    """Return a rectangle as COCO's polygons."""
    return [[left, top, right, top, right, bottom, left, bottom]]


def runs(mask: Mask) -> dict[str, Any]:
    """Return a mask as COCO stores crowds: runs as a list."""
    flat = mask.T.ravel().astype(np.int8)
    edges = np.flatnonzero(np.diff(flat, prepend=0)).tolist()
    return {"size": list(mask.shape), "counts": np.diff([0, *edges, flat.size]).tolist()}


def text_runs(mask: Mask) -> dict[str, Any]:
    """Return a mask as pycocotools writes it: runs as text."""
    packed = rle.encode(np.asfortranarray(mask, np.uint8))
    return {"size": list(packed["size"]), "counts": packed["counts"].decode()}


def photo(number: int, **changes: Any) -> dict[str, Any]:
    """Return an entry of ``images``."""
    plain = {"id": number, "width": WIDTH, "height": HEIGHT, "file_name": f"{number:012}.jpg", "license": 4}
    return plain | changes


def person(number: int, segmentation: Any, **changes: Any) -> dict[str, Any]:
    """Return an entry of ``annotations`` for a person in the photo ``number``; its id is filled in later."""
    plain = {"image_id": number, "category_id": 1, "iscrowd": 0, "segmentation": segmentation}
    return plain | {"area": 1.0, "bbox": [0, 0, 1, 1]} | changes


def broken(number: int, segmentation: Any) -> dict[str, Any]:
    """Return a person whose outline is none, marked so that another count can leave it out."""
    return person(number, segmentation, broken=True)


def content(photos: Sequence[Any], annotations: Sequence[Any], **changes: Any) -> dict[str, Any]:
    """Return what an instances file holds, its parts in the order of 2014."""
    numbered = [row | {"id": 1 + i} if isinstance(row, dict) else row for i, row in enumerate(annotations)]
    parts = {
        "info": {"year": 2017, "description": "drawn"},
        "images": list(photos),
        "licenses": [{"id": 4, "name": "Attribution License", "url": "http://creativecommons.org/licenses/by/2.0/"}],
        "annotations": numbered,
        "categories": [{"id": 18, "name": "dog"}, {"id": 1, "name": "person", "supercategory": "person"}],
    }
    return parts | changes


def write_content(path: Path, parts: Mapping[str, Any]) -> Path:
    """Write an instances file."""
    path.write_text(json.dumps(parts))
    return path


def write_photos(folder: Path, parts: Mapping[str, Any]) -> Path:
    """Write every photo of an instances file, all grey."""
    folder.mkdir(exist_ok=True)
    for row in parts["images"]:
        PillowImage.new("RGB", (row["width"], row["height"]), "grey").save(folder / row["file_name"])
    return folder


def zoo() -> dict[str, Any]:
    """Return photos of every kind that the funnel meets, with default rules.

    1 to 9 pass; 11 to 19 are out for their share, 21 to 29 for their people, 31 to 39 show nobody.
    """
    half = box(0, 0, 25, 20)
    annotations = [
        person(1, half),
        person(2, runs(block(200))),  # exactly a fifth
        person(3, text_runs(block(700))),  # exactly seven tenths
        person(4, box(0, 0, 10, 20)),  # two who overlap: 15 columns of 50 together
        person(4, box(5, 0, 15, 20)),
        person(5, [*box(0, 0, 5, 20), *box(30, 0, 40, 20)]),  # one, cut in two by a pole
        person(6, half),  # nobody more in truth: an outline without a pixel, broken ones
        person(6, box(3, 3, 3, 3)),
        broken(6, [[1, 1, 9, 9]]),
        broken(6, [[1, 1, 9, 1, 9, 9, 1]]),
        person(7, box(-4, -3, 25, 30)),  # over the edges
        person(8, half),
        person(8, half, category_id=18),
        person(11, runs(block(199))),
        person(12, text_runs(block(701))),
        person(13, box(0, 0, 24, 20)),  # 24 and 24 columns: too many together
        person(13, box(24, 0, 48, 20)),
        person(14, box(60, 0, 80, 20)),  # beside the photo: without a pixel
        person(21, half),
        person(21, box(25, 0, 30, 20)),
        person(21, box(45, 0, 46, 1)),  # a bystander of one pixel
        person(22, half),
        person(22, runs(block(50, 40)), iscrowd=1),
        person(23, runs(block(300)), iscrowd=1),
        broken(24, {"size": [20, 49], "counts": [980]}),  # of another size
        broken(24, {"size": [20, 50], "counts": [500, 400]}),
        broken(24, {"size": [20, 50], "counts": "no runs"}),
        person(31, half, category_id=18),
    ]
    numbers = [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 21, 22, 23, 24, 31, 32]
    return content([photo(number) for number in numbers], annotations)


ZOO_COUNTS = {"photos": 18, "with_person": 16, "few_people": 11, "share_in_range": 8}
ZOO_CHOSEN = [f"coco_{number:012}" for number in range(1, 9)]
