"""Runs the application under an HTTP server."""

import multiprocessing
import os

import uvicorn
from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings

from cutaway.web.settings import ENVIRONMENT, HASHED, Settings

APPLICATION = "cutaway.web.app:from_environment"
GRACE_SECONDS = 5
"""Seconds beyond ``drain`` after which a server that does not stop is killed."""


def serve(settings: Settings) -> None:
    """Serve until told to stop by SIGINT or SIGTERM."""
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


def _serve_granian(settings: Settings) -> None:
    multiprocessing.set_start_method("spawn")
    Granian(
        APPLICATION,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        factory=True,
        websockets=False,
        log_enabled=False,  # the application writes its own
        http1_settings=HTTP1Settings(header_read_timeout=round(settings.header_seconds * 1000)),
        ssl_cert=settings.tls_certificate,
        ssl_key=settings.tls_key,
        workers_kill_timeout=round(settings.drain) + GRACE_SECONDS,
    ).serve()


def _serve_uvicorn(settings: Settings) -> None:
    uvicorn.run(
        APPLICATION,
        factory=True,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_level="error",
        server_header=False,
        proxy_headers=False,  # the application reads them, from the proxies that the operator trusts
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        timeout_graceful_shutdown=round(settings.drain) + GRACE_SECONDS,
    )
