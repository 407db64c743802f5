"""What leaves the page: downloads, the ZIP and the clipboard."""

import base64
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from playwright.sync_api import expect

import cutaway
from cutaway import imagefile
from synthetic import encode
from web.browser import SAMPLE, Visit, answer_drawn, drawn, file_of, opened, red_person, refuse, sample


def test_untouched_cutout_is_what_the_server_sent(visit: Visit) -> None:
    """Byte for byte: 16 bits and profile included."""
    visit.open()
    with visit.page.expect_response("**/v1/cutout*") as answer:
        visit.cut(sample())
    name, data = visit.saved()
    assert name == "astronaut-cutout.png"
    assert data == answer.value.body()
    cutout = opened(data)
    assert cutout.shape == (512, 512, 4)
    assert (cutout[..., 3].min(), cutout[..., 3].max()) == (0, 255)
    np.testing.assert_array_equal(cutout, cutaway.remove(SAMPLE).rgba)
    assert sum("cutout" in each for each in visit.asked) == 1
    expect(visit.page.locator("#toast")).to_have_text("Saved as astronaut-cutout.png.")


def test_deep_photo_keeps_its_depth(visit: Visit) -> None:
    deep = imagefile.encode(np.full((60, 80, 3), 40_000, np.uint16), "png")
    visit.open().cut(file_of("deep.png", deep))
    visit.page.get_by_role("button", name="White").click()
    data = visit.saved()[1]
    assert data[24] == 16  # bits a channel, in the header of a PNG


@pytest.mark.parametrize(("kind", "magic"), [("webp", b"WEBP"), ("jpg", b"\xff\xd8\xff")])
@pytest.mark.parametrize("painted", [False, True], ids=["untouched", "painted"])
def test_formats(visit: Visit, kind: str, magic: bytes, painted: bool) -> None:
    visit.open().cut(sample())
    expect(visit.page.locator("#jpeg")).to_be_disabled()
    visit.page.get_by_role("button", name="White").click()
    if painted:
        visit.page.check("input[value=erase]")
        visit.drag((0.5, 0.5), (0.6, 0.5))
    visit.page.select_option("#format", kind)
    name, data = visit.saved()
    assert name == f"astronaut-cutout.{kind}"
    assert magic in data[:16]
    assert opened(data)[256, 281].min() > (240 if painted else -1)


def test_painted_photo_is_saved_as_it_is_shown(visit: Visit) -> None:
    visit.open()
    answer_drawn(visit)
    visit.cut(red_person())
    visit.page.check("input[value=erase]")
    visit.drag((0.4, 0.3), (0.6, 0.5))
    visit.page.check("input[value=keep]")
    visit.drag((0.1, 0.1), (0.3, 0.1))
    saved = opened(visit.saved()[1])
    shown = visit.pixels("#person")
    np.testing.assert_array_equal(saved[..., 3], shown[..., 3])
    solid = shown[..., 3] == 255
    np.testing.assert_array_equal(saved[solid], shown[solid])


def test_all_photos_as_one_zip(visit: Visit) -> None:
    visit.open()
    answer_drawn(visit)
    visit.cut(red_person("אנה.png"), red_person("two.png"), red_person("two.jpg"))
    expect(visit.page.locator(".photo .state")).to_have_text(["Done"] * 3)
    visit.page.check("input[value=erase]")
    visit.drag((0.4, 0.3), (0.6, 0.3))
    name, data = visit.saved("#download-all")
    assert name == "cutaway.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["אנה-cutout.png", "two-cutout.png", "two-cutout-2.png"]
        first, second = (opened(archive.read(each)) for each in archive.namelist()[:2])
    assert first[72, 100, 3] == 0
    mask = drawn()[1]
    np.testing.assert_array_equal(second[..., 3], mask * 255)


