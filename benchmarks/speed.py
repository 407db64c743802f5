"""Times Cutaway beside an earlier version and beside its peers: ``python benchmarks/speed.py``.

Every figure is of a fresh process, and those that are compared take turns, so that whatever else the machine does slows
all of them alike. CPU time is that of all threads together; other work touches it least. Each runner beside Cutaway
itself is optional::

    python benchmarks/speed.py --against-src ../previous/src --mediapipe ../mediapipe/bin/python

A peer's interpreter needs what it is named after: mediapipe==0.10.21, or pymatting and pillow. For Linux and macOS.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory, TemporaryFile

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table

TASKS = str(Path(__file__).with_name("speed_tasks.py"))
"""Kept apart so that this process stays small: a child's peak is never below its parent's."""

MEGABYTE = 1e6 if sys.platform == "darwin" else 1e6 / 1024
"""In the unit of ``ru_maxrss``: bytes there, KiB on Linux."""

OURS = "cutaway"
COLD = ("12mp.jpg", "12mp-p3.jpg", "12mp-16bit.png", "50mp.jpg")


@dataclass(frozen=True)
class Runner:
    """Whose code runs: an interpreter, and a folder of packages that come before its own."""

    name: str
    python: str
    source: Path | None = None


@dataclass(frozen=True)
class Job:
    """What ``runner`` does for a row of the table; where that is ``warm``, its time is what it prints."""

    row: str
    runner: Runner
    arguments: tuple[str, ...]
    warm: bool = False


@dataclass(frozen=True)
class Run:
    """What one process took: its time, from start to end, that of its threads, its peak of memory; and its output."""

    seconds: float
    cpu_seconds: float
    megabytes: float
    output: str


@dataclass(frozen=True)
class Figures:
    """What a runner took for a row, in each round."""

    row: str
    runner: str
    seconds: tuple[float, ...]
    cpu_seconds: tuple[float, ...]
    megabytes: tuple[float, ...]


def main() -> None:
    """Print the table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--against", metavar="PYTHON", help="the interpreter that has an earlier version")
    parser.add_argument("--against-src", type=Path, metavar="DIR", help="the src/ of an earlier version")
    parser.add_argument("--mediapipe", metavar="PYTHON", help="the interpreter that has MediaPipe")
    parser.add_argument("--pymatting", metavar="PYTHON", help="the interpreter that has pymatting")
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose name holds this")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="where the time of a removal of 12 MP goes, instead")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    versions, console = versions_of(arguments.against, arguments.against_src), Console()
    with TemporaryDirectory() as name:
        folder = Path(name)
        call(Job("", versions[0], (TASKS, "photos", str(folder))))
        if arguments.profile:
            stages = profiles(versions, folder, arguments.rounds)
            print(json.dumps(stages)) if arguments.json else console.print(stage_table(stages))
            return
        jobs = [job for version in versions for job in version_jobs(version, folder)]
        jobs += peer_jobs(arguments.mediapipe, arguments.pymatting, folder)
        figures = measure([job for job in jobs if arguments.only in job.row], arguments.rounds)
    if arguments.json:
        print(json.dumps({"cores": os.cpu_count(), "rows": list(map(asdict, figures))}))
    else:
        console.print(figure_table(figures))


def versions_of(python: str | None, source: Path | None) -> list[Runner]:
    """Return Cutaway as it is here, and the earlier version that was asked for."""
    ours = Runner(OURS, sys.executable)
    return [ours, Runner("earlier", python or sys.executable, source)] if python or source else [ours]


def version_jobs(version: Runner, folder: Path) -> Iterator[Job]:
    """Yield what is timed of each version of Cutaway."""
    yield Job("import cutaway", version, ("-c", "import cutaway"))
    yield Job("cutaway --help", version, ("-m", "cutaway", "--help"))
    small, alpha = str(folder / "1mp.jpg"), str(folder / "alpha.png")
    yield Job("1 MP warm", version, (TASKS, "remove", small), warm=True)
    yield Job("1 MP warm, in doubt", version, (TASKS, "remove", str(folder / "1mp-square.jpg")), warm=True)
    yield Job("foreground 1 MP", version, (TASKS, "foreground", small, alpha), warm=True)
    for name in COLD:
        if (photo := folder / name).exists():
            command = ("-m", "cutaway", "remove", str(photo), "-o", str(folder / "out.png"), "--overwrite")
            yield Job(f"remove {name}", version, command)


