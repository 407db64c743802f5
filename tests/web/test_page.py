"""How photos come in, and what becomes of them in the list."""

import base64
import json

import numpy as np
import pytest
from playwright.sync_api import Browser, Route, expect

from synthetic import draw_person, encode
from web.browser import Photo, Visit, answer_drawn, enter, file_of, red_person, refuse, sample

BROKEN = file_of("broken.jpg", b"\xff\xd8\xff\xe0 and no more", "image/jpeg")
TEXT = file_of("letter.txt", b"Dear Anna", "text/plain")

TRANSFER = """(files) => {
    const transfer = new DataTransfer();
    for (const [name, type, text] of files) {
        const data = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
        transfer.items.add(new File([data], name, { type }));
    }
    return transfer;
}"""


def transfer_of(*photos: Photo) -> list[list[str]]:
    return [[photo["name"], photo["mimeType"], base64.b64encode(photo["buffer"]).decode()] for photo in photos]


def test_sample_is_cut_out(visit: Visit) -> None:
    visit.open()
    expect(visit.page).to_have_title("Cutaway – cut people out of photos")
    visit.page.click("#sample")
    visit.wait()
    alpha = visit.pixels("#person")[..., 3]
    assert alpha.shape == (512, 512)
    assert alpha[120, 220] == 255
    assert alpha[20, 20] == 0
    expect(visit.page.locator("#sure")).to_contain_text("%")
    expect(visit.page.locator("#nobody")).to_be_hidden()


def test_several_photos_each_with_its_own_state(visit: Visit) -> None:
    visit.expected = {"422"}
    visit.open().cut(sample(), BROKEN, file_of("second.jpg", sample()["buffer"], "image/jpeg"))
    rows = visit.page.locator(".photo")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("Done")
    expect(rows.nth(1)).to_contain_text("The photo is damaged, or is no photo.")
    expect(rows.nth(2)).to_contain_text("Done")
    rows.nth(1).locator(".open").click()
    expect(visit.page.locator("#veil")).to_contain_text("The photo is damaged")
    expect(visit.page.locator("#download")).to_be_disabled()


def test_what_is_no_photo_says_so(visit: Visit) -> None:
    visit.expected = {"415"}
    visit.open().add(TEXT)
    expect(visit.page.locator(".photo")).to_contain_text("This is no photo that Cutaway can read.")


def test_too_large_a_file_is_not_even_sent(visit: Visit) -> None:
    limits = json.dumps({"max_bytes": 1_500_000, "types": [], "key_required": False, "version": "0"})
    visit.page.route("**/v1/limits", lambda route: route.fulfill(body=limits, content_type="application/json"))
    visit.open().add(file_of("large.jpg", bytes(1_500_001), "image/jpeg"))
    expect(visit.page.locator(".photo")).to_contain_text("takes up to 1.5 MB")
    assert not any("cutout" in each for each in visit.asked)


def test_drop_anywhere(visit: Visit) -> None:
    visit.open()
    answer_drawn(visit)
    transfer = visit.page.evaluate_handle(TRANSFER, transfer_of(red_person("one.png"), red_person("two.png")))
    visit.page.dispatch_event(".foot", "dragenter", {"dataTransfer": transfer})
    expect(visit.page.locator(".drop")).to_be_visible()
    visit.page.dispatch_event(".foot", "dragover", {"dataTransfer": transfer})
    visit.page.dispatch_event(".foot", "drop", {"dataTransfer": transfer})
    expect(visit.page.locator(".drop")).to_be_hidden()
    visit.wait()
    expect(visit.page.locator(".photo")).to_have_count(2)


def test_paste(visit: Visit) -> None:
    visit.open()
    answer_drawn(visit)
    transfer = visit.page.evaluate_handle(TRANSFER, transfer_of(red_person("image.png")))
    visit.page.evaluate(
        "(clipboardData) => document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }))",
        transfer,
    )
    visit.wait()
    expect(visit.page.locator(".photo")).to_contain_text("image.png")


def test_selfie(visit: Visit) -> None:
    visit.open()
    answer_drawn(visit)
    visit.page.click("[data-selfie]:visible")
    visit.page.locator("#camera-shutter:enabled").click()
    expect(visit.page.locator("#camera")).to_be_hidden()
    expect(visit.page.locator(".photo")).to_contain_text("selfie.jpg")
    assert visit.page.evaluate("document.querySelector('#camera-video').srcObject") is None


