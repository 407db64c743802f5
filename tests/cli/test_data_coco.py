import http.server
import json
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from coco_files import ZOO_CHOSEN, ZOO_COUNTS, box, content, person, photo, write_content, write_photos, zoo
from commands import Command, usage_error
from cutaway.data.index import read_index, split_of
from cutaway.data.masks import read_mask


@pytest.fixture
def annotations(tmp_path: Path) -> Path:
    return write_content(tmp_path / "instances_train2017.json", zoo())


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_photos(tmp_path / "train2017", zoo())


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "index.jsonl"


def test_photos_masks_and_counts(cutaway_command: Command, annotations: Path, images: Path, out: Path) -> None:
    finished = cutaway_command("data", "coco", annotations, images, "-o", out)
    assert (finished.code, finished.errors) == (0, [])
    rows = [line.split() for line in finished.out.decode().splitlines()]
    assert [row[-2:] for row in rows if row[-1:] and row[-1].isdigit()][-3:] == [["16", "2"], ["11", "5"], ["8", "3"]]
    assert "broken outlines of people passed over: 5, the first annotations[8]" in finished.out.decode()
    assert "index.jsonl: 8 photographs, " in finished.out.decode()
    samples = read_index(out)
    assert [sample.id for sample in samples] == ZOO_CHOSEN
    for sample in samples:
        assert sample.mask is not None
        assert read_mask(sample.mask).mean() == pytest.approx(sample.person_fraction)


def test_json_is_one_object_in_the_order_of_the_funnel(
    cutaway_command: Command, annotations: Path, images: Path, out: Path
) -> None:
    finished = cutaway_command("data", "coco", annotations, images, "-o", out, "--json")
    assert finished.errors == []
    answer = json.loads(finished.out)
    assert list(answer.items())[:4] == list(ZOO_COUNTS.items())
    assert sum(answer[split] for split in ("train", "val", "test")) == 8
    assert answer["index"] == str(out)
    assert answer["failed"] == []
    assert answer["annotations_passed_over"] == {"broken": 5, "empty": 2}
    assert answer["rules"] == {"max_people": 2, "min_share": 0.2, "max_share": 0.7, "min_person_share": 0.0}


def test_options_are_the_rules(cutaway_command: Command, annotations: Path, images: Path, out: Path) -> None:
    rules = ("--max-people", "1", "--min-share", ".199", "--max-share", "701/1000", "--min-person-share", "0.01")
    finished = cutaway_command("data", "coco", annotations, images, "-o", out, "--json", *rules, "--source", "mine")
    answer = json.loads(finished.out)
    assert (answer["few_people"], answer["share_in_range"]) == (9, 9)
    assert {sample.source for sample in read_index(out)} == {"mine"}


def test_the_funnel_is_drawn(
    cutaway_command: Command, annotations: Path, images: Path, out: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "funnel.png"
    assert cutaway_command("data", "coco", annotations, images, "-o", out, "--funnel", picture).code == 0
    with PillowImage.open(picture) as file:
        assert len(np.unique(np.asarray(file.convert("L")))) > 2


def test_photos_that_fail_are_named_and_the_rest_is_done(
    cutaway_command: Command, annotations: Path, images: Path, out: Path
) -> None:
    (images / "000000000001.jpg").unlink()
    PillowImage.new("RGB", (20, 50)).save(images / "000000000002.jpg")
    finished = cutaway_command("data", "coco", annotations, images, "-o", out, "--json")
    assert finished.code == 1
    assert [line.partition(": ")[2].partition(": ")[0] for line in finished.errors] == ZOO_CHOSEN[:2]
    assert "does not exist" in finished.errors[0]
    assert "is 20×50, but the annotations say 50×20" in finished.errors[1]
    assert [sample.id for sample in read_index(out)] == ZOO_CHOSEN[2:]
    assert [failure["id"] for failure in json.loads(finished.out)["failed"]] == ZOO_CHOSEN[:2]


def test_nothing_is_written_where_no_photo_can_be_used(
    cutaway_command: Command, annotations: Path, tmp_path: Path, out: Path
) -> None:
    finished = cutaway_command("data", "coco", annotations, tmp_path / "nowhere", "-o", out)
    assert finished.code == 3
    assert len(finished.errors) == 9
    assert "none of 8 chosen photos can be used" in finished.errors[-1]
    assert list(tmp_path.iterdir()) == [annotations]


def test_nothing_is_written_where_no_photo_is_left(
    cutaway_command: Command, annotations: Path, images: Path, tmp_path: Path, out: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    finished = cutaway_command("data", "coco", annotations, images, "-o", out, "--min-share", ".6", "--max-share", ".6")
    assert (finished.code, finished.out) == (3, b"")
    (line,) = finished.errors
    assert "(photos: 18, with a person: 16, 1 to 2 people: 11, 60 to 60 % person: 0); loosen" in line
    assert sorted(tmp_path.rglob("*")) == before


def test_annotations_that_are_wrong_are_one_line(
    cutaway_command: Command, annotations: Path, images: Path, tmp_path: Path, out: Path
) -> None:
    annotations.write_bytes(annotations.read_bytes()[:-100])
    before = sorted(tmp_path.rglob("*"))
    finished = cutaway_command("data", "coco", annotations, images, "-o", out, "--json")
    assert (finished.code, finished.out) == (3, b"")
    (line,) = finished.errors
    assert "instances_train2017.json breaks off" in line
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--min-share", "20%"], "'20%' is no share; write one as .25 or 1/4"),
        (["--min-share", "1/0"], "'1/0' is no share"),
        (["--min-share", "nan"], "'nan' is no share"),
        (["--min-share", "20"], "no share lies in 20 to 0.7"),
        (["--min-share", ".8"], "no share lies in 0.8 to 0.7"),
        (["--max-people", "0"], "Invalid value for '--max-people'"),
        (["--year", "2015"], "'2015' is not one of '2014', '2017'"),
        (["--url", "file:///etc"], "begins with neither http:// nor https://"),
        (["--funnel", "nowhere/funnel.png"], "make it first"),
        (["--funnel", "funnel.svg"], "funnel.svg does not end in .png"),
    ],
)
def test_wrong_usage(
    cutaway_command: Command, annotations: Path, images: Path, out: Path, options: list[str], message: str
) -> None:
    finished = cutaway_command("data", "coco", annotations, images, "-o", out, *options)
    assert finished.code == 2
    assert message in usage_error(finished.errors)
    assert not out.exists()


