"""The API's description, held against what the server does, by schemathesis with all its checks."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from web.serving import process

EXAMPLES = os.environ.get("CUTAWAY_API_EXAMPLES", "20")
"""How many requests are made up for each operation and kind; the release's note tells of a run with more."""


def test_the_description_is_true(tiny_model_path: Path, tmp_path: Path) -> None:
    with process(tiny_model_path) as address:
        command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{address}/openapi.json"]
        how = ["--checks", "all", "--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--no-color"]
        environment = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "SCHEMATHESIS_HOOKS": "web.api_hooks",
        }
        run = subprocess.run(
            [*command, *how, "--max-examples", EXAMPLES],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if run.returncode:
        pytest.fail(run.stdout)
    found = re.search(r"(\d+) generated", run.stdout)
    assert found, run.stdout
    assert int(found[1]) > 100, run.stdout
    print(f"{found[1]} cases")
