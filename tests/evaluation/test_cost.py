"""Costs, judged by graphs whose arithmetic can be done by hand, and by the figures known of the nets."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cutaway.errors import ModelError
from cutaway.evaluation.cost import measure_cost, multiply_accumulates
from cutaway.geometry import Fit
from cutaway.nets.models import build
from cutaway.training.export import AlphaNet, halve, to_onnx
from synthetic import tiny_model

IMAGE = np.zeros((1, 3, 12, 16), np.float32)


def graph(*nodes: onnx.NodeProto, **weights: tuple[int, ...]) -> onnx.ModelProto:
    """Return a model from ``image`` to ``alpha`` with weights of these shapes."""
    made = helper.make_graph(
        list(nodes),
        "made",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("alpha", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.ones(shape, np.float32), name) for name, shape in weights.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def counted(model: onnx.ModelProto, folder: Path, image: Any = IMAGE) -> int:
    path = folder / "made.onnx"
    path.write_bytes(model.SerializeToString())
    return multiply_accumulates(path, image)


def test_each_weight_of_a_convolution_counts_once_a_place_of_its_output(tmp_path: Path) -> None:
    node = helper.make_node("Conv", ["image", "kernel", "bias"], ["alpha"], strides=[2, 2], pads=[1, 1, 1, 1])
    assert counted(graph(node, kernel=(5, 3, 3, 3), bias=(5,)), tmp_path) == 6 * 8 * 5 * 3 * 3 * 3


def test_groups_of_a_convolution_do_not_see_each_other(tmp_path: Path) -> None:
    node = helper.make_node("Conv", ["image", "kernel"], ["alpha"], group=3)
    assert counted(graph(node, kernel=(6, 1, 3, 3)), tmp_path) == 10 * 14 * 6 * 3 * 3


def test_a_transposed_convolutions_weights_count_once_a_place_of_its_input(tmp_path: Path) -> None:
    node = helper.make_node("ConvTranspose", ["image", "kernel"], ["alpha"], strides=[2, 2])
    assert counted(graph(node, kernel=(3, 4, 2, 2)), tmp_path) == 12 * 16 * 3 * 4 * 2 * 2


def test_matrix_products_count(tmp_path: Path) -> None:
    product = helper.make_node("MatMul", ["image", "right"], ["alpha"])
    assert counted(graph(product, right=(16, 7)), tmp_path) == 3 * 12 * 16 * 7
    flat = helper.make_node("Flatten", ["image"], ["flat"], axis=2)
    for node, shape in ((("flat", "right"), (192, 7)), (("flat", "right"), (7, 192))):
        gemm = helper.make_node("Gemm", node, ["alpha"], transB=int(shape[0] == 7))
        assert counted(graph(flat, gemm, right=shape), tmp_path) == 3 * 192 * 7


def test_other_nodes_count_nothing(tmp_path: Path) -> None:
    assert counted(graph(helper.make_node("Relu", ["image"], ["alpha"])), tmp_path) == 0


def test_it_does_not_matter_how_weights_are_stored(tmp_path: Path) -> None:
    model = graph(helper.make_node("Conv", ["image", "kernel"], ["alpha"]), kernel=(8, 3, 3, 3))
    full = counted(model, tmp_path)
    halve(model)
    assert counted(model, tmp_path) == full == 10 * 14 * 8 * 3 * 3 * 3


def test_the_arithmetic_of_unet_is_the_known_one(tmp_path: Path) -> None:
    model = to_onnx(AlphaNet(build("unet", classes=2)).eval(), Fit("squash", 224, 32))
    assert counted(model, tmp_path, np.zeros((1, 3, 224, 224), np.float32)) / 1e9 == pytest.approx(36.9, abs=0.05)


def test_a_cost_is_measured_of_the_file_at_the_size_in_its_manifest(tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(tiny_model())
    cost = measure_cost(str(path), threads=1)
    assert (cost.parameters, cost.file_bytes, cost.fit) == (4, path.stat().st_size, Fit("letterbox", 64, 32))
    assert cost.gmac == pytest.approx(64 * 64 * 3 / 1e9)
    assert cost.threads == 1
    assert 0 < cost.milliseconds < 1000
    assert list(tmp_path.iterdir()) == [path], "the profile is gone"


def test_the_number_of_threads_is_stated_if_it_was_not_chosen(tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(tiny_model())
    assert measure_cost(str(path)).threads >= 1


def test_what_is_no_model_has_no_cost(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no model"):
        measure_cost(str(tmp_path / "none.onnx"))
