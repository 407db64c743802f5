"""What surrounds every request: its name, its log line, its numbers, and the headers of every answer."""

import asyncio
import re
import secrets
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cutaway.web import problems
from cutaway.web.access import check_host, check_site
from cutaway.web.metrics import Metrics
from cutaway.web.problems import ProblemError
from cutaway.web.settings import Pace

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
"""Methods that are counted by name: a client may make up others without end, and each would stay in memory."""

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
ALWAYS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
PART = 1 << 16
"""Bytes of an answer that are sent at a time."""

BODY = frozenset(("content-length", "transfer-encoding"))
"""Headers of which one announces a body."""

REST, REST_SECONDS = 1_000_000, 1.0
"""Bytes, and seconds, of a body that nobody wants which are waited for."""

CLIENT_GONE = 499
"""The status, in logs and metrics alone, of a request whose client did not wait for the answer."""


@dataclass
class _Seen:
    """What is told of a request when it is over.

    ``answering`` since when, on the loop's clock; ``is_heard`` once its body has come in to the end.
    """

    started: float = field(default_factory=time.perf_counter)
    status: int = CLIENT_GONE
    sent: int = 0
    answering: float = 0.0
    is_heard: bool = True


class Context:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, metrics: Metrics, hosts: tuple[str, ...], pace: Pace) -> None:
        self._app, self._metrics, self._hosts, self._pace = app, metrics, hosts, pace
        self._log = structlog.get_logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        asked, seen = headers.get("x-request-id", ""), _Seen(is_heard=BODY.isdisjoint(headers))
        request_id = asked if REQUEST_ID.fullmatch(asked) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id

        async def heard() -> Message:
            message = await receive()
            seen.is_heard = not message.get("more_body", False)
            return message

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                await _hear_out(heard, seen)
                _note(message, seen, request_id)
            for part in _parts(message):
                async with asyncio.timeout_at(self._patience(seen)):
                    await send(part)
                seen.sent += len(part.get("body", b""))

        try:
            await self._answer(scope, heard, told)
        except TimeoutError:
            seen.status = CLIENT_GONE
            raise  # makes the server close the connection
        except Exception as error:
            self._log.error("failed", request_id=request_id, **_where(error))
        finally:
            self._tell(scope, seen, request_id)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        try:
            check_host(connection, self._hosts)
            check_site(connection)
        except ProblemError as problem:
            await problem_response(connection, problem)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _patience(self, seen: _Seen) -> float:
        """Return when, on the loop's clock, a client has to have taken the next part of its answer."""
        loop = asyncio.get_running_loop()
        seen.answering = seen.answering or loop.time()
        return seen.answering + self._pace.seconds + seen.sent / self._pace.rate

    def _tell(self, scope: Scope, seen: _Seen, request_id: str) -> None:
        route = getattr(scope.get("route"), "path", None) or "other"
        method = scope["method"] if scope["method"] in METHODS else "other"
        seconds = time.perf_counter() - seen.started
        if scope["state"].get("is_gone"):
            seen.status = CLIENT_GONE
        self._metrics.requests.labels(method, route, str(seen.status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        self._metrics.sent.inc(seen.sent)
        if problem := scope["state"].get("problem"):
            self._metrics.problems.labels(problem).inc()
        self._log.info(
            "request",
            request_id=request_id,
            method=method,
            route=route,
            status=seen.status,
            problem=problem,
            seconds=round(seconds, 4),
            sent=seen.sent,
        )


def problem_response(connection: HTTPConnection, problem: ProblemError) -> Response:
    """Return the answer to a request that cannot be met."""
    connection.scope["state"]["problem"] = problem.name
    return JSONResponse(
        problems.body(problem, connection.scope["state"]["request_id"]),
        problem.kind.status,
        problems.headers(problem),
        problems.MEDIA_TYPE,
    )


async def _hear_out(heard: Receive, seen: _Seen) -> None:
    """Take in what is left of a body, if that is little: a client that still sends is not yet ready for an answer."""
    left = REST
    with suppress(TimeoutError):
        async with asyncio.timeout(REST_SECONDS):
            while not seen.is_heard and left > 0:
                left -= len((await heard()).get("body", b""))


def _note(message: Message, seen: _Seen, request_id: str) -> None:
    """Write down what an answer begins with, and what every answer has to say."""
    seen.status = message["status"]
    headers = MutableHeaders(scope=message)
    headers["X-Request-ID"] = request_id
    headers.setdefault("Cache-Control", "no-store")
    if not seen.is_heard:  # the rest would be taken for the next request
        headers["Connection"] = "close"
    for name, value in ALWAYS.items():
        headers.setdefault(name, value)


def _parts(message: Message) -> Iterator[Message]:
    """Yield ``message`` in parts that a slow client can be seen not to take."""
    body = message.get("body", b"")
    for start in range(PART, len(body), PART):
        yield {**message, "body": body[start - PART : start], "more_body": True}
    last = max(0, len(body) - 1) // PART * PART
    yield {**message, "body": body[last:]} if body else message


def _where(error: Exception) -> dict[str, str]:
    """Return what a log may hold of an unforeseen error: not its text, which could tell of somebody's photograph."""
    frames = traceback.extract_tb(sys.exc_info()[2])
    return {
        "error": type(error).__name__,
        "at": " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames)),
    }
