"""The page in a real browser: the server, Chromium, and a visit that notes whatever goes wrong."""

import base64
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from urllib.error import URLError

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    FilePayload,
    Page,
    Route,
    expect,
    sync_playwright,
)

import cutaway
from cutaway.types import Image, Mask
from synthetic import encode, person_mask

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
STATIC = Path(cutaway.__file__).parent / "web" / "static"
SAMPLE = Path(cutaway.__file__).parent / "samples" / "astronaut.jpg"

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
CAMERA = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
SETTLED = """Promise.all(
    document.getAnimations()
        .filter((each) => Number.isFinite(each.effect.getComputedTiming().endTime))
        .map((each) => each.finished.catch(() => {}))
)"""
"""Waits for all that moves and comes to an end."""

PATIENCE = 10_000
"""Milliseconds: two busy cores may be slow."""

RED, BLUE = (220, 40, 30), (30, 60, 210)

Photo: TypeAlias = FilePayload
"""A file as Playwright hands it to a chooser."""


def require(found: object, what: str) -> None:
    """Skip the test without ``found``; fail it where CUTAWAY_BROWSER=required says that it has to run."""
    if not found:
        (pytest.fail if os.environ.get("CUTAWAY_BROWSER") == "required" else pytest.skip)(f"needs {what}")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run ``cutaway serve`` with the weights that are shipped; its address."""
    require(shutil.which("chromium"), "chromium")
    log = (tmp_path_factory.mktemp("server") / "log").open("wb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "cutaway", "serve", "--port", str(port)]
    with log, subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) as process:
        try:
            _wait_for(f"http://127.0.0.1:{port}/readyz", process)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()


def _wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        assert process.poll() is None, "the server did not start"
        with suppress(URLError), urllib.request.urlopen(address):  # noqa: S310
            return
        time.sleep(0.1)
    raise AssertionError("the server is not ready after a minute")


# Not for the session: Playwright keeps an event loop running in this thread, which other tests want for their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run Chromium, with a camera that films a test picture."""
    executable = shutil.which("chromium")
    require(executable, "chromium")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=executable, args=list(CAMERA))


