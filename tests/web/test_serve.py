"""``cutaway serve`` as a process: how it starts, what broken and slow clients meet, and how it stops."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest

from commands import Command, usage_error
from synthetic import draw_person, encode
from web.serving import process, started

PHOTO = encode(draw_person())


@pytest.fixture(scope="module")
def address(tiny_model_path: Path) -> Iterator[str]:
    with process(tiny_model_path, "--upload-seconds", "1", "--header-seconds", "1", "--drain", "5") as address:
        yield address


def connect(address: str) -> socket.socket:
    host, _, port = address.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def status_after(address: str, sent: bytes) -> str:
    """Return the status that ``sent`` is answered with, "" for none, once the server has closed or answered."""
    with connect(address) as client:
        client.sendall(sent)
        return client.recv(1000).decode("latin-1").partition(" ")[2][:3]


def metrics(address: str) -> str:
    with urlopen(f"{address}/metrics") as answer:  # noqa: S310
        text: str = answer.read().decode()
        return text


def wait_for_metric(address: str, line: str) -> None:
    """Return once ``line`` is among the server's numbers. Raises ``AssertionError`` when it is not in half a minute."""
    for _ in range(600):
        if line in metrics(address):
            return
        time.sleep(0.05)
    raise AssertionError(f"no {line} in {metrics(address)}")


HEAD = b"POST /v1/cutout HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    ("sent", "statuses"),
    [
        (HEAD, {""}),  # headers that never end
        (HEAD + b"Content-Length: 10\r\n\r\nabc", {"408"}),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n", {"408"}),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n", {"400", ""}),
        (HEAD + b"Content-Length: -1\r\n\r\n", {"400", ""}),
        (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {"400", ""}),
        (HEAD + b"Content-Type: multipart/form-data\r\nContent-Length: 1\r\n\r\nx", {"400"}),
        (HEAD + b"X-Long: " + b"a" * 1_000_000 + b"\r\n\r\n", {"431", "400", ""}),
        (b"nonsense\r\n\r\n", {"400", ""}),
    ],
)
def test_slow_and_broken_requests_are_cut_off(address: str, sent: bytes, statuses: set[str]) -> None:
    started_at = time.monotonic()
    try:
        assert status_after(address, sent) in statuses
    except ConnectionError:
        assert "" in statuses
    assert time.monotonic() - started_at < 8
    assert status_after(address, b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n") == "200"


def test_who_does_not_read_the_answer_is_cut_off(tiny_model_path: Path) -> None:
    # 19 MB that do not compress: longer than all the buffers between here and there.
    photo = encode(np.random.default_rng(0).integers(0, 255, (2500, 2500, 3), np.uint8), "JPEG")
    head = HEAD.replace(b"cutout", b"cutout?format=tiff&background=blur:1&refine=none")
    pace = "--upload-seconds", "2", "--upload-rate", "100000000"
    with process(tiny_model_path, *pace) as address, connect(address) as client:
        client.sendall(head + b"Content-Length: %d\r\n\r\n" % len(photo) + photo)
        wait_for_metric(address, 'status="499"')


def test_a_client_may_leave_at_any_time(address: str) -> None:
    for length in (0, 10, len(HEAD), len(HEAD) + 20):
        with connect(address) as client:
            client.sendall((HEAD + b"Content-Length: %d\r\n\r\n" % len(PHOTO) + PHOTO)[:length])
    with urlopen(Request(f"{address}/v1/cutout", PHOTO)) as answer:  # noqa: S310
        assert answer.status == 200


@pytest.mark.parametrize("kind", ["image/png", "multipart/form-data; boundary=x"])
def test_an_upload_that_breaks_off_is_no_fault_of_the_request(tiny_model_path: Path, kind: str) -> None:
    with process(tiny_model_path) as address:
        with connect(address) as client:
            client.sendall(HEAD + f"Content-Type: {kind}\r\nContent-Length: 1000\r\n\r\n--x\r\n".encode())
        wait_for_metric(address, 'cutaway_requests_total{method="POST",route="/v1/cutout",status="499"} 1.0')
        assert "malformed-request" not in metrics(address)


def test_a_photo_whose_sender_left_is_not_begun(tiny_model_path: Path) -> None:
    large = encode(draw_person(3000, 3000), compress_level=1)
    with process(tiny_model_path) as address, connect(address) as first, connect(address) as second:
        first.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(large) + large)
        wait_for_metric(address, "cutaway_workers_busy 1.0")
        second.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(PHOTO) + PHOTO)
        wait_for_metric(address, "cutaway_queue_length 1.0")
        second.close()
        wait_for_metric(address, 'cutaway_requests_total{method="POST",route="/v1/cutout",status="499"} 1.0')
        assert first.recv(100).startswith(b"HTTP/1.1 200")
        assert 'cutaway_stage_seconds_count{stage="decode"} 1.0' in metrics(address)


def test_what_was_begun_is_finished_before_it_stops(tiny_model_path: Path) -> None:
    large = encode(draw_person(2500, 2500), compress_level=1)
    statuses: list[int] = []

    def ask(address: str) -> None:
        with urlopen(Request(f"{address}/v1/cutout", large), timeout=60) as answer:  # noqa: S310
            answer.read()
            statuses.append(answer.status)

    with started(tiny_model_path) as (address, server):
        asking = [threading.Thread(target=ask, args=(address,)) for _ in range(3)]
        for thread in asking:
            thread.start()
        wait_for_metric(address, "cutaway_queue_length 2.0")
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0
        for thread in asking:
            thread.join()
    assert statuses == [200, 200, 200]


