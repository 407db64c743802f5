"""Checkpoint to weights: a torch net becomes one ONNX file with its manifest inside, once it agrees with torch."""

import logging
import tomllib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from cutaway import imagefile, manifest
from cutaway.errors import DataError, ModelError
from cutaway.geometry import Fit, place
from cutaway.manifest import ModelManifest, TrainingSet
from cutaway.ort import onnxruntime
from cutaway.training import checkpoint
from cutaway.training.config import Recipe, parse_recipe
from cutaway.training.initial import HALF
from cutaway.training.network import build_net
from cutaway.training.norms import fold
from cutaway.training.statistics import averaged
from cutaway.training.tables import parse

OPSET = 18
PARITY = 1e-4
HALF_PARITY = 2e-2
"""Largest difference of any alpha value, on noise, that full and half weights may show against torch."""

SMALLEST_HALVED = 64
"""Arrays with fewer values stay float32: they save nothing and biases matter most."""

PARITY_ASPECTS = ((4, 3), (3, 4), (1, 1))


@dataclass(frozen=True)
class Facts:
    """What only the person who releases weights knows: the manifest's words."""

    name: str
    version: str
    licence: str
    training_data: tuple[TrainingSet, ...]
    scores: Mapping[str, float]


@dataclass(frozen=True)
class Exported:
    """What an export reports: ``difference`` is any alpha value's largest from torch's, ``size`` the file's bytes."""

    path: Path
    difference: float
    size: int
    manifest: ModelManifest


