"""The frame around the commands: help, version, and errors that a command lets through."""

import subprocess
import sys

import pytest

import cutaway
from commands import Command
from cutaway.cli.app import main
from cutaway.cli.messages import one_line


def test_every_command_has_help(cutaway_command: Command) -> None:
    overview = cutaway_command("--help")
    assert overview.code == 0
    for command in ("remove", "models", "doctor", "evaluate", "train", "export", "data"):
        assert command.encode() in overview.out
        assert cutaway_command(command, "--help").code == 0


def test_version(cutaway_command: Command) -> None:
    assert cutaway_command("--version").out == f"cutaway {cutaway.__version__}\n".encode()


def test_unknown_command_is_wrong_usage(cutaway_command: Command) -> None:
    assert cutaway_command("cut").code == 2


def lack(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """Let ``cutaway models`` fail as if ``module`` were not installed."""

    def names() -> list[str]:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    monkeypatch.setattr("cutaway.weights.names", names)


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("torch", "train"),
        ("lightning_fabric", "train"),
        ("tensorboard.compat", "train"),
        ("pycocotools.mask", "data"),
        ("ijson", "data"),
        ("matplotlib.figure", "data"),
    ],
)
def test_missing_extra_is_named(
    cutaway_command: Command, monkeypatch: pytest.MonkeyPatch, module: str, extra: str
) -> None:
    lack(monkeypatch, module)
    finished = cutaway_command("models")
    assert finished.code == 3
    assert finished.errors == [
        f"cutaway: this needs {module}, which is not installed; pip install 'cutaway[{extra}]' brings it."
    ]


@pytest.mark.parametrize("module", ["cutaway.training", "onnxruntime", "pi_heif"])
def test_missing_module_of_no_extra_is_not_blamed_on_one(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    lack(monkeypatch, module)
    with pytest.raises(ModuleNotFoundError, match=module):
        main(["models"])


def test_system_error_is_one_line(cutaway_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "report.html")

    monkeypatch.setattr("cutaway.cli.models.describe", full)
    monkeypatch.setattr("cutaway.weights.names", lambda: ["tiny"])
    finished = cutaway_command("models")
    assert (finished.code, finished.errors) == (3, ["cutaway: report.html: No space left on device"])


def test_module_runs_as_the_command() -> None:
    command = [sys.executable, "-m", "cutaway", "--version"]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    assert process.stdout == f"cutaway {cutaway.__version__}\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [("plain – ß.jpg", "plain – ß.jpg"), ("a\nb", "a\\nb"), ("\x1b[31m", "\\x1b[31m"), ("\udcff", "\\udcff")],
)
def test_one_line_escapes_what_a_terminal_would_act_on(text: str, line: str) -> None:
    assert one_line(text) == line
