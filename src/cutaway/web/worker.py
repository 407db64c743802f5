"""A worker process: one network, one photograph at a time, from standard input to standard output.

``python -m cutaway.web.worker`` is started by ``pool``; its one argument is a ``Setup`` as JSON. It leaves when its
standard input ends, which is how the server tells it to, and what happens if the server is no more.
"""

import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

import numpy as np

from cutaway import closed_form, imagefile
from cutaway.composite import quantised
from cutaway.cutout import Cutout
from cutaway.errors import CutawayError, ImageError, LimitError, ModelError, OptionError
from cutaway.imagefile import Limits
from cutaway.look import Encoding, arrange, render, to_file
from cutaway.options import Options, parse, read_picture
from cutaway.remover import Remover
from cutaway.web.messages import Message, pack, read
from cutaway.web.setup import Setup, from_json

NICENESS = 10
"""How far a worker stands back behind the server, which has little to do, and has to do it at once."""


OUT_OF_MEMORY = ("can't start new thread", "out of memory", "bad_alloc", "Failed to allocate memory")
"""What errors say that are no ``MemoryError``: of Python's threads, libvips, C++ and ONNX Runtime."""


def main() -> None:
    """Answer every message until there are no more."""
    setup = from_json(sys.argv[1])
    answers = _own_output()
    # The server decides when to stop: a signal to the whole group must not take the work out of its hands.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _limit_memory(setup.memory)
    _step_back()
    try:
        workshop = open_workshop(setup)
    except CutawayError as error:
        _say(answers, _problem("worker-failed", str(error)))
        return
    models = {name: asdict(remover.manifest) for name, remover in workshop.removers.items()}
    heard = _say(answers, Message({"models": models}))
    while heard and (job := read(sys.stdin.buffer)) is not None:
        heard = _say(answers, answer(job, workshop))


@dataclass(frozen=True)
class Workshop:
    """What a worker works with: a remover for each model."""

    removers: Mapping[str, Remover]
    limits: Limits


def answer(job: Message, workshop: Workshop) -> Message:
    """Return the result of ``job``, or the problem with it. Whatever a photograph brings about stays in here."""
    try:
        return _cut_out(job, workshop)
    except Exception as error:
        # Of its text a log may hold nothing: a library's could tell of somebody's photograph.
        return Message({**_problem_of(error).facts, "error": type(error).__name__})


def _problem_of(error: Exception) -> Message:
    if _lacks_memory(error):
        return _problem("too-demanding", "The photograph takes more memory than a worker has; send a smaller copy.")
    match error:
        case LimitError():
            return _problem("too-many-pixels", str(error), limit=error.limit, actual=error.actual)
        case OptionError():
            return _problem("invalid-option", f"{error.option}: {error}", option=error.option)
        case ImageError():
            return _problem("unreadable-image", str(error))
        case ModelError():
            return _problem("worker-failed", str(error))
        case CutawayError():
            return _problem("impossible", str(error))
    return _problem("worker-failed", "A worker failed over the photograph; the server's log says by what error.")


def _lacks_memory(error: BaseException | None) -> bool:
    """Return whether want of memory is what ``error``, or what it came from, tells of."""
    if error is None:
        return False
    # Ours may quote the client, who could otherwise take a worker away by a word.
    foreign = not isinstance(error, CutawayError) and any(sign in str(error) for sign in OUT_OF_MEMORY)
    told = foreign or isinstance(error, MemoryError)
    return told or _lacks_memory(error.__cause__)


def _cut_out(job: Message, workshop: Workshop) -> Message:
    wish, started = job.facts, time.perf_counter()
    encoding = Encoding(**wish["encoding"])
    picture = read_picture(job.files[1], "the picture", workshop.limits) if len(job.files) > 1 else None
    look = parse(Options(**wish["options"]), encoding, picture)
    photo = imagefile.read(job.files[0], workshop.limits)
    decoded = time.perf_counter()
    cutout = workshop.removers[wish["model"]].remove(photo, refine=wish["refine"])
    if wish["require_person"] and not cutout.found_person:
        return _problem("nobody-found", "There is nobody in the photograph.")
    shown = arrange(cutout, look)
    removed = time.perf_counter()
    facts, pixels, metadata = _facts(shown), render(shown, look), shown.metadata
    del photo, cutout, shown  # half of what a large photograph takes, and encoding takes memory too
    file = to_file(pixels, metadata, encoding)
    seconds = {"decode": decoded - started, "remove": removed - decoded, "encode": time.perf_counter() - removed}
    return Message({"cutout": facts, "seconds": seconds}, [file])


def _facts(cutout: Cutout) -> dict[str, Any]:
    height, width = cutout.alpha.shape
    return {
        "width": width,
        "height": height,
        "found_person": cutout.found_person,
        "confidence": round(cutout.confidence, 4),
        "box": cutout.box,
        "scale": round(cutout.scale, 6),
        "note": cutout.note,
    }


def _problem(name: str, detail: str, **members: int | str) -> Message:
    return Message({"problem": {"name": name, "detail": detail, **members}})


def open_workshop(setup: Setup) -> Workshop:
    """Return a workshop with every model loaded and run once: the first photograph is to be no slower than the second.

    Raises ``CutawayError`` when one is missing or damaged, or a refinement takes an extra that is not installed.
    """
    limits = Limits(setup.max_bytes, setup.max_pixels, setup.max_side)
    removers = {name: Remover(path, threads=setup.threads, limits=limits) for name, path in setup.models.items()}
    for remover in removers.values():
        remover.remove(np.zeros((64, 64, 3), np.uint8))
    if "closed-form" in setup.refine:  # compiles itself when it is first used, for up to a minute
        closed_form.require()
        slope = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))
        closed_form.closed_form(slope, np.repeat(quantised(slope, np.uint8)[..., np.newaxis], 3, axis=2))
    return Workshop(removers, limits)


def _say(answers: BinaryIO, message: Message) -> bool:
    """Return whether there was somebody to hear it."""
    try:
        answers.write(pack(message))
        answers.flush()
    except BrokenPipeError:
        return False
    return True


def _own_output() -> BinaryIO:
    """Return standard output for messages alone; what a library prints goes to standard error from now on."""
    ours = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return ours


def _step_back() -> None:
    """Let the server go first."""
    if hasattr(os, "nice"):  # not on Windows
        os.nice(NICENESS)


def _limit_memory(most: int) -> None:
    """Let allocations beyond ``most`` bytes fail, where the system can do that."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


if __name__ == "__main__":
    main()
