"""Looks for traces of photographs that were sent to the HTTP server.

Each carries a random word in its EXIF and XMP and, in a form, as its file name; every tenth is cut short, so that
refusals are tried too. The word may be nowhere afterwards: not in the log, in the folders for temporary files, home and
work, in shared memory, beside the code, or in a file that is deleted but open; nor in a result, which has neither EXIF
nor XMP. For Linux, from the repository's root::

    python -m benchmarks.http_privacy [--uploads 1000]
"""

import argparse
import io
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
from benchmarks.http_client import PHOTO
from benchmarks.http_server import Server, open_files, read, running
from PIL import ExifTags, Image

import cutaway

AT_ONCE = 4
FORMATS = ("png", "webp", "avif", "tiff", "jpg")
PLACES = (Path("/dev/shm"), Path(cutaway.__file__).parent)  # noqa: S108  # looked into, not written to
"""Where else a file could be left."""


def marked_photo(word: str) -> bytes:
    """Return a small JPEG with ``word`` in its EXIF, its XMP and a comment."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[ExifTags.Base.Artist] = exif[ExifTags.Base.ImageDescription] = word
    with Image.open(io.BytesIO(PHOTO)) as photo:
        photo.resize((128, 128)).save(file, "JPEG", exif=exif, xmp=word.encode(), comment=word)
    return file.getvalue()


def upload(client: httpx2.Client, number: int, word: str) -> tuple[int, str]:
    """Return the status of upload ``number``, and what is wrong with the answer, "" for nothing."""
    photo = marked_photo(word)
    photo = photo[: len(photo) // 2] if number % 10 == 0 else photo
    file_format = FORMATS[number % len(FORMATS)]
    options = {"format": file_format, "background": "white" if file_format == "jpg" else "transparent"}
    if number % 2:
        response = client.post("/v1/cutout", data=options, files={"image": (f"{word}.jpg", photo)})
    else:
        response = client.post("/v1/cutout", params=options, content=photo)
    return response.status_code, wrong_with(response, word)


def wrong_with(response: httpx2.Response, word: str) -> str:
    """Return what a result should not hold, "" for nothing."""
    if word.encode() in response.content:
        return "the word is in the answer"
    if response.status_code != 200:
        return ""
    with Image.open(io.BytesIO(response.content)) as picture:
        kept = {"exif", "xmp", "XML:com.adobe.xmp", "comment"} & picture.info.keys()
        # Of TIFF these tags are not metadata but how the file is laid out.
        has_exif = picture.format != "TIFF" and len(picture.getexif()) > 0
    return f"the result has {', '.join(map(str, kept)) or 'EXIF'}" if kept or has_exif else ""


def traces(word: str, folder: Path, since: float) -> Iterator[str]:
    """Yield every file that holds ``word`` in its text or name, among those in ``folder`` or written elsewhere."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    for place in PLACES:
        files += [path for path in place.rglob("*") if path.is_file() and path.stat().st_mtime >= since]
    for path in files:
        if word in str(path) or word.encode() in read(path):
            yield str(path)


def deleted(server: Server, word: str) -> Iterator[str]:
    """Yield every file that a process of the server holds open though it has no name, if it holds ``word``."""
    for descriptor in open_files(server):
        try:
            target = str(descriptor.readlink())
        except OSError:  # closed meanwhile
            continue
        if target.endswith("(deleted)") and word.encode() in read(descriptor):
            yield target


def look(folder: Path, uploads: int) -> tuple[Counter[int], list[str]]:
    """Send ``uploads`` to a server whose folders are in ``folder``; return the statuses, and what was found."""
    word, since = f"canary{secrets.token_hex(16)}", time.time()
    environment = {name: str(folder / name.lower()) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME")}
    for place in environment.values():
        Path(place).mkdir()
    with running(folder, environment) as server, httpx2.Client(base_url=server.url, timeout=60) as client:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            answers = list(threads.map(lambda number: upload(client, number, word), range(uploads)))
        found = [*deleted(server, word), *traces(word, folder, since)]
    found += [each for each in traces(word, folder, since) if each not in found]  # what it wrote when it was stopped
    return Counter(status for status, _ in answers), [*found, *problems(answers)]


def problems(answers: Sequence[tuple[int, str]]) -> list[str]:
    """Return what is wrong with ``answers``, with how many."""
    return [f"{wrong}: {count} answers" for wrong, count in Counter(wrong for _, wrong in answers if wrong).items()]


def main() -> None:
    """Print what was found; leave with 1 if there was anything, or an upload was answered neither 200 nor 422."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--uploads", type=int, default=1_000)
    with TemporaryDirectory() as folder:
        statuses, found = look(Path(folder), parser.parse_args().uploads)
    print(", ".join(f"{count} uploads answered with {status}" for status, count in statuses.most_common()))
    for each in found:
        print(f"FOUND  {each}")
    print(f"{len(found)} traces")
    sys.exit(bool(found or statuses.keys() - {200, 422}))


if __name__ == "__main__":
    main()
