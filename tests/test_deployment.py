"""The container and the systemd unit: that they agree with the server they start, and that the health check tells."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cutaway.web.serve import GRACE_SECONDS
from cutaway.web.settings import ENVIRONMENT, Settings
from web.serving import process

ROOT = Path(__file__).parents[1]
READY = ROOT / "deploy" / "ready.py"
DOCKERFILE, COMPOSE, UNIT, EXAMPLE, IGNORED = (
    (ROOT / name).read_text(encoding="utf-8")
    for name in ("Dockerfile", "compose.yaml", "deploy/cutaway.service", "deploy/cutaway.env", ".dockerignore")
)
DEFAULTS = Settings()


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    assert match is not None, pattern
    return match[1]


def variables(text: str) -> set[str]:
    """Return the settings that ``text`` names by their variables."""
    return {name.lower() for name in re.findall(rf"\b{ENVIRONMENT}([A-Z_]+)", text)}


@pytest.mark.parametrize("text", [DOCKERFILE, COMPOSE, UNIT, EXAMPLE, READY.read_text(encoding="utf-8")])
def test_only_settings_that_there_are_are_named(text: str) -> None:
    assert variables(text) <= Settings.model_fields.keys()


def test_example_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    for line in re.findall(rf"^(?:# )?({ENVIRONMENT}.*)$", EXAMPLE.replace("...", "0" * 64), re.MULTILINE):
        monkeypatch.setenv(*line.split("=", 1))
    assert Settings().allowed_hosts == ("cutaway.example.org",)


def test_image_runs_as_nobody_and_names_its_base() -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", found(r"^USER (.*)$", DOCKERFILE))
    assert re.fullmatch(r"python:\d+\.\d+-slim", found(r"^ARG PYTHON=(.*)$", DOCKERFILE))
    assert found(r"^EXPOSE (.*)$", DOCKERFILE) == str(DEFAULTS.port)


def test_image_is_made_of_what_the_build_is_given() -> None:
    given = set(re.findall(r"^!(.*)$", IGNORED, re.MULTILINE))
    copied = [words.split()[:-1] for words in re.findall(r"^COPY (?!--)(.*)$", DOCKERFILE, re.MULTILINE)]
    assert {source for sources in copied for source in sources} == given
    assert all((ROOT / name).exists() for name in given)


def test_extras_are_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(found(r"'\.\[(.*)\]'", DOCKERFILE).split(",")) <= project["optional-dependencies"].keys()


def test_there_is_memory_for_every_worker_and_upload() -> None:
    workers, memory, uploads = (
        int(found(rf'{ENVIRONMENT}{name}: "(\d+)"', COMPOSE)) for name in ("WORKERS", "MEMORY", "UPLOAD_MEMORY")
    )
    assert int(found(r"mem_limit: (\d+)g", COMPOSE)) * 1_000 >= workers * memory + 3 * uploads
    workers = int(found(rf"{ENVIRONMENT}WORKERS=(\d+)", UNIT))
    needed = workers * DEFAULTS.memory + 3 * DEFAULTS.upload_memory
    assert int(found(r"^MemoryMax=(\d+)G", UNIT)) * 1_000 >= needed


@pytest.mark.parametrize(
    "seconds", [found(r"stop_grace_period: (\d+)s", COMPOSE), found(r"TimeoutStopSec=(\d+)", UNIT)]
)
def test_there_is_time_to_stop(seconds: str) -> None:
    assert int(seconds) > DEFAULTS.drain + GRACE_SECONDS


@pytest.mark.parametrize("text", [DOCKERFILE, UNIT])
def test_nothing_is_reported_to_the_makers_of_the_runtime(text: str) -> None:
    assert "ORT_DISABLE_TELEMETRY=1" in text


def ready(**environment: str) -> int:
    command = [sys.executable, str(READY)]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True).returncode


@pytest.mark.parametrize("name", ["cutaway.example.org", "::1"])
def test_health_check_asks_by_an_allowed_name(tiny_model_path: Path, name: str) -> None:
    with process(tiny_model_path, "--allowed-hosts", f"{name},127.0.0.1") as address:
        port = address.rpartition(":")[2]
        assert ready(CUTAWAY_PORT=port, CUTAWAY_ALLOWED_HOSTS=f"{name},127.0.0.1") == 0
        assert ready(CUTAWAY_PORT=port) == 1
    assert ready(CUTAWAY_PORT=port) == 1
