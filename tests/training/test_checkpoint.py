import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from cutaway.errors import DataError
from cutaway.training import checkpoint

Save = Callable[[dict[str, Any], Path], None]


def state(value: float) -> dict[str, Any]:
    return {
        "step": int(value),
        "net": {"weight": torch.full((300,), float(value))},
        "recipe": {"data": {"persons": ("a", "b")}},
    }


def is_state(loaded: dict[str, Any] | None, value: float) -> bool:
    wanted = state(value)
    return (
        loaded is not None
        and torch.equal(loaded["net"]["weight"], wanted["net"]["weight"])
        and (loaded["step"], loaded["recipe"]) == (wanted["step"], wanted["recipe"])
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_state_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "new" / "best.pt"
    checkpoint.save(state(3), path)
    assert is_state(checkpoint.load(path), 3)
    assert names(path.parent) == ["best.pt"]


def test_the_newest_two_steps_are_kept(tmp_path: Path) -> None:
    (tmp_path / "best.pt").write_text("stays")
    for step in (8, 9, 10, 100):
        checkpoint.save_step(state(step), tmp_path, step)
    assert names(tmp_path) == ["best.pt", "step-0000010.pt", "step-0000100.pt"]
    assert is_state(checkpoint.load_newest(tmp_path), 100)


def test_a_folder_without_checkpoints_has_no_newest(tmp_path: Path) -> None:
    assert checkpoint.load_newest(tmp_path) is None
    assert checkpoint.load_newest(tmp_path / "gone") is None


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


@pytest.mark.parametrize("moment", ["torch.save", "os.fsync", "pathlib.Path.replace"])
def test_a_kill_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    path = tmp_path / "best.pt"
    checkpoint.save(state(1), path)
    whole = path.read_bytes()

    def die(*arguments: Any, **_: Any) -> None:
        if moment == "torch.save":
            arguments[1].write(whole[: len(whole) // 2])
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(moment, die)
        with pytest.raises(Killed):
            checkpoint.save(state(2), path)
    assert is_state(checkpoint.load(path), 1)
    checkpoint.save(state(3), path)  # what the kill left lying about is in nobody's way
    assert is_state(checkpoint.load(path), 3)
    assert names(tmp_path) == ["best.pt"]


def test_the_file_is_on_the_disk_before_it_takes_the_place_of_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    sync, replace = os.fsync, Path.replace

    def note_sync(descriptor: int) -> None:
        happened.append("sync")
        sync(descriptor)

    def note_replace(self: Path, target: Path) -> Path:
        happened.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_replace)
    checkpoint.save(state(1), tmp_path / "best.pt")
    assert happened == ["sync", "rename", "sync"]


def test_a_half_written_step_is_not_taken_for_a_checkpoint(tmp_path: Path) -> None:
    checkpoint.save_step(state(5), tmp_path, 5)
    (tmp_path / "step-0000006.tmp").write_bytes(b"half")
    assert is_state(checkpoint.load_newest(tmp_path), 5)


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped"])
def test_damaged_newest_falls_back_to_the_one_before(tmp_path: Path, damage: str) -> None:
    checkpoint.save_step(state(5), tmp_path, 5)
    checkpoint.save_step(state(6), tmp_path, 6)
    newest = tmp_path / "step-0000006.pt"
    content = bytearray(newest.read_bytes())
    content[content.index(torch.full((4,), 6.0).numpy().tobytes())] ^= 1  # in the middle of the weights
    damaged = {"cut": content[:-100], "empty": bytearray(), "flipped": content}
    newest.write_bytes(damaged[damage])
    assert is_state(checkpoint.load_newest(tmp_path), 5)
    checkpoint.save_step(state(6), tmp_path, 6)
    assert is_state(checkpoint.load_newest(tmp_path), 6)


def test_all_damaged_is_an_error_that_names_a_file(tmp_path: Path) -> None:
    for step in (5, 6):
        checkpoint.save_step(state(step), tmp_path, step)
        (tmp_path / f"step-000000{step}.pt").write_bytes(b"rubbish")
    with pytest.raises(DataError, match=r"step-000000[56]\.pt cannot be read"):
        checkpoint.load_newest(tmp_path)


def test_no_flipped_bit_and_no_cut_is_ever_loaded_as_something_else(tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    checkpoint.save(state(1), path)
    whole, draw = path.read_bytes(), random.Random(0)
    refused = 0
    for number in range(120):
        content = bytearray(whole)
        if number % 4:
            content[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        else:
            del content[draw.randrange(len(whole)) :]
        path.write_bytes(content)
        try:
            assert is_state(checkpoint.load(path), 1)  # the bit lay in padding
        except DataError:
            refused += 1
    assert refused > 60


def foreign(content: object) -> Save:
    return lambda _state, path: torch.save(content, path)


@pytest.mark.parametrize(
    "save",
    [
        foreign({"net": {}}),
        foreign({"format": 0, "net": {}}),
        foreign([1, 2]),
        foreign(torch.zeros(3)),
        lambda _state, path: path.write_text("text"),
        lambda _state, path: torch.save({"format": 1, "net": {}}, path, _use_new_zipfile_serialization=False),
    ],
    ids=["no format", "old format", "list", "tensor", "text", "old container"],
)
def test_a_foreign_file_is_refused(tmp_path: Path, save: Save) -> None:
    path = tmp_path / "model.pt"
    save({}, path)
    with pytest.raises(DataError, match=r"model\.pt (is no checkpoint of this version|cannot be read)"):
        checkpoint.load(path)


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "PART_BYTES", 1000)


def parts(folder: Path, stem: str = "") -> list[Path]:
    return sorted(folder.glob(f"{stem}*.pt-part"))


@pytest.mark.usefixtures("in_parts")
def test_no_file_is_larger_than_a_part_and_together_they_are_the_state(tmp_path: Path) -> None:
    path = tmp_path / "run" / "best.pt"
    checkpoint.save(state(3), path)
    assert len(parts(path.parent)) > 2
    assert max(file.stat().st_size for file in path.parent.iterdir()) <= 1000
    path.parent.rename(tmp_path / "elsewhere")  # as copied to another machine
    assert is_state(checkpoint.load(tmp_path / "elsewhere" / "best.pt"), 3)


def test_parts_are_below_fifteen_megabytes(tmp_path: Path) -> None:
    checkpoint.save({"net": {"weight": torch.rand(4_000_000)}}, tmp_path / "best.pt")
    assert [file.stat().st_size < 15_000_000 for file in tmp_path.iterdir()] == [True, True, True]


@pytest.mark.usefixtures("in_parts")
def test_parts_go_with_their_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in (8, 9, 10):
        checkpoint.save_step(state(step), tmp_path, step)
    checkpoint.save(state(1), tmp_path / "best.pt")
    checkpoint.save(state(2), tmp_path / "best.pt")
    assert {path.name.partition(".")[0] for path in parts(tmp_path)} == {"best", "step-0000009", "step-0000010"}
    assert is_state(checkpoint.load(tmp_path / "best.pt"), 2)
    assert is_state(checkpoint.load(tmp_path / "step-0000009.pt"), 9)
    monkeypatch.setattr(checkpoint, "PART_BYTES", 10**6)
    checkpoint.save(state(3), tmp_path / "best.pt")
    assert parts(tmp_path, "best") == []


@pytest.mark.usefixtures("in_parts")
def test_a_kill_at_any_file_leaves_the_old_checkpoint_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, write = tmp_path / "best.pt", Path.replace
    checkpoint.save(state(1), path)
    files = len(names(tmp_path))

    for survivors in range(files):
        left = iter(range(survivors))

        def die(self: Path, target: Path, left: Iterator[int] = left) -> Path:
            if next(left, None) is None:
                raise Killed
            return write(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", die)
            with pytest.raises(Killed):
                checkpoint.save(state(2), path)
        assert is_state(checkpoint.load(path), 1)
    checkpoint.save(state(3), path)
    assert is_state(checkpoint.load(path), 3)
    assert len(names(tmp_path)) == files, "nothing that a kill left stays"


@pytest.mark.usefixtures("in_parts")
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda part, _other: part.unlink(), "lacks its part {part}; copy it beside it"),
        (lambda part, other: other.replace(part), "part .*{part} is not as it was written; copy it anew"),
        (lambda part, _other: part.write_bytes(part.read_bytes()[:-1]), "part .*{part} is not as it was written"),
        (lambda part, _other: part.write_bytes(b""), "part .*{part} is not as it was written"),
    ],
    ids=["lost", "another step's", "cut", "empty"],
)
def test_a_part_that_is_not_right_is_named_and_the_checkpoint_before_is_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path, Path], None], message: str
) -> None:
    for step in (5, 6):
        checkpoint.save_step(state(step), tmp_path, step)
    part, other = parts(tmp_path, "step-0000006")[1], parts(tmp_path, "step-0000005")[1]
    kept = other.read_bytes()
    damage(part, other)
    other.write_bytes(kept)
    with pytest.raises(DataError, match=message.format(part=part.name)):
        checkpoint.load(tmp_path / "step-0000006.pt")
    assert is_state(checkpoint.load_newest(tmp_path), 5)
    assert "step-0000005.pt is taken" in caplog.text
    assert part.name in caplog.text


@pytest.mark.usefixtures("in_parts")
@pytest.mark.parametrize("line", ["../best.1-0.pt-part", "", "\xff"])
def test_a_list_of_parts_that_is_damaged_is_refused_and_in_nobodys_way(tmp_path: Path, line: str) -> None:
    (tmp_path / "step-0000005.pt").write_bytes(checkpoint.LISTING + line.encode("latin1") + b"\n")
    with pytest.raises(DataError, match=r"step-0000005\.pt (cannot be read|lacks its part)"):
        checkpoint.load_newest(tmp_path)
    checkpoint.save_step(state(6), tmp_path, 6)
    assert is_state(checkpoint.load_newest(tmp_path), 6)


class Trap:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("trapped",))


def test_a_checkpoint_cannot_run_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"format": checkpoint.FORMAT, "net": Trap()}, tmp_path / "model.pt")
    with pytest.raises(DataError, match=r"model\.pt cannot be read"):
        checkpoint.load(tmp_path / "model.pt")
    assert not (tmp_path / "trapped").exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no checkpoint .*gone\.pt; name another"):
        checkpoint.load(tmp_path / "gone.pt")