class AlphaNet(nn.Module):
    """A net with the sigmoid behind it: image B×3×H×W of 0..1 to alpha B×1×H×W of 0..1."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        """Return alpha."""
        alpha: Tensor = self.net(image).sigmoid()
        return alpha


def export(
    source: Path, out: Path, facts: Facts, *, half: bool = False, size: int | None = None, overwrite: bool = False
) -> Exported:
    """Write the checkpoint ``source`` as weights to ``out``.

    Args:
        source: A checkpoint of ``cutaway train``, best.pt or, of a net without dropout or without batch norm, a step's.
            Its averaged weights are taken.
        out: Where the ONNX file goes.
        facts: The words for the manifest.
        half: Store the weights as float16; the arithmetic stays float32.
        size: The network's input size, where it is not to be the one it was trained at.
        overwrite: Replace ``out`` if it exists.

    Raises:
        DataError: The checkpoint cannot be read, is not one to take, or ``size`` does not fit the net.
        ModelError: The weights and torch disagree, so nothing was written.
        OutputError: ``out`` exists or cannot be written.
    """
    imagefile.check_target(out, overwrite=overwrite)
    net, recipe = read_net(source)
    fit = _resized(recipe.fit, size)
    parameters = sum(parameter.numel() for parameter in net.parameters())
    model = to_onnx(AlphaNet(fold(net)).eval(), fit)
    if half:
        halve(model)
    card = ModelManifest(
        facts.name, facts.version, recipe.net.name, parameters, fit, facts.training_data, facts.scores, facts.licence
    )
    file = with_manifest(model, card)
    difference = parity(AlphaNet(net), file, fit)
    bound = HALF_PARITY if half else PARITY
    if np.isnan(difference):
        raise ModelError(f"{source} gives alphas that are no numbers; has its training diverged? Nothing was written")
    if difference > bound:
        raise ModelError(
            f"the weights differ from torch by {difference:.1e}, more than {bound:.0e}; nothing was written. "
            + ("Export without --half." if half else "Check the versions of torch and onnxruntime in 'cutaway doctor'.")
        )
    imagefile.write(out, file, overwrite=overwrite)
    return Exported(out, difference, len(file), card)


def read_net(source: Path) -> tuple[nn.Module, Recipe]:
    """Return the averaged net of a checkpoint, ready to predict, and its recipe.

    Raises:
        DataError: The checkpoint cannot be read, is a step's whose norms are not those of use, or this version builds
            another net by that name.
    """
    state = checkpoint.load(source)
    try:
        recipe = parse_recipe(state["recipe"])
        if not isinstance(recipe, Recipe):
            raise DataError(f"{source} knows CamVid's classes; only nets of person or not become weights")
        net = build_net(recipe.net).eval()
        net.load_state_dict(averaged(state, net, source))
    except (KeyError, RuntimeError) as error:
        raise DataError(f"{source} does not hold the weights of the net that its recipe names: {error}") from error
    return net, recipe


def _resized(fit: Fit, size: int | None) -> Fit:
    try:
        return replace(fit, size=fit.size if size is None else size)
    except ValueError as error:
        raise DataError(str(error)) from error


def to_onnx(net: nn.Module, fit: Fit) -> onnx.ModelProto:
    """Return ``net`` as an ONNX model from ``image`` to ``alpha``, for any batch and multiples of ``fit.multiple``."""
    batch, height, width = (torch.export.Dim.DYNAMIC,) * 3
    with _quiet():
        program = torch.onnx.export(
            net,
            (torch.zeros(2, 3, fit.size, fit.size + fit.multiple),),
            dynamo=True,
            opset_version=OPSET,
            input_names=["image"],
            output_names=["alpha"],
            dynamic_shapes=({0: batch, 2: height, 3: width},),
            verbose=False,
        )
    if program is None:
        raise ModelError("torch's exporter gave nothing for this net; nothing was written")
    model: onnx.ModelProto = program.model_proto
    forget_origin(model)
    return model


def forget_origin(model: onnx.ModelProto) -> None:
    """Drop what the exporter notes about where each node came from: the paths and lines of the machine it ran on."""
    graph = model.graph
    for item in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del item.metadata_props[:]
        item.doc_string = ""
    del graph.value_info[:]  # ONNX Runtime infers shapes anew


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what torch's exporter says to torch's developers from the user."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # that torchvision, which nothing here needs, is missing
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*LeafSpec.* is deprecated", FutureWarning)
        yield


def halve(model: onnx.ModelProto) -> None:
    """Store every large float32 array of ``model`` as float16; ONNX Runtime casts them back when it loads."""
    casts = []
    for array in model.graph.initializer:
        if array.data_type != onnx.TensorProto.FLOAT or np.prod(array.dims) < SMALLEST_HALVED:
            continue
        name = array.name
        halved = numpy_helper.from_array(numpy_helper.to_array(array).astype(np.float16), f"{name}{HALF}")
        array.CopyFrom(halved)
        casts.append(helper.make_node("Cast", [halved.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def with_manifest(model: onnx.ModelProto, card: ModelManifest) -> bytes:
    """Return the file of ``model`` with ``card``, signed, inside."""
    helper.set_model_props(model, {manifest.METADATA_KEY: manifest.to_json(card)})
    onnx.checker.check_model(model)
    return manifest.sign(model.SerializeToString())


def parity(net: nn.Module, file: bytes, fit: Fit) -> float:
    """Return the largest difference of any alpha value between ``net`` and ``file``, on noise; NaN if one is none."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    differences = [
        _difference(net.eval(), session, random.random((count, 3, *canvas), np.float32))
        for count, canvas in _shapes(fit)
    ]
    return float(np.max(differences))  # unlike max() it keeps NaN


def _shapes(fit: Fit) -> Sequence[tuple[int, tuple[int, int]]]:
    return [
        (count, place(100 * height, 100 * width, fit).canvas) for height, width in PARITY_ASPECTS for count in (1, 2)
    ]


def _difference(net: nn.Module, session: Any, batch: "np.ndarray[Any, np.dtype[np.float32]]") -> float:
    with torch.inference_mode():
        expected = net(torch.from_numpy(batch)).numpy()
    return float(np.abs(session.run(["alpha"], {"image": batch})[0] - expected).max())


def read_facts(path: Path) -> Facts:
    """Return the facts of a *card*: TOML with name, version, licence, [scores] and a [[training_data]] for every set.

    Raises:
        DataError: The file cannot be read, or a field is missing or unknown.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"the card {path} cannot be read: {error}") from error
    listed = values.get("training_data")
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict):
            item.setdefault("photos", None)  # TOML has no word for "unknown"
    try:
        facts: Facts = parse(Facts, values)
    except DataError as error:
        raise DataError(f"the card {path}: {error}") from error
    return facts
