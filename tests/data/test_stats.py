import io
from dataclasses import replace
from pathlib import Path

from PIL import Image as PillowImage

from cutaway.data.index import Sample
from cutaway.data.stats import draw, measure

NOBODY = Sample("a", Path("a.jpg"), None, 640, 480, 0.0, 0, "coco", "none", "train")


def person(fraction: float, people: int | None = None) -> Sample:
    return replace(NOBODY, mask=Path("a.png"), person_fraction=fraction, people=people)


def counted(bars: dict[str, int]) -> dict[str, int]:
    return {bar: count for bar, count in bars.items() if count}


def test_photos_are_counted_by_set_and_split() -> None:
    samples = [NOBODY, replace(person(0.5), source="voc", split="test"), replace(person(0.5), split="val"), NOBODY]
    stats = measure(samples)
    assert (stats.photos, stats.with_person) == (4, 2)
    assert stats.sources == {"coco": {"train": 2, "val": 1, "test": 0}, "voc": {"train": 0, "val": 0, "test": 1}}


def test_a_share_on_a_bound_belongs_to_the_bar_above_it_and_all_to_the_last() -> None:
    shares = measure([NOBODY, *map(person, (0.01, 0.1, 0.5, 0.59, 0.95, 1.0))]).shares
    assert counted(shares) == {"0-10": 1, "10-20": 1, "50-60": 2, "90-100": 2}


def test_people_are_counted_up_to_many() -> None:
    people = measure([NOBODY, *(person(0.5, count) for count in (1, 1, 4, 5, 14, None))]).people
    assert counted(people) == {"0": 1, "1": 2, "4": 1, "5 or more": 2, "not counted": 1}


def test_the_longer_side_says_the_size() -> None:
    sizes = ((256, 100), (100, 257), (2048, 2048), (10, 2049))
    sides = measure([replace(NOBODY, width=width, height=height) for width, height in sizes]).long_sides
    assert counted(sides) == {"up to 256": 1, "up to 512": 1, "up to 2048": 1, "more": 1}


def test_an_empty_index_has_empty_bars() -> None:
    stats = measure([])
    assert (stats.photos, stats.sources, counted(stats.shares)) == (0, {}, {})


def test_the_drawing_is_a_picture_that_depends_on_the_counts() -> None:
    one, other = draw(measure([person(0.2, 1)])), draw(measure([person(0.8, 2)] * 3))
    with PillowImage.open(io.BytesIO(one)) as file:
        assert (file.format, file.width > file.height) == ("PNG", True)
    assert one != other