def test_an_index_is_kept_unless_it_may_be_overwritten(
    cutaway_command: Command, annotations: Path, images: Path, out: Path
) -> None:
    out.write_text("precious")
    finished = cutaway_command("data", "coco", annotations, images, "-o", out)
    assert finished.code == 2
    assert "already exists" in usage_error(finished.errors)
    assert out.read_text() == "precious"
    assert cutaway_command("data", "coco", annotations, images, "-o", out, "--overwrite").code == 0
    assert len(read_index(out)) == 8


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def coco_server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """An address like COCO's with both parts of 2017, and the folder behind it."""
    root = tmp_path / "web"
    (root / "annotations").mkdir(parents=True)
    files: dict[str, dict[str, Any]] = {
        "train2017": zoo(),
        "val2017": content([photo(7)], [person(7, box(0, 0, 25, 20))]),
    }
    with zipfile.ZipFile(root / "annotations" / "annotations_trainval2017.zip", "w") as packed:
        for name, parts in files.items():
            write_photos(root / name, parts)
            packed.writestr(f"annotations/instances_{name}.json", json.dumps(parts))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=root)) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", root
        server.shutdown()


def test_annotations_and_chosen_photos_are_fetched(
    cutaway_command: Command, coco_server: tuple[str, Path], tmp_path: Path, out: Path
) -> None:
    annotations, images = tmp_path / "instances_train2017.json", tmp_path / "photos"
    finished = cutaway_command(
        "data", "coco", annotations, images, "-o", out, "--download", "--url", coco_server[0] + "/"
    )
    assert (finished.code, finished.errors) == (0, [])
    assert [sample.id for sample in read_index(out)] == ZOO_CHOSEN
    assert sorted(path.name for path in images.iterdir()) == [f"{number:012}.jpg" for number in range(1, 9)]


def test_the_other_part_is_fetched_by_its_name(
    cutaway_command: Command, coco_server: tuple[str, Path], tmp_path: Path, out: Path
) -> None:
    options = ("-o", out, "--download", "--url", coco_server[0])
    assert cutaway_command("data", "coco", tmp_path / "instances_val2017.json", tmp_path / "v", *options).code == 0
    assert [sample.id for sample in read_index(out)] == ["coco_000000000007"]


def test_photos_that_are_there_are_not_fetched(
    cutaway_command: Command, coco_server: tuple[str, Path], annotations: Path, images: Path, out: Path
) -> None:
    (images / "000000000003.jpg").unlink()
    for path in (coco_server[1] / "train2017").iterdir():
        if path.name != "000000000003.jpg":
            path.unlink()
    finished = cutaway_command("data", "coco", annotations, images, "-o", out, "--download", "--url", coco_server[0])
    assert finished.code == 0
    assert (images / "000000000003.jpg").exists()


def test_photos_that_do_not_arrive_are_named_once(
    cutaway_command: Command, coco_server: tuple[str, Path], annotations: Path, tmp_path: Path, out: Path
) -> None:
    (coco_server[1] / "train2017" / "000000000003.jpg").unlink()
    url = coco_server[0]
    finished = cutaway_command(
        "data", "coco", annotations, tmp_path / "photos", "-o", out, "--download", "--url", url, "--json"
    )
    assert finished.code == 1
    (line,) = finished.errors
    assert line.startswith(f"cutaway: coco_000000000003: {url}/train2017/000000000003.jpg gives 404 ")
    assert [failure["id"] for failure in json.loads(finished.out)["failed"]] == ["coco_000000000003"]
    assert len(read_index(out)) == 7


def test_annotations_that_do_not_arrive_are_one_line(
    cutaway_command: Command, coco_server: tuple[str, Path], tmp_path: Path, out: Path
) -> None:
    annotations = tmp_path / "instances_train2014.json"
    finished = cutaway_command("data", "coco", annotations, tmp_path, "-o", out, "--download", "--url", coco_server[0])
    assert finished.code == 3
    (line,) = finished.errors
    assert "annotations_trainval2014.zip gives 404" in line
    assert not annotations.exists()


def test_an_unknown_year_matters_to_downloads_alone(
    cutaway_command: Command, coco_server: tuple[str, Path], images: Path, tmp_path: Path, out: Path
) -> None:
    odd = write_content(tmp_path / "instances_train.json", zoo() | {"info": {"year": 2015}})
    assert cutaway_command("data", "coco", odd, images, "-o", out).code == 0
    again = ("data", "coco", odd, tmp_path / "photos", "-o", out, "--overwrite", "--download", "--url", coco_server[0])
    finished = cutaway_command(*again)
    assert finished.code == 3
    (line,) = finished.errors
    assert "instances_train.json: info.year is 2015" in line
    assert cutaway_command(*again, "--year", "2017").code == 0


def test_the_split_is_that_of_the_id(cutaway_command: Command, annotations: Path, images: Path, out: Path) -> None:
    cutaway_command("data", "coco", annotations, images, "-o", out)
    assert [sample.split for sample in read_index(out)] == [split_of(name) for name in ZOO_CHOSEN]