@dataclass
class Visit:
    """Somebody at the page. What the console says and what leaves the machine is noted, and has to be nothing."""

    address: str
    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    expected: set[str] = field(default_factory=set)
    """Statuses of answers, such as "415", that the browser may complain of."""

    def open(self, query: str = "") -> "Visit":
        """Open the page and wait until it stands."""
        self.page.goto(self.address + query)
        self.page.wait_for_selector("html:not(.loading)")
        expect(self.page.locator("#version")).not_to_be_empty()
        return self

    def add(self, *photos: Photo) -> None:
        """Choose photos with the file chooser."""
        self.page.set_input_files("#chooser", list(photos))

    def cut(self, *photos: Photo) -> None:
        """Add photos, and wait until the first of them stands on the stage, cut out."""
        self.add(*photos)
        self.wait()

    def wait(self) -> None:
        """Wait until the chosen photo stands on the stage, cut out, and its entrance is over."""
        self.page.wait_for_selector("#stage.ready")
        self.page.evaluate(SETTLED)

    def pixels(self, canvas: str) -> NDArray[np.uint8]:
        """Return what a canvas holds, H×W×4, straight alpha."""
        code = """(canvas) => {
            const { width, height } = canvas;
            const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
            copy.drawImage(canvas, 0, 0);
            const { data } = copy.getImageData(0, 0, width, height);
            const text = Array.from(data, (value) => String.fromCharCode(value));
            return [height, width, btoa(text.join(""))];
        }"""
        height, width, text = self.page.locator(canvas).evaluate(code)
        return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)

    def seen(self) -> NDArray[np.uint8]:
        """Return the stage as it is on the screen, H×W×3."""
        shot = self.page.locator("#viewport").screenshot()
        return np.asarray(PillowImage.open(io.BytesIO(shot)).convert("RGB"))

    def at(self, across: float, down: float) -> tuple[float, float]:
        """Return where on the screen a point of the photo is, given as shares of its width and height."""
        box = self.page.locator("#sheet").bounding_box()
        assert box
        return box["x"] + across * box["width"], box["y"] + down * box["height"]

    def under(self, across: float, down: float) -> tuple[float, float]:
        """Return which point of the photo is at a place of the screen: the inverse of ``at``."""
        box = self.page.locator("#sheet").bounding_box()
        assert box
        return (across - box["x"]) / box["width"], (down - box["y"]) / box["height"]

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Draw with the mouse from one point of the photo to another."""
        mouse = self.page.mouse
        mouse.move(*self.at(*start))
        mouse.down()
        mouse.move(*self.at(*end), steps=6)
        mouse.up()

    def saved(self, button: str = "#download") -> tuple[str, bytes]:
        """Click and return the name and the bytes of what is downloaded."""
        with self.page.expect_download(timeout=PATIENCE) as download:
            self.page.click(button)
        return download.value.suggested_filename, download.value.path().read_bytes()

    def faults(self) -> list[str]:
        """Return what axe-core finds serious or critical."""
        require(AXE.exists(), "axe-core: npm ci")
        self.page.evaluate(SETTLED)
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
        grave = [each for each in found if each["impact"] in ("serious", "critical")]
        return [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in grave]

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def check(self) -> None:
        """Assert that nothing was said in the console that was not expected, and nothing asked for elsewhere."""
        self.said = [each for each in self.said if not any(f"a status of {code}" in each for code in self.expected)]
        assert self.said == []
        assert [each for each in self.asked if not each.startswith((self.address, "blob:", "data:"))] == []

    def note(self, message: ConsoleMessage) -> None:
        """Keep what the console says."""
        if message.type in ("error", "warning"):
            self.said.append(message.text)


def enter(browser: Browser, address: str, **options: Any) -> tuple[BrowserContext, Visit]:
    """Return a fresh context of the browser and a visit in it, which is not yet at the page."""
    context = browser.new_context(permissions=["camera", "clipboard-read", "clipboard-write"], **options)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    visit = Visit(address, page)
    page.on("console", visit.note)
    page.on("pageerror", lambda error: visit.said.append(str(error)))
    context.on("request", lambda request: visit.asked.append(request.url))
    return context, visit


@pytest.fixture
def visit(browser: Browser, server: str, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A visit; ``pytest.mark.parametrize("visit", [PHONE], indirect=True)`` says how the browser is set up."""
    context, found = enter(browser, server, **getattr(request, "param", {}))
    yield found
    found.check()
    context.close()


def file_of(name: str, data: bytes, kind: str = "image/png") -> Photo:
    """Return a file for a chooser."""
    return {"name": name, "mimeType": kind, "buffer": data}


def sample() -> Photo:
    """Return the bundled portrait."""
    return file_of("astronaut.jpg", SAMPLE.read_bytes(), "image/jpeg")


def drawn(height: int = 240, width: int = 200) -> tuple[Image, Mask]:
    """Return somebody red before a blue wall, and where they are."""
    mask = person_mask(height, width)
    return np.where(mask[..., np.newaxis], RED, BLUE).astype(np.uint8), mask


def red_person(name: str = "red.png") -> Photo:
    """Return ``drawn()`` as a file."""
    return file_of(name, encode(drawn()[0]))


def answer_drawn(visit: Visit, **headers: str) -> None:
    """Let the server's answer to any photo be ``drawn()``, cut out to the pixel."""
    image, mask = drawn()
    body = encode(np.dstack([image * mask[..., np.newaxis], mask * np.uint8(255)]))
    size = {"X-Height": str(mask.shape[0]), "X-Width": str(mask.shape[1])}
    facts = {"X-Found-Person": "true", "X-Confidence": "0.98", **size, **headers}
    visit.page.route("**/v1/cutout*", lambda route: route.fulfill(body=body, content_type="image/png", headers=facts))


def refuse(route: Route, status: int, slug: str, pause: int | None = None) -> None:
    """Answer with a problem, and after how many seconds to come again."""
    headers = {} if pause is None else {"Retry-After": str(pause)}
    body = json.dumps({"type": f"/problems/{slug}", "title": slug, "status": status, "detail": "Because."})
    route.fulfill(status=status, body=body, content_type="application/problem+json", headers=headers)


def opened(data: bytes) -> NDArray[np.uint8]:
    """Return the pixels of an image file, H×W×channels, as they are."""
    return np.asarray(PillowImage.open(io.BytesIO(data)))
