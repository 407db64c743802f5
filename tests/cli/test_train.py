"""``cutaway train``, with a net so small that a step takes milliseconds."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from commands import Command, usage_error
from cutaway import weights
from cutaway.runtime import Runtime
from cutaway.training import checkpoint
from cutaway.training.config import FINE_TUNE, Recipe, read_recipe
from folders import write_people, write_rooms

RECIPE = """
[net]
name = "unet"
overrides = {{ widths = [4, 8], batch_norm = true, dropout = 0.1 }}

[data]
persons = ["{people}"]
people_free = ["{rooms}"]

[fit]
rule = "letterbox"
size = 32
multiple = 32

[optim]
steps = 60
batch_size = 2
lr = 0.01
warmup = 2
ema = 0.9

[augment]
canvas = 40

[run]
precision = "32-true"
accelerator = "cpu"
checkpoint_every = 3
"""


@pytest.fixture(autouse=True, scope="module")
def torch_as_it_was() -> Iterator[None]:
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    people, rooms = write_people(tmp_path / "people", "tttttttvv", 40), write_rooms(tmp_path / "rooms", 4, 40)
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE.format(people=people, rooms=rooms))
    return path


def newest(folder: Path) -> dict[str, Any]:
    saved = checkpoint.load_newest(folder)
    assert saved
    return saved


def test_a_run_leaves_its_best_and_says_where(cutaway_command: Command, recipe: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    finished = cutaway_command("train", recipe, "--out", folder, "--set", "optim.steps=4", "--set", "run.seed=7")
    assert finished.code == 0
    assert finished.out.decode() == f"Best checkpoint: {folder / 'best.pt'}\n"
    saved = newest(folder)
    assert (saved["step"], saved["recipe"]["run"]["seed"]) == (4, 7)
    assert checkpoint.load(folder / "best.pt")["recipe"] == saved["recipe"]
    assert (folder / "events").is_dir()


def test_progress_and_time_left_go_to_standard_error(
    cutaway_command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr("rich.progress.TimeRemainingColumn.max_refresh", 0)
    finished = cutaway_command("train", recipe, "--out", tmp_path / "run", "--set", "optim.steps=20")
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", "\n".join(finished.errors))
    assert "unet" in shown
    assert "loss" in shown
    assert "val person IoU" in shown
    assert "20/20" in shown
    assert re.search(r"\d:\d\d:\d\d +\d:\d\d:\d\d", shown), "time gone and time left"
    assert finished.out.count(b"\n") == 1
    assert b"loss" not in finished.out


@pytest.mark.parametrize("place", [{"LOCAL_RANK": "1"}, {"LOCAL_RANK": "0", "RANK": "8"}])
def test_only_the_first_of_several_processes_speaks(
    cutaway_command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: dict[str, str]
) -> None:
    for name, value in place.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("cutaway.training.loop.train", lambda *_, **__: tmp_path / "best.pt")
    finished = cutaway_command("train", recipe)
    assert (finished.code, finished.out, finished.errors) == (0, b"", [])


def test_the_folder_is_named_after_the_recipe(
    cutaway_command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cutaway_command("train", recipe, "--set", "optim.steps=1").code == 0
    assert (tmp_path / "runs" / "tiny" / "best.pt").exists()


def test_options_change_the_recipe_as_set_does(
    cutaway_command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[Recipe] = []

    def note(plan: Recipe, *_: object, **__: object) -> Path:
        plans.append(plan)
        return tmp_path / "best.pt"

    monkeypatch.setattr("cutaway.training.loop.train", note)
    trunk = ("--set", "net.trunk=trunk.npz")
    options = ("--data", 'my "üñ" photos', "--data", "more")
    assert cutaway_command("train", recipe, "--init", "portrait", *options, "--set", "optim.lr=0.5").code == 0
    assert cutaway_command("train", "--data", "mine").code == 0
    (first, second), refused = plans, cutaway_command("train", recipe, "--init", "portrait", *trunk)
    assert (first.net.init, first.net.trunk, first.optim.lr) == ("portrait", "", 0.5)
    assert first.data.persons == ('my "üñ" photos', "more")
    assert (second.net.init, second.data.persons) == ("portrait", ("mine",))
    assert "net.trunk and net.init are both set" in refused.errors[-1]


def test_what_fine_tunes_fits_the_shipped_weights() -> None:
    recipe, card = read_recipe(FINE_TUNE, ["data.persons=['mine']"]), Runtime(weights.DEFAULT).manifest
    assert isinstance(recipe, Recipe)
    assert (recipe.net.init, recipe.net.name, recipe.fit) == (weights.DEFAULT, card.architecture, card.fit)


def test_without_a_recipe_and_photographs_there_is_nothing_to_do(cutaway_command: Command) -> None:
    finished = cutaway_command("train", "--init", "portrait")
    assert finished.code == 2
    assert "name a recipe, or the folder of your photographs with --data" in usage_error(finished.errors)


def test_torchrun_says_how_many_processes_there_are(recipe: Path, tmp_path: Path) -> None:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [
        *launcher,
        "-m",
        "cutaway",
        "train",
        str(recipe),
        "--out",
        str(tmp_path / "run"),
        "--set",
        "optim.steps=3",
    ]
    finished = subprocess.run(command, env=environment(), capture_output=True, check=False, timeout=300)
    assert finished.returncode == 0, finished.stderr.decode()
    assert finished.stdout.decode() == f"Best checkpoint: {tmp_path / 'run' / 'best.pt'}\n"
    assert b"Starting with 2 processes" in finished.stderr
    assert newest(tmp_path / "run")["step"] == 3


def environment() -> dict[str, str]:
    """Return the environment of a child whose arithmetic is this process's: on one thread."""
    return os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


