"""Resumable torch state on disk: written under a temporary name, synced and renamed, and the one before is kept."""

import os
import zlib
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


def save(state: dict[str, Any], path: Path) -> None:
    """Write ``state`` to ``path`` so that a kill at any moment leaves either the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        torch.save({"format": FORMAT, **state}, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    _sync_folder(path.parent)


def save_step(state: dict[str, Any], folder: Path, step: int) -> None:
    """Write the checkpoint of ``step`` into ``folder`` and drop all but the newest ``KEPT``."""
    save(state, folder / f"step-{step:07d}.pt")
    for old in _steps(folder)[:-KEPT]:
        old.unlink()


def load(path: Path) -> dict[str, Any]:
    """Return a checkpoint's state, on the CPU.

    Raises:
        DataError: The file is missing, damaged or of another format.
    """
    try:
        with ZipFile(path) as archive:  # torch itself does not look at the checksums, and would load flipped bits
            damaged = archive.testzip()
        if damaged:
            raise DataError(f"the checkpoint {path} is damaged: {damaged} is not as it was written; {_ADVICE}")
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except _DAMAGE as error:
        raise DataError(f"the checkpoint {path} cannot be read: {error}; {_ADVICE}") from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise DataError(f"{path} is no checkpoint of this version of cutaway; {_ADVICE}")
    return state


def load_newest(folder: Path) -> dict[str, Any] | None:
    """Return the newest checkpoint of ``folder`` that can be read, or None where there is none at all.

    Raises:
        DataError: There are checkpoints, but all are damaged.
    """
    error: DataError | None = None
    for path in reversed(_steps(folder)):
        try:
            return load(path)
        except DataError as damaged:
            error = damaged
    if error:
        raise error
    return None


def _sync_folder(folder: Path) -> None:
    """Bring the rename itself to the disk, so that no power cut undoes it once older checkpoints are gone."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _steps(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*.pt"))
