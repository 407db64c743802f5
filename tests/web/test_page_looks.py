"""Languages, phones, dark rooms, and those who see or point otherwise: the page in each state."""

from typing import Any

import pytest
from playwright.sync_api import Route, expect

from web.browser import BLUE, PHONE, Visit, answer_drawn, file_of, red_person, sample

HEBREW = {"locale": "he-IL"}
DARK = {"color_scheme": "dark"}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": DARK,
    "phone": PHONE,
    "hebrew": HEBREW,
    "hebrew-phone-dark": PHONE | HEBREW | DARK,
}


@pytest.mark.parametrize("visit", LOOKS.values(), ids=LOOKS, indirect=True)
def test_every_state_is_open_to_all_and_fits(visit: Visit) -> None:
    visit.expected = {"415"}
    visit.open()
    assert (visit.faults(), visit.overflow()) == ([], 0)
    answer_drawn(visit, **{"X-Note": "Of an animation the first picture is taken."})
    held: list[Route] = []
    visit.page.route("**/v1/cutout*", lambda route: held.append(route))
    visit.add(red_person("a rather long name of a photo, as cameras and people give them.png"))
    expect(visit.page.locator(".photo[data-state=working]")).to_be_visible()
    assert (visit.faults(), visit.overflow()) == ([], 0)
    held[0].fallback()
    visit.wait()
    assert (visit.faults(), visit.overflow()) == ([], 0)
    visit.page.unroute_all()
    visit.page.click("#blur")
    visit.page.check("input[value=keep]", force=True)
    visit.add(file_of("letter.txt", b"Dear Anna", "text/plain"), red_person("more.png"))
    expect(visit.page.locator(".photo[data-state=failed]")).to_be_visible()
    assert (visit.faults(), visit.overflow()) == ([], 0)
    visit.page.click("[data-selfie]:visible")
    visit.page.locator("#camera-shutter:enabled").wait_for()
    assert (visit.faults(), visit.overflow()) == ([], 0)


@pytest.mark.parametrize("visit", [HEBREW], indirect=True)
def test_hebrew_reads_from_right_to_left(visit: Visit) -> None:
    visit.open()
    answer_drawn(visit)
    page = visit.page
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("html")).to_have_attribute("lang", "he")
    visit.cut(red_person())
    named = page.evaluate("""[...document.querySelectorAll("[data-i18n], [data-i18n-label]")]
        .filter((each) => [each.textContent, each.ariaLabel].includes(each.dataset.i18n ?? each.dataset.i18nLabel))
        .map((each) => each.outerHTML)""")
    assert named == []
    english = page.evaluate("document.body.innerText").split()
    assert {"Background", "Brush", "Photos", "Done"}.isdisjoint(english)
    panel, stage = (page.locator(each).bounding_box() for each in (".panel", "#stage"))
    assert panel
    assert stage
    assert panel["x"] < stage["x"]


@pytest.mark.parametrize("visit", [HEBREW], indirect=True)
def test_slider_and_brush_in_hebrew(visit: Visit) -> None:
    """What was is on the right, the arrows move the handle to where they point, and the brush paints where it is."""
    visit.open()
    answer_drawn(visit)
    visit.cut(red_person())
    slider = visit.page.locator("#slider")
    frame = visit.page.locator("#viewport").bounding_box()
    assert frame
    across, down = (round(each) for each in visit.at(0.94, 0.1))
    assert tuple(visit.seen()[down - round(frame["y"]), across - round(frame["x"])]) == BLUE
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuenow", "48")
    visit.drag((0.5, 0.5), (0.25, 0.5))
    expect(slider).to_have_attribute("aria-valuenow", "75")
    visit.page.check("input[value=erase]")
    visit.page.mouse.click(*visit.at(0.6, 0.9))
    alpha = visit.pixels("#person")[..., 3]
    assert alpha[216, 120] == 0
    assert alpha[216, 80] == 255


def test_language_is_chosen_and_remembered(visit: Visit) -> None:
    visit.open()
    visit.cut(sample())
    visit.page.select_option("#language", "he")
    expect(visit.page.locator("html")).to_have_attribute("dir", "rtl")
    expect(visit.page.locator(".photo")).to_contain_text("מוכנה")
    visit.open()
    expect(visit.page.locator("html")).to_have_attribute("lang", "he")
    visit.open("?lang=en")
    expect(visit.page.locator("html")).to_have_attribute("dir", "ltr")


@pytest.mark.parametrize("visit", [{"reduced_motion": "reduce"}], indirect=True)
def test_nothing_moves_where_motion_is_not_wanted(visit: Visit) -> None:
    visit.open()
    answer_drawn(visit)
    visit.add(red_person())
    visit.page.wait_for_selector("#stage.ready")
    assert visit.page.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize("visit", [PHONE], indirect=True)
def test_photo_stays_in_sight_on_a_phone(visit: Visit) -> None:
    visit.open()
    answer_drawn(visit)
    visit.cut(red_person())
    visit.page.locator("input[value=erase]").scroll_into_view_if_needed()
    visit.page.locator("#download").scroll_into_view_if_needed()
    expect(visit.page.locator("#viewport")).to_be_in_viewport(ratio=0.9)


def test_all_can_be_done_with_the_keyboard(visit: Visit) -> None:
    visit.open()
    answer_drawn(visit)
    visit.cut(red_person())
    reached = set()
    visit.page.focus("#language")
    for _ in range(30):
        visit.page.keyboard.press("Tab")
        reached.add(visit.page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert {"viewport", "slider", "zoom-in", "open", "colour", "blur", "format", "download", "copy"} <= reached


def test_states_are_read_out(visit: Visit) -> None:
    visit.open()
    answer_drawn(visit)
    visit.cut(red_person())
    expect(visit.page.locator("#announcement[role=status]")).to_have_text("red.png: Done")
