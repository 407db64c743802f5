"""What fine-tuning on forty photographs of an unusual style brings, and costs: ``python benchmarks/fine_tune.py DATA``.

The style is made of real photographs by arithmetic, so that their masks are true. Forty of the train split, eight of
them to validate on, become a folder as docs/fine-tune.md describes it, and the commands of that page are run on it.
Scored are photographs of the val split, in the style and as they were, by the weights before and after.
"""

import argparse
import csv
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageFilter

from cutaway import weights
from cutaway.cli.scoring import SampleRemover
from cutaway.data.folder import load_samples
from cutaway.data.index import Sample
from cutaway.data.masks import write_labels
from cutaway.data.torch_dataset import read_sample
from cutaway.errors import CutawayError
from cutaway.evaluation.intervals import SetEstimate, differences, estimates
from cutaway.evaluation.score import Evaluation, evaluate, thin
from cutaway.remover import Remover
from cutaway.types import Image

PHOTOS, VALIDATE = 40, 8


def pencil(image: Image) -> Image:
    """Return a pencil drawing: what is darker than its surroundings is a line, the rest is paper."""
    grey = PillowImage.fromarray(image).convert("L")
    around = np.asarray(grey.filter(ImageFilter.GaussianBlur(4)), np.float32)
    lines = (np.asarray(grey, np.float32) / np.maximum(around, 1)).clip(0, 1) ** 3
    return _coloured(lines, ((30, 30, 40), (250, 248, 240)))


def thermal(image: Image) -> Image:
    """Return the blurred brightness in the colours of a thermal camera: black, violet, orange, white."""
    grey = np.asarray(PillowImage.fromarray(image).convert("L").filter(ImageFilter.GaussianBlur(3)), np.float32)
    return _coloured(1 - grey / 255, ((0, 0, 10), (110, 10, 140), (240, 130, 20), (255, 250, 200)))


def woodcut(image: Image) -> Image:
    """Return a print in two inks: dark where the brightness is below that around it."""
    grey = PillowImage.fromarray(image).convert("L")
    around = np.asarray(grey.filter(ImageFilter.GaussianBlur(12)), np.float32)
    return _coloured((np.asarray(grey) > around).astype(np.float32), ((120, 30, 20), (235, 215, 170)))


STYLES: dict[str, Callable[[Image], Image]] = {
    "pencil": pencil,
    "thermal": thermal,
    "woodcut": woodcut,
}


def main() -> None:
    """Make the photographs, fine-tune, score and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="what cutaway evaluate --data takes")
    parser.add_argument("out", type=Path, help="a new folder for photographs, run and weights")
    parser.add_argument("--style", choices=STYLES, default="thermal")
    parser.add_argument("--limit", type=int, help="photographs to score, spread evenly over the val split")
    parser.add_argument("--set", action="append", default=[], help="passed on to cutaway train")
    arguments = parser.parse_args()
    try:
        tuned = fine_tune(arguments.data, arguments.out, STYLES[arguments.style], arguments.set)
        held_out = thin(load_samples(arguments.data, "val"), arguments.limit)
        styled = write_folder(held_out, arguments.out / "held-out", STYLES[arguments.style], validate=len(held_out))
        print("| photographs | n | before | after | difference, 95 % interval |\n|---|---|---|---|---|")
        for name, samples in ((arguments.style, load_samples(styled)), ("as they were", held_out)):
            show(name, *(score(model, samples) for model in (weights.DEFAULT, str(tuned))))
    except CutawayError as error:
        sys.exit(f"{parser.prog}: {error}")


def fine_tune(data: Path, out: Path, style: Callable[[Image], Image], settings: Sequence[str]) -> Path:
    """Return weights fine-tuned on photographs in ``style``, by the commands of docs/fine-tune.md."""
    chosen = thin(load_samples(data, "train"), PHOTOS)
    photos, run, tuned = write_folder(chosen, out / "mine", style, VALIDATE), out / "run", out / "mine.onnx"
    changes = [word for setting in settings for word in ("--set", setting)]
    command("train", "--init", weights.DEFAULT, "--data", str(photos), "--out", str(run), *changes)
    command("export", str(run / "best.pt"), "-o", str(tuned), "--half")
    return tuned


def command(*words: str) -> None:
    """Run ``cutaway WORD...``."""
    subprocess.run([sys.executable, "-m", "cutaway", *words], check=True)


def write_folder(samples: Sequence[Sample], root: Path, style: Callable[[Image], Image], validate: int) -> Path:
    """Write ``samples`` in ``style`` as a folder of which ``validate``, spread evenly, are its val split."""
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    checked = {sample.id for sample in thin(samples, validate)}
    with (root / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["set", "stem", "split"])
        for sample in samples:
            writer.writerow([sample.source, sample.id, "val" if sample.id in checked else "train"])
            image, labels = read_sample(sample)
            PillowImage.fromarray(style(image)).save(root / "images" / f"{sample.id}.png")
            write_labels(root / "masks" / f"{sample.id}.png", labels, overwrite=True)
    return root


def score(model: str, samples: Sequence[Sample]) -> Evaluation:
    """Return how ``model`` does on ``samples``."""
    return evaluate(model, SampleRemover(Remover(model)), samples)


def show(name: str, before: Evaluation, after: Evaluation) -> None:
    """Print a row of the table for all photographs."""
    first, second, change = estimates(before)[-1], estimates(after)[-1], differences(before, after)[-1]
    low, high = change.person_iou.interval or (change.person_iou.mean, change.person_iou.mean)
    row = (name, str(change.n), _iou(first), _iou(second), f"{change.person_iou.mean:+.3f} ({low:+.3f} to {high:+.3f})")
    print(f"| {' | '.join(row)} |", flush=True)


def _iou(estimate: SetEstimate) -> str:
    return f"{estimate.person_iou.mean:.3f}".removeprefix("0")


def _coloured(values: NDArray[np.floating[Any]], colours: Sequence[tuple[int, int, int]]) -> Image:
    """Return values 0..1 along ``colours``."""
    stops = np.linspace(0, 1, len(colours))
    planes = [np.interp(values, stops, plane) for plane in zip(*colours, strict=True)]
    return np.stack(planes, axis=2).round().astype(np.uint8)


if __name__ == "__main__":
    main()