def peer_jobs(mediapipe: str | None, pymatting: str | None, folder: Path) -> Iterator[Job]:
    """Yield what is timed of the peers."""
    small, large = str(folder / "1mp.jpg"), str(folder / COLD[0])
    if mediapipe:
        runner = Runner("mediapipe", mediapipe)
        yield Job("1 MP warm", runner, (TASKS, "mediapipe", small), warm=True)
        yield Job(f"remove {COLD[0]}", runner, (TASKS, "mediapipe_file", large, str(folder / "out.png")))
    if pymatting:
        arguments = (TASKS, "pymatting", small, str(folder / "alpha.png"))
        yield Job("foreground 1 MP", Runner("pymatting", pymatting), arguments, warm=True)


def measure(jobs: Sequence[Job], rounds: int) -> list[Figures]:
    """Return the figures of ``jobs``; those of one row take turns, and each runs once before it counts."""
    rows: dict[str, list[Job]] = {}
    for job in jobs:
        rows.setdefault(job.row, []).append(job)
    figures = []
    for row in track(list(rows.values()), "speed", console=Console(stderr=True)):
        runs = [[call(job) for job in row] for _ in range(rounds + 1)][1:]
        figures += [figures_of(job, own) for job, own in zip(row, zip(*runs, strict=True), strict=True)]
    return figures


def figures_of(job: Job, runs: Sequence[Run]) -> Figures:
    """Return what ``runs`` of ``job`` took."""
    times = [json.loads(run.output) if job.warm else (run.seconds, run.cpu_seconds) for run in runs]
    seconds, cpu_seconds = zip(*times, strict=True)
    return Figures(job.row, job.runner.name, seconds, cpu_seconds, tuple(run.megabytes for run in runs))


def call(job: Job) -> Run:
    """Run ``job`` in a process of its own; leave with what it says where it fails."""
    runner = job.runner
    environment = os.environ | ({"PYTHONPATH": str(runner.source)} if runner.source else {})
    with TemporaryFile("w+") as output, TemporaryFile("w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen([runner.python, *job.arguments], stdout=output, stderr=errors, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            sys.exit(f"{job.row}, {runner.name}: exit code {process.returncode}\n{errors.read()}")
        return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / MEGABYTE, output.read())


def profiles(versions: Sequence[Runner], folder: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Return the median seconds of each stage of a removal of 12 MP, by version."""
    task = (TASKS, "profile", str(folder / COLD[0]), str(folder / "out.png"))
    jobs = [Job("profile", version, task) for version in versions]
    found = [[json.loads(call(job).output) for job in jobs] for _ in range(rounds + 1)][1:]
    return {
        version.name: {stage: median(one[stage] for one in own) for stage in own[0]}
        for version, own in zip(versions, zip(*found, strict=True), strict=True)
    }


def figure_table(figures: Sequence[Figures]) -> Table:
    """Return a row for each figure, and how Cutaway compares with it."""
    table = Table("", "", box=SIMPLE, padding=(0, 1, 0, 0), title=f"{os.cpu_count()} cores")
    for head in ("ms", "least", "CPU ms", "peak MB", "time", "CPU", "peak"):
        table.add_column(head, justify="right")
    ours = {one.row: one for one in figures if one.runner == OURS}
    for one in figures:
        times = median(one.seconds), min(one.seconds), median(one.cpu_seconds)
        cells = [*(f"{1000 * seconds:.0f}" for seconds in times), f"{max(one.megabytes):.0f}"]
        table.add_row(one.row, one.runner, *cells, *ratios(ours[one.row], one))
    table.caption = "ms, CPU ms: medians. time, CPU, peak: Cutaway's as a multiple of the row's."
    return table


def ratios(ours: Figures, other: Figures) -> list[str]:
    """Return Cutaway's median times and its peak as multiples of another's; nothing of its own."""
    if ours is other:
        return []
    pairs = (
        (median(ours.seconds), median(other.seconds)),
        (median(ours.cpu_seconds), median(other.cpu_seconds)),
        (max(ours.megabytes), max(other.megabytes)),
    )
    return [f"{own / theirs:.2f}" for own, theirs in pairs]


def stage_table(stages: Mapping[str, Mapping[str, float]]) -> Table:
    """Return a row for each stage: its milliseconds and its share of them all, by version."""
    table = Table("", box=SIMPLE, title=f"Removal of {COLD[0]}")
    for name in stages:
        table.add_column(f"{name}, ms", justify="right")
        table.add_column("share", justify="right")
    totals = {name: sum(own.values()) for name, own in stages.items()}
    for stage in stages[OURS]:
        shares = [(own[stage], own[stage] / totals[name]) for name, own in stages.items()]
        table.add_row(stage, *(text for spent, share in shares for text in (f"{1000 * spent:.0f}", f"{share:.0%}")))
    table.add_row("all", *(text for total in totals.values() for text in (f"{1000 * total:.0f}", "")))
    return table


if __name__ == "__main__":
    main()
