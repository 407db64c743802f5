"""The workers of a server: started, watched, replaced; and the queue before them.

A worker that dies takes one photograph with it at most, which another then gets. A photograph that kills two is not
tried again. A worker that hangs is killed when its photograph's time is up.
"""

import asyncio
import math
import os
import sys
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cutaway.web.messages import LONGEST_LINE, Message, pack, receive
from cutaway.web.metrics import Metrics
from cutaway.web.problems import FATAL, ProblemError
from cutaway.web.setup import Setup, to_json

WORKER = "cutaway.web.worker"

START_SECONDS = 180.0
"""Seconds in which a worker has to have loaded its model."""

REMEMBERED = 1_000
"""Photographs that killed two workers, and are refused from then on; older ones are forgotten."""

PAUSE_SECONDS = 1.0
"""Seconds between two attempts to start a worker that does not come up."""

_LOST = (EOFError, ConnectionError, asyncio.IncompleteReadError)


@dataclass(frozen=True)
class Plan:
    """How many workers, each of which does ``recycle`` photographs; ``queue`` wait, for ``deadline`` seconds in all."""

    workers: int
    queue: int
    deadline: float
    recycle: int


@dataclass(eq=False)
class _Ticket:
    """A photograph in the queue. ``until`` is when its time is up, on the loop's clock."""

    message: bytes
    digest: bytes
    until: float
    answer: asyncio.Future[Message]
    begun: float = 0.0
    kills: int = 0


