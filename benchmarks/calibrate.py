"""Fits the confidence of weights to what their cut-outs are worth: ``python benchmarks/calibrate.py PERSONS ROOMS``.

On the split val a line is fitted from the log-odds of the person IoU that the network expects of a photo to those of
what it has, and stored in the weights with ``--out``. What is said of val is then of photos that the line was not
fitted to, in ten parts. ``--split test`` fits nothing and says how the confidence of the weights does there. ROOMS are
photos without people. Prints the tables of docs/benchmark.md; ``--diagram`` draws its picture.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from scipy.optimize import minimize
from scipy.stats import mannwhitneyu, spearmanr

from cutaway import imagefile, weights
from cutaway.cli.scoring import SampleRemover
from cutaway.confidence import SMALLEST_PERSON, SURE, UNSURE, calibrated, expected_iou, person_share
from cutaway.data.folder import load_samples, read_people_free, with_split
from cutaway.data.index import Sample
from cutaway.data.shards import content
from cutaway.errors import CutawayError
from cutaway.evaluation.score import POOR, Row, judge
from cutaway.evaluation.tables import number
from cutaway.manifest import UNSIGNED, Calibration
from cutaway.prediction import predict
from cutaway.remover import Remover
from cutaway.runtime import Runtime
from cutaway.training.export import with_manifest

PARTS = 10
"""Parts of the photos: of those that the line is fitted to without each, and those by which its error is measured."""

GOOD = 0.9
SHARES = (0.002, 0.005, SMALLEST_PERSON, 0.015, 0.02)

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Seen:
    """One photo: the person IoU that the network expects and the real one, None without people; its person's share."""

    expected: float
    share: float
    iou: float | None


