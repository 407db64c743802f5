"""Resumable torch state on disk: written under a temporary name, synced and renamed, and the one before is kept.

A state of more than ``PART_BYTES`` becomes several files: parts, each with the digest of its content in its name, and
under the checkpoint's own name a list of them, which is written last. So no part ever takes another's place, and one
that is lost, damaged or another checkpoint's is noticed.
"""

import io
import logging
import os
import zlib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch

from cutaway.errors import DataError

FORMAT = 1
_DAMAGE = (OSError, RuntimeError, UnpicklingError, BadZipFile, EOFError, LookupError, ValueError, zlib.error)
"""What zipfile, pickle and torch raise for files that are damaged or not theirs."""

_ADVICE = "name another, such as best.pt or an older step of the run, or begin a new run in another folder"

KEPT = 2
"""Checkpoints kept: should the newest be damaged, the one before it carries on."""

PART_BYTES = 14_000_000
"""The largest file that is written: what is larger cannot be sent through many a mail, form or repository."""

LISTING = b"cutaway checkpoint in parts\n"
"""What a list of parts begins with; their names follow, a line each."""


def save(state: dict[str, Any], path: Path) -> None:
    """Write ``state`` to ``path`` so that a kill at any moment leaves either the old checkpoint or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **state}, buffer)
    content = buffer.getbuffer()
    _write(path, content if len(content) <= PART_BYTES else LISTING + "\n".join(_write_parts(path, content)).encode())
    _sweep(path.parent)


def save_step(state: dict[str, Any], folder: Path, step: int) -> None:
    """Write the checkpoint of ``step`` into ``folder`` and drop all but the newest ``KEPT``."""
    save(state, folder / f"step-{step:07d}.pt")
    for old in _steps(folder)[:-KEPT]:
        old.unlink()
    _sweep(folder)


def load(path: Path) -> dict[str, Any]:
    """Return a checkpoint's state, on the CPU.

    Raises:
        DataError: The file or a part of it is missing or damaged, or it is of another format.
    """
    try:
        content = io.BytesIO(_read(path))
        with ZipFile(content) as archive:  # torch itself does not look at the checksums, and would load flipped bits
            damaged = archive.testzip()
        if damaged:
            raise DataError(f"the checkpoint {path} is damaged: {damaged} is not as it was written; {_ADVICE}")
        content.seek(0)
        state: dict[str, Any] = torch.load(content, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        advice = "name another, or go on with its run by --resume"
        raise DataError(f"there is no checkpoint {path}; {advice}") from error
    except _DAMAGE as error:
        raise DataError(f"the checkpoint {path} cannot be read: {error}; {_ADVICE}") from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise DataError(f"{path} is no checkpoint of this version of cutaway; {_ADVICE}")
    return state


def load_newest(folder: Path) -> dict[str, Any] | None:
    """Return the newest checkpoint of ``folder`` that can be read, or None where there is none at all.

    Those that are passed over are logged.

    Raises:
        DataError: There are checkpoints, but all are damaged.
    """
    errors: list[DataError] = []
    for path in reversed(_steps(folder)):
        try:
            state = load(path)
        except DataError as damaged:
            errors.append(damaged)
        else:
            for error in errors:
                logging.getLogger(__name__).warning("%s is taken, as %s", path, error)
            return state
    if errors:
        raise errors[-1]
    return None


def _write_parts(path: Path, content: memoryview) -> Iterator[str]:
    """Write ``content`` in parts beside ``path``, and yield their names."""
    for number, start in enumerate(range(0, len(content), PART_BYTES), 1):
        part = content[start : start + PART_BYTES]
        name = f"{path.stem}.{number}-{_digest(part)}.pt-part"
        _write(path.with_name(name), part)
        yield name


def _write(path: Path, content: bytes | memoryview) -> None:
    temporary = path.with_name("checkpoint.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    _sync_folder(path.parent)


def _read(path: Path) -> bytes:
    names = _part_names(path)
    return b"".join(_read_part(path, name) for name in names) if names else path.read_bytes()


def _read_part(path: Path, name: str) -> bytes:
    part = path.with_name(name)
    if not part.exists():
        raise DataError(f"the checkpoint {path} lacks its part {name}; copy it beside it, or {_ADVICE}")
    content = part.read_bytes()
    if _digest(content) != part.stem.rpartition("-")[2]:
        raise DataError(f"the checkpoint's part {part} is not as it was written; copy it anew, or {_ADVICE}")
    return content


def _part_names(path: Path) -> list[str]:
    """Return the names of the parts that ``path`` lists, none where it is the checkpoint itself."""
    with path.open("rb") as file:
        return file.read().decode(errors="replace").splitlines() if file.read(len(LISTING)) == LISTING else []


def _digest(content: bytes | memoryview) -> str:
    return sha256(content).hexdigest()[:16]


def _sweep(folder: Path) -> None:
    """Delete the parts that no checkpoint of ``folder`` lists: of older ones, or of one that a kill cut short."""
    listed = {name for path in folder.glob("*.pt") for name in _part_names(path)}
    for part in folder.glob("*.pt-part"):
        if part.name not in listed:
            part.unlink()


def _sync_folder(folder: Path) -> None:
    """Bring the rename itself to the disk, so that no power cut undoes it once older checkpoints are gone."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _steps(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*.pt"))
