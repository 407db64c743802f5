import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from commands import Command, usage_error
from cutaway import imagefile
from cutaway.data.folder import load_samples, read_folder
from cutaway.data.index import read_index, split_of, write_index
from folders import write_people


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return write_people(tmp_path / "people", "ttvx")


@pytest.fixture
def index(people: Path) -> Path:
    write_index(people.parent / "people.jsonl", read_folder(people))
    return people.parent / "people.jsonl"


def test_stats_are_tables(cutaway_command: Command, index: Path) -> None:
    finished = cutaway_command("data", "stats", index)
    assert (finished.code, finished.errors) == (0, [])
    text = finished.out.decode()
    assert "4 photos, 4 with a person" in text
    assert ["ellipses", "2", "1", "1"] in [line.split() for line in text.splitlines()]


def test_stats_are_one_object_and_a_drawing(cutaway_command: Command, people: Path, tmp_path: Path) -> None:
    plot = tmp_path / "stats.png"
    finished = cutaway_command("data", "stats", people, "--json", "--plot", plot, "--split", "train")
    stats = json.loads(finished.out)
    assert (stats["photos"], stats["sources"]) == (2, {"ellipses": {"train": 2, "val": 0, "test": 0}})
    assert imagefile.read(plot).image.size
    assert cutaway_command("data", "stats", people, "--plot", plot).code == 2
    refused = cutaway_command("data", "stats", people, "--plot", tmp_path / "stats.svg")
    assert (refused.code, "does not end in .png" in usage_error(refused.errors)) == (2, True)


