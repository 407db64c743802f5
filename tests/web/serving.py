"""Servers of tiny weights for tests: in this process, or in one of their own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from urllib.error import URLError
from urllib.request import urlopen

from starlette.testclient import TestClient

from cutaway.web.app import create_app
from cutaway.web.settings import Settings


def settings_of(model: Path, **changes: object) -> Settings:
    """Return the settings of a server with the weights ``model``, on one worker unless ``changes`` say otherwise."""
    facts: dict[str, object] = {"models": (str(model),), "workers": 1, "allowed_hosts": ("testserver",), **changes}
    return Settings.model_validate(facts)


@contextmanager
def serving(model: Path, **changes: object) -> Iterator[TestClient]:
    """Start the workers, and yield a client."""
    with TestClient(create_app(settings_of(model, **changes))) as client:
        yield client


@contextmanager
def process(model: Path, *arguments: str, environment: Mapping[str, str] = MappingProxyType({})) -> Iterator[str]:
    """Run ``cutaway serve`` in a process of its own, and yield its address."""
    with started(model, *arguments, environment=environment) as (address, _):
        yield address


@contextmanager
def started(
    model: Path, *arguments: str, environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Run ``cutaway serve``, and yield its address and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "cutaway", "serve", "--port", str(port), "--models", str(model), "--workers", "1"]
    quiet = subprocess.DEVNULL  # a pipe that nobody reads would fill up, and the server wait for it
    with subprocess.Popen(
        [*command, *arguments], stdout=quiet, stderr=quiet, env={**os.environ, **environment}
    ) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(f"{address}/readyz", server)
            yield address, server
        finally:
            server.terminate()
            server.wait(timeout=40)


def wait_for(address: str, server: "subprocess.Popen[bytes]") -> None:
    """Return when ``address`` answers. Raises ``AssertionError`` when the server ends, or a minute has gone."""
    for _ in range(600):
        assert server.poll() is None, "the server did not start"
        with suppress(URLError), urlopen(address):  # noqa: S310 - an address of ours
            return
        time.sleep(0.1)
    raise AssertionError("the server is not ready after a minute")