@pytest.mark.parametrize(
    ("name", "text"), [("NotAllowedError", "may not use the camera"), ("NotFoundError", "No camera")]
)
def test_camera_that_cannot_be_used_says_why(visit: Visit, name: str, text: str) -> None:
    refusing = f"navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '{name}'));"
    visit.page.add_init_script(refusing)
    visit.open().page.click("[data-selfie]:visible")
    expect(visit.page.locator("#camera-failure")).to_contain_text(text)
    expect(visit.page.locator("#camera-shutter")).to_be_disabled()
    assert visit.faults() == []
    visit.page.click("#camera >> text=Cancel")
    expect(visit.page.locator("#camera")).to_be_hidden()


def test_picture_without_anybody_is_not_passed_over(visit: Visit) -> None:
    visit.open().cut(file_of("wall.png", encode(draw_person(300, 400) * 0 + 128)))
    expect(visit.page.locator("#nobody")).to_be_visible()
    expect(visit.page.locator(".photo")).to_contain_text("Nobody found")
    expect(visit.page.locator("#sure")).to_be_empty()
    assert visit.faults() == []


def test_photo_that_the_browser_cannot_show(visit: Visit) -> None:
    """As a HEIC is in most browsers; the server's answer is what it always is."""
    visit.open()
    answer_drawn(visit)
    visit.cut(file_of("phone.heic", b"\0\0\0\x18ftypheic", "image/heic"))
    expect(visit.page.locator("#note")).to_contain_text("cannot show this kind of photo")
    expect(visit.page.locator("#slider")).to_be_hidden()
    expect(visit.page.locator("input[value=keep]")).to_be_disabled()
    expect(visit.page.locator("#blur")).to_be_disabled()
    assert visit.pixels("#person").any()


def test_a_photo_that_is_a_line_has_a_thumbnail(visit: Visit) -> None:
    visit.open()
    visit.page.route("**/v1/cutout*", lambda _: None)  # never answered: it is the photo's own that is to be seen
    visit.add(file_of("line.png", encode(np.full((1, 60_000, 3), 90, np.uint8))))
    expect(visit.page.locator(".photo canvas")).to_have_js_property("width", 112)


def test_a_thumbnail_that_fails_leaves_the_others_their_turn(visit: Visit) -> None:
    visit.page.add_init_script("""
        const draw = CanvasRenderingContext2D.prototype.drawImage;
        CanvasRenderingContext2D.prototype.drawImage = function (...rest) {
            if (this.canvas.width !== 112) return draw.apply(this, rest);
            CanvasRenderingContext2D.prototype.drawImage = draw;
            throw new Error("no memory is left");
        };
    """)
    visit.open()
    answer_drawn(visit)
    visit.cut(red_person("one.png"), red_person("two.png"))
    expect(visit.page.locator(".photo canvas").nth(1)).to_have_js_property("width", 112)


def test_a_busy_server_is_asked_again_without_a_word(visit: Visit) -> None:
    visit.expected = {"503", "429"}
    visit.open()
    answer_drawn(visit)
    refusals = iter([(503, "busy"), (429, "rate-limited")])

    def answer(route: Route) -> None:
        refusal = next(refusals, None)
        if refusal is None:
            route.fallback()
        else:
            refuse(route, *refusal, pause=1)

    visit.page.route("**/v1/cutout*", answer)
    visit.add(red_person())
    expect(visit.page.locator(".photo")).to_have_attribute("data-state", "working")
    visit.wait()
    assert next(refusals, None) is None


def test_a_failure_can_be_tried_again(visit: Visit) -> None:
    visit.expected = {"500"}
    visit.open()
    visit.page.route("**/v1/cutout*", lambda route: refuse(route, 500, "worker-failed"))
    visit.add(red_person())
    expect(visit.page.locator("#veil")).to_contain_text("stumbled over this photo")
    assert visit.faults() == []
    answer_drawn(visit)
    visit.page.get_by_role("button", name="Try red.png again").click()
    visit.wait()
    expect(visit.page.locator(".photo")).to_contain_text("Done")


def test_a_problem_that_no_locale_knows_is_told_in_the_servers_words(visit: Visit) -> None:
    visit.expected = {"418"}
    visit.open()
    visit.page.route("**/v1/cutout*", lambda route: refuse(route, 418, "teapot"))
    visit.add(red_person())
    expect(visit.page.locator("#veil")).to_contain_text("Because.")