def main() -> None:
    """Print the tables; write the weights and the diagram, where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("persons", type=Path, help="what cutaway evaluate --data takes")
    parser.add_argument("rooms", type=Path, help="a folder of photos without people")
    parser.add_argument("--model", default=weights.DEFAULT)
    parser.add_argument("--split", choices=("val", "test"), default="val")
    parser.add_argument("--out", type=Path, help="where the calibrated weights go; they may replace the model")
    parser.add_argument("--diagram", type=Path, help="where a picture of the reliability goes")
    arguments = parser.parse_args()
    if arguments.out and arguments.split != "val":
        parser.error("weights are calibrated on val alone")
    try:
        samples = load_samples(arguments.persons, arguments.split)
        seen = look(arguments.model, samples + with_split(read_people_free(arguments.rooms), arguments.split))
        print("\n\n".join(report(arguments, seen)))
    except CutawayError as error:
        sys.exit(f"{parser.prog}: {error}")


def report(arguments: argparse.Namespace, seen: Sequence[Seen]) -> Iterator[str]:
    """Yield the tables, once the weights and the diagram are written."""
    found = [one for one in seen if one.iou is not None and one.share >= SMALLEST_PERSON]
    expected, real = np.array([one.expected for one in found]), np.array([one.iou for one in found])
    if arguments.split == "val":
        confidence, calibration = out_of_part(expected, real), fit(expected, real)
        yield f"Log-odds: {calibration.offset} + {calibration.slope} × those of what the network expects."
    else:
        calibration = Runtime(arguments.model).manifest.calibration
        confidence = apply(calibration, expected)
    if arguments.out:
        write(arguments.model, calibration, arguments.out)
    if arguments.diagram:
        draw(confidence, expected, real, arguments.diagram)
    yield measures({"expected": expected, "confidence": confidence}, real)
    yield levels(confidence, real)
    yield mistakes(seen)


def look(model: str, samples: Sequence[Sample]) -> list[Seen]:
    """Return what there is to know of each photo."""
    remover, runtime = SampleRemover(Remover(model)), Runtime(model)
    seen = []
    for sample in track(samples, "looking", console=Console(stderr=True)):
        row, (alpha, _) = judge(remover, sample), predict(runtime, imagefile.read_srgb(content(sample.image)))
        iou = row.scores.person_iou if isinstance(row, Row) and row.scores else None
        seen.append(Seen(expected_iou(alpha), person_share(alpha), iou))
    return seen


def fit(expected: Values, real: Values) -> Calibration:
    """Return the line by which the real person IoUs are likeliest, each taken for the odds of a success."""

    def surprise(line: Values) -> float:
        share = np.clip(apply(Calibration(*line), expected), 1e-9, 1 - 1e-9)
        return -float((real * np.log(share) + (1 - real) * np.log(1 - share)).mean())

    offset, slope = minimize(surprise, (0.0, 1.0), method="Nelder-Mead").x
    return Calibration(round(float(offset), 3), round(float(slope), 3))


def out_of_part(expected: Values, real: Values) -> Values:
    """Return the confidence in each photo by the line that was fitted to the other nine tenths."""
    parts = np.random.default_rng(0).permutation(expected.size) % PARTS
    confidence = np.empty_like(expected)
    for part in range(PARTS):
        out = parts == part
        confidence[out] = apply(fit(expected[~out], real[~out]), expected[out])
    return confidence


def apply(calibration: Calibration, expected: Values) -> Values:
    """Return the confidence in each photo."""
    return np.array([calibrated(float(value), calibration) for value in expected])


def write(model: str, calibration: Calibration, out: Path) -> None:
    """Write a copy of ``model`` with another calibration."""
    card, copy = Runtime(model).manifest, onnx.load(weights.find(model))
    changed = replace(card, calibration=calibration, sha256=UNSIGNED)
    imagefile.write(out, with_manifest(copy, changed), overwrite=True)


def measures(values: dict[str, Values], real: Values) -> str:
    """Return the table of how well each of ``values`` tells the person IoU."""
    head = f"| of {real.size} photos | mean error | calibration error | rank correlation | AUC of under {POOR} |"
    poor = real < POOR
    rows = [
        [
            name,
            number(float(np.abs(told - real).mean())),
            number(calibration_error(told, real)),
            number(float(spearmanr(told, real).statistic)),
            number(float(mannwhitneyu(told[~poor], told[poor]).statistic / (poor.sum() * (~poor).sum()))),
        ]
        for name, told in values.items()
    ]
    return markdown(head, rows)


def calibration_error(told: Values, real: Values) -> float:
    """Return by how much the mean of a tenth of the photos is off, on average."""
    means = tenths(told, real)
    return float(np.average([abs(x - y) for x, y, _ in means], weights=[size for *_, size in means]))


def tenths(told: Values, real: Values) -> list[tuple[float, float, int]]:
    """Return the mean told and real person IoU, and the number, of each tenth of the photos by what is told."""
    order = np.array_split(np.argsort(told, kind="stable"), PARTS)
    return [(float(told[part].mean()), float(real[part].mean()), part.size) for part in order]


def levels(confidence: Values, real: Values) -> str:
    """Return the table of how many cut-outs are bad at each level of confidence."""
    head = f"| confidence | n | under {POOR} | share | under {GOOD} | share |"
    parts = {
        f"under {UNSURE}": confidence < UNSURE,
        f"{UNSURE} to {SURE}": (confidence >= UNSURE) & (confidence < SURE),
        f"from {SURE} on": confidence >= SURE,
        f"from {UNSURE} on": confidence >= UNSURE,
    }
    rows = [[name, str(part.sum()), *below(real[part], POOR), *below(real[part], GOOD)] for name, part in parts.items()]
    return markdown(head, rows)


def below(real: Values, bound: float) -> list[str]:
    """Return how many are below ``bound``, and their share."""
    return [str((real < bound).sum()), number(float((real < bound).mean())) if real.size else "–"]


def mistakes(seen: Sequence[Seen]) -> str:
    """Return the table of who is found where nobody is, and not where somebody is, by the least share of the frame."""
    people = np.array([one.share for one in seen if one.iou is not None])
    rooms = np.array([one.share for one in seen if one.iou is None])
    head = f"| person's share from | found in {rooms.size} photos without people | missed in {people.size} with |"
    rows = [
        [str(share), *(f"{wrong.sum()} ({wrong.mean():.1%})" for wrong in (rooms >= share, people < share))]
        for share in SHARES
    ]
    return markdown(head, rows)


def markdown(head: str, rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join([head, "|---" * (head.count("|") - 1) + "|", *(f"| {' | '.join(row)} |" for row in rows)])


def draw(confidence: Values, expected: Values, real: Values, out: Path) -> None:
    """Draw the person IoU of each photo over its confidence, and the means of the tenths before and after."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.plot((0, 1), (0, 1), color="0.7", linewidth=1)
    axes.scatter(confidence, real, s=9, color="0.6", label="a photo")
    for told, colour, name in ((expected, "C1", "a tenth, as the network expects"), (confidence, "C0", "a tenth")):
        x, y, _ = zip(*tenths(told, real), strict=True)
        axes.plot(x, y, "o-", color=colour, label=name)
    axes.axvline(UNSURE, color="0.4", linestyle=":")
    axes.set(xlabel="confidence", ylabel="person IoU", xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="upper left")
    figure.savefig(out, dpi=110)


if __name__ == "__main__":
    main()