def test_copy_to_the_clipboard(visit: Visit) -> None:
    visit.open()
    answer_drawn(visit)
    visit.cut(red_person())
    visit.page.click("#copy")
    expect(visit.page.locator("#toast")).to_have_text("Copied to the clipboard.")
    text = visit.page.evaluate("""async () => {
        const [item] = await navigator.clipboard.read();
        const data = new Uint8Array(await (await item.getType("image/png")).arrayBuffer());
        return btoa(String.fromCharCode(...data));
    }""")
    copied = PillowImage.open(io.BytesIO(base64.b64decode(text))).convert("RGBA")
    np.testing.assert_array_equal(np.asarray(copied)[..., 3], drawn()[1] * 255)


def test_format_that_the_browser_cannot_write_is_told(visit: Visit) -> None:
    """Safari writes no WebP, but PNG, without a word."""
    visit.page.add_init_script("""
        const write = HTMLCanvasElement.prototype.toBlob;
        HTMLCanvasElement.prototype.toBlob = function (take) { write.call(this, take, "image/png"); };
    """)
    visit.open()
    answer_drawn(visit)
    visit.cut(red_person())
    visit.page.check("input[value=erase]")
    visit.page.mouse.click(*visit.at(0.5, 0.5))
    visit.page.select_option("#format", "webp")
    visit.page.click("#download")
    expect(visit.page.locator("#toast")).to_contain_text("Take PNG.")


def test_a_failure_to_save_is_told(visit: Visit) -> None:
    visit.expected = {"504"}
    visit.open().cut(sample())
    visit.page.get_by_role("button", name="White").click()
    visit.page.route("**/v1/cutout*", lambda route: refuse(route, 504, "deadline-exceeded"))
    visit.page.click("#download")
    expect(visit.page.locator("#toast")).to_contain_text("took too long")
    expect(visit.page.locator("#download")).to_have_attribute("aria-busy", "false")


def test_a_background_with_a_hole_is_said_to_be_what_is_wrong(visit: Visit) -> None:
    visit.expected = {"400"}
    visit.open().cut(sample())
    hole = np.full((20, 20, 4), 255, np.uint8)
    hole[0, 0, 3] = 0
    visit.page.set_input_files("#picture-chooser", [file_of("hole.png", encode(hole))])
    visit.page.click("#download")
    expect(visit.page.locator("#toast")).to_contain_text("without transparent parts")


def test_a_photo_that_changed_on_the_disk_is_said_to_be_what_is_wrong(visit: Visit, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(SAMPLE.read_bytes())
    visit.open().page.set_input_files("#chooser", photo)
    visit.wait()
    photo.write_bytes(b"something else")
    visit.page.get_by_role("button", name="White").click()
    visit.page.click("#download")
    expect(visit.page.locator("#toast")).to_contain_text("The file cannot be read any more")
    assert all("ERR_UPLOAD_FILE_CHANGED" in each for each in visit.said)
    visit.said.clear()


def test_large_photo_is_worked_on_at_a_size_that_browsers_take(visit: Visit) -> None:
    image = np.full((2100, 8200, 3), 90, np.uint8)
    rgba = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
    visit.open()
    facts = {"X-Found-Person": "true", "X-Confidence": "0.9", "X-Height": "2100", "X-Width": "8200"}
    body = encode(rgba, compress_level=1)
    visit.page.route("**/v1/cutout*", lambda route: route.fulfill(body=body, content_type="image/png", headers=facts))
    visit.cut(file_of("wide.png", encode(image, compress_level=1)))
    width, height = visit.page.locator("#person").evaluate("({ width, height }) => [width, height]")
    assert width * height <= 4096 * 4096
    visit.page.check("input[value=erase]")
    visit.drag((0.5, 0.5), (0.51, 0.5))
    expect(visit.page.locator("#note")).to_contain_text(f"saved at {width:,} × {height:,} pixels")
    saved = opened(visit.saved()[1])
    assert saved.shape[:2] == (height, width)
    assert saved[height // 2, width // 2, 3] == 0