def kill_once_there_is(path: Path, recipe: Path, folder: Path) -> None:
    """Run ``cutaway train`` and kill it as soon as the checkpoint ``path`` is there."""
    command = [sys.executable, "-m", "cutaway", "train", str(recipe), "--out", str(folder), "--resume"]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 120
        while not path.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        errors = process.stderr.read() if process.stderr else b""
    assert process.returncode == -signal.SIGKILL, errors.decode()


def test_a_run_that_is_killed_twice_ends_in_the_weights_of_an_undisturbed_one(
    cutaway_command: Command, recipe: Path, tmp_path: Path
) -> None:
    assert cutaway_command("train", recipe, "--out", tmp_path / "undisturbed").code == 0
    folder = tmp_path / "disturbed"
    kill_once_there_is(folder / "step-0000006.pt", recipe, folder)
    reached = newest(folder)["step"]
    assert 6 <= reached < 60
    kill_once_there_is(folder / f"step-{reached + 6:07}.pt", recipe, folder)
    assert reached + 6 <= newest(folder)["step"] < 60
    time.sleep(1)  # TensorBoard orders the files of a run by the second in their names
    assert cutaway_command("train", recipe, "--out", folder, "--resume").code == 0
    one, other = newest(folder), newest(tmp_path / "undisturbed")
    for part in ("net", "ema"):
        assert one[part].keys() == other[part].keys()
        assert all(torch.equal(value, other[part][name]) for name, value in one[part].items()), part
    assert one["history"] == other["history"]
    shown = EventAccumulator(str(folder / "events"), size_guidance={"scalars": 0})
    shown.Reload()
    assert [event.step for event in shown.Scalars("train/loss")] == list(range(1, 61)), "each step is shown once"


def test_a_run_is_not_begun_over_another(cutaway_command: Command, recipe: Path, tmp_path: Path) -> None:
    short = ("--out", tmp_path / "run", "--set", "optim.steps=3")
    assert cutaway_command("train", recipe, *short).code == 0
    again = cutaway_command("train", recipe, *short)
    assert again.code == 3
    assert "holds a run already; give --resume" in again.errors[-1]
    other = cutaway_command("train", recipe, *short, "--set", "optim.lr=1.0", "--resume")
    assert other.code == 3
    assert "holds a run of another recipe" in other.errors[-1]
    assert cutaway_command("train", recipe, *short, "--resume").code == 0


def test_a_missing_recipe_is_one_line(cutaway_command: Command, tmp_path: Path) -> None:
    finished = cutaway_command("train", tmp_path / "gone.toml")
    assert finished.code == 3
    assert len(finished.errors) == 1
    assert "gone.toml cannot be read" in finished.errors[0]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optim.speed=3", "[optim] has no key speed"),
        ("net.name=unet2", "there is no model named 'unet2'"),
        ("optim", "has to read section.key=value"),
        ('data.persons=["nowhere"]', "there is no index or data folder at nowhere"),
        ("optim.batch_size=100", "do not fill one batch of 100"),
        ("net.trunk=trunk.npz", "unet is a net without a trunk"),
        ("net.overrides.widths=[2, 2, 2, 2, 2, 2, 2]", "the net takes no canvas of 32×64 pixels: this net needs"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_one_line(
    cutaway_command: Command, recipe: Path, tmp_path: Path, override: str, message: str
) -> None:
    finished = cutaway_command("train", recipe, "--out", tmp_path / "run", "--set", override)
    assert finished.code == 3
    assert finished.out == b""
    assert message in finished.errors[-1]
    assert not [line for line in finished.errors if "Traceback" in line]
    assert not (tmp_path / "run" / "best.pt").exists()


@pytest.mark.parametrize("arguments", [[], ["a.toml", "b.toml"], ["a.toml", "--sett", "x"], ["a.toml", "--set"]])
def test_wrong_usage(cutaway_command: Command, arguments: list[str]) -> None:
    assert cutaway_command("train", *arguments).code == 2
