"""Runs the application under an HTTP server."""

import multiprocessing
import os
import signal
import socket
import ssl
import threading
from functools import partial
from multiprocessing.connection import Connection

import uvicorn
from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from starlette.types import ASGIApp

from cutaway.errors import CutawayError
from cutaway.web.settings import ENVIRONMENT, HASHED, Settings

APPLICATION = "cutaway.web.app:from_environment"
GRACE_SECONDS = 5
"""Seconds beyond ``drain`` after which a server that does not stop is killed."""


def check(settings: Settings) -> None:
    """Raise ``CutawayError``, or ``OSError`` of a file, when nothing could be served as ``settings`` say."""
    _check_certificate(settings)
    family, address = _address(settings)
    try:
        # Not by SO_REUSEPORT, as Granian does: two servers would share the port, each with its own settings.
        with socket.socket(family) as probe:
            if os.name == "posix":  # elsewhere it would take the port from whoever has it
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        reason = f"cannot listen at {settings.url}: {error.strerror}; choose another host or port."
        raise CutawayError(reason) from error


def serve(settings: Settings) -> None:
    """Serve until told to stop by SIGINT or SIGTERM. Raises ``CutawayError`` when the server does not start."""
    os.environ.update(environment(settings))
    _allow_many_connections()
    (_serve_uvicorn if settings.runner == "uvicorn" else _serve_granian)(settings)


def environment(settings: Settings) -> dict[str, str]:
    """Return ``settings`` as the environment variables that they may be read from, in whatever process."""
    said = settings.model_dump(mode="json", exclude_none=True)
    said["api_keys"] = [f"{HASHED}{key}" for key in settings.api_keys]
    return {f"{ENVIRONMENT}{name.upper()}": _written(value) for name, value in said.items()}


def _written(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _allow_many_connections() -> None:
    """Take as many open files as the system gives: a client that says nothing costs one, until it goes."""
    try:
        import resource
    except ImportError:  # Windows
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _check_certificate(settings: Settings) -> None:
    certificate, key = settings.tls_certificate, settings.tls_key
    if not certificate or not key:
        return
    for path in (certificate, key):
        path.read_bytes()  # its error names the file, that of ssl does not
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, "")
    except ssl.SSLError as error:
        reason = "are not a certificate and its key in PEM, without a password"
        raise CutawayError(f"{certificate} and {key} {reason}.") from error


def _address(settings: Settings) -> tuple[int, tuple[str, int]]:
    """Return the family and address of the host, which Granian takes no name for."""
    try:
        family, _, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise CutawayError(f"{settings.host} is no address and no name that is known here; choose another.") from error
    return family, (str(address[0]), int(address[1]))


def _serve_granian(settings: Settings) -> None:
    multiprocessing.set_start_method("spawn")
    listening, telling = multiprocessing.Pipe(duplex=False)
    server = Granian(
        "",  # loaded by a function of ours
        address=_address(settings)[1][0],
        port=settings.port,
        interface=Interfaces.ASGI,
        factory=True,
        websockets=False,
        log_enabled=False,  # the application writes its own
        http1_settings=HTTP1Settings(header_read_timeout=round(settings.header_seconds * 1000)),
        ssl_cert=settings.tls_certificate,
        ssl_key=settings.tls_key,
        workers_kill_timeout=round(settings.drain) + GRACE_SECONDS,
    )
    try:
        server.serve(target_loader=partial(_load, telling), wrap_loader=False)
    except SystemExit as error:
        if listening.poll():  # it had started, and died: another start may mend that
            raise
        raise CutawayError("the server did not start; its log says why.") from error


def _load(telling: Connection) -> ASGIApp:
    """Return the application, in the process that Granian starts; it says to ``telling`` when it is ready."""
    from cutaway.web.app import from_environment  # which the process that only waits has no use for

    threading.Thread(target=_leave_with_parent, daemon=True).start()
    return from_environment(partial(telling.send, None))


def _leave_with_parent() -> None:
    """Let this process stop as if told to once its parent is no more, of which nobody else would tell it."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _serve_uvicorn(settings: Settings) -> None:
    uvicorn.run(
        APPLICATION,
        factory=True,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_level="critical",  # the application writes its own
        server_header=False,
        proxy_headers=False,  # the application reads them, from the proxies that the operator trusts
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        timeout_graceful_shutdown=round(settings.drain) + GRACE_SECONDS,
    )
