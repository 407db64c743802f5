"""Does the jobs of ``cutaway remove`` one after another and reports each: a bad photograph never stops the others."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cutaway.cli.messages import complain, one_line, only_our_messages, point_descriptor
from cutaway.cli.plan import STREAM, Failure, Job
from cutaway.confidence import UNSURE
from cutaway.cutout import Cutout
from cutaway.errors import CutawayError, OutputError
from cutaway.imagefile import Source, write
from cutaway.look import Encoding, Look, arrange, render, to_file
from cutaway.photo import Metadata
from cutaway.remover import Refine, Remover, read_ahead
from cutaway.types import Pixels


@dataclass(frozen=True)
class Order:
    """What to do with every photograph of a call. ``model`` and ``refine`` are as ``Remover`` takes them."""

    model: str
    refine: Refine
    look: Look
    encoding: Encoding
    overwrite: bool
    require_person: bool


@dataclass(frozen=True)
class Done:
    """A finished photograph: its result is ``height`` × ``width``, and ``scale`` pixels for one of the photograph.

    ``box`` is (top, left, bottom, right) in the result's pixels; ``None`` = nobody in it. ``note`` says what else the
    file held that is not in the result.
    """

    input: str
    output: str
    found_person: bool
    confidence: float
    box: tuple[int, int, int, int] | None
    height: int
    width: int
    scale: float
    note: str | None = None


def run(steps: Sequence[Job | Failure], order: Order, *, as_json: bool) -> int:
    """Do ``steps``, report each, and return the exit code: 0 all done, 1 some failed.

    Raises ``ModelError`` when the model of ``order`` cannot be loaded.
    """
    results = []
    with only_our_messages():
        for result in _with_progress(do(steps, order), len(steps)):
            results.append(result)
            _report(result, quiet=as_json)
    if as_json:
        print(json.dumps(summary(results, order)))
    return int(any(isinstance(result, Failure) for result in results))


def do(steps: Sequence[Job | Failure], order: Order) -> Iterator[Done | Failure]:
    """Yield what became of each step, in order."""
    jobs = [step for step in steps if isinstance(step, Job)]
    cutouts = _cut_out(jobs, order) if jobs else iter(())
    for step in steps:
        yield step if isinstance(step, Failure) else _finish(step, cutouts, order)


def summary(results: Iterable[Done | Failure], order: Order) -> dict[str, object]:
    """Return what ``--json`` prints."""
    rows = list(results)
    return {
        "model": order.model,
        "done": [asdict(row) for row in rows if isinstance(row, Done)],
        "failed": [{"input": row.name, "reason": row.reason} for row in rows if isinstance(row, Failure)],
    }


def _cut_out(jobs: Sequence[Job], order: Order) -> Iterator[Cutout | CutawayError]:
    photos = read_ahead(_source(job) for job in jobs)  # meanwhile the model loads, which takes as long as a photo
    return Remover(order.model, refine=order.refine).remove_read(photos)


def _source(job: Job) -> Source:
    if job.photo is not None:
        return job.photo
    return sys.stdin.buffer if sys.stdin else b""  # a closed standard input is None, and reads as empty


def _finish(job: Job, cutouts: Iterator[Cutout | CutawayError], order: Order) -> Done | Failure:
    """Write what is made of the next of ``cutouts``."""
    try:
        done, pixels, metadata = _rendered(job, next(cutouts), order)
        # No name holds the cut-out any more: encoding needs memory too, and of a large photo that was half of it.
        data = to_file(pixels, metadata, order.encoding)
        if job.output is None:
            _write_stream(data)
        else:
            _write_file(job.output, data, overwrite=order.overwrite)
    except CutawayError as error:
        return Failure(job.name, str(error))
    return done


def _rendered(job: Job, cutout: Cutout | CutawayError, order: Order) -> tuple[Done, Pixels, Metadata]:
    if isinstance(cutout, CutawayError):
        raise cutout
    if order.require_person and not cutout.found_person:
        raise CutawayError("there is nobody in this photograph, so nothing was written.")
    shown = arrange(cutout, order.look)
    return _done(job, shown), render(shown, order.look), shown.metadata


def _done(job: Job, cutout: Cutout) -> Done:
    output = STREAM if job.output is None else str(job.output)
    height, width = cutout.alpha.shape
    confidence, scale = round(cutout.confidence, 4), round(cutout.scale, 6)
    return Done(job.name, output, cutout.found_person, confidence, cutout.box, height, width, scale, cutout.note)


def _write_file(path: Path, data: bytes, *, overwrite: bool) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder {path.parent} cannot be made: {error.strerror}.") from error
    write(path, data, overwrite=overwrite)


def _write_stream(data: bytes) -> None:
    if sys.stdout is None:
        raise OutputError("standard output is closed; name a file with -o.")
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        # What is still buffered would be written, and fail again, when the interpreter leaves.
        point_descriptor(sys.stdout.fileno(), os.devnull)
        raise OutputError(f"standard output did not take the whole picture: {error.strerror}.") from error


def _report(result: Done | Failure, *, quiet: bool) -> None:
    if isinstance(result, Failure):
        complain(result.reason, about=result.name)
        return
    if not quiet and result.output != STREAM:
        found = "person found" if result.found_person else "nobody found"
        advice = "; look at the edges" if result.found_person and result.confidence < UNSURE else ""
        note = f"; the photograph {result.note}" if result.note else ""
        print(one_line(f"{result.output}: {found}, confidence {result.confidence:.0%}{advice}{note}"))


def _with_progress(results: Iterator[Done | Failure], total: int) -> Iterator[Done | Failure]:
    """Show a bar on standard error while several results come in, if a person is looking."""
    if total < 2 or not (sys.stderr and sys.stderr.isatty()):
        yield from results
        return
    from cutaway.cli.progress import track  # Rich, which it needs, takes long to import

    yield from track(results, total, "Cutting out")