@dataclass(eq=False)
class _Worker:
    """A running worker process; the manifests of its ``models``; ``done`` is how many photographs it has answered."""

    process: asyncio.subprocess.Process
    models: dict[str, Any] = field(default_factory=dict)
    done: int = 0

    async def ask(self, message: bytes) -> Message:
        """Return the answer to ``message``. Raises one of ``_LOST`` when the process dies over it."""
        pipe = self.process.stdin
        if pipe is None or self.process.stdout is None:
            raise EOFError
        pipe.write(message)
        await pipe.drain()
        answer = await receive(self.process.stdout)
        self.done += 1
        return answer

    async def kill(self) -> None:
        """End the process at once."""
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    async def leave(self) -> None:
        """Let the process end by itself."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), PAUSE_SECONDS)
        except TimeoutError:
            await self.kill()


@dataclass(eq=False)
class Pool:
    """Worker processes and their queue. ``start`` before use; belongs to one event loop.

    ``models`` are the manifests of the models, the default one first; ``ready`` and ``running`` count workers.
    """

    setup: Setup
    plan: Plan
    metrics: Metrics
    log: Callable[[str], object]
    stopping: bool = False
    running: int = 0
    ready: int = 0
    models: dict[str, Any] = field(default_factory=dict)
    _queue: deque[_Ticket] = field(default_factory=deque)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _minders: list[asyncio.Task[None]] = field(default_factory=list)
    _poisonous: OrderedDict[bytes, None] = field(default_factory=OrderedDict)
    _mean_seconds: float = 0.5

    async def start(self) -> None:
        """Start every worker. Raises ``RuntimeError`` when one does not come up."""
        try:
            async with asyncio.TaskGroup() as group:
                starts = [group.create_task(_start(self.setup)) for _ in range(self.plan.workers)]
        except* RuntimeError as errors:
            raise RuntimeError(str(errors.exceptions[0])) from errors
        workers = [start.result() for start in starts]
        self.models = workers[0].models
        self._minders = [asyncio.create_task(self._mind(each)) for each in workers]

    @property
    def waiting(self) -> int:
        """Photographs in the queue."""
        return len(self._queue)

    def check_room(self) -> None:
        """Raise ``ProblemError`` when no more photographs are taken, because the queue is full or the server stops."""
        if self.stopping:
            raise ProblemError("shutting-down", "The server is being stopped.", retry_after=self.patience())
        if self.waiting >= self.plan.queue:
            detail = f"{self.waiting} photographs are waiting, as many as may; try again later."
            raise ProblemError("busy", detail, retry_after=self.patience())

    def patience(self) -> int:
        """Return the seconds after which the queue should have moved on."""
        return max(1, math.ceil(self._mean_seconds * (self.waiting + self.running) / self.plan.workers))

    async def run(self, message: Message) -> tuple[Message, float]:
        """Return the worker's answer to ``message``, and the seconds that it waited in the queue.

        If the caller is cancelled before work on it has begun, it never does, and its place in the queue is free.

        Raises:
            ProblemError: No room, no time, or a photograph that kills workers.
        """
        digest = sha256(b"".join(message.files)).digest()
        self._check_harmless(digest)
        self.check_room()
        loop = asyncio.get_running_loop()
        ticket = _Ticket(pack(message), digest, loop.time() + self.plan.deadline, loop.create_future())
        entered = loop.time()
        self._queue.append(ticket)
        self._arrived.set()
        try:
            answer = await asyncio.wait_for(asyncio.shield(ticket.answer), self.plan.deadline + PAUSE_SECONDS)
        except TimeoutError:
            raise _too_late(self.plan.deadline) from None
        finally:
            ticket.answer.cancel()
            with suppress(ValueError):  # a worker has taken it
                self._queue.remove(ticket)
        return answer, ticket.begun - entered

    async def drain(self, seconds: float) -> None:
        """Take nothing more, give begun and waiting work ``seconds`` to end, and end every worker."""
        self.stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.waiting or self.running:
                    await asyncio.sleep(0.05)
        for minder in self._minders:
            minder.cancel()
        await asyncio.gather(*self._minders, return_exceptions=True)

    async def _mind(self, each: _Worker) -> None:
        """Give one worker after another, ``each`` the first, its photographs, for ever."""
        self.ready += 1
        try:
            while True:
                each = await self._next(each)
        finally:
            self.ready -= 1
            await asyncio.shield(each.kill())

    async def _next(self, each: _Worker) -> _Worker:
        """Let ``each`` do a photograph, and return the worker that is to do the next one."""
        ticket = await self._take(each)
        if ticket is None:
            return await self._replace(each, "died")
        now = asyncio.get_running_loop().time()
        if ticket.answer.done() or now >= ticket.until:
            return each
        ticket.begun = now
        self.running += 1
        try:
            return await self._attempt(each, ticket)
        finally:
            self.running -= 1

    async def _take(self, each: _Worker) -> _Ticket | None:
        """Return the next photograph of the queue, None if ``each`` dies while it waits for one."""
        getting, dying = asyncio.create_task(self._first()), asyncio.create_task(each.process.wait())
        try:
            await asyncio.wait((getting, dying), return_when=asyncio.FIRST_COMPLETED)
            return getting.result() if getting.done() else None
        finally:
            getting.cancel()
            dying.cancel()

    async def _first(self) -> _Ticket:
        """Return the next photograph of the queue, once there is one."""
        while not self._queue:
            self._arrived.clear()
            await self._arrived.wait()
        return self._queue.popleft()

    async def _attempt(self, each: _Worker, ticket: _Ticket) -> _Worker:
        started = time.monotonic()
        try:
            async with asyncio.timeout_at(ticket.until):
                answer = await each.ask(ticket.message)
        except TimeoutError:
            _settle(ticket, _too_late(self.plan.deadline))
            return await self._replace(each, "deadline")
        except _LOST:
            return await self._after_loss(each, ticket)
        self._mean_seconds += 0.1 * (time.monotonic() - started - self._mean_seconds)
        _settle(ticket, answer)
        problem = answer.facts.get("problem")
        if problem and problem["name"] in FATAL:
            return await self._replace(each, f"{problem['name']}: {answer.facts['error']}")
        return await self._recycled(each)

    async def _after_loss(self, each: _Worker, ticket: _Ticket) -> _Worker:
        ticket.kills += 1
        if ticket.kills > 1:
            self._remember(ticket.digest)
            _settle(ticket, _poisonous())
            return await self._replace(each, "died")
        self.metrics.retries.inc()
        return await self._attempt(await self._replace(each, "died"), ticket)

    async def _recycled(self, each: _Worker) -> _Worker:
        if each.done < self.plan.recycle:
            return each
        self.ready -= 1
        await each.leave()
        return await self._another()

    async def _replace(self, each: _Worker, reason: str) -> _Worker:
        self.log(reason)
        await each.kill()
        self.ready -= 1
        self.metrics.workers_lost.inc()
        return await self._another()

    async def _another(self) -> _Worker:
        """Return a new worker, however long it takes until one comes up, and count it as ready again."""
        try:
            while True:
                try:
                    return await _start(self.setup)
                except RuntimeError as error:
                    self.log(str(error))
                    await asyncio.sleep(PAUSE_SECONDS)
        finally:
            self.ready += 1

    def _check_harmless(self, digest: bytes) -> None:
        if digest in self._poisonous:
            raise _poisonous()

    def _remember(self, digest: bytes) -> None:
        self._poisonous[digest] = None
        if len(self._poisonous) > REMEMBERED:
            self._poisonous.popitem(last=False)


async def _start(setup: Setup) -> _Worker:
    """Return a worker that has loaded its model. Raises ``RuntimeError`` saying why when there is none."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        WORKER,
        to_json(setup),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # libraries remark on the files they read there
        limit=LONGEST_LINE,
        env=os.environ | {"MALLOC_ARENA_MAX": "2", "VIPS_CONCURRENCY": str(setup.threads)},
    )
    started = _Worker(process)
    try:
        async with asyncio.timeout(START_SECONDS):
            answer = await started.ask(b"")
    except (TimeoutError, *_LOST) as error:
        await started.kill()
        raise RuntimeError("a worker did not start; is there memory for it?") from error
    except asyncio.CancelledError:
        await started.kill()
        raise
    if "problem" in answer.facts:
        await started.kill()
        raise RuntimeError(f"a worker did not start: {answer.facts['problem']['detail']}")
    return _Worker(process, answer.facts["models"])


def _settle(ticket: _Ticket, outcome: Message | ProblemError) -> None:
    if ticket.answer.done():  # nobody waits any more
        return
    if isinstance(outcome, ProblemError):
        ticket.answer.set_exception(outcome)
    else:
        ticket.answer.set_result(outcome)


def _too_late(deadline: float) -> ProblemError:
    return ProblemError("deadline-exceeded", f"The photograph was not done within {deadline:g} seconds.")


def _poisonous() -> ProblemError:
    return ProblemError("poisonous-image", "Two workers died over this photograph; it is not tried again.")
