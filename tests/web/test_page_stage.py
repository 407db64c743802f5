"""The photo on the stage: the slider, zoom and the brush."""

import numpy as np
import pytest
from playwright.sync_api import expect

from synthetic import encode
from web.browser import BLUE, PHONE, RED, Visit, answer_drawn, drawn, file_of, red_person

HEAD, CORNER = (0.5, 0.35), (0.06, 0.1)
"""Shares of the drawn photo's width and height: where the person is, and where the wall is."""

BRUSH = 40
"""Its size at first, in pixels of the screen."""


@pytest.fixture(autouse=True)
def _stage(visit: Visit) -> None:
    visit.open()
    answer_drawn(visit)
    visit.cut(red_person())


def pixel(visit: Visit, point: tuple[float, float]) -> tuple[int, ...]:
    """Return the colour on the screen at a point of the photo."""
    box = visit.page.locator("#viewport").bounding_box()
    across, down = visit.at(*point)
    assert box
    return tuple(visit.seen()[round(down - box["y"]), round(across - box["x"])].tolist())


def scale(visit: Visit) -> float:
    """Return the pixels of the screen for one of the photo's."""
    return (visit.at(1, 0)[0] - visit.at(0, 0)[0]) / 200


def alpha(visit: Visit, point: tuple[float, float]) -> int:
    canvas = visit.pixels("#person")
    return int(canvas[round(point[1] * canvas.shape[0]), round(point[0] * canvas.shape[1]), 3])


def test_slider_by_keyboard(visit: Visit) -> None:
    slider = visit.page.get_by_role("slider", name="Before and after")
    expect(slider).to_have_attribute("aria-valuenow", "50")
    for key, value in [("ArrowRight", "52"), ("ArrowLeft", "50"), ("PageDown", "40"), ("End", "100"), ("Home", "0")]:
        slider.press(key)
        expect(slider).to_have_attribute("aria-valuenow", value)
    expect(slider).to_have_attribute("aria-valuetext", "0% of the photo as it was")


def test_slider_shows_what_was_beside_what_is(visit: Visit) -> None:
    slider = visit.page.get_by_role("slider", name="Before and after")
    left, right = CORNER, (1 - CORNER[0], CORNER[1])
    assert pixel(visit, left) == BLUE
    assert pixel(visit, right) != BLUE
    slider.press("End")
    assert pixel(visit, right) == BLUE
    slider.press("Home")
    assert pixel(visit, left) != BLUE
    assert pixel(visit, HEAD) == RED


def test_slider_by_mouse(visit: Visit) -> None:
    slider = visit.page.get_by_role("slider", name="Before and after")
    visit.drag((0.5, 0.5), (0.25, 0.5))
    expect(slider).to_have_attribute("aria-valuenow", "25")
    visit.page.mouse.click(*visit.at(0.8, 0.2))
    expect(slider).to_have_attribute("aria-valuenow", "80")


@pytest.mark.parametrize("visit", [PHONE], indirect=True)
def test_slider_by_touch(visit: Visit) -> None:
    visit.page.touchscreen.tap(*visit.at(0.3, 0.5))
    expect(visit.page.get_by_role("slider", name="Before and after")).to_have_attribute("aria-valuenow", "30")


def test_zoom_by_buttons_keys_and_wheel(visit: Visit) -> None:
    sheet = visit.page.locator("#sheet")
    fitting = sheet.bounding_box()
    assert fitting
    visit.page.click("#zoom-in")
    assert (sheet.bounding_box() or fitting)["width"] > 1.3 * fitting["width"]
    visit.page.focus("#viewport")
    visit.page.keyboard.press("0")
    assert sheet.bounding_box() == fitting
    visit.page.mouse.move(*visit.at(0.2, 0.2))
    visit.page.keyboard.down("Control")
    visit.page.mouse.wheel(0, -600)
    visit.page.keyboard.up("Control")
    expect(visit.page.locator("#viewport")).to_have_class("viewport enlarged")
    visit.page.click("#zoom-fit")
    assert sheet.bounding_box() == fitting


def test_wheel_zooms_around_the_pointer_and_drags_move(visit: Visit) -> None:
    across, down = map(round, visit.at(0.4, 0.4))
    point = visit.under(across, down)
    visit.page.mouse.move(across, down)
    visit.page.keyboard.down("Control")
    visit.page.mouse.wheel(0, -700)
    visit.page.keyboard.up("Control")
    assert visit.at(*point) == pytest.approx((across, down), abs=0.5)
    visit.page.mouse.move(across - 150, down)
    visit.page.mouse.down()
    visit.page.mouse.move(across - 130, down + 30, steps=4)
    visit.page.mouse.up()
    assert visit.at(*point) == pytest.approx((across + 20, down + 30), abs=0.5)


