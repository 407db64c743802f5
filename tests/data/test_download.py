"""Downloads, against a server of this machine that does what servers do."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cutaway.data.download import Download, Failed, Patience, fetch_all

FILE = bytes(range(256)) * 1000
OTHER = bytes(reversed(FILE))
HASTE = Patience(timeout=0.3, attempts=3, pause=0.001)

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Gives the answers that its server was told to, one a request, the last one again and again."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.seen.append(dict(self.headers))
            answer = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        answer(self)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """``seen`` holds the headers of every request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Answer] = []
        self.seen: list[dict[str, str]] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/file.bin"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield running
        running.shutdown()


def send(handler: Handler, status: int, headers: dict[str, str], body: bytes) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    with suppress(OSError):  # whoever asked may be gone
        handler.wfile.write(body)


def serves(
    content: bytes = FILE,
    version: str = '"v1"',
    *,
    named: str = "ETag",
    until: int | None = None,
    ranges: bool = True,
    length: int | None = None,
    stalls: bool = False,
) -> Answer:
    """Answer as a good server does, but end the body at the byte ``until``, or keep silent from there on.

    Without ``ranges`` they are ignored; ``length`` is the size that is told instead of the true one. ``version`` is
    told in the header ``named``.
    """

    def answer(handler: Handler) -> None:
        asked = handler.headers.get("Range") if ranges and handler.headers.get("If-Range") == version else None
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        headers = {named: version, "Content-Length": str(len(content) - start if length is None else length)}
        if asked:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        send(handler, 206 if asked else 200, headers, content[start:until])
        if stalls:
            time.sleep(3 * HASTE.timeout)
        handler.close_connection = until is not None or length is not None

    return answer


