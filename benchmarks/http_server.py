"""Runs ``cutaway serve`` in processes of its own, for the benchmarks of the HTTP server. For Linux: it reads /proc."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

LOG = "server.log"
START_SECONDS = 60
STOP_SECONDS = 40
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Server:
    """A server that runs: its outermost process, and its port on loopback."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> bytes:
        """Return what is at ``path``. Raises ``ConnectionError`` when that is not answered with 200."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            content = answer.read()
        if answer.status != HTTPStatus.OK:
            raise ConnectionError(f"{path}: {answer.status}")
        return content

    def limits(self) -> dict[str, Any]:
        """Return what /v1/limits says."""
        facts: dict[str, Any] = json.loads(self.get("/v1/limits"))
        return facts

    def metric(self, name: str) -> float:
        """Return what /metrics says of ``name``, all labels together."""
        lines = [
            line for line in self.get("/metrics").decode().splitlines() if line.startswith((f"{name} ", f"{name}{{"))
        ]
        return sum(float(line.rpartition(" ")[2]) for line in lines)


@contextmanager
def running(folder: Path, environment: Mapping[str, str]) -> Iterator[Server]:
    """Run a server in ``folder``, where it logs to ``LOG``, and stop it at the end; ``environment`` adds to ours."""
    port = free_port()
    with (folder / LOG).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "cutaway", "serve"],
            cwd=folder,
            env=os.environ | {"CUTAWAY_PORT": str(port), **environment},
            stdout=log,
            stderr=log,
        )
    server = Server(process, port)
    try:
        wait_until_ready(server)
        yield server
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def wait_until_ready(server: Server) -> None:
    """Wait for /readyz; leave where the server does not come up."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.process.poll() is None:
        try:
            server.get("/readyz")
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit("The server does not come up.")


def family(pid: int) -> list[int]:
    """Return ``pid`` and all its descendants."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [pid, *(each for thread in threads for child in read(thread).split() for each in family(int(child)))]


def workers(server: Server) -> list[int]:
    """Return the processes that cut out."""
    return [pid for pid in family(server.process.pid) if b"cutaway.web.worker" in read(Path(f"/proc/{pid}/cmdline"))]


def is_busy(pid: int) -> bool:
    """Return whether the process computes at this moment."""
    return read(Path(f"/proc/{pid}/stat")).rpartition(b")")[2].split()[:1] == [b"R"]


def resident_megabytes(server: Server) -> float:
    """Return the resident memory of all the server's processes; what they share counts for each."""
    sizes = [read(Path(f"/proc/{pid}/statm")).split()[1:2] for pid in family(server.process.pid)]
    return sum(int(pages) * PAGE / 1e6 for size in sizes for pages in size)


def open_files(server: Server) -> list[Path]:
    """Return what /proc lists as open files of the server's processes."""
    return [file for pid in family(server.process.pid) for file in Path(f"/proc/{pid}/fd").glob("*")]


def held_connections(port: int) -> set[int]:
    """Return the clients' ports of all connections that a process which listens on ``port`` has not closed."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ends = [(line[1].rpartition(":")[2], line[2].rpartition(":")[2]) for line in lines if line[9] != "0"]
    return {int(theirs, 16) for ours, theirs in ends if int(ours, 16) == port}


def read(path: Path) -> bytes:
    """Return a file of /proc, nothing of a process that is no more."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