@pytest.mark.parametrize("name", ["sheet.png", "sheet.jpg"])
def test_preview_is_a_picture(cutaway_command: Command, index: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    finished = cutaway_command("data", "preview", index, "-o", out, "--count", "3")
    assert (finished.code, finished.out.decode()) == (0, f"{out}: 3 photos\n")
    height, width = imagefile.read(out).image.shape[:2]
    assert width > 2 * height


def test_preview_shows_the_rest_where_a_photo_fails(cutaway_command: Command, index: Path, tmp_path: Path) -> None:
    (tmp_path / "people" / "images" / "person_01.png").unlink()
    finished = cutaway_command("data", "preview", index, "-o", tmp_path / "sheet.png")
    assert (finished.code, len(finished.errors)) == (1, 1)
    assert finished.errors[0].startswith("cutaway: person_01: ")
    assert finished.out.decode().endswith(": 3 photos\n")


def test_preview_refuses_a_file_that_it_cannot_write_before_it_reads(cutaway_command: Command, tmp_path: Path) -> None:
    finished = cutaway_command("data", "preview", tmp_path / "nothing.jsonl", "-o", tmp_path / "sheet.txt")
    assert finished.code == 2
    assert "does not end in a format" in usage_error(finished.errors)


def test_split_depends_on_the_id_alone(cutaway_command: Command, index: Path, tmp_path: Path) -> None:
    out = tmp_path / "split.jsonl"
    finished = cutaway_command("data", "split", index, "-o", out, "--json")
    before, after = read_index(index), read_index(out)
    assert [sample.split for sample in after] == [split_of(sample.id) for sample in before]
    moved = sum(old.split != new.split for old, new in zip(before, after, strict=True))
    report = json.loads(finished.out)
    assert (report["photos"], report["moved"], report["train"] + report["val"] + report["test"]) == (4, moved, 4)
    assert all(sample.image.exists() for sample in after)


def test_split_makes_one_index_of_several(cutaway_command: Command, index: Path, tmp_path: Path) -> None:
    write_people(tmp_path / "more", "tt")
    for number in range(2):
        for folder, suffix in (("images", "png"), ("masks", "png")):
            path = tmp_path / "more" / folder / f"person_0{number}.{suffix}"
            path.rename(path.with_stem(f"more_{number}"))
    (tmp_path / "more" / "index.csv").unlink()
    out = tmp_path / "all.jsonl"
    assert cutaway_command("data", "split", index, tmp_path / "more", "-o", out).code == 0
    assert [sample.id for sample in read_index(out)][-3:] == ["person_03", "more_0", "more_1"]
    twice = cutaway_command("data", "split", index, index, "-o", tmp_path / "twice.jsonl")
    assert twice.code == 3
    assert "the id 'person_00' is there more than once" in twice.errors[0]


def test_packed_photos_are_read_in_place_of_the_folder(cutaway_command: Command, people: Path, tmp_path: Path) -> None:
    out = tmp_path / "shards"
    finished = cutaway_command("data", "pack", people, "-o", out, "--split", "train", "--json")
    report = json.loads(finished.out)
    shard = out / "train-0000.tar"
    assert report == {"shards": [str(shard)], "photos": 2, "bytes": shard.stat().st_size, "failed": []}
    assert [sample.id for sample in load_samples(out)] == ["person_00", "person_01"]
    assert json.loads(cutaway_command("data", "stats", out, "--json").out)["photos"] == 2


def test_packing_names_what_fails_and_packs_the_rest(cutaway_command: Command, index: Path, tmp_path: Path) -> None:
    (tmp_path / "people" / "masks" / "person_02.png").write_text("no mask")
    finished = cutaway_command("data", "pack", index, "-o", tmp_path / "shards")
    assert (finished.code, len(finished.errors)) == (1, 1)
    assert finished.errors[0].startswith("cutaway: person_02: the mask ")
    assert b": 3 photos in 2 shards, " in finished.out


def test_packing_never_replaces_a_folder_of_other_things(cutaway_command: Command, people: Path) -> None:
    finished = cutaway_command("data", "pack", people, "-o", people, "--overwrite")
    assert finished.code == 2
    assert "holds other files than shards" in usage_error(finished.errors)
    assert len(read_folder(people)) == 4


def test_evaluation_scores_shards_as_it_does_the_folder(
    cutaway_command: Command, people: Path, tiny_model_path: Path, tmp_path: Path
) -> None:
    for photo in (people / "images").iterdir():
        with PillowImage.open(photo) as file:
            file.save(photo.with_suffix(".jpg"), quality=95)
        photo.unlink()
    assert cutaway_command("data", "pack", people, "-o", tmp_path / "shards").code == 0
    scores = []
    for data in (people, tmp_path / "shards"):
        report = tmp_path / "report.html"
        finished = cutaway_command(
            "evaluate", tiny_model_path, "--data", data, "--json", "--report", report, "--overwrite"
        )
        assert (finished.code, finished.errors) == (0, [])
        (row,) = json.loads(finished.out)["models"][0]["photos"]
        scores.append(row["scores"])
    assert scores[0] == scores[1] is not None


def copy_photo(people: Path, stem: str, copy: str, split: str) -> None:
    """Save a smaller version of a photo under another name, in another split."""
    for folder in ("images", "masks"):
        with PillowImage.open(people / folder / f"{stem}.png") as file:
            file.resize((60, 60)).save(people / folder / f"{copy}.png")
    with (people / "index.csv").open("a") as table:
        table.write(f"ellipses,{copy},{split}\n")


def draw_scenes(people: Path) -> None:
    """Give each photo another content: ellipses before a wall are alike to a fingerprint."""
    for number, photo in enumerate(sorted((people / "images").iterdir())):
        spots = np.random.default_rng(number).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        PillowImage.fromarray(spots).resize((64, 64)).save(photo)


def test_copies_in_two_splits_are_told_and_can_be_left_out(
    cutaway_command: Command, people: Path, tmp_path: Path
) -> None:
    draw_scenes(people)
    clean = cutaway_command("data", "copies", people, "--json")
    assert (clean.code, json.loads(clean.out)["pairs"]) == (0, [])
    copy_photo(people, "person_00", "beside", "train")
    within = cutaway_command("data", "copies", people)
    assert within.code == 0
    assert within.out.decode().endswith("5 photos; pairs: 1, of them in two splits: 0\n")
    copy_photo(people, "person_01", "leak", "test")
    out = tmp_path / "clean.jsonl"
    crossing = cutaway_command("data", "copies", people, "--json", "-o", out)
    assert crossing.code == 1
    report = json.loads(crossing.out)
    assert (report["photos"], report["crossing"]) == (6, 1)
    (leak,) = [pair for pair in report["pairs"] if pair["crosses"]]
    assert (leak["first"]["id"], leak["second"]["id"], leak["how"]) == ("person_01", "leak", "copy")
    assert {sample.id for sample in read_index(out)} == {"person_00", "person_02", "person_03", "beside", "leak"}
    assert cutaway_command("data", "copies", out).code == 0


def test_an_id_in_two_splits_is_told(cutaway_command: Command, people: Path, tmp_path: Path) -> None:
    draw_scenes(people)
    write_index(tmp_path / "one.jsonl", read_folder(people))
    cutaway_command("data", "split", people, "-o", tmp_path / "other.jsonl")
    finished = cutaway_command("data", "copies", tmp_path / "one.jsonl", tmp_path / "other.jsonl", "--json")
    report = json.loads(finished.out)
    assert len(report["pairs"]) == 4
    assert finished.code == int(report["crossing"] > 0) == 1


def test_a_photo_that_cannot_be_compared_is_told(cutaway_command: Command, index: Path, tmp_path: Path) -> None:
    draw_scenes(tmp_path / "people")
    (tmp_path / "people" / "images" / "person_00.png").write_text("no photo")
    finished = cutaway_command("data", "copies", index, "--json")
    assert (finished.code, len(finished.errors)) == (1, 1)
    report = json.loads(finished.out)
    assert (report["photos"], [row["id"] for row in report["failed"]]) == (3, ["person_00"])


def test_photos_that_are_all_gone_give_no_index_without_copies(
    cutaway_command: Command, index: Path, tmp_path: Path
) -> None:
    for photo in (tmp_path / "people" / "images").iterdir():
        photo.unlink()
    finished = cutaway_command("data", "copies", index, "-o", tmp_path / "clean.jsonl", "--json")
    assert (finished.code, finished.out, len(finished.errors)) == (3, b"", 5)
    assert "none of 4 photos can be read" in finished.errors[-1]
    assert not (tmp_path / "clean.jsonl").exists()


@pytest.mark.parametrize("name", ["stats", "copies"])
def test_data_that_are_not_there_are_one_line(cutaway_command: Command, tmp_path: Path, name: str) -> None:
    finished = cutaway_command("data", name, tmp_path / "nothing")
    assert (finished.code, finished.out, len(finished.errors)) == (3, b"", 1)


@pytest.mark.parametrize(
    "arguments",
    [["stats"], ["preview", "a"], ["split", "a"], ["pack", "a", "-o", "b", "--size-mb", "0"], ["copies"]],
)
def test_wrong_usage(cutaway_command: Command, arguments: list[str]) -> None:
    assert cutaway_command("data", *arguments).code == 2


def test_close_ups_are_of_small_people_and_stay_in_their_split(cutaway_command: Command, tmp_path: Path) -> None:
    people = write_people(tmp_path / "streets", "tv", side=300)
    for name in ("images", "masks"):  # person_00 becomes small in a larger frame
        path = people / name / "person_00.png"
        with PillowImage.open(path) as picture:
            frame = PillowImage.new(picture.mode, (900, 700))
            frame.paste(picture, (40, 90))
        frame.save(path)
    out = tmp_path / "close.jsonl"
    finished = cutaway_command("data", "close-ups", people, "-o", out, "--each", "3", "--json")
    counts = json.loads(finished.out)
    assert (finished.code, counts["photos"], counts["small"], counts["close_ups"]) == (0, 2, 1, 3)
    samples = read_index(out)
    assert {sample.split for sample in samples} == {"train"}
    assert all(sample.image.parent == tmp_path / "close-photos" for sample in samples)
    assert cutaway_command("data", "close-ups", people, "-o", out).code == 2  # it is there


def test_photos_too_small_for_a_close_up_write_nothing(cutaway_command: Command, people: Path, tmp_path: Path) -> None:
    finished = cutaway_command("data", "close-ups", people, "-o", tmp_path / "close.jsonl")
    assert finished.code == 3
    assert "no close-up came of" in finished.errors[0]
    assert not (tmp_path / "close.jsonl").exists()
