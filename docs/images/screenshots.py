"""Take the pictures of the page anew; ``cutaway serve`` has to be running: ``python docs/images/screenshots.py``."""

import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
ADDRESS = "http://127.0.0.1:7000/"


def main() -> None:
    """Show the sample on a desktop in both directions of writing, and on a phone."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        take(browser, "page", (1280, 800), "en")
        take(browser, "page-hebrew", (1280, 800), "he")
        take(browser, "page-phone", (360, 740), "en", "#cfe4f7")


def take(browser: Browser, name: str, size: tuple[int, int], language: str, background: str = "transparent") -> None:
    """Write NAME.webp: the sample cut out, before ``background``."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto(f"{ADDRESS}?lang={language}")
    page.click("#sample")
    page.wait_for_selector("#download:enabled")
    page.click(f"[data-background='{background}']")
    page.wait_for_timeout(3000)  # until what moves has come to rest
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(HERE / f"{name}.webp", quality=82, method=6)
    page.close()


if __name__ == "__main__":
    main()
