import json
from pathlib import Path

import numpy as np
import pytest

from commands import Command, usage_error
from cutaway.data.index import read_index
from cutaway.data.masks import read_labels
from public_sets import WHO, save_labels, save_photo, write_ade20k, write_camvid, write_sbd, write_voc


def test_voc_becomes_an_index_with_masks_beside_it(cutaway_command: Command, tmp_path: Path) -> None:
    root, out = write_voc(tmp_path / "VOC2012"), tmp_path / "voc.jsonl"
    finished = cutaway_command("data", "voc", root, "-o", out, "--licence", "flickr")
    assert (finished.code, finished.errors) == (0, [])
    assert finished.out.decode() == f"{out}: 2 photographs, 2 with a person, 1 train, 1 val, 0 test; 1 left out\n"
    both, alone = read_index(out)
    assert (both.id, both.people, both.licence, both.person_fraction) == ("both", 2, "flickr", 3 / 8)
    assert (alone.id, alone.people, alone.split) == ("alone", 1, "val")
    assert both.mask == tmp_path / "voc-masks" / "both.png"
    np.testing.assert_array_equal(read_labels(both.mask), [[0, 1, 1, 255], [0, 1, 0, 0]])


def test_voc_takes_sbd_along(cutaway_command: Command, tmp_path: Path) -> None:
    root, out = write_voc(tmp_path / "VOC2012"), tmp_path / "voc.jsonl"
    save_photo(root / "JPEGImages" / "more.jpg")
    sbd = write_sbd(tmp_path / "sbd", "more", WHO % 255)
    assert cutaway_command("data", "voc", root, "-o", out, "--sbd", sbd).code == 0
    assert [(sample.id, sample.source) for sample in read_index(out)][-1] == ("more", "sbd")


def test_ade20k_keeps_photos_without_a_person_if_asked(cutaway_command: Command, tmp_path: Path) -> None:
    root, out = write_ade20k(tmp_path / "ade"), tmp_path / "ade.jsonl"
    finished = cutaway_command("data", "ade20k", root, "-o", out, "--all", "--json")
    assert json.loads(finished.out) == {
        "index": str(out), "photos": 2, "with_person": 1, "train": 1, "val": 1, "test": 0, "left_out": 0, "failed": []
    }  # fmt: skip
    _, hall = read_index(out)
    assert (hall.id, hall.mask, hall.people) == ("ADE_val_00000001", None, 0)


@pytest.mark.parametrize(("options", "fraction"), [([], 3 / 8), (["--bicyclists"], 5 / 8)])
def test_camvid_keeps_its_splits(cutaway_command: Command, tmp_path: Path, options: list[str], fraction: float) -> None:
    root, out = write_camvid(tmp_path / "CamVid"), tmp_path / "camvid.jsonl"
    assert cutaway_command("data", "camvid", root, "-o", out, *options).code == 0
    samples = read_index(out)
    assert [(sample.id, sample.split) for sample in samples] == [
        ("train_01", "train"),
        ("val_01", "val"),
        ("test_01", "test"),
    ]
    assert {sample.person_fraction for sample in samples} == {fraction}


def test_what_fails_is_named_in_a_line_each_and_the_rest_is_done(cutaway_command: Command, tmp_path: Path) -> None:
    root, out = write_voc(tmp_path / "VOC2012"), tmp_path / "voc.jsonl"
    (root / "JPEGImages" / "both.jpg").unlink()
    (root / "SegmentationClass" / "dog.png").write_text("no image")
    finished = cutaway_command("data", "voc", root, "-o", out, "--json")
    assert finished.code == 1
    missing, broken = finished.errors
    assert missing.startswith("cutaway: both: ")
    assert "both.jpg does not exist" in missing
    assert "dog.png cannot be read" in broken
    assert [row["id"] for row in json.loads(finished.out)["failed"]] == ["both", "dog"]
    assert [sample.id for sample in read_index(out)] == ["alone"]


def test_a_photo_of_another_size_than_its_labels_fails(cutaway_command: Command, tmp_path: Path) -> None:
    root, out = write_camvid(tmp_path / "CamVid"), tmp_path / "camvid.jsonl"
    save_labels(root / "valannot" / "val_01.png", np.full((3, 3), 9))
    finished = cutaway_command("data", "camvid", root, "-o", out)
    assert (finished.code, len(finished.errors)) == (1, 1)
    assert "val_01.png is 4×2, but its labels are 3×3" in finished.errors[0]


@pytest.mark.parametrize("name", ["voc", "ade20k", "camvid"])
def test_a_root_without_the_set_leaves_nothing_behind(cutaway_command: Command, tmp_path: Path, name: str) -> None:
    (tmp_path / "root").mkdir()
    finished = cutaway_command("data", name, tmp_path / "root", "-o", tmp_path / "index.jsonl")
    assert (finished.code, finished.out, len(finished.errors)) == (3, b"", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["root"]


def test_a_set_of_which_nothing_can_be_used_gives_no_index(cutaway_command: Command, tmp_path: Path) -> None:
    root, out = write_voc(tmp_path / "VOC2012"), tmp_path / "voc.jsonl"
    for photo in (root / "JPEGImages").iterdir():
        photo.unlink()
    finished = cutaway_command("data", "voc", root, "-o", out)
    assert finished.code == 3
    assert "none of 3 photos can be used" in finished.errors[-1]
    assert not out.exists()


def test_names_that_repeat_across_splits_leave_nothing_behind(cutaway_command: Command, tmp_path: Path) -> None:
    root = write_camvid(tmp_path / "CamVid")
    for folder in ("val", "valannot"):
        (root / folder / "val_01.png").rename(root / folder / "train_01.png")
    finished = cutaway_command("data", "camvid", root, "-o", tmp_path / "camvid.jsonl")
    assert (finished.code, len(finished.errors)) == (3, 1)
    assert "'train_01'" in finished.errors[0]
    assert [path.name for path in tmp_path.iterdir()] == ["CamVid"]


def test_an_index_is_kept_unless_it_may_be_overwritten(cutaway_command: Command, tmp_path: Path) -> None:
    root, out = write_camvid(tmp_path / "CamVid"), tmp_path / "camvid.jsonl"
    out.write_text("precious")
    finished = cutaway_command("data", "camvid", root, "-o", out)
    assert finished.code == 2
    assert "already exists" in usage_error(finished.errors)
    assert cutaway_command("data", "camvid", root, "-o", out, "--overwrite").code == 0
    assert cutaway_command("data", "camvid", root, "-o", out, "--overwrite").code == 0
    assert len(read_index(out)) == 3
