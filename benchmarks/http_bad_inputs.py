"""Send a folder of broken, hostile and odd files to the HTTP server.

Each has to be answered within 10 seconds: with a PNG that opens, or with a problem whose type and status fit, and no
status of 500 or more; no worker may die, and a good photograph has to be cut out afterwards. From the repository's
root::

    python -m benchmarks.http_bad_inputs ../shared/data/bad-inputs
"""

import argparse
import io
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
from benchmarks.http_client import PHOTO
from benchmarks.http_server import running
from PIL import Image

SECONDS_EACH = 10.0
AT_ONCE = 4
SETTINGS = {"CUTAWAY_KINDS": "jpeg,png,webp,avif,heic,tiff,bmp,gif"}
"""Every kind, so that every decoder is reached."""


@dataclass(frozen=True)
class Outcome:
    """What a file was answered with: a status with a problem's name, and what is wrong with that, "" for nothing."""

    name: str
    answer: str
    wrong: str = ""


def send(client: httpx2.Client, path: Path) -> Outcome:
    """Return the outcome of a file."""
    try:
        response = client.post("/v1/cutout", content=path.read_bytes())
    except httpx2.HTTPError as error:
        return Outcome(path.name, "none", repr(error))
    if response.status_code == 200:
        return Outcome(path.name, "200", "" if opens(response.content) else "the result does not open")
    return Outcome(path.name, f"{response.status_code} {problem_name(response)}", wrong_with(response))


def problem_name(response: httpx2.Response) -> str:
    """Return the name of the problem, "" where it is none."""
    is_problem = response.headers.get("content-type") == "application/problem+json"
    return str(response.json()["type"]).removeprefix("/problems/") if is_problem else ""


def wrong_with(response: httpx2.Response) -> str:
    """Return what is wrong with a refusal, "" for nothing."""
    if response.status_code >= 500:
        return f"status {response.status_code}: {response.text}"
    if not problem_name(response):
        return "no problem+json"
    return "" if response.json()["status"] == response.status_code else f"the body says otherwise: {response.text}"


def opens(data: bytes) -> bool:
    """Return whether ``data`` is a whole PNG."""
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            picture.load()
    except (OSError, ValueError):
        return False
    return True


def sweep(files: Sequence[Path], folder: Path) -> list[Outcome]:
    """Return the outcome of every file, and of the server itself, which runs in ``folder``."""
    with running(folder, SETTINGS) as server, httpx2.Client(base_url=server.url, timeout=SECONDS_EACH) as client:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            outcomes = list(threads.map(lambda path: send(client, path), files))
        lost = server.metric("cutaway_workers_lost_total")
        afterwards = client.post("/v1/cutout", content=PHOTO).status_code
    return [
        *outcomes,
        Outcome("workers", "lost" if lost else "alive", f"{lost:g} were lost" if lost else ""),
        Outcome("a good photograph afterwards", str(afterwards), "" if afterwards == 200 else "refused"),
    ]


def main() -> None:
    """Print what the sweep found; leave with 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder of bad files, with sub-folders")
    files = sorted(path for path in parser.parse_args().folder.rglob("*") if path.is_file())
    with TemporaryDirectory() as folder:
        outcomes = sweep(files, Path(folder))
    for answer, count in Counter(outcome.answer for outcome in outcomes).most_common():
        print(f"{count:5d}  {answer}")
    wrong = [outcome for outcome in outcomes if outcome.wrong]
    for outcome in wrong:
        print(f"PROBLEM  {outcome.name}: {outcome.wrong}")
    print(f"{len(files)} files, {len(wrong)} problems")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
