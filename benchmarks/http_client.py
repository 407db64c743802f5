"""A client that is light enough to load the HTTP server from the same machine."""

import asyncio
import math
import re
import time
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count as numbers_from
from pathlib import Path
from typing import TypeAlias

import httpx2

import cutaway

PHOTO = (Path(cutaway.__file__).parent / "samples" / "astronaut.jpg").read_bytes()
PATIENCE = 60.0
BUFFER = 1 << 20
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
PROBES_A_SECOND = 10
FAILED = 0

Connection: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Answer:
    """What came of a request: a status, ``FAILED`` for none; moments of the clock ``time.perf_counter``."""

    status: int
    due: float
    began: float
    ended: float
    says_when_to_retry: bool
    error: str

    @property
    def seconds(self) -> float:
        """From the moment when it was due to the last byte."""
        return self.ended - self.due


@dataclass(frozen=True)
class Client:
    """Sends photographs that differ in a comment alone, on connections that are kept. Never sends one twice."""

    port: int
    numbers: Iterator[int] = field(default_factory=numbers_from)
    idle: list[Connection] = field(default_factory=list)

    async def ask(self, due: float) -> Answer:
        """Return the answer to the request that was ``due`` at a moment."""
        began, head, error = time.perf_counter(), b"", ""
        try:
            async with asyncio.timeout(PATIENCE):
                head = await self._exchange()
        except (OSError, EOFError, TimeoutError) as failure:
            error = repr(failure)
        status = int(head[9:12]) if head else FAILED
        return Answer(status, due, began, time.perf_counter(), b"\r\nretry-after: " in head.lower(), error)

    async def _exchange(self) -> bytes:
        """Return the answer's head, after its body was read too."""
        while self.idle and self.idle[-1][0].at_eof():
            self.idle.pop()[1].close()
        connection = self.idle.pop() if self.idle else await self._connect()
        try:
            head = await _talk(connection, post(numbered(next(self.numbers))))
        except BaseException:
            connection[1].close()
            raise
        if b"\r\nconnection: close\r\n" in head.lower():
            connection[1].close()
        else:
            self.idle.append(connection)
        return head

    async def _connect(self) -> Connection:
        return await asyncio.open_connection("127.0.0.1", self.port, limit=BUFFER)


async def _talk(connection: Connection, request: bytes) -> bytes:
    reader, writer = connection
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = LENGTH.search(head)
    await reader.readexactly(int(length[1]) if length else 0)
    return head


def numbered(number: int) -> bytes:
    """Return the photograph with ``number`` in a comment: else one that is refused from now on would be all of them."""
    return PHOTO[:2] + b"\xff\xfe\x00\x0a" + number.to_bytes(8) + PHOTO[2:]


def post(body: bytes) -> bytes:
    """Return the request that sends ``body`` to be cut out."""
    lines = ("POST /v1/cutout HTTP/1.1", "Host: localhost", "Accept: image/png", f"Content-Length: {len(body)}", "", "")
    return "\r\n".join(lines).encode() + body


async def in_turn(client: Client, clients: int, turns: Iterator[object]) -> list[Answer]:
    """Let ``clients`` send again whenever they are answered, for as many ``turns`` as there are."""

    async def one() -> list[Answer]:
        return [await client.ask(time.perf_counter()) for _ in turns]

    return [answer for answers in await asyncio.gather(*(one() for _ in range(clients))) for answer in answers]


async def at_rate(client: Client, rate: float, during: Awaitable[object]) -> list[Answer]:
    """Send ``rate`` requests a second, evenly, until ``during`` is over, whether or not earlier ones are answered."""
    waiting, start = asyncio.ensure_future(during), time.perf_counter()
    tasks: list[asyncio.Task[Answer]] = []
    while not waiting.done():
        due = start + len(tasks) / rate
        await asyncio.sleep(due - time.perf_counter())
        tasks.append(asyncio.create_task(client.ask(due)))
    return await asyncio.gather(*tasks)


def probe(port: int, seconds: float) -> list[float]:
    """Return how many seconds /healthz took, each time that it was asked; for a process of its own."""
    taken, start = [], time.perf_counter()
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
        for number in range(round(seconds * PROBES_A_SECOND)):
            due = start + number / PROBES_A_SECOND
            time.sleep(max(0.0, due - time.perf_counter()))
            client.get("/healthz").raise_for_status()
            taken.append(time.perf_counter() - max(due, start))
    return taken


def count(answers: Sequence[Answer], status: int) -> int:
    """Return how many ``answers`` have ``status``."""
    return sum(each.status == status for each in answers)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that ``share`` percent of ``values`` do not pass; NaN, which meets no bar, of none."""
    return sorted(values)[math.ceil(len(values) * share / 100) - 1] if values else math.nan


def others(answers: Sequence[Answer]) -> str:
    """Return what there was besides 200 and 503, "" for nothing."""
    found = {each.error or str(each.status) for each in answers if each.status not in (200, 503)}
    return f"({', '.join(sorted(found))})" if found else ""
