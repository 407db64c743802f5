"""``cutaway export``; that what it writes is right is shown in tests/training/test_export.py."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import onnx
import pytest
from torch import nn

from commands import Command, usage_error
from cutaway.geometry import Fit
from cutaway.runtime import Runtime
from cutaway.training import checkpoint
from cutaway.training import export as exporter
from cutaway.training.config import DataConfig, NetConfig, OptimConfig, Recipe
from cutaway.training.network import build_net

CARD = """
name = "tiny"
version = "3"
licence = "Apache-2.0"

[scores]
all = 0.25

[[training_data]]
name = "ellipses"
photos = 8
terms = "none stated"
"""


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """The best.pt of a run with a U-Net of two levels."""
    net = NetConfig("unet", overrides={"widths": [4, 8]})
    recipe = Recipe(net, DataConfig(("people",)), Fit("letterbox", 64, 32), OptimConfig(steps=1))
    path = tmp_path / "best.pt"
    checkpoint.save({"recipe": asdict(recipe), "step": 1, "net": build_net(net).state_dict()}, path)
    return path


@pytest.fixture
def no_tracing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for tracing and the check against torch, which are slow: weights that hand red on as alpha."""

    def red(_net: nn.Module, _fit: Fit) -> onnx.ModelProto:
        axes = [onnx.helper.make_tensor(name, onnx.TensorProto.INT64, [1], [value]) for name, value in LIMITS.items()]
        node = onnx.helper.make_node("Slice", ["image", *LIMITS], ["alpha"])
        ports = [
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", channels, "h", "w"])
            for name, channels in (("image", 3), ("alpha", 1))
        ]
        graph = onnx.helper.make_graph([node], "red", ports[:1], ports[1:], axes)
        return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)

    monkeypatch.setattr(exporter, "to_onnx", red)
    monkeypatch.setattr(exporter, "parity", lambda *_: 1.5e-6)


LIMITS: dict[str, Any] = {"first": 0, "last": 1, "axis": 1}


@pytest.mark.usefixtures("no_tracing")
def test_weights_are_written_and_described(cutaway_command: Command, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.onnx"
    finished = cutaway_command("export", trained, "-o", out)
    assert (finished.code, finished.errors) == (0, [])
    first, second = finished.out.decode().splitlines()
    assert first.startswith(f"{out}: 0.00 MB, ")
    assert second == "largest difference from torch: 1.5e-06"
    card = Runtime(out, threads=1).manifest
    assert (card.name, card.licence, card.training_data) == ("mine", "not stated", ())
    assert card.fit == Fit("letterbox", 64, 32)


@pytest.mark.usefixtures("no_tracing")
def test_the_card_and_the_size_go_into_the_manifest(cutaway_command: Command, trained: Path, tmp_path: Path) -> None:
    out, card = tmp_path / "mine.onnx", tmp_path / "card.toml"
    card.write_text(CARD)
    assert cutaway_command("export", trained, "-o", out, "--card", card, "--size", "96", "--half").code == 0
    inside = Runtime(out, threads=1).manifest
    assert (inside.name, inside.version, inside.scores) == ("tiny", "3", {"all": 0.25})
    assert [(item.name, item.photos, item.terms) for item in inside.training_data] == [("ellipses", 8, "none stated")]
    assert inside.fit.size == 96


@pytest.mark.usefixtures("no_tracing")
def test_weights_are_kept_unless_they_may_be_overwritten(
    cutaway_command: Command, trained: Path, tmp_path: Path
) -> None:
    out = tmp_path / "mine.onnx"
    out.write_text("precious")
    finished = cutaway_command("export", trained, "-o", out)
    assert finished.code == 2
    assert "already exists" in usage_error(finished.errors)
    assert out.read_text() == "precious"
    assert cutaway_command("export", trained, "-o", out, "--overwrite").code == 0
    assert Runtime(out, threads=1).manifest.name == "mine"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"checkpoint": "gone.pt"}, "there is no checkpoint gone.pt"),
        ({"checkpoint": "card.toml"}, "card.toml cannot be read"),
        ({"--size": "100"}, "size 100 has to be a positive multiple of 32"),
        ({"--card": "gone.toml"}, "gone.toml cannot be read"),
        ({"--card": "best.pt"}, "best.pt cannot be read"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    cutaway_command: Command,
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("card.toml").write_text(CARD)
    source = changes.pop("checkpoint", trained.name)
    finished = cutaway_command(
        "export", source, "-o", "mine.onnx", *(word for pair in changes.items() for word in pair)
    )
    assert finished.code == 3
    assert finished.out == b""
    assert len(finished.errors) == 1
    assert message in finished.errors[0]
    assert not Path("mine.onnx").exists()


def test_a_folder_that_is_not_there_is_told_before_the_work(cutaway_command: Command, tmp_path: Path) -> None:
    finished = cutaway_command("export", tmp_path / "no-checkpoint-either.pt", "-o", tmp_path / "gone" / "mine.onnx")
    assert finished.code == 2
    assert "make it first" in usage_error(finished.errors)


@pytest.mark.parametrize("arguments", [[], ["best.pt"], ["best.pt", "-o", "a.onnx", "--size", "big"], ["-o", "a.onnx"]])
def test_wrong_usage(cutaway_command: Command, arguments: list[str]) -> None:
    assert cutaway_command("export", *arguments).code == 2
