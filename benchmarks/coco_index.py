"""Index annotations of the size of COCO's train2017, drawn by chance, and print how long that takes and in what memory.

Photos, annotations and people are as many as there, outlines about as long. Every entry names the one photo that is
made, so that the chosen ones are decoded and their masks written as ever::

    python benchmarks/coco_index.py
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 480, 640
SEED = 2017
PERSON, CATEGORIES = 1, 80


@dataclass(frozen=True)
class Scale:
    """How much there is; the numbers of train2017, divided."""

    photos: int
    annotations: int
    people: int
    photos_of_people: int

    @classmethod
    def of(cls, divisor: int) -> "Scale":
        """Return the scale of train2017 over ``divisor``."""
        return cls(118_287 // divisor, 860_001 // divisor, 262_465 // divisor, 64_115 // divisor)


def write_annotations(path: Path, scale: Scale) -> None:
    """Write an instances file, its parts in the order of train2017."""
    with path.open("w", encoding="utf-8") as file:
        file.write('{"info": {"year": 2017}, "licenses": [{"id": 1, "name": "none", "url": "http://localhost/"}]')
        write_list(file, "images", photos(scale))
        write_list(file, "annotations", annotations(scale))
        categories = [{"id": number, "name": "person" if number == PERSON else f"thing {number}"} for number in (1, 2)]
        write_list(file, "categories", iter(categories))
        file.write("}")


def write_list(file: TextIO, name: str, rows: Iterator[dict[str, Any]]) -> None:
    """Write one part of the file, row by row."""
    file.write(f', "{name}": [')
    for number, row in enumerate(rows):
        file.write(("," if number else "") + json.dumps(row))
    file.write("]")


def photos(scale: Scale) -> Iterator[dict[str, Any]]:
    """Yield entries with the fields of train2017."""
    for number in range(scale.photos):
        yield {
            "license": 1,
            "file_name": "photo.jpg",
            "coco_url": f"http://images.cocodataset.org/train2017/{number:012}.jpg",
            "height": HEIGHT,
            "width": WIDTH,
            "date_captured": "2013-11-14 11:18:45",
            "flickr_url": f"http://farm9.staticflickr.com/8186/{number:010}_4e622c8349_z.jpg",
            "id": number,
        }


def annotations(scale: Scale) -> Iterator[dict[str, Any]]:
    """Yield people, every hundredth a crowd, and then things."""
    random = np.random.default_rng(SEED)
    for number in range(scale.annotations):
        is_person = number < scale.people
        crowd = is_person and number % 100 == 99
        # Each photo of people has one; the others crowd together, so that half of those photos have one or two.
        at = number if number < scale.photos_of_people else int(scale.photos_of_people * random.random() ** 3)
        yield {
            "segmentation": runs(random) if crowd else polygons(random),
            "area": 1234.5,
            "iscrowd": int(crowd),
            "image_id": at if is_person else int(random.integers(scale.photos)),
            "bbox": [100.25, 100.25, 50.5, 50.5],
            "category_id": PERSON if is_person else int(random.integers(2, CATEGORIES)),
            "id": number,
        }


def polygons(random: np.random.Generator) -> list[list[float]]:
    """Return one star-shaped outline, or now and then two."""
    return [polygon(random) for _ in range(1 + (random.random() < 0.1))]


def polygon(random: np.random.Generator) -> list[float]:
    """Return about 25 corners around a random place."""
    corners = 3 + int(random.gamma(2, 11))
    angles = np.sort(random.random(corners)) * 2 * np.pi
    radius = min(random.lognormal(4.6, 1), 400) * random.uniform(0.7, 1, corners)
    x = random.uniform(0, WIDTH) + radius * np.cos(angles)
    y = random.uniform(0, HEIGHT) + radius * np.sin(angles)
    points: list[float] = np.stack([x.clip(0, WIDTH), y.clip(0, HEIGHT)], axis=1).round(2).ravel().tolist()
    return points


def runs(random: np.random.Generator) -> dict[str, Any]:
    """Return a crowd of a few hundred runs."""
    edges = np.sort(random.choice(HEIGHT * WIDTH, 2 * int(random.integers(50, 250)), replace=False))
    return {"size": [HEIGHT, WIDTH], "counts": np.diff([0, *edges.tolist(), HEIGHT * WIDTH]).tolist()}


def main() -> None:
    """Print size, time, peak memory and counts."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--divisor", type=int, default=1, metavar="N", help="take only an N-th of everything")
    scale = Scale.of(parser.parse_args().divisor)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        annotations_path = folder / "instances_train2017.json"
        write_annotations(annotations_path, scale)
        Image.new("RGB", (WIDTH, HEIGHT), "grey").save(folder / "photo.jpg")
        command = [sys.executable, "-m", "cutaway", "data", "coco", str(annotations_path), name, "--json"]
        command += ["-o", str(folder / "index.jsonl")]
        started = time.perf_counter()
        process = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds = time.perf_counter() - started
        megabytes = annotations_path.stat().st_size / 1e6
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    print(process.stdout.strip())
    print(f"{megabytes:.0f} MB of JSON and the photos of the index in {seconds:.0f} s, peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
