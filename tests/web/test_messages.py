"""What goes over the pipes between the server and its workers."""

import asyncio
import io

import pytest

from cutaway.web.messages import Message, pack, read, receive

MESSAGES = [Message({}, []), Message({"a": [1, None, "ß\n"]}, [b"one\n", b"", bytes(range(256)) * 300])]


@pytest.mark.parametrize("message", MESSAGES)
def test_what_is_packed_is_read(message: Message) -> None:
    pipe = io.BytesIO(pack(message) + pack(MESSAGES[0]))
    assert read(pipe) == message
    assert read(pipe) == MESSAGES[0]
    assert read(pipe) is None


@pytest.mark.parametrize("message", MESSAGES)
def test_what_is_packed_is_received(message: Message) -> None:
    async def both() -> tuple[Message, Message]:
        pipe = asyncio.StreamReader()
        pipe.feed_data(pack(message) * 2)
        return await receive(pipe), await receive(pipe)

    assert asyncio.run(both()) == (message, message)


@pytest.mark.parametrize("length", [0, 3, 40])
def test_a_pipe_that_ends_early_is_noticed(length: int) -> None:
    async def one() -> Message:
        pipe = asyncio.StreamReader()
        pipe.feed_data(pack(MESSAGES[1])[:length])
        pipe.feed_eof()
        return await receive(pipe)

    with pytest.raises((EOFError, asyncio.IncompleteReadError)):
        asyncio.run(one())
