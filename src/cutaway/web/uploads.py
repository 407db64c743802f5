"""Uploads: read whole into memory and nowhere else, counted and timed while they come in."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from cutaway.web.problems import ProblemError
from cutaway.web.settings import Pace
from cutaway.web.wishes import check_once

FORM_OVERHEAD = 64_000
"""Bytes that a form may take besides its two files."""

FILES = ("image", "background")
"""The parts of a form that may be files."""

MOST_FIELDS = 24
LONGEST_FIELD = 1_000


@dataclass(frozen=True)
class Upload:
    """A photograph as it came in; ``picture`` is to lie behind the person, ``fields`` are the form's other parts."""

    image: bytes
    picture: bytes | None = None
    fields: tuple[tuple[str, str], ...] = ()
    name: str = ""


class Budget:
    """The bytes of all uploads that are held at once."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0

    @contextmanager
    def account(self) -> Iterator["Account"]:
        """Give an upload an account, whose bytes are free again at the end."""
        account = Account(self)
        try:
            yield account
        finally:
            self.held -= account.bytes


class Account:
    """The bytes of one upload."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.bytes = 0

    def add(self, count: int) -> None:
        """Count ``count`` bytes more. Raises ``ProblemError`` when all uploads together are too much."""
        self.bytes += count
        self._budget.held += count
        if self._budget.held > self._budget.most:
            raise ProblemError("busy", "Too many uploads are coming in at once; try again later.", retry_after=2)


class _InMemory(MultiPartParser):
    spool_max_size = 0  # no limit: a photograph never touches the disk, and _counted has counted its bytes


async def receive(request: Request, most: int, pace: Pace, account: Account) -> Upload:
    """Return the upload of ``request``: its body, or the parts of a form. A photograph is of ``most`` bytes at most.

    Raises:
        ProblemError: It is too large, too slow or malformed, or holds no photograph.
        ClientDisconnect: The client went away.
    """
    media_type, parameters = parse_options_header(request.headers.get("content-type", ""))
    is_form = media_type == b"multipart/form-data"
    in_all = 2 * most + FORM_OVERHEAD if is_form else most
    _check_announced(request, in_all)
    try:
        async with asyncio.timeout(pace.seconds) as clock:
            chunks = _counted(request, in_all, pace, account, clock)
            if is_form and b"boundary" not in parameters:
                raise ProblemError("malformed-request", "The form's Content-Type names no boundary.")
            if is_form:
                return await _read_form(request, most, chunks)
            body = b"".join([chunk async for chunk in chunks])
    except TimeoutError:
        detail = f"It took longer than {pace.seconds:g} seconds and one for each {pace.rate} bytes."
        raise ProblemError("upload-too-slow", detail) from None
    if not body:
        raise ProblemError("no-image", "The body is empty; send the photograph as the body or in a form.")
    return Upload(body)


def _check_announced(request: Request, most: int) -> None:
    """Refuse, before reading it, what its own headers say is too large, or compressed."""
    encoding = request.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise ProblemError("unsupported-type", f"A body encoded as {encoding!r} is not read; send the file as it is.")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most:
        raise _too_large(most, int(announced))


async def _counted(
    request: Request, most: int, pace: Pace, account: Account, clock: asyncio.Timeout
) -> AsyncGenerator[bytes, None]:
    """Yield the body's chunks, and give ``clock`` more time as they come in."""
    started = asyncio.get_running_loop().time()
    async for chunk in request.stream():
        account.add(len(chunk))
        if account.bytes > most:
            raise _too_large(most, account.bytes)
        clock.reschedule(started + pace.seconds + account.bytes / pace.rate)
        yield chunk


async def _read_form(request: Request, most: int, stream: AsyncGenerator[bytes, None]) -> Upload:
    parser = _InMemory(request.headers, stream, max_files=2, max_fields=MOST_FIELDS, max_part_size=LONGEST_FIELD)
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError) as error:  # ValueError is what codecs raise for an odd charset
        raise ProblemError("malformed-request", f"The form cannot be read: {error}") from error
    try:
        return await _parts_of(form, most)
    finally:
        await form.close()


async def _parts_of(form: FormData, most: int) -> Upload:
    parts = [(name, part) for name, part in form.multi_items() if not _is_unfilled(part)]
    check_once(name for name, _ in parts)
    files = {name: part for name, part in parts if isinstance(part, UploadFile)}
    data = {name: await _read(files[name], most) for name in FILES if name in files}
    if not data.get("image"):
        raise ProblemError("no-image", "The form has no file in its part 'image', or an empty one.")
    for name in files.keys() - data.keys():
        raise ProblemError("invalid-option", f"{name}: there is no such file; send {' and '.join(FILES)}.", option=name)
    fields = tuple((name, value) for name, value in parts if isinstance(value, str))
    return Upload(data["image"], data.get("background"), fields, files["image"].filename or "")


def _is_unfilled(part: UploadFile | str) -> bool:
    """Return whether ``part`` is what a browser sends of a file input in which nothing was chosen."""
    return isinstance(part, UploadFile) and not part.filename and not part.size


async def _read(file: UploadFile, most: int) -> bytes:
    data = await file.read()
    if len(data) > most:
        raise _too_large(most, len(data))
    return data


def _too_large(most: int, actual: int) -> ProblemError:
    detail = f"It may be {most / 1e6:g} MB, and is larger; send a smaller file."
    return ProblemError("too-many-bytes", detail, limit=most, actual=actual)