def test_a_server_that_is_gone_is_named(visit: Visit) -> None:
    visit.open()
    visit.page.route("**/v1/cutout*", lambda route: route.abort())
    visit.add(red_person())
    expect(visit.page.locator("#veil")).to_contain_text("cannot be reached")
    assert visit.said == ["Failed to load resource: net::ERR_FAILED"]
    visit.said.clear()


def test_no_more_than_two_photos_are_sent_at_a_time(visit: Visit) -> None:
    visit.open()
    held: list[Route] = []
    visit.page.route("**/v1/cutout*", lambda route: held.append(route))
    visit.add(*(red_person(f"{number}.png") for number in range(4)))
    states = visit.page.locator(".photo .state")
    expect(states).to_have_text(["Working", "Working", "Waiting", "Waiting"])
    visit.page.wait_for_timeout(200)
    assert len(held) == 2
    visit.page.get_by_role("button", name="Remove 0.png").click()
    expect(states).to_have_text(["Working", "Working", "Waiting"])


def answer_to_sesame(visit: Visit) -> None:
    """Let any photo that comes with the key "sesame" be answered as by ``answer_drawn``."""
    answer_drawn(visit)

    def check(route: Route) -> None:
        if route.request.headers.get("x-api-key") == "sesame":
            route.fallback()
        else:
            refuse(route, 401, "unauthorized")

    visit.page.route("**/v1/cutout*", check)


def test_key_is_asked_for_once_and_sent(visit: Visit) -> None:
    visit.expected = {"401"}
    visit.open()
    answer_to_sesame(visit)
    visit.add(red_person("one.png"), red_person("two.png"))
    expect(visit.page.locator("#key")).to_be_visible()
    assert visit.faults() == []
    visit.page.fill("#key-input", "sesame")
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator(".photo .state")).to_have_text(["Done", "Done"])
    assert visit.page.evaluate("Object.values(localStorage)") == []


def test_a_key_that_no_header_can_carry_is_asked_for_again(visit: Visit) -> None:
    visit.page.add_init_script("sessionStorage.getItem('cutaway-key') ?? sessionStorage.setItem('cutaway-key', 'ключ')")
    visit.open()
    answer_drawn(visit)
    visit.add(red_person())
    expect(visit.page.locator("#key")).to_be_visible()
    visit.page.fill("#key-input", "מפתח")
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("#key")).to_be_visible()
    visit.page.fill("#key-input", "sesame")
    visit.page.keyboard.press("Enter")
    visit.wait()
    assert visit.page.evaluate("Object.values(sessionStorage)") == ["sesame"]


def test_a_key_holds_where_storage_is_forbidden(visit: Visit) -> None:
    visit.page.add_init_script("""
        const refuse = { get() { throw new DOMException("", "SecurityError"); } };
        Object.defineProperty(window, "sessionStorage", refuse);
    """)
    visit.expected = {"401"}
    visit.open()
    answer_to_sesame(visit)
    visit.add(red_person())
    visit.page.fill("#key-input", "sesame")
    visit.page.keyboard.press("Enter")
    visit.wait()


def test_without_a_key_the_photo_says_what_is_missing(visit: Visit) -> None:
    visit.expected = {"401"}
    visit.open()
    visit.page.route("**/v1/cutout*", lambda route: refuse(route, 401, "unauthorized"))
    visit.add(red_person())
    expect(visit.page.locator("#key")).to_be_visible()
    visit.page.keyboard.press("Escape")
    expect(visit.page.locator("#veil")).to_contain_text("asks for a key")


def test_removing_photos_leads_back_to_the_start(visit: Visit) -> None:
    visit.open()
    answer_drawn(visit)
    visit.cut(red_person("one.png"), red_person("two.png"))
    visit.page.get_by_role("button", name="Remove one.png").click()
    expect(visit.page.locator(".open")).to_be_focused()
    expect(visit.page.locator(".open")).to_have_attribute("aria-current", "true")
    visit.page.get_by_role("button", name="Remove two.png").click()
    expect(visit.page.locator("#welcome")).to_be_visible()
    expect(visit.page.locator("#welcome [data-choose]")).to_be_focused()


def test_page_works_below_a_path(browser: Browser, server: str) -> None:
    """As behind a proxy that gives the server a folder of a larger site."""
    context, visit = enter(browser, server + "tools/cutaway/")
    context.route(
        "**/tools/cutaway/**", lambda route: route.continue_(url=route.request.url.replace("tools/cutaway/", ""))
    )
    visit.open().page.click("#sample")
    visit.wait()
    visit.check()
    context.close()
