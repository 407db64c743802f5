"""Scores weights beside MediaPipe's selfie segmentation: ``python benchmarks/mediapipe_scores.py PYTHON DATA``.

PYTHON is an interpreter that has mediapipe==0.10.21, in an environment of its own. Both answer the same pixels, at each
photo's own size, and are judged by the code of ``cutaway evaluate``. Prints the tables of docs/benchmark.md. For Linux.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from subprocess import Popen

import numpy as np
from rich.console import Console
from rich.progress import track

from cutaway import imagefile, weights
from cutaway.cli.scoring import SampleRemover
from cutaway.cutout import Cutout
from cutaway.data.folder import load_samples
from cutaway.data.index import Sample
from cutaway.data.shards import content
from cutaway.errors import CutawayError
from cutaway.evaluation.intervals import differences
from cutaway.evaluation.photos import person_iou, worst_first
from cutaway.evaluation.score import Evaluation, RemoverLike, evaluate, summarise, thin
from cutaway.evaluation.tables import COLUMNS, INTERVAL_COLUMNS, cells, difference_cells, number
from cutaway.remover import Remover
from cutaway.types import Alpha, Image

ANSWERS = str(Path(__file__).with_name("answers.py"))
MEDIAPIPE = {"MediaPipe general": "0", "MediaPipe landscape": "1"}
"""The peers by what the tables call them, and how MediaPipe numbers its models."""

CORES = (1, 2)
TIMED, WARM_UP = 60, 5
"""Photos that are timed, and those before them that are not."""

WORST = 20


@dataclass(frozen=True)
class Peer:
    """A process that answers images."""

    connection: Connection

    def answer(self, image: Image) -> tuple[Alpha, float]:
        """Return the alpha of ``image`` and the seconds that it took."""
        self.connection.send((image.shape, image.tobytes()))
        alpha, seconds = self.connection.recv()
        return np.frombuffer(alpha, np.float32).reshape(image.shape[:2]), seconds

    def remove(self, photo: Path) -> Cutout:
        """Return the cut-out of the photo in a file; of its confidence a peer says nothing."""
        image = imagefile.read_srgb(content(photo))
        alpha, _ = self.answer(image)
        return Cutout(image, alpha, 1.0, bool((alpha >= 0.5).any()))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("python", help="the interpreter that has MediaPipe")
    parser.add_argument("data", type=Path, help="what cutaway evaluate --data takes")
    parser.add_argument("--split", default="test")
    parser.add_argument("--model", default=weights.DEFAULT)
    parser.add_argument("--limit", type=int, help="photos, spread evenly over the split")
    arguments = parser.parse_args()
    try:
        samples = thin(load_samples(arguments.data, arguments.split), arguments.limit)
        own = score(Path(arguments.model).stem, SampleRemover(Remover(arguments.model)), samples)
        others = score_mediapipe(arguments.python, samples)
        times = {cores: seconds(arguments.python, arguments.model, cores, samples) for cores in CORES}
    except CutawayError as error:
        sys.exit(f"{parser.prog}: {error}")
    except (EOFError, OSError) as error:
        sys.exit(f"{parser.prog}: {arguments.python} gives no answers; it needs mediapipe==0.10.21 ({error!r})")
    print("\n\n".join([*tables(own, others), speed_table(times)]))


def score_mediapipe(python: str, samples: Sequence[Sample]) -> list[Evaluation]:
    """Return the evaluation of each of MediaPipe's models."""
    evaluations = []
    for name, selection in MEDIAPIPE.items():
        with peer(python, max(CORES), "mediapipe", selection) as remover:
            evaluations.append(score(name, remover, samples))
    return evaluations


@contextmanager
def peer(python: str, cores: int, network: str, argument: str) -> Iterator[Peer]:
    """Start a process that answers, on so many cores, and end it."""
    ours, theirs = Pipe()
    command = [python, ANSWERS, str(theirs.fileno()), str(cores), network, argument]
    with Popen(command, pass_fds=[theirs.fileno()]), theirs, ours:
        theirs.close()  # so that a process that fails is noticed
        yield Peer(ours)


def score(name: str, remover: RemoverLike, samples: Sequence[Sample]) -> Evaluation:
    """Return the evaluation of ``remover``, under a progress bar."""
    return evaluate(name, remover, track(samples, name, console=Console(stderr=True)))


def seconds(python: str, model: str, cores: int, samples: Sequence[Sample]) -> dict[str, float]:
    """Return the median seconds from pixels to alpha of each network; they take turns on each photo."""
    images = [imagefile.read_srgb(content(sample.image)) for sample in thin(samples, TIMED + WARM_UP)]
    start = partial(peer, cores=cores)
    with ExitStack() as stack:
        peers = {Path(model).stem: stack.enter_context(start(sys.executable, network="cutaway", argument=model))}
        for name, selection in MEDIAPIPE.items():
            peers[name] = stack.enter_context(start(python, network="mediapipe", argument=selection))
        turns = [{name: one.answer(image)[1] for name, one in peers.items()} for image in images]
    return {name: median(turn[name] for turn in turns[WARM_UP:]) for name in peers}


def tables(own: Evaluation, others: Sequence[Evaluation]) -> Iterator[str]:
    """Yield the tables of the scores, of the differences, and of the worst photos."""
    sets = zip(*map(summarise, (own, *others)), strict=True)
    rows = [
        [summary.source, model.model, *cells(summary)[1:]]
        for summaries in sets
        for model, summary in zip((own, *others), summaries, strict=True)
    ]
    yield markdown(["set", "", *COLUMNS.values()], rows)
    for other in others:
        against = [one_line(difference_cells(found)) for found in differences(other, own)]
        yield markdown([f"{own.model} against {other.model}", *INTERVAL_COLUMNS], against)
    yield markdown(["photo", "set", *(model.model for model in (own, *others))], worst(own, others))


def worst(own: Evaluation, others: Sequence[Evaluation]) -> Iterator[list[str]]:
    """Yield the worst photos of ``own``, and the person IoU of all."""
    ious = [{row.id: number(person_iou(row)) for row in model.people} for model in (own, *others)]
    for row in worst_first(own)[:WORST]:
        yield [row.id, row.source, *(found[row.id] for found in ious)]


def speed_table(times: Mapping[int, Mapping[str, float]]) -> str:
    """Return the table of milliseconds, with each as a multiple of MediaPipe's first model."""
    first = next(iter(MEDIAPIPE))
    head = ["", *(text for cores in times for text in (f"{cores} core{'s' * (cores > 1)}, ms", "times"))]
    rows = [
        [name, *(text for own in times.values() for text in time_cells(own[name], own[first]))]
        for name in next(iter(times.values()))
    ]
    return markdown(head, rows)


def time_cells(own: float, first: float) -> tuple[str, str]:
    """Return the texts of a time: in milliseconds, and as a multiple of the ``first``."""
    return f"{1000 * own:.1f}", f"{own / first:.1f}"


def one_line(row: Iterable[str]) -> list[str]:
    """Return ``row`` with each interval in brackets behind its score."""
    return [text.replace("\n", " (") + ")" * ("\n" in text) for text in row]


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


if __name__ == "__main__":
    main()