def says(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
    return lambda handler: send(handler, status, {"Content-Length": str(len(body))} | (headers or {}), body)


def digest(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def fetch(server: Server, folder: Path, *answers: Answer) -> Download | Failed:
    """Return what becomes of one file."""
    server.answers[:] = answers
    (outcome,) = fetch_all([Download(server.url, folder / "file.bin")], patience=HASTE)
    return outcome


def asked(server: Server) -> list[str | None]:
    return [headers.get("Range") for headers in server.seen]


def assert_whole(folder: Path, content: bytes = FILE) -> None:
    assert [path.name for path in folder.iterdir()] == ["file.bin"]
    assert (folder / "file.bin").read_bytes() == content


def assert_failed(outcome: Download | Failed, folder: Path, reason: str) -> None:
    assert isinstance(outcome, Failed)
    assert outcome.path == folder / "file.bin"
    assert reason in outcome.reason
    assert not outcome.path.exists()


def test_a_file_arrives_whole(server: Server, tmp_path: Path) -> None:
    assert fetch(server, tmp_path, serves(version=digest(FILE))) == Download(server.url, tmp_path / "file.bin")
    assert_whole(tmp_path)
    assert asked(server) == [None]


def test_many_files_arrive_into_folders_that_are_made(server: Server, tmp_path: Path) -> None:
    server.answers[:] = [serves()]
    downloads = [Download(server.url, tmp_path / "deep" / "down" / f"{number}.bin") for number in range(30)]
    assert set(fetch_all(downloads, connections=4, patience=HASTE)) == set(downloads)
    assert {path.read_bytes() for path in (tmp_path / "deep" / "down").iterdir()} == {FILE}


def test_several_connections_are_open_at_once(server: Server, tmp_path: Path) -> None:
    together = threading.Barrier(4, timeout=5)

    def wait_for_the_others(handler: Handler) -> None:
        together.wait()
        serves()(handler)

    server.answers[:] = [wait_for_the_others]
    downloads = [Download(server.url, tmp_path / f"{number}.bin") for number in range(4)]
    assert set(fetch_all(downloads, connections=4)) == set(downloads)


def test_every_byte_is_told_of(server: Server, tmp_path: Path) -> None:
    server.answers[:] = [serves()]
    told: list[int] = []
    list(fetch_all([Download(server.url, tmp_path / "file.bin")], advance=told.append))
    assert sum(told) == len(FILE)


def test_what_broke_off_goes_on(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path, serves(until=1000), serves(until=5000), serves(version='"v1"'))
    assert_whole(tmp_path)
    assert asked(server) == [None, "bytes=1000-", "bytes=5000-"]
    assert [headers.get("If-Range") for headers in server.seen] == [None, '"v1"', '"v1"']


def test_what_an_earlier_run_left_goes_on(server: Server, tmp_path: Path) -> None:
    assert_failed(fetch(server, tmp_path, serves(until=1000)), tmp_path, "did not arrive whole in 3 attempts")
    fetch(server, tmp_path, serves())
    assert_whole(tmp_path)
    assert asked(server)[-1] == "bytes=1000-"


def test_steps_forward_are_no_attempts_in_vain(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path, *[serves(until=end) for end in range(1000, 9000, 1000)], serves())
    assert_whole(tmp_path)


def test_a_server_that_falls_silent_is_left(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path, serves(until=200_000, stalls=True), serves())
    assert_whole(tmp_path)
    assert len(server.seen) == 2
    assert asked(server)[1] is not None


def test_a_server_that_never_answers_is_given_up(server: Server, tmp_path: Path) -> None:
    started = time.monotonic()
    outcome = fetch(server, tmp_path, lambda _: time.sleep(3 * HASTE.timeout))
    assert_failed(outcome, tmp_path, "did not arrive whole in 3 attempts")
    assert time.monotonic() - started < 3


def test_a_server_that_ignores_ranges_starts_anew(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path, serves(until=1000), serves(ranges=False))
    assert_whole(tmp_path)


def test_another_version_starts_anew(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path, serves(until=1000), serves(OTHER, '"v2"'))
    assert_whole(tmp_path, OTHER)


def stubborn(handler: Handler) -> None:
    """Answer with the rest of another version, whatever If-Range says."""
    start = int(handler.headers["Range"].removeprefix("bytes=").rstrip("-"))
    headers = {"ETag": '"v2"', "Content-Range": f"bytes {start}-{len(OTHER) - 1}/{len(OTHER)}"}
    send(handler, 206, headers | {"Content-Length": str(len(OTHER) - start)}, OTHER[start:])


def shifted(handler: Handler) -> None:
    """Answer with another range than the one asked for."""
    headers = {"ETag": '"v1"', "Content-Range": f"bytes 5-{len(FILE) - 1}/{len(FILE)}"}
    send(handler, 206, headers | {"Content-Length": str(len(FILE) - 5)}, FILE[5:])


@pytest.mark.parametrize("wrong", [stubborn, shifted, says(416)])
def test_a_rest_that_does_not_fit_starts_anew(server: Server, tmp_path: Path, wrong: Answer) -> None:
    fetch(server, tmp_path, serves(until=1000), wrong, serves())
    assert_whole(tmp_path)
    assert asked(server) == [None, "bytes=1000-", None]


def test_a_date_names_a_version_too(server: Server, tmp_path: Path) -> None:
    dated = partial(serves, named="Last-Modified", version="Tue, 24 Nov 2026 10:00:00 GMT")
    fetch(server, tmp_path, dated(until=1000), dated())
    assert_whole(tmp_path)
    assert asked(server) == [None, "bytes=1000-"]


def test_a_weak_name_of_a_version_is_not_trusted(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path, serves(version='W/"v1"', until=1000), serves(version='W/"v1"'))
    assert_whole(tmp_path)
    assert asked(server) == [None, None]


def test_a_length_that_is_too_large_is_found_out(server: Server, tmp_path: Path) -> None:
    outcome = fetch(server, tmp_path, serves(length=len(FILE) + 10))
    assert_failed(outcome, tmp_path, "did not arrive whole")


def test_a_length_that_is_too_small_is_found_out_by_the_digest(server: Server, tmp_path: Path) -> None:
    outcome = fetch(server, tmp_path, serves(version=digest(FILE), length=1000))
    assert_failed(outcome, tmp_path, "what arrived is not what the server announced")
    assert list(tmp_path.glob("*.part")) == []


def test_a_digest_that_differs_starts_anew(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path, serves(OTHER, digest(FILE)), serves(FILE, digest(FILE)))
    assert_whole(tmp_path)


def chunked(*, broken_off: bool) -> Answer:
    """Answer without a length, in chunks, the last of which may be missing."""

    def answer(handler: Handler) -> None:
        body = b"%x\r\n%s\r\n" % (len(FILE), FILE)
        handler.close_connection = True
        send_raw(handler, body if broken_off else body + b"0\r\n\r\n")

    return answer


def send_raw(handler: Handler, body: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(body)


def test_a_length_that_is_not_told_is_not_missed(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path, chunked(broken_off=True), chunked(broken_off=False))
    assert_whole(tmp_path)
    assert len(server.seen) == 2


@pytest.mark.parametrize("status", [404, 403, 410, 501])
def test_a_refusal_is_told_at_once(server: Server, tmp_path: Path, status: int) -> None:
    outcome = fetch(server, tmp_path, says(status))
    assert_failed(outcome, tmp_path, f"{server.url} gives {status} ")
    assert len(server.seen) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [503, 500, 429])
def test_a_busy_server_is_asked_again_and_what_is_there_stays(server: Server, tmp_path: Path, status: int) -> None:
    fetch(server, tmp_path, serves(until=1000), says(status), says(status, {"Retry-After": "9"}), serves())
    assert_whole(tmp_path)
    assert asked(server) == [None, "bytes=1000-", "bytes=1000-", "bytes=1000-"]


def test_a_server_that_stays_busy_is_given_up(server: Server, tmp_path: Path) -> None:
    assert_failed(fetch(server, tmp_path, says(503)), tmp_path, "in 3 attempts: 503 Service Unavailable")
    assert len(server.seen) == 3


def test_a_redirection_is_followed(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path, says(302, {"Location": "/elsewhere.bin"}), serves())
    assert_whole(tmp_path)


def test_a_redirection_never_leads_to_a_file_of_this_machine(server: Server, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of this machine")
    assert_failed(fetch(server, tmp_path, says(302, {"Location": secret.as_uri()})), tmp_path, "did not arrive")


def test_nobody_at_the_address(tmp_path: Path) -> None:
    (outcome,) = fetch_all([Download("http://127.0.0.1:9/file.bin", tmp_path / "file.bin")], patience=HASTE)
    assert_failed(outcome, tmp_path, "Connection refused")


def test_one_failure_does_not_stop_the_others(server: Server, tmp_path: Path) -> None:
    server.answers[:] = [says(404), serves()]
    downloads = [Download(server.url, tmp_path / f"{number}.bin") for number in range(5)]
    outcomes: Sequence[Download | Failed] = list(fetch_all(downloads, patience=HASTE))
    assert sum(isinstance(outcome, Failed) for outcome in outcomes) == 1
    assert len(list(tmp_path.glob("*.bin"))) == 4


def test_a_file_that_cannot_be_written_is_told(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").mkdir()
    assert_failed(fetch(server, tmp_path, serves()), tmp_path, "it cannot be written: ")


def test_who_stops_looking_stops_the_rest(server: Server, tmp_path: Path) -> None:
    server.answers[:] = [serves()]
    arriving = fetch_all([Download(server.url, tmp_path / f"{number}.bin") for number in range(500)], connections=2)
    next(arriving)
    arriving.close()  # type: ignore[attr-defined]
    assert len(list(tmp_path.glob("*.bin"))) < 500


def test_who_stops_looking_does_not_wait_for_what_is_on_its_way(server: Server, tmp_path: Path) -> None:
    left = threading.Event()

    def goes_on_for_seconds(handler: Handler) -> None:
        send(handler, 200, {"Content-Length": str(10**9)}, b"")
        try:
            for _ in range(300):
                handler.wfile.write(FILE)
                time.sleep(0.01)
        except OSError:
            left.set()

    server.answers[:] = [serves(), goes_on_for_seconds]
    downloads = [Download(server.url, tmp_path / f"{number}.bin") for number in range(2)]
    arriving = fetch_all(downloads, connections=2, patience=HASTE)
    next(arriving)
    arriving.close()  # type: ignore[attr-defined]
    assert left.wait(2)
