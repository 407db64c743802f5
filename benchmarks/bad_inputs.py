"""Sweep a folder of broken, hostile and odd files through ``cutaway remove``.

Each file has to end in a result that opens or in one line that names it, with exit code 0 or 1, within 10 seconds, and
without a traceback or a file left behind::

    python benchmarks/bad_inputs.py ../shared/data/bad-inputs
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

BATCH = 40
SECONDS_EACH = 10.0


@dataclass(frozen=True)
class Outcome:
    """What a batch gave: files with a result, the line that each other file was refused with, and what went wrong."""

    done: list[Path]
    refused: dict[Path, str]
    problems: list[str]


def sweep(folder: Path, scratch: Path) -> Outcome:
    """Return the outcome of every file under ``folder``, in batches of one process each."""
    files = copy_all(sorted(path for path in folder.rglob("*") if path.is_file()), scratch / "in")
    outcome = merge([run_batch(files[start : start + BATCH], scratch) for start in range(0, len(files), BATCH)])
    strays = set((scratch / "in").iterdir()) - set(files)
    return replace(outcome, problems=outcome.problems + [f"stray file: {path.name}" for path in sorted(strays)])


def copy_all(files: Sequence[Path], folder: Path) -> list[Path]:
    """Copy ``files`` to names that differ in their stems, so that each has a result of its own."""
    folder.mkdir()
    return [Path(shutil.copy(path, folder / f"{number:05d}-{path.name}")) for number, path in enumerate(files)]


def run_batch(files: Sequence[Path], scratch: Path) -> Outcome:
    """Run one process over ``files``; if it takes too long, one process for each of them."""
    with tempfile.TemporaryDirectory(dir=scratch) as out:
        command = [sys.executable, "-m", "cutaway", "remove", *map(str, files), "-o", f"{out}/"]
        try:
            limit = SECONDS_EACH + len(files)
            process = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
        except subprocess.TimeoutExpired:
            return time_out(files, scratch)
        return judge(files, Path(out), process)


def time_out(files: Sequence[Path], scratch: Path) -> Outcome:
    """Find the file of a batch that hangs."""
    if len(files) == 1:
        return Outcome([], {}, [f"{files[0].name}: took longer than {SECONDS_EACH:.0f} s"])
    return merge([run_batch([path], scratch) for path in files])


def judge(files: Sequence[Path], out: Path, process: subprocess.CompletedProcess[str]) -> Outcome:
    """Compare the process's exit code, messages and results with ``files``."""
    lines = process.stderr.splitlines()
    refused = {path: line for path in files for line in lines if line.startswith(f"cutaway: {path}: ")}
    results = {path.stem: path for path in out.rglob("*") if path.is_file()}
    done = [path for path in files if path.stem in results]
    problems = [f"{path.name}: no result and no message" for path in files if path not in refused and path not in done]
    problems += [f"{path.name}: a result and a message" for path in files if path in refused and path in done]
    problems += [f"{path.name}: the result does not open" for path in done if not opens(results[path.stem])]
    problems += [f"stray message: {line}" for line in lines if line not in refused.values()]
    problems += [f"stray file: {results[stem].name}" for stem in results.keys() - {path.stem for path in files}]
    if process.returncode != (1 if refused else 0):
        problems.append(f"exit code {process.returncode} for the batch from {files[0].name}")
    return Outcome(done, refused, problems)


def opens(path: Path) -> bool:
    """Return whether ``path`` is a whole PNG."""
    try:
        with Image.open(path) as picture:
            picture.load()
    except (OSError, ValueError):
        return False
    return path.suffix == ".png"


def merge(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the outcomes of several batches as one."""
    return Outcome(
        [path for outcome in outcomes for path in outcome.done],
        {path: line for outcome in outcomes for path, line in outcome.refused.items()},
        [problem for outcome in outcomes for problem in outcome.problems],
    )


def kinds(refused: dict[Path, str]) -> Counter[str]:
    """Count the reasons, with the names and numbers in them left out."""
    return Counter(re.sub(r"\d[\d,.]*", "N", line.removeprefix(f"cutaway: {path}: ")) for path, line in refused.items())


def main() -> None:
    """Print what the sweep found; leave with 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder of bad files, with sub-folders")
    folder = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as scratch:
        outcome = sweep(folder, Path(scratch))
    for reason, count in kinds(outcome.refused).most_common():
        print(f"{count:5d}  {reason}")
    for problem in outcome.problems:
        print(f"PROBLEM  {problem}")
    print(f"{len(outcome.done)} cut out, {len(outcome.refused)} refused, {len(outcome.problems)} problems")
    sys.exit(bool(outcome.problems))


if __name__ == "__main__":
    main()
