"""``cutaway data label``, with the tiny model as the teacher: what is bright is a person."""

import json
from pathlib import Path

import numpy as np
import pytest

from commands import Command, usage_error
from cutaway.data.index import read_index
from cutaway.data.masks import read_labels
from cutaway.training import checkpoint
from folders import write_people
from synthetic import draw_person, encode, person_mask


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """``anna`` and ``ben`` show somebody, ``fog`` is a wall of stripes that blur at small sizes, ``hall`` is empty."""
    folder = tmp_path / "photos"
    folder.mkdir()
    fog = np.full((96, 80, 3), 20, np.uint8)
    fog[::2] = 255
    fog[48:] = 255
    for name, image in (
        ("anna", draw_person()),
        ("ben", draw_person(120, 90)),
        ("fog", fog),
        ("hall", draw_person() // 4),
    ):
        (folder / f"{name}.png").write_bytes(encode(image))
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "selfies.jsonl"


@pytest.fixture
def order(photos: Path, out: Path, tiny_model_path: Path) -> list[str | Path]:
    sizes = ["--size", "64", "--size", "96", "--size", "160"]
    return ["data", "label", photos, "-o", out, "--model", tiny_model_path, *sizes, "--min-confidence", ".9"]


def test_photos_that_the_teacher_is_sure_of_become_an_index(
    cutaway_command: Command, order: list[str | Path], out: Path
) -> None:
    finished = cutaway_command(*order, "--licence", "CC0-1.0")
    assert (finished.code, finished.errors) == (0, [])
    kept = "2 photographs kept; 1 show nobody, of 1 the net is unsure, 0 failed"
    assert finished.out.decode() == f"{out}: {kept}\n"
    samples = read_index(out)
    assert [sample.id for sample in samples] == ["anna", "ben"]
    assert {(sample.split, sample.source, sample.licence) for sample in samples} == {
        ("train", "pseudo:tiny", "CC0-1.0")
    }
    for sample in samples:
        assert sample.mask
        labels, truth = read_labels(sample.mask), person_mask(sample.height, sample.width)
        np.testing.assert_array_equal(labels[labels != 255] == 1, truth[labels != 255])
        assert 0 < (labels == 255).mean() < 0.1


def test_json_counts_what_was_refused(
    cutaway_command: Command, order: list[str | Path], photos: Path, out: Path
) -> None:
    (photos / "torn.jpg").write_bytes(b"no photo")
    finished = cutaway_command(*order, "--json")
    assert finished.code == 1
    answer = json.loads(finished.out)
    assert [failure["id"] for failure in answer.pop("failed")] == ["torn"]
    assert answer == {"index": str(out), "photos": 2, "refused": {"nobody": 1, "unsure": 1}}
    assert len(finished.errors) == 1
    assert finished.errors[0].startswith("cutaway: torn: ")


def test_another_threshold_looks_at_no_photo_again(
    cutaway_command: Command, order: list[str | Path], out: Path
) -> None:
    assert cutaway_command(*order).code == 0
    before = (out.with_name("selfies-masks") / "anna.png").stat().st_mtime_ns
    assert cutaway_command(*order, "--min-confidence", "0", "--overwrite").code == 0
    assert [sample.id for sample in read_index(out)] == ["anna", "ben", "fog"]
    assert (out.with_name("selfies-masks") / "anna.png").stat().st_mtime_ns == before


def test_a_photo_whose_mask_was_lost_is_looked_at_again(
    cutaway_command: Command, order: list[str | Path], out: Path
) -> None:
    assert cutaway_command(*order).code == 0
    mask = out.with_name("selfies-masks") / "anna.png"
    drawn = mask.read_bytes()
    mask.unlink()
    assert cutaway_command(*order, "--overwrite").code == 0
    assert mask.read_bytes() == drawn


def test_what_was_cut_short_goes_on_to_the_same_index(
    cutaway_command: Command, order: list[str | Path], photos: Path, out: Path
) -> None:
    assert cutaway_command(*order).code == 0
    whole, ledger = out.read_bytes(), out.with_name("selfies-ledger.jsonl")
    lines = ledger.read_bytes()
    ledger.write_bytes(lines[: len(lines) // 2])  # inside a line
    out.unlink()
    (photos / "anna.png").write_bytes(encode(draw_person()))  # written anew, so done anew
    assert cutaway_command(*order).code == 0
    assert out.read_bytes() == whole


def test_nobody_to_be_sure_of_leaves_no_index(
    cutaway_command: Command, order: list[str | Path], photos: Path, out: Path
) -> None:
    for name in ("anna", "ben"):
        (photos / f"{name}.png").unlink()
    finished = cutaway_command(*order)
    assert finished.code == 3
    assert "of 2 photos 1 show nobody, of 1 the net is unsure, 0 failed; none is kept" in finished.errors[0]
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--size", "70"], "positive multiple of 32"),
        (["--min-confidence", "2"], "0<=x<=1"),
    ],
)
def test_wrong_usage(cutaway_command: Command, order: list[str | Path], options: list[str], message: str) -> None:
    finished = cutaway_command(*order, *options)
    assert finished.code == 2
    assert message in usage_error(finished.errors)


def test_an_index_is_kept_unless_it_may_be_overwritten(
    cutaway_command: Command, order: list[str | Path], out: Path
) -> None:
    out.write_text("precious")
    assert cutaway_command(*order).code == 2
    assert out.read_text() == "precious"


def test_a_net_is_trained_on_labelled_photos_beside_real_ones(
    cutaway_command: Command, order: list[str | Path], out: Path, tmp_path: Path
) -> None:
    assert cutaway_command(*order).code == 0
    people = write_people(tmp_path / "people", "tv")
    recipe = tmp_path / "student.toml"
    recipe.write_text(f"""
net = {{ name = "unet", overrides = {{ widths = [4, 8] }} }}
data = {{ persons = ["{people}", "{out}"] }}
fit = {{ rule = "letterbox", size = 32, multiple = 32 }}
optim = {{ steps = 1, batch_size = 3 }}
augment = {{ canvas = 40 }}
run = {{ precision = "32-true", accelerator = "cpu" }}
""")
    assert cutaway_command("train", recipe, "--out", tmp_path / "run").code == 0
    assert checkpoint.load(tmp_path / "run" / "best.pt")["person_iou"] >= 0
