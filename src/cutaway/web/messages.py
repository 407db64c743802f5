"""What the server and its workers say to each other over pipes: a line of JSON, then the bytes that it announces.

JSON and not pickles, because a worker reads hostile files, and a pickle from one that was taken over would run here.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

LONGEST_LINE = 1 << 20


@dataclass(frozen=True)
class Message:
    """``facts`` are plain JSON, ``files`` the bytes that go with them."""

    facts: dict[str, Any]
    files: Sequence[bytes] = ()


def pack(message: Message) -> bytes:
    """Return ``message`` as it goes over a pipe."""
    line = json.dumps([message.facts, [len(file) for file in message.files]])
    return b"".join([line.encode(), b"\n", *message.files])


def read(pipe: BinaryIO) -> Message | None:
    """Return the next message, None where the other side has closed the pipe."""
    line = pipe.readline(LONGEST_LINE)
    if not line.endswith(b"\n"):
        return None
    facts, sizes = json.loads(line)
    return Message(facts, [pipe.read(size) for size in sizes])


async def receive(pipe: asyncio.StreamReader) -> Message:
    """Return the next message. Raises ``EOFError`` where the other side has closed the pipe."""
    line = await pipe.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    facts, sizes = json.loads(line)
    return Message(facts, [await pipe.readexactly(size) for size in sizes])