def test_uvicorn_serves_the_same(tiny_model_path: Path) -> None:
    with process(tiny_model_path, "--runner", "uvicorn") as address:
        with urlopen(Request(f"{address}/v1/cutout", PHOTO)) as answer:  # noqa: S310
            assert answer.read().startswith(b"\x89PNG")
        assert json.load(urlopen(f"{address}/v1/limits"))["workers"] == 1  # noqa: S310


@pytest.mark.parametrize("runner", ["uvicorn", "granian"])
def test_nobody_is_believed_to_be_another_unless_a_proxy_is_trusted(tiny_model_path: Path, runner: str) -> None:
    limits = "--rate-limit", "1/hour", "--refine", "none"
    with process(tiny_model_path, "--runner", runner, *limits) as address:

        def ask(client: str) -> int:
            with urlopen(Request(f"{address}/v1/cutout", PHOTO, {"X-Forwarded-For": client})) as answer:  # noqa: S310
                return int(answer.status)

        assert ask("192.0.2.1") == 200
        with pytest.raises(HTTPError, match="429"):
            ask("192.0.2.2")


def test_a_damaged_model_does_not_start(tiny_model_path: Path, tmp_path: Path, cutaway_command: Command) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(tiny_model_path.read_bytes()[:-1] + b"x")
    finished = cutaway_command("serve", "--models", damaged)
    assert (finished.code, len(finished.errors)) == (3, 1)
    assert "damaged" in finished.errors[0]


@pytest.mark.parametrize("runner", ["granian", "uvicorn"])
def test_a_worker_that_does_not_start_is_told_of_and_ends_the_server(tiny_model_path: Path, runner: str) -> None:
    command = [sys.executable, "-m", "cutaway", "serve", "--port", "0", "--models", str(tiny_model_path)]
    options = ["--workers", "1", "--memory", "60", "--runner", runner]
    finished = subprocess.run([*command, *options], capture_output=True, text=True, timeout=60, check=False)
    logged = json.loads(finished.stderr.splitlines()[0])
    assert finished.returncode == 3
    assert (logged["event"], logged["reason"][:22]) == ("not started", "a worker did not start")
    assert "Traceback" not in finished.stderr


def test_a_server_that_dies_does_not_say_that_nothing_could_start(tiny_model_path: Path) -> None:
    with started(tiny_model_path) as (_, server):
        for child in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split():
            if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text():
                os.kill(int(child), signal.SIGKILL)
        assert server.wait(timeout=30) == 1


def test_nothing_is_left_of_a_server_that_is_killed(tiny_model_path: Path) -> None:
    with started(tiny_model_path) as (address, server):
        server.kill()
        server.wait(timeout=10)
        for _ in range(200):
            try:
                connect(address).close()
            except ConnectionRefusedError:
                return
            time.sleep(0.05)
    raise AssertionError("it still answers")


@pytest.mark.parametrize("runner", ["granian", "uvicorn"])
def test_a_port_is_not_shared(address: str, tiny_model_path: Path, cutaway_command: Command, runner: str) -> None:
    port = address.rpartition(":")[2]
    finished = cutaway_command("serve", "--models", tiny_model_path, "--port", port, "--runner", runner)
    assert (finished.code, finished.out) == (3, b"")
    assert finished.errors == [
        f"cutaway: cannot listen at http://127.0.0.1:{port}/: Address already in use; choose another host or port."
    ]


def test_a_name_may_be_listened_on(tiny_model_path: Path) -> None:
    with process(tiny_model_path, "--host", "localhost") as address:
        assert urlopen(f"{address}/healthz").status == 200  # noqa: S310


def test_a_name_that_nobody_knows_does_not_start(tiny_model_path: Path, cutaway_command: Command) -> None:
    finished = cutaway_command("serve", "--models", tiny_model_path, "--host", "no.invalid", "--insecure")
    assert (finished.code, len(finished.errors)) == (3, 1)
    assert "no.invalid is no address" in finished.errors[0]


def test_a_certificate_that_cannot_be_read_does_not_start(
    tiny_model_path: Path, tmp_path: Path, cutaway_command: Command
) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(b"nonsense")
    command = "serve", "--models", tiny_model_path, "--tls-certificate", certificate, "--tls-key", key
    missing = cutaway_command(*command)
    assert (missing.code, missing.errors) == (3, [f"cutaway: {key}: No such file or directory"])
    key.write_bytes(b"nonsense")
    assert "are not a certificate and its key" in cutaway_command(*command).errors[0]


def test_wrong_flags_are_wrong_usage(cutaway_command: Command) -> None:
    finished = cutaway_command("serve", "--host", "0.0.0.0")  # noqa: S104
    assert finished.code == 2
    assert "set api-keys" in usage_error(finished.errors)
    assert cutaway_command("serve", "--nonsense").code == 2


def test_help_tells_of_every_setting() -> None:
    command = [sys.executable, "-m", "cutaway", "serve", "--help"]
    help_text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for flag in ("--host", "--api-keys", "--max-bytes", "--upload-seconds", "--runner"):
        assert flag in help_text


def test_a_refusal_is_heard_by_a_client_that_still_sends(address: str) -> None:
    body = bytes(400_000)
    head = HEAD + b"X-Api-Key: none\r\nAccept: text/html\r\nContent-Length: %d\r\n\r\n" % len(body)
    with connect(address) as client:
        for _ in range(3):  # the connection stays usable
            client.sendall(head + body)
            answer = client.recv(10_000)
            assert answer.startswith(b"HTTP/1.1 406")
            assert b"connection: close" not in answer.lower()


def test_after_a_refusal_of_something_large_the_connection_is_closed_and_said_to_be(address: str) -> None:
    with connect(address) as client:
        client.sendall(HEAD + b"Content-Length: 30000000\r\n\r\n" + bytes(10_000))
        answer = client.recv(10_000)
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"connection: close" in answer.lower()
