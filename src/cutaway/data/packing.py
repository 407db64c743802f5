"""Packs samples into tar shards, each of one split and at most so many bytes, for carrying to another machine.

The layout is that of the webdataset package: what belongs to one sample lies together under one key. The same samples
give the same bytes: nothing in a shard tells when, where or by whom it was packed.
"""

import io
import json
import os
import secrets
import shutil
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from PIL import Image as PillowImage

from cutaway.data.index import SPLITS, Failure, Sample, check_ids
from cutaway.data.masks import encode_labels
from cutaway.data.photos import read_photo, resize_photo
from cutaway.data.shards import SUFFIX, read_bytes
from cutaway.errors import CutawayError, DataError, OutputError
from cutaway.types import Image, Labels

JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True)
class Packing:
    """How to pack. A photo that is a JPEG and no longer than ``max_side`` stays as it is, to the byte.

    ``quality`` (1..100) is that of the others, which become JPEG.
    """

    max_bytes: int = 60_000_000
    max_side: int | None = None
    quality: int = 92


@dataclass(frozen=True)
class Piece:
    """One file of a shard."""

    name: str
    data: bytes

    @property
    def header(self) -> tarfile.TarInfo:
        """What stands before it in the shard."""
        info = tarfile.TarInfo(self.name)
        info.size = len(self.data)
        return info

    @property
    def size(self) -> int:
        """Bytes that it takes in a shard."""
        return len(self.header.tobuf()) + -(-len(self.data) // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


def pack(
    samples: Sequence[Sample],
    folder: Path,
    packing: Packing,
    *,
    overwrite: bool = False,
    progress: Callable[[Failure | None], None] = lambda _: None,
) -> list[Path]:
    """Write ``samples`` to ``folder``/SPLIT-NUMBER.tar, all shards or none, and return their paths.

    What cannot be packed never stops the rest: ``progress`` is called once after each photo, with what is wrong with
    it, if anything is.

    Raises:
        DataError: An id repeats, or not one photo can be packed.
        OutputError: ``folder`` exists and is not to be overwritten, or holds other than shards, or cannot be written.
    """
    check_ids(samples)
    check_folder(folder, overwrite=overwrite)
    folder = folder.resolve()  # a dot has neither a name nor, once replaced, anything in it
    temporary = folder.with_name(f".cutaway-{secrets.token_hex(8)}.tmp")
    try:
        temporary.mkdir()
        names = list(_write_shards(samples, temporary, packing, progress))
        if not names:
            raise DataError(f"none of {len(samples)} photos can be packed, so {folder} was not written")
        _put(temporary, folder)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return [folder / name for name in names]


def check_folder(folder: Path, *, overwrite: bool = False) -> None:
    """Raise ``OutputError`` unless shards may be written to ``folder``: what else lies there is never removed."""
    if folder.is_dir() and any(path.suffix != SUFFIX for path in folder.iterdir()):
        raise OutputError(f"{folder} holds other files than shards; name another folder")
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; name a folder")
    if folder.exists() and not overwrite:
        raise OutputError(f"{folder} already exists and is kept; name another folder, or say --overwrite")


def _put(temporary: Path, folder: Path) -> None:
    if folder.exists():
        earlier = temporary.with_suffix(".old")
        folder.rename(earlier)
        temporary.rename(folder)
        shutil.rmtree(earlier)
    else:
        temporary.rename(folder)


def _write_shards(
    samples: Iterable[Sample], folder: Path, packing: Packing, progress: Callable[[Failure | None], None]
) -> Iterator[str]:
    for split, members in groupby(sorted(samples, key=_split_number), key=lambda sample: sample.split):
        packed = _pack_samples(members, packing, progress)
        for number, pieces in enumerate(_fill(packed, _room(packing))):
            name = f"{split}-{number:04}{SUFFIX}"
            _write_shard(folder / name, pieces)
            yield name


def _split_number(sample: Sample) -> int:
    return SPLITS.index(sample.split)


def _pack_samples(
    samples: Iterable[Sample], packing: Packing, progress: Callable[[Failure | None], None]
) -> Iterator[list[Piece]]:
    for sample in samples:
        failure = None
        try:
            yield _pack_sample(sample, packing)
        except CutawayError as error:
            failure = Failure(sample.id, str(error))
        progress(failure)


def _fill(packed: Iterable[list[Piece]], room: int) -> Iterator[list[Piece]]:
    """Yield the pieces of as many samples as ``room`` bytes hold, in their order."""
    shard: list[Piece] = []
    left = room
    for pieces in packed:
        needed = sum(piece.size for piece in pieces)
        if needed > left and shard:
            yield shard
            shard, left = [], room
        shard, left = [*shard, *pieces], left - needed
    if shard:
        yield shard


def _room(packing: Packing) -> int:
    """Return the bytes of a shard that are left when it has its end, which fills up a record."""
    return packing.max_bytes - tarfile.RECORDSIZE


def _write_shard(path: Path, pieces: Iterable[Piece]) -> None:
    with path.open("xb") as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            for piece in pieces:
                tar.addfile(piece.header, io.BytesIO(piece.data))
        file.flush()
        os.fsync(file.fileno())


def _pack_sample(sample: Sample, packing: Packing) -> list[Piece]:
    """Return the files of one sample. Raises ``CutawayError`` if a file of it is broken or they outgrow a shard."""
    data = read_bytes(sample.image)
    image, labels = read_photo(sample)
    side = max(image.shape[:2])
    kept = min(side, packing.max_side or side)
    if kept < side:
        image, labels = resize_photo(image, labels, kept)
    if kept < side or not data.startswith(JPEG):
        data = _encode(image, packing.quality)
    pieces = _pieces(sample, data, image.shape[:2], labels)
    if sum(piece.size for piece in pieces) > _room(packing):
        raise DataError(f"{sample.image} does not fit a shard of {packing.max_bytes} bytes; allow more, or shrink it")
    return pieces


def _encode(image: Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    PillowImage.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _pieces(sample: Sample, photo: bytes, size: tuple[int, int], labels: Labels | None) -> list[Piece]:
    """Return the files of a sample whose photo is now of ``size`` (height, width); the first tells what the others are.

    Webdataset takes a name up to its first dot for the key, and a slash for a folder; so neither stays in it.
    """
    key = quote(sample.id, safe="").replace(".", "%2E")
    names = {"image": f"{key}.jpg", "mask": None if labels is None else f"{key}.png"}
    row = {**asdict(sample), **names, "height": size[0], "width": size[1]}
    pieces = [Piece(f"{key}.json", json.dumps(row).encode()), Piece(f"{key}.jpg", photo)]
    return pieces if labels is None else [*pieces, Piece(f"{key}.png", encode_labels(labels))]
