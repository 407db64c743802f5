import contextlib
import io
import json
import re
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage
from pycocotools.coco import COCO

from coco_files import (
    ZOO_CHOSEN,
    ZOO_COUNTS,
    block,
    box,
    content,
    person,
    photo,
    runs,
    text_runs,
    write_content,
    write_photos,
    zoo,
)
from cutaway.data.coco import (
    Place,
    image_set,
    make_samples,
    read_annotations,
    to_labels,
    to_records,
    unpack_annotations,
)
from cutaway.data.funnel import Funnel, Rules, trim
from cutaway.data.index import Failure, Sample, split_of
from cutaway.data.masks import read_labels
from cutaway.errors import DataError

DEFAULT = Rules()
ONE = [person(1, box(0, 0, 25, 20))]


def trimmed(path: Path, rules: Rules = DEFAULT) -> Funnel:
    return trim(to_records(read_annotations(path), rules), rules)


def count_with_pycocotools(folder: Path, parts: dict[str, Any], rules: Rules) -> dict[str, int]:
    """Count the stages once more, by pixels in arrays and by pycocotools' own way through the file."""
    whole = [row for row in parts["annotations"] if not row.get("broken")]
    with contextlib.redirect_stdout(io.StringIO()):
        every = COCO(str(write_content(folder / "every.json", parts)))
        sound = COCO(str(write_content(folder / "sound.json", parts | {"annotations": whole})))
    (category,) = every.getCatIds(catNms=["person"])
    with_person = every.getImgIds(catIds=[category])
    few = in_range = 0
    for number in with_person:
        if every.getAnnIds(imgIds=[number], catIds=[category], iscrowd=True):
            continue
        masks = [sound.annToMask(row) for row in sound.loadAnns(sound.getAnnIds(imgIds=[number], catIds=[category]))]
        people = [mask for mask in masks if mask.any() and mask.sum() >= rules.min_person_share * mask.size]
        if 1 <= len(people) <= rules.max_people:
            few += 1
            covered = np.logical_or.reduce(people).sum()
            in_range += bool(rules.min_share * people[0].size <= covered <= rules.max_share * people[0].size)
    counts = (len(every.getImgIds()), len(with_person), few, in_range)
    return dict(zip(("photos", "with_person", "few_people", "share_in_range"), counts, strict=True))


def test_every_stage_is_counted_exactly(tmp_path: Path) -> None:
    funnel = trimmed(write_content(tmp_path / "instances.json", zoo()))
    assert list(funnel.counts.items()) == list(ZOO_COUNTS.items())
    assert [record.id for record in funnel.chosen] == ZOO_CHOSEN


@pytest.mark.parametrize(
    "rules",
    [
        Rules(),
        Rules(max_people=1),
        Rules(max_people=3),
        Rules(min_share=Fraction(1, 1000), max_share=Fraction(1)),
        Rules(min_person_share=Fraction(1, 100)),
        Rules(min_person_share=Fraction(1, 2)),
    ],
)
def test_pycocotools_counts_the_same(tmp_path: Path, rules: Rules) -> None:
    path = write_content(tmp_path / "instances.json", zoo())
    assert trimmed(path, rules).counts == count_with_pycocotools(tmp_path, zoo(), rules)


