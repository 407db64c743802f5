import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image as PillowImage
from typer.testing import CliRunner, Result

from cutaway.cli.evaluate import evaluate
from cutaway.cli.scoring import score_models
from cutaway.cutout import Cutout
from cutaway.data.folder import load_samples
from cutaway.errors import ImageError, ModelError
from cutaway.evaluation.cost import Cost
from cutaway.geometry import Fit

Run = Callable[..., Result]

SETS = ("ccp", "coco_val_single")


@dataclass(frozen=True)
class PaleRemover:
    """Stands where ``Remover`` stands: takes what is pale for the person; knows every model but ``broken``."""

    model: str
    refine: str
    threads: int | None

    def __post_init__(self) -> None:
        if self.model == "broken":
            raise ModelError("the model 'broken' is damaged")

    def remove(self, photo: Path) -> Cutout:
        try:
            with PillowImage.open(photo) as file:
                image = np.asarray(file.convert("RGB"))
        except OSError as error:
            raise ImageError(f"{photo.name} is no image") from error
        alpha = (image[..., 0] > 128).astype(np.float32)
        alpha[15:] *= "blobby" not in self.model
        return Cutout(image, alpha, 1.0, bool(alpha.any()))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of four test photos in two sets; the answer to ``p3`` will be half of the truth."""
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    rows = ["set,stem,split"]
    for number in range(4):
        mask = np.zeros((40, 40), np.bool_)
        mask[10:30, 10:30] = True
        PillowImage.fromarray(mask).save(tmp_path / "masks" / f"p{number}.png")
        mask[20:] &= number != 3
        PillowImage.fromarray(mask * np.uint8(200)).convert("RGB").save(tmp_path / "images" / f"p{number}.png")
        rows.append(f"{('ccp', 'coco_val_single')[number % 2]},p{number},test")
    (tmp_path / "index.csv").write_text("\n".join(rows))
    return tmp_path


def ten_milliseconds(model: str, threads: int | None) -> Cost:
    """Stand where ``measure_cost`` stands."""
    if model == "broken":
        raise ModelError("the model 'broken' is damaged")
    return Cost(134_270_278, 537_000_000, Fit("squash", 224, 32), 21.2, 10.4, threads or 16)


@pytest.fixture
def run(data: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("cutaway.cli.scoring.Remover", PaleRemover)
    monkeypatch.setattr("cutaway.cli.scoring.measure_cost", ten_milliseconds)
    monkeypatch.setenv("COLUMNS", "80")
    app = typer.Typer()
    app.command()(evaluate)
    return lambda *arguments: CliRunner().invoke(app, [*map(str, arguments), "--data", str(data)])


def test_the_table_fits_a_terminal_of_80_columns(run: Run) -> None:
    result = run("portrait")
    assert result.exit_code == 0
    total = next(line for line in result.stdout.splitlines() if line.startswith("all"))
    assert total.split()[1:5] == ["4", ".875", "1.000", ".250"]
    assert "…" not in result.stdout


def test_intervals_stand_below_the_scores_of_each_set(run: Run) -> None:
    rows = [
        line for line in run("portrait").stdout.partition("95 % intervals")[2].splitlines() if line.startswith("all")
    ]
    assert [row.split() for row in rows] == [["all", "4", ".875", ".625–1.000", *rows[0].split()[4:]]]


def test_the_cost_is_stated(run: Run) -> None:
    stated = " ".join(run("portrait", "--threads", 2).stdout.split())
    assert "134 M parameters, 537 MB; squash 224×224: 21.2 GMAC, 10.4 ms (2 threads)" in stated


@pytest.mark.usefixtures("run")
def test_a_closed_standard_error_stops_nothing(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    (result,) = score_models(["portrait"], "none", load_samples(data, "test"))
    assert len(result.evaluation.rows) == 4


def test_several_models_are_compared_before_all_else_in_80_columns(run: Run) -> None:
    lines = run("portrait", "runs/fc-densenet103-blobby.onnx", "other").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    assert lines[0].strip() == "The models compared"
    assert lines[5].split()[0] == "portrait"
    assert lines[6].split() == ["squash", "224×224", "134", "M", "21.2", "10.4", "537", *lines[6].split()[7:]]
    said = " ".join(" ".join(lines).split())
    assert "ms of the network alone, 16 threads" in said
    assert "fc-densenet103-blobby against portrait, on the same 4 photos: person IoU worse by ." in said
    assert "other against portrait, on the same 4 photos: person IoU undecided" in said
    assert "runs/fc-densenet103-blobby.onnx: difference to portrait" in said


def test_one_model_is_compared_with_none(run: Run) -> None:
    text = run("portrait").stdout
    assert "compared" not in text
    assert "difference" not in text


def test_a_checkpoint_is_refused_with_the_way_to_weights(run: Run) -> None:
    result = run("portrait", "runs/unet/best.pt")
    assert result.exit_code == 2
    said = " ".join(result.stderr.replace("│", " ").split())
    assert "runs/unet/best.pt is a checkpoint; export it first" in said
    assert "cutaway export runs/unet/best.pt -o runs/unet/best.onnx" in said
    spaced = " ".join(run("my runs/best.pt").stderr.replace("│", " ").split())
    assert "cutaway export 'my runs/best.pt' -o 'my runs/best.onnx'" in spaced


def test_json_is_all_there_is_on_standard_output(run: Run) -> None:
    result = run("portrait", "other", "--json")
    models = json.loads(result.stdout)["models"]
    assert [model["model"] for model in models] == ["portrait", "other"]
    assert [model["cost"]["gmac"] for model in models] == [21.2, 21.2]
    assert models[1]["difference_to_first"][-1]["person_iou"] == {"mean": 0.0, "interval": [0.0, 0.0]}
    assert [(summary["source"], summary["n"]) for summary in models[0]["sets"]] == [
        ("ccp", 2),
        ("coco_val_single", 2),
        ("all", 4),
    ]


def test_limit_scores_fewer_photos_of_every_set(run: Run) -> None:
    photos = json.loads(run("portrait", "--json", "--limit", 2).stdout)["models"][0]["photos"]
    assert [photo["id"] for photo in photos] == ["p0", "p2"]


def test_a_failed_photo_is_one_line_on_standard_error_and_exit_code_1(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove = PaleRemover.remove

    def refuse_one(self: PaleRemover, photo: Path) -> Cutout:
        if photo.stem == "p1":
            raise ImageError("p1.png is no image")
        return remove(self, photo)

    monkeypatch.setattr(PaleRemover, "remove", refuse_one)
    result = run("portrait", "--report", data / "report.html")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == ["cutaway: p1: p1.png is no image"]
    assert "portrait: 1 of 4 photos failed" in result.stdout
    assert "p1.png is no image" in (data / "report.html").read_text(encoding="utf-8")


def test_the_report_is_written_and_then_kept(run: Run, data: Path) -> None:
    report = data / "report.html"
    assert run("portrait", "--report", report, "--worst", 1).exit_code == 0
    text = report.read_text(encoding="utf-8")
    assert 'data-id="p3"' in text
    assert 'data-id="p0"' not in text

    assert run("portrait", "--report", report).exit_code == 2
    assert report.read_text(encoding="utf-8") == text
    assert run("portrait", "--report", report, "--overwrite").exit_code == 0
    assert 'data-id="p0"' in report.read_text(encoding="utf-8")


@pytest.mark.parametrize("report", ["nowhere/report.html", "images"])
def test_a_report_that_cannot_be_written_is_refused_before_the_work(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch, report: str
) -> None:
    monkeypatch.delattr(PaleRemover, "remove")
    result = run("portrait", "--report", data / report, "--overwrite")
    assert result.exit_code == 2
    assert result.stdout == ""


def test_a_report_in_a_folder_that_takes_no_files_is_refused_before_the_work(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(PaleRemover, "remove")
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != data or not mode & os.W_OK)
    result = run("portrait", "--report", data / "report.html")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "takes no files" in " ".join(result.stderr.replace("│", " ").split())


def test_a_name_that_is_no_text_stands_in_the_report(run: Run, data: Path) -> None:
    assert run("caf\udce9.onnx", "--json", "--report", data / "report.html").exit_code == 0
    assert r"caf\udce9.onnx" in (data / "report.html").read_text(encoding="utf-8")


def test_masks_of_other_splits_are_not_read(run: Run, data: Path) -> None:
    table = data / "index.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("p1,test", "p1,train"), encoding="utf-8")
    (data / "masks" / "p1.png").unlink()
    assert run("portrait").exit_code == 0


def test_every_model_is_loaded_before_the_first_is_scored(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(PaleRemover, "remove")
    assert isinstance(run("portrait", "broken").exception, ModelError)


def test_an_unknown_split_is_wrong_usage(run: Run) -> None:
    assert run("portrait", "--split", "tset").exit_code == 2
