"""Samples in tar shards, as the webdataset package lays them out: KEY.json, KEY.jpg, and KEY.png where there is a mask.

A shard is read where it lies. ``SHARD.tar/KEY.jpg`` is the path of a photograph inside; ``content`` opens it.
"""

import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from cutaway.data.index import Sample, to_sample
from cutaway.errors import DataError

SUFFIX = ".tar"
END = bytes(2 * tarfile.BLOCKSIZE)
"""What a whole tar file ends with."""


class Span(NamedTuple):
    """Where the bytes of a member lie in its shard."""

    start: int
    size: int


class Member(io.BytesIO):
    """The bytes of a member, and the path that errors call it by."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name

    def __repr__(self) -> str:
        return repr(self.name)


def content(path: Path) -> Path | Member:
    """Return what to open for ``path``: the path itself, or the bytes of the member of a shard that it names.

    Safe in threads and in processes that were forked or spawned: every call opens the shard for itself.

    Raises:
        DataError: The shard is damaged or holds no such member.
    """
    shard = path.parent
    if shard.suffix != SUFFIX or not shard.is_file():
        return path
    spans = _spans(shard)
    if path.name not in spans:
        raise DataError(f"the shard {shard} holds no {path.name}; copy or pack it anew")
    with shard.open("rb") as file:
        return Member(_read(file, spans[path.name]), str(path))


def read_bytes(path: Path) -> bytes:
    """Return the bytes of the file, or of the member of a shard, at ``path``.

    Raises:
        DataError: It cannot be read.
    """
    source = content(path)
    if isinstance(source, Member):
        return source.getvalue()
    try:
        return source.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}; replace it or take it out") from error


def find_shards(path: Path) -> list[Path]:
    """Return ``path`` if it is a shard, the shards in it if it is a folder of them, else nothing."""
    if path.is_dir():
        return [] if (path / "images").is_dir() else sorted(path.glob(f"*{SUFFIX}"))
    return [path] if path.suffix == SUFFIX and path.is_file() else []


def read_shards(shards: Iterable[Path]) -> list[Sample]:
    """Return the samples in ``shards``, in their order there; neither photos nor masks are read.

    Raises:
        DataError: A shard is damaged or holds no sample, or not all of one is in it; the message names it.
    """
    return [sample for shard in shards for sample in _read_shard(shard)]


def _read_shard(shard: Path) -> Iterator[Sample]:
    spans = _spans(shard)
    names = [name for name in spans if name.endswith(".json")]
    if not names:
        raise DataError(f"{shard} holds no sample; make shards with 'cutaway data pack'")
    with shard.open("rb") as file:
        for name in names:
            yield _sample(_read(file, spans[name]), shard, name, spans)


def _sample(text: bytes, shard: Path, name: str, spans: Mapping[str, Span]) -> Sample:
    sample = to_sample(text.decode(errors="replace"), shard, f"{shard}, {name}")
    for path in (sample.image, sample.mask):
        if path is not None and (path.parent != shard or path.name not in spans):
            raise DataError(f"{shard}, {name}: the shard holds no {path.name}; copy or pack it anew")
    return sample


def _read(file: io.BufferedReader, span: Span) -> bytes:
    file.seek(span.start)
    return file.read(span.size)


def _spans(shard: Path) -> Mapping[str, Span]:
    """Return where each member of ``shard`` lies; of a shard that did not change since, without reading it again."""
    state = shard.stat()
    return _list(shard, state.st_mtime_ns, state.st_size)


@cache
def _list(shard: Path, *_: int) -> Mapping[str, Span]:
    try:
        with tarfile.open(shard, "r:") as tar:
            spans = {member.name: Span(member.offset_data, member.size) for member in tar}
            end = tar.offset
        with shard.open("rb") as file:
            whole = _read(file, Span(end, len(END))) == END
    except (tarfile.TarError, OSError) as error:
        raise DataError(f"the shard {shard} cannot be read: {error}; copy or pack it anew") from error
    if not whole:  # tarfile takes a damaged header for the end
        raise DataError(f"the shard {shard} is damaged or cut off after {end} bytes; copy or pack it anew")
    return spans
