"""Export, judged by ONNX Runtime and PyTorch; the one slow part, tracing a net, is done once for all tests."""

import copy
import random
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from cutaway import manifest
from cutaway.errors import DataError, ModelError, OutputError
from cutaway.geometry import Fit
from cutaway.manifest import ModelManifest, TrainingSet
from cutaway.remover import Remover
from cutaway.runtime import Runtime
from cutaway.training import checkpoint
from cutaway.training import export as exporter
from cutaway.training.export import Exported, Facts, export, read_facts, read_net
from cutaway.training.network import build_net
from folders import ellipse_person
from training.conftest import MakeRecipe, unsettle

EXPORT_FIT = Fit("letterbox", 64, 32)
FACTS = Facts("tiny", "3", "Apache-2.0", (TrainingSet("ellipses", 8, "none stated"),), {"ellipses": 0.5})
HALF_OF_FACTS = """
name = "tiny"
version = "3"
licence = "Apache-2.0"
"""
CARD = (
    HALF_OF_FACTS
    + """
[scores]
all = 0.9
ccp = 1

[[training_data]]
name = "ellipses"
photos = 8
terms = "none stated"

[[training_data]]
name = "trunk"
terms = "Apache-2.0"
"""
)


@pytest.fixture(scope="module")
def export_checkpoint(make_recipe: MakeRecipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The best.pt of a small U-Net, as if it had been trained."""
    torch.manual_seed(2)
    overrides = {"widths": [16, 32], "batch_norm": True}
    recipe = make_recipe(net={"overrides": overrides}, fit=asdict(EXPORT_FIT))
    state = unsettle(build_net(recipe.net)).state_dict()
    path = tmp_path_factory.mktemp("run") / "best.pt"
    checkpoint.save({"recipe": asdict(recipe), "step": 1, "person_iou": 0.5, "net": state}, path)
    return path


@pytest.fixture(scope="module")
def exported(export_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The tiny net's weights, exported in earnest; do not change the file."""
    return export(export_checkpoint, tmp_path_factory.mktemp("weights") / "tiny.onnx", FACTS)


@pytest.fixture
def quick(exported: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let further exports of the tiny net begin with what tracing it gave the first time."""
    plain = onnx.load_model_from_string(exported.path.read_bytes())
    del plain.metadata_props[:]
    monkeypatch.setattr(exporter, "to_onnx", lambda _net, _fit: copy.deepcopy(plain))


def alpha_of(file: Path, image: Any) -> Any:
    session = onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])
    return session.run(["alpha"], {"image": image})[0]


def noise(*shape: int) -> Any:
    return np.random.default_rng(3).random(shape, np.float32)


def test_alpha_is_torchs_at_every_size_and_in_every_batch(exported: Exported, export_checkpoint: Path) -> None:
    net, _ = read_net(export_checkpoint)
    for shape in ((1, 3, 64, 64), (3, 3, 32, 160), (2, 3, 96, 32), (1, 3, 256, 192)):
        image = noise(*shape)
        with torch.inference_mode():
            expected = net(torch.from_numpy(image)).sigmoid().numpy()
        assert expected.std() > 0.01
        alpha = alpha_of(exported.path, image)
        assert alpha.dtype == np.float32
        np.testing.assert_allclose(alpha, expected, atol=1e-5)


def test_the_difference_that_is_reported_is_bounded_and_measured(exported: Exported) -> None:
    assert 0 <= exported.difference < 1e-5
    assert exported.size == exported.path.stat().st_size


def test_input_and_output_are_as_promised(exported: Exported) -> None:
    session = onnxruntime.InferenceSession(exported.path.read_bytes(), providers=["CPUExecutionProvider"])
    (image,), (alpha,) = session.get_inputs(), session.get_outputs()
    assert (image.name, image.type, image.shape[1]) == ("image", "tensor(float)", 3)
    assert (alpha.name, alpha.type, alpha.shape[1]) == ("alpha", "tensor(float)", 1)
    assert all(isinstance(image.shape[axis], str) for axis in (0, 2, 3)), "batch, height and width are free"


def test_no_batch_norm_is_left(exported: Exported) -> None:
    operators = {node.op_type for node in onnx.load_model_from_string(exported.path.read_bytes()).graph.node}
    assert "Conv" in operators
    assert "BatchNormalization" not in operators


def test_the_manifest_inside_is_the_one_that_was_reported(exported: Exported, export_checkpoint: Path) -> None:
    inside = Runtime(exported.path, threads=1).manifest
    net, _ = read_net(export_checkpoint)
    parameters = sum(value.numel() for value in net.parameters())
    expected = ModelManifest(
        "tiny", "3", "unet", parameters, EXPORT_FIT, FACTS.training_data, FACTS.scores, "Apache-2.0", inside.sha256
    )
    assert inside == expected
    assert inside.sha256 != manifest.UNSIGNED


def test_any_flipped_byte_is_refused(exported: Exported) -> None:
    file = exported.path.read_bytes()
    manifest.verify(file, "tiny.onnx")
    digest = file.index(b'"sha256": "') + 11
    draw = random.Random(1)
    everywhere = [draw.randrange(len(file)) for _ in range(50)]
    for place in [0, len(file) - 1, digest - 3, digest, digest + 63, digest + 64, *everywhere]:
        flipped = bytearray(file)
        flipped[place] ^= 1 << draw.randrange(8)
        with pytest.raises(ModelError, match=r"tiny\.onnx"):
            manifest.verify(bytes(flipped), "tiny.onnx")


def test_the_weights_serve_the_remover(exported: Exported) -> None:
    photo, _ = ellipse_person(1, 100)
    cutout = Remover(exported.path, threads=1).remove(photo)
    assert cutout.alpha.shape == (100, 100)


@pytest.mark.usefixtures("quick")
def test_half_weights_take_half_the_room_and_stay_close(
    exported: Exported, export_checkpoint: Path, tmp_path: Path
) -> None:
    halved = export(export_checkpoint, tmp_path / "half.onnx", FACTS, half=True)
    assert 0.45 < halved.size / exported.size < 0.65
    assert 0 < halved.difference < exporter.HALF_PARITY
    image = noise(2, 3, 64, 96)
    np.testing.assert_allclose(alpha_of(halved.path, image), alpha_of(exported.path, image), atol=5e-3)
    manifest.verify(halved.path.read_bytes(), "half.onnx")


@pytest.mark.usefixtures("quick")
def test_an_export_can_have_another_input_size(export_checkpoint: Path, tmp_path: Path) -> None:
    larger = export(export_checkpoint, tmp_path / "larger.onnx", FACTS, size=128)
    assert Runtime(larger.path, threads=1).manifest.fit == Fit("letterbox", 128, 32)


@pytest.mark.parametrize("size", [100, 0, -32])
def test_a_size_that_does_not_fit_the_net_is_refused(export_checkpoint: Path, tmp_path: Path, size: int) -> None:
    with pytest.raises(DataError, match=f"size {size} has to be a positive multiple of 32"):
        export(export_checkpoint, tmp_path / "tiny.onnx", FACTS, size=size)


@pytest.mark.usefixtures("quick")
def test_weights_that_differ_from_torch_are_not_written(export_checkpoint: Path, tmp_path: Path) -> None:
    state = checkpoint.load(export_checkpoint)
    state["net"]["head.bias"] += 0.1
    other = tmp_path / "other.pt"
    checkpoint.save(state, other)
    with pytest.raises(ModelError, match=r"the weights differ from torch by .*, more than 1e-04; nothing was written"):
        export(other, tmp_path / "tiny.onnx", FACTS)
    assert not (tmp_path / "tiny.onnx").exists()


@pytest.mark.usefixtures("quick")
def test_weights_that_are_no_numbers_are_not_written(export_checkpoint: Path, tmp_path: Path) -> None:
    state = checkpoint.load(export_checkpoint)
    state["net"]["head.bias"] *= torch.nan
    checkpoint.save(state, tmp_path / "other.pt")
    with pytest.raises(ModelError, match=r"other\.pt gives alphas that are no numbers; .* Nothing was written"):
        export(tmp_path / "other.pt", tmp_path / "tiny.onnx", FACTS)
    assert not (tmp_path / "tiny.onnx").exists()


def test_one_shape_without_numbers_is_enough(
    exported: Exported, export_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = iter([0.0, np.nan, *[0.0] * 4])
    monkeypatch.setattr(exporter, "_difference", lambda *_: next(found))
    assert np.isnan(exporter.parity(read_net(export_checkpoint)[0], exported.path.read_bytes(), EXPORT_FIT))


@pytest.mark.usefixtures("quick")
def test_weights_are_kept_unless_they_may_be_overwritten(export_checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    path.write_text("precious")
    with pytest.raises(OutputError, match="already exists"):
        export(export_checkpoint, path, FACTS)
    assert path.read_text() == "precious"
    export(export_checkpoint, path, FACTS, overwrite=True)
    assert Runtime(path, threads=1).manifest.name == "tiny"


def test_of_a_step_the_averaged_weights_are_taken(export_checkpoint: Path, tmp_path: Path) -> None:
    state = checkpoint.load(export_checkpoint)
    state["recipe"]["net"]["overrides"]["dropout"] = 0.0
    averaged = {name: value + 1 for name, value in state["net"].items()}
    checkpoint.save(state | {"ema": averaged}, tmp_path / "step.pt")
    net, _ = read_net(tmp_path / "step.pt")
    assert all(torch.equal(value, averaged[name]) for name, value in net.state_dict().items())
    assert not net.training


def test_a_step_whose_norms_are_those_of_dropout_is_refused(export_checkpoint: Path, tmp_path: Path) -> None:
    state = checkpoint.load(export_checkpoint)
    state["recipe"]["net"]["overrides"]["dropout"] = 0.1
    checkpoint.save(state, tmp_path / "best.pt")
    read_net(tmp_path / "best.pt")
    checkpoint.save(state | {"ema": state["net"]}, tmp_path / "step.pt")
    with pytest.raises(DataError, match=r"the batch norm of .*step\.pt, a step's, .* dropout; name the run's best\.pt"):
        read_net(tmp_path / "step.pt")


@pytest.mark.parametrize("spoil", [lambda net: net.popitem(), lambda net: net.update({"head.bias": torch.zeros(7)})])
def test_weights_of_another_net_are_refused(
    export_checkpoint: Path, tmp_path: Path, spoil: Callable[[dict[str, Any]], Any]
) -> None:
    state = checkpoint.load(export_checkpoint)
    spoil(state["net"])
    checkpoint.save(state, tmp_path / "other.pt")
    with pytest.raises(DataError, match=r"other\.pt does not hold the weights of the net that its recipe names"):
        read_net(tmp_path / "other.pt")


def test_a_checkpoint_without_a_recipe_is_refused(tmp_path: Path) -> None:
    checkpoint.save({"net": {}}, tmp_path / "other.pt")
    with pytest.raises(DataError, match=r"other\.pt does not hold the weights"):
        read_net(tmp_path / "other.pt")


def card(folder: Path, text: str) -> Path:
    path = folder / "card.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_card_is_read(tmp_path: Path) -> None:
    sets = (TrainingSet("ellipses", 8, "none stated"), TrainingSet("trunk", None, "Apache-2.0"))
    assert read_facts(card(tmp_path, CARD)) == Facts("tiny", "3", "Apache-2.0", sets, {"all": 0.9, "ccp": 1.0})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HALF_OF_FACTS, r"card\.toml: the file lacks training_data, scores"),
        (CARD.replace('version = "3"', "version = 3"), r"card\.toml: version is 3; it has to be a text in quotes"),
        (CARD.replace("photos = 8", 'photos = "8"'), r"training_data\[0\]\.photos is '8'"),
        (CARD.replace("photos = 8", "number = 8"), r"\[training_data\[0\]\] has no key number"),
        (CARD.replace('terms = "Apache-2.0"', ""), r"\[training_data\[1\]\] lacks terms"),
        (CARD.replace("all = 0.9", 'all = "good"'), r"scores\.all is 'good'; it has to be a number"),
        (HALF_OF_FACTS + "training_data = 3\n[scores]", r"training_data is 3; it has to be a list"),
        ("name = ", r"the card .*card\.toml cannot be read"),
    ],
)
def test_a_wrong_card_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_facts(card(tmp_path, text))


def test_the_cards_that_come_with_the_project_can_be_read() -> None:
    cards = sorted((Path(__file__).parents[2] / "recipes" / "cards").glob("*.toml"))
    assert cards
    for path in cards:
        facts = read_facts(path)
        assert facts.name == path.stem
        assert facts.licence == "Apache-2.0"
        assert all(0 <= score <= 1 for score in facts.scores.values())
        assert all(item.terms for item in facts.training_data)


def test_the_file_does_not_say_where_it_was_made(exported: Exported) -> None:
    file = exported.path.read_bytes()
    assert str(Path(__file__).parents[2]).encode() not in file
    assert b"stack_trace" not in file
