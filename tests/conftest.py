"""What many tests share."""

from pathlib import Path

import pytest

from commands import Command, Finished
from synthetic import draw_person, encode, tiny_model


@pytest.fixture(scope="session")
def tiny_model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An .onnx file on disk; do not change it."""
    path = tmp_path_factory.mktemp("weights") / "tiny.onnx"
    path.write_bytes(tiny_model())
    return path


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    """A drawn person as a JPEG."""
    path = tmp_path / "anna.jpg"
    path.write_bytes(encode(draw_person(), "JPEG", quality=95))
    return path


@pytest.fixture
def cutaway_command(capsysbinary: pytest.CaptureFixture[bytes]) -> Command:
    """Runs ``cutaway ARGUMENT...`` in this process."""
    from cutaway.cli.app import main

    def run(*arguments: str | Path) -> Finished:
        capsysbinary.readouterr()
        with pytest.raises(SystemExit) as leaving:
            main([str(argument) for argument in arguments])
        captured = capsysbinary.readouterr()
        code = leaving.value.code
        return Finished(int(code or 0), captured.out, captured.err.decode().splitlines())

    return run
