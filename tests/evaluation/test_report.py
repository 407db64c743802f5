import base64
import io
import json
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image as PillowImage

from cutaway.data.index import Sample
from cutaway.data.masks import PERSON, VOID
from cutaway.evaluation.comparison import COMPARISON, Result, comparison
from cutaway.evaluation.photos import worst_first
from cutaway.evaluation.pictures import HATCH, OUTLINE, SIDE, cut_out, outlined
from cutaway.evaluation.report import html_page, to_json
from cutaway.evaluation.tables import COLUMNS, EMPTY_COLUMNS, INTERVAL_COLUMNS
from cutaway.types import Mask

Person = Callable[[float], Mask]
MakeSample = Callable[..., Sample]
MakeResult = Callable[..., Result]

VOID_TAGS = {"meta", "img", "br"}


class Page(HTMLParser):
    """The parts of a page that the tests look at; raises on tags that do not pair up."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.photos: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID_TAGS:
            self.open.append(tag)
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.photos += [value or "" for name, value in attrs if name == "data-id"]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID_TAGS:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture
def samples(person: Person, make_sample: MakeSample) -> list[Sample]:
    """Answers of falling size, so of rising IoU in the order c, b, a; and a room in which a person is seen."""
    truth = person(0.9)
    return [
        make_sample("a", person(0.85), truth, source="one"),
        make_sample("b", person(0.7), truth, source="two"),
        make_sample("c", person(0.5), truth, source="one"),
        make_sample("room", person(0.3), None, source="rooms"),
    ]


@pytest.fixture
def result(samples: list[Sample], make_result: MakeResult) -> Result:
    return make_result("portrait", samples)


def test_photos_come_worst_first(result: Result) -> None:
    assert [row.id for row in worst_first(result.evaluation)] == ["c", "b", "a"]
    assert Page(html_page([result], "data", "test")).photos == ["c", "b", "a", "room"]


def test_the_number_of_photos_is_capped(result: Result) -> None:
    page = Page(html_page([result], "data", "test", worst=2))
    assert page.photos == ["c", "b", "room"]
    assert page.tags.count("img") == 6


def test_the_page_asks_for_nothing_outside(result: Result) -> None:
    text = html_page([result], "data", "test")
    page = Page(text)
    sources = [value for name, value in page.attributes if name in {"src", "href", "srcset", "action", "data"}]
    assert sources
    assert all(source.startswith("data:image/webp;base64,") for source in sources)
    assert not {"script", "link", "iframe"} & set(page.tags)
    without_pictures = text.replace("data:image/webp;base64,", "")
    for reference in ("http:", "https:", "//", "@import", "url("):
        assert reference not in _without_attribute_values(without_pictures, "src")


def _without_attribute_values(text: str, name: str) -> str:
    first, *rest = text.split(f' {name}="')
    return first + "".join(part.partition('"')[2] for part in rest)


def test_every_embedded_picture_opens_and_is_small(result: Result) -> None:
    page = Page(html_page([result], "data", "test"))
    for name, value in page.attributes:
        if name == "src":
            with PillowImage.open(io.BytesIO(base64.b64decode(value.partition(",")[2]))) as picture:
                assert max(picture.size) <= SIDE


def test_the_table_has_a_row_per_set_with_the_scores_of_the_summaries(result: Result) -> None:
    texts = Page(html_page([result], "data", "test")).texts
    heads = [*COLUMNS.values(), *INTERVAL_COLUMNS, *EMPTY_COLUMNS.values()]
    assert [text for text in texts if text in heads][: len(heads)] == heads
    total = to_json([result], "data", "test")["models"][0]["sets"][-1]
    assert f"{total['person_iou']:.3f}".removeprefix("0") in texts
    assert {"one", "two", "all"} <= set(texts)


def test_the_histogram_counts_every_photo_once(result: Result) -> None:
    texts = Page(html_page([result], "data", "test")).texts
    spans = {text.partition(": ")[0]: int(text.partition(": ")[2]) for text in texts if "–" in text and ": " in text}
    assert len(spans) == 20
    assert sum(spans.values()) == 3
    lowest = worst_first(result.evaluation)[0].scores
    assert lowest is not None
    start = int(lowest.person_iou * 20) / 20
    assert spans[f"{start:.2f}–{start + 0.05:.2f}"] == 1


def test_several_models_stand_side_by_side(result: Result, samples: list[Sample], make_result: MakeResult) -> None:
    samples[1].image.rename(samples[1].image.with_name("away.png"))
    other = make_result("shifted", samples, shift=10)
    samples[1].image.with_name("away.png").rename(samples[1].image)

    page = Page(html_page([result, other], "data", "test"))

    assert page.tags.count("table") == 1 + 3 + 4
    assert page.photos == ["c", "b", "a", "room"]
    assert page.tags.count("img") == 3 + 2 + 3 + 3  # "b" has no answer of the second model
    assert any("b.png is no image" in text for text in page.texts)


def test_several_models_are_compared_first(result: Result, samples: list[Sample], make_result: MakeResult) -> None:
    results = [result, make_result("runs/shifted.onnx", samples, shift=10, milliseconds=40)]
    page = Page(html_page(results, "data", "test"))
    start = page.texts.index("The models compared")
    assert start < page.texts.index("Scores per set")
    assert [text for text in page.texts[start:] if text in COMPARISON][: len(COMPARISON)] == list(COMPARISON)
    for row in comparison(results):
        assert set("\n".join(row).split("\n")) <= set(page.texts[start:])
    assert any(text.startswith("shifted against portrait, on the same 3 photos") for text in page.texts)
    assert [value for name, value in page.attributes if name == "aria-label" and "ms an image" in value]


def test_one_model_is_compared_with_nothing(result: Result) -> None:
    page = Page(html_page([result], "data", "test"))
    assert "The models compared" not in page.texts
    assert "difference to portrait" not in page.texts


def test_the_best_answer_to_a_photo_is_marked_if_there_is_one(
    result: Result, samples: list[Sample], make_result: MakeResult
) -> None:
    text = html_page([result, make_result("shifted", samples, shift=25)], "data", "test")
    for card in text.split("<article")[1:-1]:
        assert card.count('class="badge"') == 1
        assert 'portrait <span class="badge">best</span>' in card
    assert 'class="badge"' not in text.split("<article")[-1], "there is no best answer to an empty room"
    assert 'class="badge"' not in html_page([result, make_result("same", samples)], "data", "test")
    assert 'class="badge"' not in html_page([result], "data", "test")


def test_an_answer_without_anybody_says_so(person: Person, make_sample: MakeSample, make_result: MakeResult) -> None:
    result = make_result("portrait", [make_sample("missed", person(0), person(0.5))])
    assert "nobody found" in Page(html_page([result], "data", "test")).texts


def test_names_cannot_break_out_of_the_page(samples: list[Sample], make_result: MakeResult) -> None:
    nasty = "<script>alert(1)</script>\"'"
    named = [replace(sample, id=nasty, source=nasty) for sample in samples]
    named.append(replace(named[0], image=named[0].image.with_name("<script>.png")))
    page = Page(html_page([make_result(nasty, named)] * 2, nasty, nasty))
    assert "script" not in page.tags
    assert page.photos == [nasty] * 4


def test_a_page_without_any_scored_photo_says_so(samples: list[Sample], make_result: MakeResult) -> None:
    for sample in samples:
        sample.image.unlink()
    page = Page(html_page([make_result("portrait", samples)] * 2, "data", "test"))
    assert "No photo with people was scored." in page.texts
    assert page.photos == []


def test_json_has_stable_keys_and_plain_values(result: Result) -> None:
    model = json.loads(json.dumps(to_json([result], "data", "test")))["models"][0]
    assert list(model)[:5] == ["model", "sets", "without_people", "photos", "failed"]
    assert list(model["sets"][0]) == [
        "source",
        "n",
        "person_iou",
        "person_iou_median",
        "poor_share",
        "boundary_f",
        "mean_iou",
        "dice",
        "pixel_accuracy",
        "mad",
        "pooled_person_iou",
        "pooled_mean_iou",
        "pooled_dice",
        "pooled_pixel_accuracy",
        "seconds_median",
    ]
    assert [photo["id"] for photo in model["photos"]] == ["a", "b", "c", "room"]
    assert model["photos"][0]["scores"]["person_iou"] > 0.8
    assert model["photos"][3]["scores"] is None
    assert [(entry["source"], entry["found_person"]) for entry in model["without_people"]] == [("rooms", 1), ("all", 1)]


def test_json_holds_costs_intervals_and_differences(
    result: Result, samples: list[Sample], make_result: MakeResult
) -> None:
    results = [result, make_result("shifted", samples, shift=10)]
    whole = json.loads(json.dumps(to_json(results, "data", "test")))
    first, other = whole["models"]
    assert list(first)[5:] == ["cost", "intervals", "difference_to_first"]
    assert first["cost"] == {
        "parameters": 1_375_058,
        "file_bytes": 5_500_000,
        "fit": {"rule": "letterbox", "size": 320, "multiple": 32},
        "gmac": 8.83,
        "milliseconds": 10,
        "threads": 2,
    }
    assert whole["bootstrap"] == {"method": "BCa", "level": 0.95, "resamples": 9999, "seed": 0}
    assert [entry["source"] for entry in first["intervals"]] == ["one", "two", "all"]
    assert first["intervals"][1]["person_iou"]["interval"] is None, "of one photo"
    low, high = first["intervals"][2]["person_iou"]["interval"]
    assert low < first["sets"][2]["person_iou"] == first["intervals"][2]["person_iou"]["mean"] < high
    assert first["difference_to_first"] == []
    assert other["difference_to_first"][2]["person_iou"]["mean"] == pytest.approx(
        other["sets"][2]["person_iou"] - first["sets"][2]["person_iou"]
    )


def decode(uri: str) -> PillowImage.Image:
    return PillowImage.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def test_the_outline_lies_where_the_mask_ends() -> None:
    image, labels = np.full((200, 200, 3), 90, np.uint8), np.zeros((200, 200), np.uint8)
    labels[50:150, 50:150] = PERSON
    pixels = np.asarray(decode(outlined(image, labels)).convert("RGB")).astype(int)
    like_outline = np.abs(pixels - np.array(OUTLINE)).sum(axis=2) < 150
    assert like_outline[100, 46:53].any()
    assert not like_outline[70:130, 70:130].any()
    assert not like_outline[:, :40].any()


def test_void_is_dark_and_hatched_and_has_no_outline() -> None:
    image, labels = np.full((200, 200, 3), 240, np.uint8), np.zeros((200, 200), np.uint8)
    labels[50:150, 50:150] = PERSON
    labels[:, 100:] = VOID
    pixels = np.asarray(decode(outlined(image, labels)).convert("RGB")).astype(int)
    void = pixels[:, 108:]
    assert np.abs(void - np.array(OUTLINE)).sum(axis=2).min() > 150
    darkest, lightest = np.quantile(void, [0.05, 0.95])
    assert darkest < 100 < lightest < HATCH[0] + 20
    assert pixels[:, :40].min() > 200


def test_large_photos_are_shown_small_and_small_ones_as_they_are() -> None:
    assert decode(outlined(np.zeros((400, 800, 3), np.uint8), None)).size == (SIDE, SIDE // 2)
    assert decode(outlined(np.zeros((40, 80, 3), np.uint8), None)).size == (80, 40)


def test_the_cutout_keeps_its_alpha() -> None:
    alpha = np.zeros((60, 60), np.float32)
    alpha[20:40, 20:40] = 1
    shown = np.asarray(decode(cut_out(np.full((60, 60, 3), 200, np.uint8), alpha)))
    assert shown.shape == (60, 60, 4)
    assert np.array_equal(shown[..., 3], np.where(alpha, 255, 0))
