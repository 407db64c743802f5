"""``cutaway models``: the facts of each installed model."""

from importlib import metadata
from pathlib import Path

import pytest

from commands import Command
from cutaway import weights
from cutaway.cli.models import describe


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_model_path: Path) -> Path:
    """A folder of installed models that holds the tiny one as the default."""
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    (tmp_path / f"{weights.DEFAULT}.onnx").write_bytes(tiny_model_path.read_bytes())
    return tmp_path


@pytest.mark.usefixtures("installed")
def test_describes_size_input_scores_and_licence() -> None:
    text = "\n".join(describe(weights.DEFAULT))
    for fact in ("(default)", "one convolution", "64 × 64", "drawings 1.000", "Apache-2.0"):
        assert fact in text


def test_damaged_model_is_named_and_the_others_are_listed(installed: Path, cutaway_command: Command) -> None:
    whole = (installed / f"{weights.DEFAULT}.onnx").read_bytes()
    (installed / "broken.onnx").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    finished = cutaway_command("models")
    assert finished.code == 3
    assert b"one convolution" in finished.out
    assert len(finished.errors) == 1
    assert "broken" in finished.errors[0]


@pytest.mark.usefixtures("installed")
def test_doctor_reports_versions_providers_models_and_limits(cutaway_command: Command) -> None:
    finished = cutaway_command("doctor")
    assert finished.code == 0
    for fact in (b"onnxruntime", b"cpu", b"digest matches", b"50 megapixels", b"12000"):
        assert fact in finished.out


@pytest.mark.usefixtures("installed")
def test_doctor_names_what_an_extra_lacks(cutaway_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(distribution: str) -> str:
        if distribution == "tensorboard":
            raise metadata.PackageNotFoundError
        return "1.0"

    monkeypatch.setattr(metadata, "version", version)
    lines = [line.split(None, 1) for line in cutaway_command("doctor").out.decode().splitlines()]
    assert ["[train]", "without tensorboard; pip install 'cutaway[train]'"] in lines
    assert ["[heic]", "pi-heif 1.0"] in lines


def test_doctor_fails_without_the_default_model(installed: Path, cutaway_command: Command) -> None:
    (installed / f"{weights.DEFAULT}.onnx").unlink()
    finished = cutaway_command("doctor")
    assert finished.code == 3
    assert b"there is no model" in finished.out
