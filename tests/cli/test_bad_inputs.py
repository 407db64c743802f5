"""Broken, hostile and odd files through the whole command: a result that opens, or one line that names the file."""

import io
import random
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from commands import Command
from synthetic import draw_person, encode, png_declaring

IMAGE = draw_person(48, 40)
JPEG, PNG = encode(IMAGE, "JPEG"), encode(IMAGE)


def pillow(mode: str, file_format: str, **options: object) -> bytes:
    """Return the drawn person in another of Pillow's modes."""
    buffer = io.BytesIO()
    PillowImage.fromarray(IMAGE).convert(mode).save(buffer, file_format, **options)
    return buffer.getvalue()


def deep(dtype: type[np.generic], file_format: str, scale: float) -> bytes:
    """Return the drawn person in grey samples of another depth."""
    buffer = io.BytesIO()
    PillowImage.fromarray((IMAGE.mean(axis=2) * scale).astype(dtype)).save(buffer, file_format)
    return buffer.getvalue()


def animation(file_format: str) -> bytes:
    frames = [PillowImage.fromarray(IMAGE), PillowImage.fromarray(IMAGE[::-1].copy())]
    buffer = io.BytesIO()
    frames[0].save(buffer, file_format, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def bmp_declaring(width: int, height: int) -> bytes:
    data = bytearray(encode(IMAGE, "BMP"))
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


def flipped(data: bytes, seed: int) -> bytes:
    """Return ``data`` with twenty bits flipped behind its magic bytes."""
    source, flips = random.Random(seed), bytearray(data)
    for _ in range(20):
        flips[source.randrange(12, len(flips))] ^= 1 << source.randrange(8)
    return bytes(flips)


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


REFUSED: dict[str, bytes] = {
    "empty.jpg": b"",
    "one-byte.png": b"\x89",
    "text.jpg": b"Dear reader, this is a letter.\n" * 20,
    "page.png": b"<!DOCTYPE html><html><body><img src=x></body></html>",
    "drawing.png": b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
    "document.jpg": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(200),
    "program.jpg": b"MZ\x90\0" + bytes(200),
    "random.webp": random.Random(7).randbytes(500),
    "zeros.tif": bytes(500),
    "only-magic.jpg": JPEG[:3],
    "only-header.png": PNG[:33],
    "wrong-magic.jpg": JPEG[:3] + PNG[3:],
    "cut.png": cut(PNG),
    "cut.webp": cut(encode(IMAGE, "WEBP", lossless=True)),
    "cut.avif": cut(encode(IMAGE, "AVIF")),
    "cut.tif": cut(encode(IMAGE, "TIFF")),
    "cut.bmp": cut(encode(IMAGE, "BMP")),
    "huge.png": png_declaring(60_000, 60_000),
    "bomb.png": png_declaring(2_000_000_000, 2_000_000_000),
    "wide.png": png_declaring(12_001, 1),
    "no-width.png": png_declaring(0, 48),
    "no-pixels.png": png_declaring(0, 0),
    "huge.bmp": bmp_declaring(50_000, 50_000),
    "no-height.bmp": bmp_declaring(40, 0),
    "float.tif": deep(np.float32, "TIFF", 1 / 255),
}

DONE: dict[str, bytes] = {
    "animated.gif": animation("GIF"),
    "animated.webp": animation("WEBP"),
    "animated.png": animation("PNG"),
    "deep.png": deep(np.uint16, "PNG", 257),
    "deep.tif": deep(np.uint16, "TIFF", 257),
    "print.jpg": pillow("CMYK", "JPEG"),
    "print.tif": pillow("CMYK", "TIFF"),
    "palette.png": pillow("P", "PNG"),
    "palette.gif": pillow("P", "GIF", transparency=0),
    "bits.png": pillow("1", "PNG"),
    "grey.jpg": pillow("L", "JPEG"),
    "grey-alpha.png": pillow("LA", "PNG"),
    "alpha.webp": pillow("RGBA", "WEBP"),
    "ycbcr.jpg": pillow("YCbCr", "JPEG"),
    "lying.png": JPEG,
    "no-name-of-a-format": PNG,
    "dot.png": encode(IMAGE[:1, :1]),
    "thread.png": encode(np.repeat(IMAGE[:, :1], 3, axis=1)[:, :1]),
    "broken-exif.jpg": encode(IMAGE, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"),
    "broken-profile.png": encode(IMAGE, "PNG", icc_profile=b"no profile at all"),
    "with-a-tail.png": PNG + bytes(1000),
}

EITHER: dict[str, bytes] = {
    f"flipped-{seed}.{ending}": flipped(encode(IMAGE, file_format), seed)
    for ending, file_format in {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "avif": "AVIF", "gif": "GIF"}.items()
    for seed in range(4)
} | {"cut.jpg": cut(JPEG), "cut.gif": cut(encode(IMAGE, "GIF"))}


Swept = tuple[int, set[str], set[str]]
"""The exit code, the names of the files that were cut out, and of those that were refused."""

Sweep = Callable[[dict[str, bytes]], Swept]


@pytest.fixture
def sweep(cutaway_command: Command, tiny_model_path: Path, tmp_path: Path) -> Sweep:
    """Runs one command over files, and checks what holds for any."""

    def run(files: dict[str, bytes]) -> Swept:
        paths = {name: tmp_path / "in" / str(number) / name for number, name in enumerate(files)}
        for name, path in paths.items():
            path.parent.mkdir(parents=True)
            path.write_bytes(files[name])
        outputs = {name: path.with_name(f"{path.stem}-cutout.png") for name, path in paths.items()}
        finished = cutaway_command("remove", "--model", tiny_model_path, *paths.values())
        named = {line.split(": ")[1] for line in finished.errors}
        refused = {name for name, path in paths.items() if str(path) in named}
        done = {name for name, output in outputs.items() if output.exists()}
        for name in done:
            PillowImage.open(outputs[name]).load()
        assert len(finished.errors) == len(refused)
        left = {path for path in tmp_path.rglob("*") if path.is_file()}
        assert left == {*paths.values(), *(outputs[name] for name in done)}
        return finished.code, done, refused

    return run


def test_broken_and_hostile_files_are_refused_with_a_line_each(sweep: Sweep) -> None:
    assert sweep(REFUSED) == (1, set(), set(REFUSED))


def test_odd_but_whole_files_are_cut_out(sweep: Sweep) -> None:
    assert sweep(DONE) == (0, set(DONE), set())


def test_damaged_files_end_in_a_result_or_a_line(sweep: Sweep) -> None:
    _, done, refused = sweep(EITHER)
    assert done | refused == set(EITHER)
    assert not done & refused


def test_folder_that_is_called_like_a_photograph_is_walked(
    cutaway_command: Command, tiny_model_path: Path, tmp_path: Path
) -> None:
    (tmp_path / "anna.jpg").mkdir()
    finished = cutaway_command("remove", "--model", tiny_model_path, tmp_path / "anna.jpg")
    assert finished.code == 1
    assert "no photographs" in finished.errors[0]