@pytest.mark.parametrize("visit", [PHONE], indirect=True)
@pytest.mark.parametrize("tool", ["compare", "erase"])
def test_two_fingers_zoom_and_paint_nothing(visit: Visit, tool: str) -> None:
    visit.page.check(f"input[value={tool}]", force=True)
    visit.page.locator("#viewport").scroll_into_view_if_needed()
    before, size = visit.pixels("#person"), scale(visit)
    across, down = visit.at(0.5, 0.5)
    touch = visit.page.context.new_cdp_session(visit.page)
    for kind, reach in [("touchStart", 30), ("touchMove", 45), ("touchMove", 60)]:
        points = [{"x": across + side * reach, "y": down, "id": side} for side in (0, 1)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert scale(visit) == pytest.approx(2 * size, rel=0.02)
    np.testing.assert_array_equal(visit.pixels("#person"), before)
    expect(visit.page.locator("#undo")).to_be_disabled()


def test_erase_takes_away_where_it_is_painted_and_nowhere_else(visit: Visit) -> None:
    before = visit.pixels("#person")
    visit.page.check("input[value=erase]")
    visit.drag((0.45, 0.35), (0.55, 0.35))
    after = visit.pixels("#person")
    assert alpha(visit, HEAD) == 0
    changed = np.flatnonzero((before != after).any(axis=(1, 2)))
    assert abs(changed - 0.35 * 240).max() <= BRUSH / scale(visit) / 2 + 1
    soft = after[..., 3][changed[0] : changed[-1], 100]
    assert ((soft > 0) & (soft < 255)).any()


def test_keep_brings_the_photo_back(visit: Visit) -> None:
    assert alpha(visit, CORNER) == 0
    visit.page.check("input[value=keep]")
    visit.drag(CORNER, (0.2, 0.1))
    canvas = visit.pixels("#person")
    assert tuple(canvas[24, 24]) == (*BLUE, 255)
    assert alpha(visit, (0.9, 0.1)) == 0


def test_undo_and_redo_restore_exactly(visit: Visit) -> None:
    states = [visit.pixels("#person")]
    for tool, start in [("erase", (0.4, 0.3)), ("keep", (0.42, 0.32)), ("erase", (0.3, 0.8))]:
        visit.page.check(f"input[value={tool}]")
        visit.drag(start, (0.6, 0.5))
        states.append(visit.pixels("#person"))
    for state in reversed(states[:-1]):
        visit.page.keyboard.press("Control+z")
        np.testing.assert_array_equal(visit.pixels("#person"), state)
    expect(visit.page.locator("#undo")).to_be_disabled()
    for state in states[1:]:
        visit.page.keyboard.press("Control+Shift+Z")
        np.testing.assert_array_equal(visit.pixels("#person"), state)
    visit.page.click("#undo")
    np.testing.assert_array_equal(visit.pixels("#person"), states[-2])
    visit.page.click("#redo")
    visit.page.click("#reset")
    np.testing.assert_array_equal(visit.pixels("#person"), states[0])
    visit.page.click("#redo")
    np.testing.assert_array_equal(visit.pixels("#person"), states[1])


def test_brush_reaches_finer_when_zoomed(visit: Visit) -> None:
    before = visit.pixels("#person")
    for _ in range(3):
        visit.page.click("#zoom-in")
    visit.page.check("input[value=erase]")
    visit.page.mouse.click(*visit.at(0.5, 0.45))
    changed = np.flatnonzero((before != visit.pixels("#person")).any(axis=(1, 2)))
    assert len(changed) == pytest.approx(BRUSH / scale(visit), abs=2)
    assert scale(visit) > 4


def test_brush_by_keyboard(visit: Visit) -> None:
    visit.page.focus("input[value=compare]")
    visit.page.keyboard.press("ArrowRight")
    visit.page.keyboard.press("ArrowRight")
    expect(visit.page.locator("input[value=erase]")).to_be_checked()
    size = visit.page.get_by_role("slider", name="Size")
    visit.page.keyboard.press("]")
    expect(size).to_have_value("50")
    size.press("ArrowLeft")
    expect(size).to_have_value("49")


def test_each_photo_keeps_its_own_strokes(visit: Visit) -> None:
    visit.page.check("input[value=erase]")
    visit.drag((0.45, 0.35), (0.55, 0.35))
    visit.cut(file_of("other.png", encode(drawn()[0])))
    expect(visit.page.locator(".open[aria-current=true]")).to_contain_text("other.png")
    assert alpha(visit, HEAD) == 255
    visit.page.click(".open >> text=red.png")
    expect(visit.page.locator("#undo")).to_be_enabled()
    visit.wait()
    assert alpha(visit, HEAD) == 0


def test_brush_has_no_faults(visit: Visit) -> None:
    visit.page.check("input[value=keep]")
    assert visit.faults() == []
