"""What a worker says of what goes wrong with a photo."""

from dataclasses import asdict

import pytest
import pyvips

from cutaway.errors import ImageError, ModelError, OptionError, OutputError
from cutaway.imagefile import Limits
from cutaway.look import Encoding
from cutaway.options import Options
from cutaway.web import worker
from cutaway.web.messages import Message
from cutaway.web.worker import Workshop
from synthetic import draw_person, encode

JOB = Message({"options": asdict(Options()), "encoding": asdict(Encoding("png"))}, [encode(draw_person())])


def told(monkeypatch: pytest.MonkeyPatch, error: Exception, cause: Exception | None = None) -> dict[str, object]:
    """Return the problem that a worker answers when reading a photo raises ``error``, come from ``cause``."""

    def read(*_: object) -> None:
        raise error from cause

    monkeypatch.setattr("cutaway.web.worker.imagefile.read", read)
    facts = worker.answer(JOB, Workshop({}, Limits())).facts
    return {"error": facts["error"], **facts["problem"]}


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (MemoryError(), None),
        (RuntimeError("can't start new thread"), None),
        (pyvips.Error("unable to call resize", "out of memory -- size == 144MB\n"), None),
        (ImageError("damaged"), pyvips.Error("unable to read", "out of memory -- size == 144MB\n")),
        (ImageError("damaged"), MemoryError()),
        (OutputError("cannot be written"), pyvips.Error("unable to write", "out of memory -- size == 144MB\n")),
        (ModelError("the model fails"), RuntimeError("std::bad_alloc")),
    ],
)
def test_want_of_memory_is_no_fault_of_the_file(
    monkeypatch: pytest.MonkeyPatch, error: Exception, cause: Exception | None
) -> None:
    assert told(monkeypatch, error, cause)["name"] == "too-demanding"


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ImageError("damaged"), "unreadable-image"),
        (OptionError("crop", "nonsense"), "invalid-option"),
        (ModelError("the model fails"), "worker-failed"),
        (OutputError("cannot be written"), "impossible"),
        (OptionError("background", "'bad_alloc' is no opaque colour"), "invalid-option"),
    ],
)
def test_other_faults_keep_their_names(monkeypatch: pytest.MonkeyPatch, error: Exception, name: str) -> None:
    assert told(monkeypatch, error)["name"] == name


def test_of_an_unforeseen_error_its_type_is_told_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = told(monkeypatch, ZeroDivisionError("a canary"))
    assert (problem["name"], problem["error"]) == ("worker-failed", "ZeroDivisionError")
    assert "canary" not in str(problem)
