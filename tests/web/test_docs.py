"""What the pages about the server promise is there: settings, options, problems, headers, numbers, and curl lines."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cutaway.web.describe import HEADERS
from cutaway.web.metrics import Metrics
from cutaway.web.problems import KINDS
from cutaway.web.service import build
from cutaway.web.settings import ENVIRONMENT, Settings, parse_arguments
from cutaway.web.wishes import Wishes
from synthetic import draw_person, encode
from web.serving import process, settings_of

DOCS = Path(__file__).parents[2] / "docs"
SERVE, HTTP = ((DOCS / name).read_text(encoding="utf-8") for name in ("serve.md", "http.md"))
OF_THE_MACHINE = {"workers": "cores"}
"""Settings whose default is not the same everywhere, and what the page says instead."""


def rows(page: str, heading: str) -> list[list[str]]:
    """Return the cells of each row of the table whose first heading is ``heading``."""
    table = re.search(rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", page, re.MULTILINE)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[1].splitlines()]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def written(name: str, default: Any) -> str:
    """Return a setting's default as the page writes it."""
    match default:
        case _ if name in OF_THE_MACHINE:
            return OF_THE_MACHINE[name]
        case None | ():
            return "–"
        case tuple():
            return f"`{','.join(default).lower()}`"
        case float():
            return f"`{default:g}`"
        case _:
            return f"`{str(default).lower()}`"


def test_every_setting_is_told_with_its_default() -> None:
    told = [row[:3] for row in rows(SERVE, "flag")]
    assert told == [
        [f"`--{name.replace('_', '-')}`", f"`{ENVIRONMENT}{name.upper()}`", written(name, field.default)]
        for name, field in Settings.model_fields.items()
    ]


@pytest.mark.parametrize("row", rows(SERVE, "flag"), ids=lambda row: row[0])
def test_a_flag_takes_its_default(row: list[str]) -> None:
    default = names(row[2])
    if default and default != ["false"]:
        assert parse_arguments([*names(row[0]), *default]) == parse_arguments([])


def test_every_problem_is_told() -> None:
    told = rows(HTTP, "name")
    assert told == [[f"`{name}`", str(kind.status), f"{kind.title}. {kind.advice}"] for name, kind in KINDS.items()]


def test_every_option_is_told() -> None:
    assert [names(row[0]) for row in rows(HTTP, "option")] == [[name] for name in Wishes.model_fields]


def test_every_header_is_told() -> None:
    told = [name for row in rows(HTTP, "header") for name in names(row[0])]
    assert sorted(told) == sorted(HEADERS)


def test_every_number_is_told(tiny_model_path: Path) -> None:
    metrics: Metrics = build(settings_of(tiny_model_path)).metrics
    counted = {f"{each.name}_total" if each.type == "counter" else each.name for each in metrics.registry.collect()}
    assert {names(row[0])[0] for row in rows(SERVE, "metric")} == counted


def curls() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", HTTP, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("curl ")]


@pytest.fixture(scope="module")
def address(tiny_model_path: Path) -> Iterator[str]:
    with process(tiny_model_path, environment={f"{ENVIRONMENT}API_KEYS": "sesame"}) as address:
        yield address


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("line", curls())
def test_example_works(line: str, address: str, tmp_path: Path) -> None:
    for name in ("selfie.jpg", "beach.jpg"):
        (tmp_path / name).write_bytes(encode(draw_person()))
    # The page says once how a key is sent; every line has to work with one.
    keyed = line if "$KEY" in line else line.replace("curl ", 'curl -H "X-Api-Key: $KEY" ', 1)
    environment = {**os.environ, "SERVER": address, "KEY": "sesame"}
    done = subprocess.run(["sh", "-c", f"{keyed} -sS"], cwd=tmp_path, env=environment, capture_output=True, text=True)  # noqa: S607
    assert done.returncode == 0, done.stdout + done.stderr
