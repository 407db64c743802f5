"""Clients that keep an HTTP server waiting: with their headers, with a body, with reading, or with everything."""

import asyncio
import socket
import time
from contextlib import suppress
from dataclasses import dataclass

from benchmarks.http_client import PHOTO, post
from benchmarks.http_server import held_connections

KINDS = ("headers", "body", "silent", "reader")
LASTS_SECONDS = 20
DRIP_SECONDS = 1.0

FIRST = {
    "headers": b"POST /v1/cutout HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    "body": post(PHOTO)[:2_000],
    "silent": b"",
    "reader": post(PHOTO),
}
"""What each kind sends at once."""


@dataclass(frozen=True)
class Slow:
    """A slow client: its kind, its port, and when it had sent what it sends at once."""

    kind: str
    port: int
    opened: float


async def be_slow(kind: str, port: int, delay: float) -> Slow:
    """Be a client of ``kind`` for ``LASTS_SECONDS``, from ``delay`` seconds on."""
    await asyncio.sleep(delay)
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        await loop.sock_connect(connection, ("127.0.0.1", port))
        await loop.sock_sendall(connection, FIRST[kind])
        slow = Slow(kind, connection.getsockname()[1], time.monotonic())
        while time.monotonic() < slow.opened + LASTS_SECONDS:
            await asyncio.sleep(DRIP_SECONDS)
            with suppress(OSError):  # the server has closed it
                _drip(kind, connection)
    return slow


def _drip(kind: str, connection: socket.socket) -> None:
    if kind in ("headers", "body"):
        connection.send(b"x")
    elif kind == "reader":
        connection.recv(1)


async def last_held(port: int, during: asyncio.Future[list[Slow]]) -> dict[int, float]:
    """Return when the server on ``port`` was last seen to hold each connection, by the client's port."""
    seen: dict[int, float] = {}
    while not during.done():
        now = time.monotonic()
        seen |= dict.fromkeys(held_connections(port), now)
        await asyncio.sleep(0.25)
    return seen
