"""Trains one recipe with and without each part of the augmentation, and says on val what each part is worth.

``python -m benchmarks.ablation runs/ablation`` makes a folder and an .onnx file for each row, all from the same start
and for the same views, and prints a Markdown table of differences to the first row. Called again it goes on where it
was stopped. On two cores say how little is to be done: ``--size 192 --views 6000 --batch 8 --cpu``.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.trained import RECIPES, add_amount, amount, person_recipe, trained
from rich.console import Console
from rich.progress import track

from cutaway.cli.scoring import SampleRemover
from cutaway.data.folder import load_samples, read_people_free, with_split
from cutaway.data.index import Sample
from cutaway.errors import CutawayError
from cutaway.evaluation.intervals import SetEstimate, differences, estimates
from cutaway.evaluation.score import Evaluation, evaluate, summarise, summarise_empty, thin
from cutaway.evaluation.tables import NOTHING, number, with_interval, with_range
from cutaway.remover import Remover

BACKGROUND = ["augment.background=0.4"]
SCALE = [*BACKGROUND, "augment.scale=0.5"]
PASTE = ["augment.paste=0.2"]
OCCLUDE = ["augment.occlude=0.15"]
PHOTOMETRIC = [
    "augment.shade=0.15",
    "augment.dim=0.15",
    "augment.motion=0.05",
    "augment.shrink=0.15",
    "augment.jpeg=0.25",
]
ROWS: dict[str, list[str]] = {
    "plain": [],
    "background": BACKGROUND,
    "background and scale": SCALE,
    "paste": PASTE,
    "occluders": OCCLUDE,
    "photometric": PHOTOMETRIC,
    "no negatives": ["data.people_free=[]"],
    "left out": [f"data.left_out={RECIPES / 'left-out.csv'}"],
    "all": [*SCALE, *PASTE, *OCCLUDE, *PHOTOMETRIC],
}
"""The rows, and what each changes in the recipe, in the notation of ``cutaway train --set``."""


def main() -> None:
    """Train, export and score what is asked for, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), help="others are held to the first")
    parser.add_argument(
        "--more",
        action="append",
        default=[],
        metavar="ROW=INDEX",
        help="a further row, which trains on an index besides; its val photos are scored in every row",
    )
    parser.add_argument("--recipe", type=Path, default=RECIPES / "tiramisu-mobile-320.toml")
    parser.add_argument("--init", default="portrait", help="what all rows begin with; '' is chance")
    add_amount(parser, size=256, views=40_000)
    parser.add_argument("--set", action="append", default=[], help="a change of the recipe that all rows share")
    parser.add_argument("--limit", type=int, help="val photos, spread evenly")
    arguments = parser.parse_args()
    if wrong := [text for text in arguments.more if "=" not in text]:
        parser.error(f"--more {wrong[0]} names no index; write ROW=INDEX, as in close-ups=close-ups.jsonl")
    more = dict(text.split("=", 1) for text in arguments.more)
    try:
        results = [run(name, more, arguments) for name in [*arguments.rows, *more]]
    except CutawayError as error:
        sys.exit(f"{parser.prog}: {error}")
    sys.stdout.write("\n".join(table(results)) + "\n")


def run(name: str, more: Mapping[str, str], arguments: argparse.Namespace) -> Evaluation:
    """Return the scores on val of the row ``name``, trained and exported first if it is not there.

    ``more`` are the indexes of further rows.
    """
    changes = [f"net.init={arguments.init}", *amount(arguments), *arguments.set]
    shared = person_recipe(arguments.recipe, changes)
    row = [f"data.persons={[*shared.data.persons, more[name]]}"] if name in more else ROWS[name]
    weights = trained(person_recipe(arguments.recipe, [*changes, *row]), arguments.out, name, "ablation")
    photos = validation([*shared.data.persons, *more.values()], shared.data.people_free, arguments.limit)
    return evaluate(name, SampleRemover(Remover(weights)), track(photos, name, console=Console(stderr=True)))


def validation(persons: Sequence[str], people_free: Sequence[str], limit: int | None) -> list[Sample]:
    """Return the val photos of all these, at most ``limit`` of them with people and as many without."""
    people = [sample for path in persons for sample in with_split(load_samples(Path(path)), "val")]
    free = [sample for path in people_free for sample in with_split(read_people_free(Path(path)), "val")]
    return [*thin(people, limit), *thin(free, limit)]


def table(results: Sequence[Evaluation]) -> Iterator[str]:
    """Yield the lines of a Markdown table: scores of each row, and by how much it is above the first, set by set."""
    first = results[0]
    sets = [scores.source for scores in estimates(first)]
    heads = [
        "row",
        "person IoU",
        "under .8",
        "boundary F",
        "false alarms",
        *(f"Δ {name}" for name in sets),
        "Δ boundary F",
    ]
    yield line(heads)
    yield line(["---"] * len(heads))
    for result in results:
        against = differences(first, result) if result is not first else []
        yield line([result.model, *score_cells(result), *difference_cells(against, len(sets))])
    yield f"\nΔ: the difference of person IoU to {first.model}, photo by photo, with its 95 % bootstrap interval."


def score_cells(result: Evaluation) -> list[str]:
    """Return person IoU with its interval, the share of bad cut-outs, boundary F, and people found where nobody is."""
    overall, empty = summarise(result)[-1], summarise_empty(result)
    alarms = f"{empty[-1].found_person} of {empty[-1].n}" if empty else NOTHING
    iou = with_interval(estimates(result)[-1].person_iou)
    return [iou, number(overall.poor_share), number(overall.boundary_f), alarms]


def difference_cells(against: Sequence[SetEstimate], sets: int) -> list[str]:
    """Return the difference of person IoU in each set and in all, the last, and that of boundary F in all."""
    if not against:
        return [NOTHING] * (sets + 1)
    return [*(with_range(scores.person_iou) for scores in against), with_range(against[-1].boundary_f)]


def line(cells: Sequence[str]) -> str:
    """Return the cells as a line of a Markdown table."""
    return f"| {' | '.join(cell.replace(chr(10), ', ') for cell in cells)} |"


if __name__ == "__main__":
    main()
