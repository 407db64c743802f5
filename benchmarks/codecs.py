"""Reads and writes 12 megapixels with the libraries that could do it for Cutaway: ``python benchmarks/codecs.py``.

Each task runs in a process of its own, because memory that one has taken is not given back. Libraries that are not
installed are left out: ``pip install opencv-python-headless imagecodecs`` for all of them.
"""

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

HEIGHT, WIDTH = 3000, 4000
LIBRARIES = {"Pillow": "PIL", "libvips": "pyvips", "OpenCV": "cv2", "imagecodecs": "imagecodecs"}
TASKS = ("read JPEG", "write PNG, 8 bits", "read PNG, 16 bits", "write PNG, 16 bits")

Pixels = NDArray[Any]


def main() -> None:
    """Make the files, run every task, and print a table."""
    if len(sys.argv) > 1:
        print(json.dumps(measure(*sys.argv[1:4])))
        return
    table = Table("task", "library", "seconds", "MB more at the peak", "MB written", box=SIMPLE)
    with TemporaryDirectory() as folder:
        make_files(Path(folder))
        for task in TASKS:
            for library, module in LIBRARIES.items():
                if find_spec(module) and (library, task[-7:]) != ("Pillow", "16 bits"):
                    table.add_row(task, library, *run(task, library, folder))
    Console().print(table)


def run(task: str, library: str, folder: str) -> list[str]:
    """Return the cells of one row: the best of three processes."""
    command = [sys.executable, __file__, task, library, folder]
    rows = [json.loads(subprocess.check_output(command)) for _ in range(3)]
    best = min(rows, key=lambda row: float(row["seconds"]))
    return [f"{best['seconds']:.2f}", f"{best['memory']:.0f}", f"{best['bytes'] / 1e6:.1f}"]


def measure(task: str, library: str, folder: str) -> dict[str, float]:
    """Return the seconds and the memory that ``task`` takes, the library being loaded and the data at hand."""
    work = prepare(task, library, Path(folder))
    before, start = _peak(), time.perf_counter()
    written = work()
    return {"seconds": time.perf_counter() - start, "memory": _peak() - before, "bytes": written}


def make_files(folder: Path) -> None:
    """Write a noisy photo and its cut-out, in 8 and 16 bits."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    smooth = np.dstack([rows / 12, columns / 16, (rows + columns) / 28])
    photo = np.clip(smooth + random.normal(0, 3, smooth.shape), 0, 255)
    person = np.zeros((HEIGHT, WIDTH, 1), np.uint8)
    person[HEIGHT // 6 :, WIDTH // 3 : WIDTH * 3 // 4] = 1
    PIL.Image.fromarray(photo.astype(np.uint8)).save(folder / "photo.jpg", quality=90)
    np.save(folder / "8.npy", np.dstack([photo.astype(np.uint8), np.full_like(person, 255)]) * person)
    deep = np.dstack([(photo * 257).astype(np.uint16), np.full(person.shape, 65535, np.uint16)]) * person
    np.save(folder / "16.npy", deep)
    import pyvips

    pyvips.Image.new_from_array(deep, interpretation="rgb16").pngsave(str(folder / "16.png"), compression=1)


def prepare(task: str, library: str, folder: Path) -> Callable[[], int]:
    """Return the work of ``task``, which returns the bytes that it wrote."""
    if task.startswith("read"):
        data = (folder / ("photo.jpg" if "JPEG" in task else "16.png")).read_bytes()
        return partial(_read, READERS[library], data)
    pixels = np.load(folder / ("16.npy" if "16" in task else "8.npy"))
    return partial(_write, WRITERS[library], pixels)


def _read(reader: Callable[[bytes], Pixels], data: bytes) -> int:
    reader(data)
    return 0


def _write(writer: Callable[[Pixels], bytes], pixels: Pixels) -> int:
    return len(writer(pixels))


def _peak() -> float:
    """Return the most megabytes that this process has held. Linux; what ``resource`` says includes its parent."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def read_pillow(data: bytes) -> Pixels:
    """Return the samples in ``data``."""
    return np.array(PIL.Image.open(io.BytesIO(data)))


def write_pillow(pixels: Pixels) -> bytes:
    """Return ``pixels`` as a PNG at the lowest level of compression."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def read_vips(data: bytes) -> Pixels:
    """Return the samples in ``data``."""
    import pyvips

    return np.asarray(pyvips.Image.new_from_buffer(data, "", access="sequential").numpy())


def write_vips(pixels: Pixels) -> bytes:
    """Return ``pixels`` as the PNG that Cutaway writes."""
    from cutaway.imagefile import encode

    return encode(pixels, "png")


def read_opencv(data: bytes) -> Pixels:
    """Return the samples in ``data``, in the order of the others."""
    import cv2

    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB if bgr.shape[2] == 3 else cv2.COLOR_BGRA2RGBA))


def write_opencv(pixels: Pixels) -> bytes:
    """Return ``pixels`` as a PNG at the lowest level of compression."""
    import cv2

    bgra = cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA)
    return bytes(cv2.imencode(".png", bgra, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1])


def read_imagecodecs(data: bytes) -> Pixels:
    """Return the samples in ``data``."""
    import imagecodecs

    return np.asarray(imagecodecs.imread(data))


def write_imagecodecs(pixels: Pixels) -> bytes:
    """Return ``pixels`` as a PNG at the lowest level of compression."""
    import imagecodecs

    return bytes(imagecodecs.png_encode(pixels, level=1))


READERS = {
    "Pillow": read_pillow,
    "libvips": read_vips,
    "OpenCV": read_opencv,
    "imagecodecs": read_imagecodecs,
}
WRITERS = {
    "Pillow": write_pillow,
    "libvips": write_vips,
    "OpenCV": write_opencv,
    "imagecodecs": write_imagecodecs,
}

if __name__ == "__main__":
    main()
