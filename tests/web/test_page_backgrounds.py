"""What is laid behind the person: on the stage, and in what is saved."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage
from playwright.sync_api import expect

from synthetic import encode
from web.browser import BLUE, RED, Visit, answer_drawn, drawn, file_of, opened, red_person, sample

IMAGE, PERSON = drawn()
WALL = ~PERSON


@pytest.fixture
def shown(visit: Visit) -> Visit:
    """A visit with the drawn person on the stage, all of it as it is."""
    visit.open()
    answer_drawn(visit)
    visit.cut(red_person())
    visit.page.get_by_role("slider", name="Before and after").press("Home")
    return visit


def behind(visit: Visit) -> NDArray[np.int16]:
    """Return what lies behind the person, at the photo's size, H×W×3, once it is there."""
    visit.page.wait_for_timeout(100)
    canvas = PillowImage.fromarray(visit.pixels("#behind")).resize((200, 240))
    return np.asarray(canvas.convert("RGB")).astype(np.int16)


def paint(visit: Visit) -> None:
    """Erase a spot of the person, so that what is saved is made in the browser."""
    visit.page.check("input[value=erase]")
    visit.page.mouse.click(*visit.at(0.5, 0.9))
    expect(visit.page.locator("#undo")).to_be_enabled()


def test_colour(shown: Visit) -> None:
    shown.page.get_by_role("button", name="Green").click()
    expect(shown.page.get_by_role("button", name="Green")).to_have_attribute("aria-pressed", "true")
    assert (behind(shown) == (0, 177, 64)).all()
    assert tuple(shown.seen()[200, shown.seen().shape[1] // 2]) == RED


def test_free_colour(shown: Visit) -> None:
    shown.page.fill("#colour", "#123456")
    assert (behind(shown) == (0x12, 0x34, 0x56)).all()


def test_own_picture_covers(shown: Visit) -> None:
    halves = np.zeros((50, 400, 3), np.uint8)
    halves[:, 200:] = (0, 200, 0)
    shown.page.set_input_files("#picture-chooser", [file_of("halves.png", encode(halves))])
    expect(shown.page.locator("#picture")).to_have_attribute("aria-pressed", "true")
    found = behind(shown)
    assert abs(found[:, :90]).max() <= 2
    assert abs(found[:, 110:] - (0, 200, 0)).max() <= 2


@pytest.mark.parametrize("filters", [True, False], ids=["filter", "without"])
def test_blur_has_no_halo(visit: Visit, filters: bool) -> None:
    """The wall is of one colour: if the person's came into the blur, it would not be."""
    if not filters:  # as in Safari
        visit.page.add_init_script("delete CanvasRenderingContext2D.prototype.filter")
    visit.open()
    answer_drawn(visit)
    visit.cut(red_person())
    for radius in ("2", "15", "50"):
        visit.page.fill("#radius", radius) if radius != "2" else visit.page.click("#blur")
        beside = behind(visit)[WALL] - BLUE
        assert beside[:, 0].max() <= 2
        assert abs(beside).max() <= 15  # eight bits, divided by a small weight


@pytest.mark.parametrize("filters", [True, False], ids=["filter", "without"])
def test_blur_blurs(visit: Visit, filters: bool) -> None:
    if not filters:
        visit.page.add_init_script("delete CanvasRenderingContext2D.prototype.filter")
    visit.open()
    answer_drawn(visit)
    striped = IMAGE.copy()
    striped[:, ::4] = np.where(PERSON[:, ::4, np.newaxis], striped[:, ::4], 255)
    visit.cut(file_of("striped.png", encode(striped)))
    visit.page.click("#blur")
    visit.page.fill("#radius", "40")
    found = behind(visit)[20:60, 10:40]
    assert found.std(axis=(0, 1)).max() < 6
    assert found.mean(axis=(0, 1)) == pytest.approx(striped[20:60, 12:40].mean(axis=(0, 1)), abs=12)


def test_transparent_again(shown: Visit) -> None:
    shown.page.get_by_role("button", name="Black").click()
    shown.page.get_by_role("button", name="Transparent").click()
    shown.page.wait_for_timeout(100)
    assert not shown.pixels("#behind").any()


def test_painted_photo_is_saved_over_the_colour(shown: Visit) -> None:
    paint(shown)
    shown.page.get_by_role("button", name="Black").click()
    found = opened(shown.saved()[1])[..., :3]
    np.testing.assert_array_equal(found[10, 10], (17, 17, 17))
    np.testing.assert_array_equal(found[216, 100], (17, 17, 17))
    np.testing.assert_array_equal(found[84, 100], RED)


def test_painted_photo_is_saved_over_its_blur(shown: Visit) -> None:
    paint(shown)
    shown.page.click("#blur")
    found = opened(shown.saved()[1])
    assert found[..., :3].shape == IMAGE.shape
    assert (found[..., 3:] == 255).all()
    assert abs(found[10, 10, :3].astype(int) - BLUE).max() <= 3
    np.testing.assert_array_equal(found[84, 100, :3], RED)


def test_unpainted_photo_is_laid_over_by_the_server(visit: Visit) -> None:
    """All kinds, with the real server: so that depth and profile are kept."""
    visit.open().cut(sample())
    picture = file_of("green.png", encode(np.full((64, 64, 3), (0, 200, 0), np.uint8)))
    visit.page.set_input_files("#picture-chooser", [picture])
    found = opened(visit.saved()[1])
    assert found.shape == (512, 512, 3)
    np.testing.assert_array_equal(found[20, 20], (0, 200, 0))
    visit.page.get_by_role("button", name="White").click()
    np.testing.assert_array_equal(opened(visit.saved()[1])[20, 20], (255, 255, 255))
    visit.page.click("#blur")
    assert opened(visit.saved()[1])[20, 20].max() < 255


def test_blur_on_the_stage_looks_as_the_one_that_is_saved(visit: Visit) -> None:
    visit.open().cut(sample())
    visit.page.click("#blur")
    visit.page.wait_for_timeout(200)
    saved = opened(visit.saved()[1]).astype(int)
    stage = visit.pixels("#behind")[..., :3].astype(int)
    empty = visit.pixels("#person")[..., 3] == 0
    assert abs(saved - stage)[empty].mean() < 4


def test_background_is_shared_by_all_photos(shown: Visit) -> None:
    shown.page.get_by_role("button", name="Black").click()
    shown.cut(red_person("second.png"))
    assert (behind(shown) == 17).all()
    expect(shown.page.locator("#background-all")).to_be_visible()
