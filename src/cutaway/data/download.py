"""Files over HTTP: many at once, each whole or not at all, and each going on where it broke off.

While ``NAME`` is on its way its bytes lie in ``NAME.part``, and ``NAME.part.version`` holds what the server called that
version of the file. A later attempt, of this run or the next, asks for the rest of that version; if the server has
another one by then, or knows no ranges, the file starts anew.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TypeAlias

from urllib3 import BaseHTTPResponse, PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError, MaxRetryError

CHUNK = 1 << 16
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that may be others a moment later."""

Advance: TypeAlias = Callable[[int], None]
"""Is told, from several threads, how many bytes arrived just now."""


@dataclass(frozen=True)
class Download:
    """A file to fetch, and where to."""

    url: str
    path: Path


@dataclass(frozen=True)
class Failed:
    """A file that did not arrive, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Patience:
    """How long to bear with a server.

    ``timeout`` seconds without a byte end an attempt, ``attempts`` in a row that bring nothing new end them all, and
    after each there is a ``pause`` of seconds, doubled every time.
    """

    timeout: float = 30.0
    attempts: int = 5
    pause: float = 1.0


class _RefusedError(Exception):
    """No other attempt is worth it: the server will give the same answer again, or nobody waits for the file."""


@dataclass(frozen=True)
class _Session:
    """What the threads share."""

    pool: PoolManager
    patience: Patience
    advance: Advance
    over: Event

    def go_on(self) -> None:
        """Raise an error if nobody waits for the files any more."""
        if self.over.is_set():
            raise _RefusedError("it was stopped")


def fetch_all(
    downloads: Iterable[Download],
    *,
    connections: int = 8,
    patience: Patience = Patience(),
    advance: Advance = lambda _: None,
) -> Iterator[Download | Failed]:
    """Yield each of ``downloads`` as it arrives, or why it does not, over so many ``connections`` at once.

    Whoever stops looking (Ctrl-C, say) stops all of them at their next bytes, and waits no longer than the timeout.
    """
    pool = PoolManager(
        maxsize=connections,
        timeout=Timeout(connect=patience.timeout, read=patience.timeout),
        retries=Retry(connect=0, read=0, status=0, other=0, redirect=5),
        headers={"User-Agent": "cutaway", "Accept-Encoding": "identity"},
    )
    session, executor = _Session(pool, patience, advance, Event()), ThreadPoolExecutor(connections)
    try:
        wanted = {download.path: download for download in downloads}
        running = [executor.submit(_fetch, session, download) for download in wanted.values()]
        for finished in as_completed(running):
            yield finished.result()
    finally:
        session.over.set()
        executor.shutdown(cancel_futures=True)
        pool.clear()


def _fetch(session: _Session, download: Download) -> Download | Failed:
    part = download.path.with_name(f"{download.path.name}.part")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        _persist(session, download.url, part)
        part.replace(download.path)
        _version_file(part).unlink(missing_ok=True)
    except _RefusedError as error:
        return Failed(download.path, str(error))
    except OSError as error:
        return Failed(download.path, f"it cannot be written: {error.strerror}")
    return download


def _persist(session: _Session, url: str, part: Path) -> None:
    """Fetch ``url`` to ``part`` in as many attempts as it takes."""
    furthest, in_vain = _size(part), 0
    while True:
        session.go_on()
        try:
            return _attempt(session, url, part)
        except HTTPError as error:
            in_vain = 0 if _size(part) > furthest else in_vain + 1
            furthest = max(furthest, _size(part))
            if in_vain == session.patience.attempts:
                reason = error.reason if isinstance(error, MaxRetryError) else error
                raise _RefusedError(f"{url} did not arrive whole in {in_vain} attempts: {reason}") from error
            session.over.wait(session.patience.pause * 2**in_vain)


def _attempt(session: _Session, url: str, part: Path) -> None:
    """Bring ``part`` as far as one connection does. Raises ``HTTPError`` unless it is whole then."""
    version, have = _unfinished(part)
    headers = {"Range": f"bytes={have}-", "If-Range": version} if have else {}
    headers = dict(session.pool.headers) | headers
    with session.pool.request("GET", url, headers=headers, preload_content=False) as response:
        resumed = _goes_on(response, version, have)
        if not resumed:
            _start_anew(response, url, part)
        with part.open("ab") as file:
            for chunk in response.stream(CHUNK, decode_content=False):
                session.go_on()
                file.write(chunk)
                session.advance(len(chunk))
            file.flush()
            os.fsync(file.fileno())
        _check_whole(response, part)


def _goes_on(response: BaseHTTPResponse, version: str, have: int) -> bool:
    """Return whether ``response`` is the rest, from ``have`` on, of the version that was begun."""
    first, _ = _content_range(response.headers)
    return response.status == 206 and first == have and _version(response.headers) in ("", version)


def _start_anew(response: BaseHTTPResponse, url: str, part: Path) -> None:
    """Empty ``part`` for the whole file that ``response`` is. Raises an error if it is something else."""
    answer = f"{response.status} {response.reason}"
    if response.status in PASSING:
        raise HTTPError(answer)
    if response.status not in (200, 206, 416):
        raise _RefusedError(f"{url} gives {answer}; check the address")
    part.unlink(missing_ok=True)
    _version_file(part).unlink(missing_ok=True)
    if response.status != 200:
        raise HTTPError(f"{answer}, which is not what was asked for")
    if version := _version(response.headers):
        _version_file(part).write_text(version, encoding="latin-1")


def _check_whole(response: BaseHTTPResponse, part: Path) -> None:
    """Raise ``HTTPError``, and begin no more with ``part``, unless it has the size and digest that the server told."""
    _, total = _content_range(response.headers)
    length = response.headers.get("Content-Length") if response.status == 200 else total
    whole = length in (None, str(_size(part)))
    if not whole or not _has_digest(part, response.headers.get("ETag", "")):
        part.unlink()
        raise HTTPError("what arrived is not what the server announced")


def _has_digest(part: Path, etag: str) -> bool:
    """Return whether ``part`` has the MD5 that is the ETag of many a server; False only where it is one."""
    if not (plain := re.fullmatch(r'"([0-9a-f]{32})"', etag)):
        return True
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    return digest.hexdigest() == plain[1]


def _unfinished(part: Path) -> tuple[str, int]:
    """Return the version of what lies in ``part`` and its size; 0 where nothing can be gone on with."""
    try:
        return _version_file(part).read_text(encoding="latin-1"), _size(part)
    except OSError:
        return "", 0


def _version(headers: Mapping[str, str]) -> str:
    """Return what names the version of a file in ``If-Range``, which takes no weak ETag; empty where nothing does."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified", "")


def _content_range(headers: Mapping[str, str]) -> tuple[int | None, str | None]:
    """Return where the content starts in the whole file, and the whole file's size; None where that is not said."""
    said = re.match(r"bytes (\d+)-\d+/(?:(\d+)|\*)", headers.get("Content-Range", ""))
    return (int(said[1]), said[2]) if said else (None, None)


def _version_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.version")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