OUTLINES = st.one_of(
    st.lists(st.tuples(*[st.floats(-5, 55)] * 6).map(list), min_size=1, max_size=3),
    st.builds(lambda pixels, left: runs(block(pixels, left)), st.integers(0, 800), st.integers(0, 30)),
    st.builds(lambda pixels, left: text_runs(block(pixels, left)), st.integers(0, 800), st.integers(0, 30)),
)
PEOPLE = st.builds(
    lambda number, outline, category, crowd: person(number, outline, category_id=category, iscrowd=int(crowd)),
    st.integers(1, 6),
    OUTLINES,
    st.sampled_from([1, 1, 1, 18]),
    st.sampled_from([False] * 9 + [True]),
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(people=st.lists(PEOPLE, max_size=12), hundredths=st.integers(0, 30))
def test_pycocotools_counts_the_same_of_anything(tmp_path: Path, people: list[dict[str, Any]], hundredths: int) -> None:
    parts = content([photo(number) for number in range(1, 7)], [*people, *ONE])
    rules = Rules(min_person_share=Fraction(hundredths, 100))
    path = write_content(tmp_path / "instances.json", parts)
    assert trimmed(path, rules).counts == count_with_pycocotools(tmp_path, parts, rules)


def test_annotations_without_an_outline_are_told(tmp_path: Path) -> None:
    parts = zoo()
    annotations = read_annotations(write_content(tmp_path / "instances.json", parts))
    assert annotations.broken == [at for at, row in enumerate(parts["annotations"]) if row.get("broken")]
    assert [parts["annotations"][at]["image_id"] for at in annotations.empty] == [6, 14]


@pytest.mark.parametrize("parts", [["annotations", "categories", "images"], ["categories", "images", "annotations"]])
def test_the_parts_may_stand_in_any_order(tmp_path: Path, parts: list[str]) -> None:
    there = zoo()
    path = write_content(tmp_path / "instances.json", {part: there[part] for part in parts})
    assert trimmed(path).counts == ZOO_COUNTS


def test_person_is_found_by_name(tmp_path: Path) -> None:
    parts = content([photo(1)], [person(1, box(0, 0, 25, 20), category_id=7)], categories=[{"id": 7, "name": "person"}])
    assert trimmed(write_content(tmp_path / "instances.json", parts)).counts["share_in_range"] == 1


def test_small_bystanders_are_void_where_nobody_who_counts_stands(tmp_path: Path) -> None:
    parts = content([photo(1)], [person(1, runs(block(300))), person(1, runs(block(40, 14)))])
    found = read_annotations(write_content(tmp_path / "instances.json", parts))
    void_besides = np.where(block(320), 255, 0)
    void_besides[block(300)] = 1
    for rules, expected in ((Rules(min_person_share=Fraction(1, 10)), void_besides), (Rules(), block(320))):
        np.testing.assert_array_equal(to_labels(found.photos[1], found.people[1], rules), expected)


def samples_of(folder: Path, parts: dict[str, Any], rules: Rules = DEFAULT) -> list[Sample | Failure]:
    annotations = read_annotations(write_content(folder / "instances.json", parts))
    chosen = trim(to_records(annotations, rules), rules).chosen
    return list(make_samples(annotations, chosen, rules, Place(folder / "images", folder / "masks"), "coco"))


def test_chosen_photos_become_samples_with_masks(tmp_path: Path) -> None:
    parts = zoo()
    write_photos(tmp_path / "images", parts)
    samples = samples_of(tmp_path, parts)
    assert [sample.id for sample in samples] == ZOO_CHOSEN
    fourth = samples[3]
    assert fourth == Sample(
        id="coco_000000000004",
        image=tmp_path / "images" / "000000000004.jpg",
        mask=tmp_path / "masks" / "coco_000000000004.png",
        width=50,
        height=20,
        person_fraction=0.3,
        people=2,
        source="coco",
        licence="Attribution License http://creativecommons.org/licenses/by/2.0/",
        split=split_of("coco_000000000004"),
    )
    np.testing.assert_array_equal(read_labels(tmp_path / "masks" / "coco_000000000004.png"), block(300))


@pytest.mark.parametrize("changes", [{"license": 99}, {"license": None}, {"license": [4]}])
def test_a_licence_that_is_not_listed_is_not_stated(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = write_content(tmp_path / "instances.json", content([photo(1, **changes)], ONE))
    assert read_annotations(path).photos[1].licence == "not stated"


def test_both_years_give_a_photo_the_same_id_and_split(tmp_path: Path) -> None:
    older = photo(9, file_name="COCO_train2014_000000000009.jpg")
    both = [
        read_annotations(write_content(tmp_path / "instances.json", content([row], [person(9, box(0, 0, 25, 20))])))
        for row in (older, photo(9))
    ]
    assert {annotations.photos[9].id for annotations in both} == {"coco_000000000009"}


def spoil(path: Path, kind: str) -> None:
    if kind == "missing":
        path.unlink()
    elif kind == "cut":
        path.write_bytes(path.read_bytes()[:-60])
    elif kind == "small":
        PillowImage.new("RGB", (40, 20)).save(path)
    else:
        exif = PillowImage.Exif()
        exif[0x0112] = 3
        PillowImage.new("RGB", (50, 20)).save(path, exif=exif)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("missing", r"000000000002\.jpg does not exist"),
        ("cut", r"000000000002\.jpg is damaged"),
        ("small", r"000000000002\.jpg is 40×20, but the annotations say 50×20"),
        ("turned", r"000000000002\.jpg is turned by its EXIF orientation"),
    ],
)
def test_a_photo_that_does_not_fit_fails_alone(tmp_path: Path, kind: str, reason: str) -> None:
    spoil(write_photos(tmp_path / "images", zoo()) / "000000000002.jpg", kind)
    (failure,) = (outcome for outcome in samples_of(tmp_path, zoo()) if isinstance(outcome, Failure))
    assert failure.id == ZOO_CHOSEN[1]
    assert re.search(reason, failure.reason)
    assert sorted(path.stem for path in (tmp_path / "masks").iterdir()) == [ZOO_CHOSEN[0], *ZOO_CHOSEN[2:]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "breaks off or is no JSON"),
        (json.dumps(content([photo(1)], ONE))[:-40], "breaks off or is no JSON .*premature EOF.*; fetch the file anew"),
        (json.dumps(content([photo(1)], ONE)) + "}", "breaks off or is no JSON"),
        (json.dumps(content([photo(1)], [person(1, [[1, 1, 9, 1, 9, float("nan")]])])), "breaks off or is no JSON"),
        ("\xff", r"breaks off or is no JSON \(lexical error"),
        ("[1, 2]", "lacks images"),
        ("{}", "lacks images"),
        ('"text"', "lacks images"),
    ],
)
def test_a_file_that_is_no_whole_json_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "instances.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=rf"instances\.json {message}"):
        read_annotations(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.json cannot be read: No such file"):
        read_annotations(tmp_path / "gone.json")


@pytest.mark.parametrize("part", ["images", "annotations", "categories"])
@pytest.mark.parametrize("value", [None, [], {}, 3])
def test_a_missing_part_is_named(tmp_path: Path, part: str, value: object) -> None:
    path = write_content(tmp_path / "instances.json", content([photo(1)], ONE) | {part: value})
    with pytest.raises(DataError, match=rf"instances\.json lacks {part}"):
        read_annotations(path)


def without(row: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}


@pytest.mark.parametrize(
    ("photos", "message"),
    [
        ([photo(1), "photo"], r"images\[1\] cannot be 'photo'"),
        ([without(photo(1), "id")], r"images\[0\] lacks id"),
        ([without(photo(1), "file_name")], r"images\[0\] lacks file_name"),
        ([without(photo(1), "height")], r"images\[0\] lacks height"),
        ([photo(1, width="50")], r"images\[0\]\.width cannot be '50'; it has to be a whole number"),
        ([photo(1, width=50.5)], r"images\[0\]\.width cannot be 50\.5"),
        ([photo(1, height=True)], r"images\[0\]\.height cannot be True"),
        ([photo(1, height=0)], r"images\[0\]\.height cannot be 0; it has to be 1 to 12000"),
        ([photo(1, height=10**9)], r"images\[0\]\.height cannot be 1000000000"),
        ([photo(1, file_name=7)], r"images\[0\]\.file_name cannot be 7; it has to be text"),
        ([photo(1, file_name="")], r"images\[0\]\.file_name cannot be ''"),
        ([photo(1, file_name="../1.jpg")], r"images\[0\]\.file_name cannot be '\.\./1\.jpg'"),
        ([photo(1, file_name="/etc/1.jpg")], r"images\[0\]\.file_name cannot be"),
        ([photo(1, file_name="a\\1.jpg")], r"images\[0\]\.file_name cannot be"),
        ([photo(1, file_name="a\x001.jpg")], r"images\[0\]\.file_name cannot be"),
        ([photo(-1)], r"images\[0\]\.id cannot be -1"),
        ([photo(1), photo(1)], r"images\[1\]\.id cannot be 1; .* no other photo's"),
    ],
)
def test_a_field_of_a_photo_that_is_wrong_is_named(tmp_path: Path, photos: list[Any], message: str) -> None:
    path = write_content(tmp_path / "instances.json", content(photos, ONE))
    with pytest.raises(DataError, match=rf"instances\.json: {message}"):
        read_annotations(path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (7, r"annotations\[1\] cannot be 7"),
        (person(2, box(0, 0, 9, 9)), r"annotations\[1\]\.image_id is 2, but no photo of images has that id"),
        (person(2, box(0, 0, 9, 9), category_id=18), r"annotations\[1\]\.image_id is 2, but no photo"),
        (person("1", box(0, 0, 9, 9)), r"annotations\[1\]\.image_id cannot be '1'"),  # type: ignore[arg-type]
        (without(ONE[0], "image_id"), r"annotations\[1\] lacks image_id"),
        (without(ONE[0], "category_id"), r"annotations\[1\] lacks category_id"),
        (person(1, box(0, 0, 9, 9), category_id="person"), r"annotations\[1\]\.category_id cannot be 'person'"),
        (person(1, box(0, 0, 9, 9), iscrowd="no"), r"annotations\[1\]\.iscrowd cannot be 'no'; it has to be 0 or 1"),
        (without(ONE[0], "segmentation"), r"annotations\[1\]\.segmentation cannot be None"),
        (person(1, "a person"), r"annotations\[1\]\.segmentation cannot be 'a person'; it has to be polygons or runs"),
    ],
)
def test_a_field_of_an_annotation_that_is_wrong_is_named(tmp_path: Path, row: Any, message: str) -> None:
    path = write_content(tmp_path / "instances.json", content([photo(1)], [*ONE, row]))
    with pytest.raises(DataError, match=rf"instances\.json: {message}"):
        read_annotations(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"categories": [{"id": 1, "name": "human"}]}, "categories has none of the name 'person'"),
        ({"categories": [{"name": "person"}]}, r"categories\[0\] lacks id"),
        ({"categories": [{"id": 1}]}, r"categories\[0\] lacks name"),
        ({"licenses": [{"name": "mine"}]}, "licenses lacks id"),
    ],
)
def test_a_field_of_a_category_or_licence_that_is_wrong_is_named(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = write_content(tmp_path / "instances.json", content([photo(1)], ONE, **changes))
    with pytest.raises(DataError, match=rf"instances\.json: {message}"):
        read_annotations(path)


@pytest.mark.parametrize(
    ("name", "part", "year", "images"),
    [
        ("instances_train2014.json", None, None, "train2014"),
        ("instances_val2017.json", None, None, "val2017"),
        ("instances_val2017.json", "train", 2014, "train2014"),
        ("mine.json", None, 2017, "train2017"),
    ],
)
def test_photos_to_download_are_those_of_the_name(
    tmp_path: Path, name: str, part: str | None, year: int | None, images: str
) -> None:
    assert image_set(tmp_path / name, part, year) == images


def test_the_year_stands_in_the_file(tmp_path: Path) -> None:
    path = write_content(tmp_path / "instances_2014.json", content([photo(1)], ONE))
    assert image_set(path, None, None) == "train2017"


@pytest.mark.parametrize("info", [{"year": 2015}, {"year": "2017"}, {}, None, 3])
def test_an_unknown_year_is_named(tmp_path: Path, info: object) -> None:
    path = write_content(tmp_path / "instances.json", content([photo(1)], ONE, info=info))
    with pytest.raises(DataError, match=r"instances\.json: info\.year is .*name one with --year"):
        image_set(path, None, None)


def test_a_name_without_a_year_needs_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the name of .*instances\.json holds no year"):
        image_set(tmp_path / "instances.json", None, None)


def pack(path: Path, name: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(name, json.dumps(content([photo(1)], ONE)))
    return path


def test_the_wanted_annotations_are_unpacked(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.zip", "annotations/instances_val2017.json")
    unpack_annotations(archive, "val2017", tmp_path / "mine.json")
    assert len(read_annotations(tmp_path / "mine.json").photos) == 1


def test_a_damaged_archive_leaves_nothing(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.zip", "annotations/instances_val2017.json")
    with pytest.raises(DataError, match=r"a\.zip has no whole annotations/instances_train2017\.json"):
        unpack_annotations(archive, "train2017", tmp_path / "mine.json")
    data = bytearray(archive.read_bytes())
    data[len(data) // 3] ^= 255
    for spoilt in (bytes(data), b"<html>"):
        archive.write_bytes(spoilt)
        with pytest.raises(DataError, match=r"a\.zip has no whole"):
            unpack_annotations(archive, "val2017", tmp_path / "mine.json")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
