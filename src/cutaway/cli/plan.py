"""Which photographs a call of ``cutaway remove`` cuts out, and where each result goes; settled before any work."""

import os
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import typer

from cutaway.errors import OutputError
from cutaway.imagefile import FORMATS, PHOTO_SUFFIXES, check_target

STREAM = "-"
"""How a user writes standard input or standard output."""

WORDS = ("cutout", "mask")
"""A result beside its photograph is called NAME-cutout or NAME-mask."""


@dataclass(frozen=True)
class Target:
    """Where results go: beside each photograph, to standard output, into one file, or into the folder ``path``."""

    kind: Literal["beside", "stream", "file", "folder"]
    path: Path = Path()


@dataclass(frozen=True)
class Naming:
    """What a result's name ends in, as in ``selfie-cutout.png``. ``suffix`` includes the dot."""

    word: str
    suffix: str


@dataclass(frozen=True)
class Job:
    """One photograph and the place of its result. ``None`` is standard input or standard output."""

    photo: Path | None
    output: Path | None

    @property
    def name(self) -> str:
        """The photograph as a message calls it."""
        return STREAM if self.photo is None else str(self.photo)


@dataclass(frozen=True)
class Failure:
    """An input that gives no result, and why."""

    name: str
    reason: str


def choose_format(out: str | None, wanted: str | None) -> str:
    """Return the output format: ``wanted``, else what the name ``out`` says, else png.

    Raises ``typer.BadParameter`` when the two disagree.
    """
    named = FORMATS.get(Path(out).suffix.lower()) if out else None
    if wanted and named and wanted != named:
        reason = f"{out} names a {named} file, but --format says {wanted}; leave one of the two out."
        raise typer.BadParameter(reason, param_hint="'--format'")
    return wanted or named or "png"


def read_target(out: str | None, inputs: Sequence[str]) -> Target:
    """Return where ``-o out`` sends the results of ``inputs``.

    ``out`` means a folder when it is one, ends like one, or has no suffix. Raises ``typer.BadParameter`` when it is
    one file for several results, or a file of no known format, or when a name is empty.
    """
    if out == "" or "" in inputs:
        raise typer.BadParameter("a name is empty; is a variable not set? For this folder write a dot.")
    if out is None and STREAM in inputs and len(inputs) > 1:
        reason = "the picture of standard input has no place beside other photographs; name a folder with -o."
        raise typer.BadParameter(reason, param_hint="'-'")
    if out is None:
        return Target("stream" if STREAM in inputs else "beside")
    if out != STREAM and (_is_folder(out) or out.endswith(("/", os.sep)) or not Path(out).suffix):
        return Target("folder", Path(out))
    if len(inputs) > 1 or _is_folder(inputs[0]):
        reason = f"several photographs need a folder, but {out} is one file; for a folder of that name write {out}/"
        raise typer.BadParameter(reason, param_hint="'-o'")
    if out == STREAM:
        return Target("stream")
    if Path(out).suffix.lower() not in FORMATS:
        reason = f"{out} ends in none of {' '.join(FORMATS)}; for a folder of that name write {out}/"
        raise typer.BadParameter(reason, param_hint="'-o'")
    return Target("file", Path(out))


def make_plan(inputs: Iterable[str], target: Target, naming: Naming, *, overwrite: bool) -> list[Job | Failure]:
    """Return a job for each photograph that ``inputs`` (files, folders, ``-``) hold, or why there is none.

    Raises ``typer.BadParameter`` when a result would replace a photograph or another result.
    """
    steps = list(dict.fromkeys(step for name in inputs for step in _expand(name, target, naming)))
    jobs = [step for step in steps if isinstance(step, Job)]
    _refuse_shared_outputs(jobs)
    _refuse_replaced_photos(jobs, {_identity(Path(step.name)) for step in steps if step.name != STREAM})
    return [_checked(step, overwrite=overwrite) for step in steps]


def _expand(name: str, target: Target, naming: Naming) -> Iterator[Job | Failure]:
    if name == STREAM:
        yield Job(None, _output(Path("stdin"), target, naming))
    elif _is_folder(name):
        yield from _walk(Path(name), target, naming)
    else:
        path = Path(name)
        yield Job(path, _output(path, target, naming, path.parent))


def _is_folder(name: str) -> bool:
    try:
        return Path(name).is_dir()
    except OSError:
        return False  # too long a name, or a folder that may not be looked into: opening it will say which


def _walk(folder: Path, target: Target, naming: Naming) -> Iterator[Job | Failure]:
    photos = _without_results(sorted(path for path in folder.rglob("*") if _is_photo(path, folder)), folder, target)
    if not photos:
        yield Failure(str(folder), "there are no photographs in this folder.")
    first: dict[Path | None, Path] = {}
    for path in photos:
        output = _output(path, target, naming, folder)
        if first.setdefault(output, path) == path:
            yield Job(path, output)
        else:
            yield Failure(str(path), f"{first[output]} becomes {output} already; rename one of the two.")


def _is_photo(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.suffix.lower() in PHOTO_SUFFIXES and not hidden and path.is_file()


def _without_results(photos: Sequence[Path], folder: Path, target: Target) -> Sequence[Path]:
    """Return the ``photos`` of ``folder`` without what an earlier run left, which is not to be cut out again.

    That is what lies in a target inside ``folder``. In ``folder`` itself nothing tells a result from a photograph.
    """
    if target.kind == "folder":
        place = _real(target.path)
        inside = place != _real(folder) and place.is_relative_to(_real(folder))
        return [path for path in photos if not _real(path).is_relative_to(place)] if inside else photos
    results = {f"{path.with_suffix('')}-{word}" for path in photos for word in WORDS}
    return [path for path in photos if str(path.with_suffix("")) not in results]


def _output(photo: Path, target: Target, naming: Naming, base: Path = Path()) -> Path | None:
    """Return where the result of ``photo`` goes; in a folder it keeps its place relative to ``base``."""
    if target.kind == "stream":
        return None
    if target.kind == "file":
        return target.path
    if target.kind == "folder":
        return target.path / photo.relative_to(base).with_suffix(naming.suffix)
    return photo.with_name(f"{photo.stem}-{naming.word}{naming.suffix}")


def _refuse_shared_outputs(jobs: Iterable[Job]) -> None:
    taken: dict[str, Job] = {}
    for job in jobs:
        if job.output is None:
            continue
        other = taken.setdefault(_identity(job.output), job)
        if other is not job:
            reason = f"{other.name} and {job.name} would both become {job.output}; rename one, or take two calls."
            raise typer.BadParameter(reason, param_hint="'-o'")


def _refuse_replaced_photos(jobs: Iterable[Job], photos: Container[str]) -> None:
    for job in jobs:
        if job.output is not None and _identity(job.output) in photos:
            reason = f"the result of {job.name} would replace the photograph {job.output}; name another place with -o."
            raise typer.BadParameter(reason, param_hint="'-o'")


def _identity(path: Path) -> str:
    """Return a text that is equal for two spellings of one file, through symbolic links too."""
    return os.path.normcase(_real(path))


def _real(path: Path) -> Path:
    """Return ``path`` without symbolic links. ``Path.resolve`` would raise where they lead in a circle."""
    return Path(os.path.realpath(path))


def _checked(step: Job | Failure, *, overwrite: bool) -> Job | Failure:
    """Return ``step``, or the failure that it would end in after all its work because its result may not be written."""
    if isinstance(step, Failure) or step.output is None:
        return step
    try:
        check_target(step.output, overwrite=overwrite)
    except (OutputError, OSError) as error:
        return Failure(step.name, str(error))
    return step
