"""The two portrait nets: how the up-path is wired, and that the pretrained trunk is the network its file describes.

The trunk is checked against an implementation in plain NumPy, written from the description of the file: the names of
its arrays, TensorFlow's "SAME" padding, ReLU6 after every convolution but ``project``.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from cutaway.nets.decoder import DenseUpPath, Stage
from cutaway.nets.models import build
from cutaway.nets.tiramisu_mobile import (
    TIRAMISU_MOBILE,
    SameConv,
    TiramisuMobile,
    Trunk,
    load_trunk,
    person_log_odds,
    same_conv,
)
from cutaway.nets.tiramisu_portrait import TiramisuPortrait

Arrays = dict[str, NDArray[np.float16]]
Plane = NDArray[np.float64]

# Of every block of MobileNetV2 in the DeepLab file: maps in, maps between, maps out.
WIDTHS = (
    (32, 32, 16), (16, 96, 24), (24, 144, 24), (24, 144, 32), (32, 192, 32), (32, 192, 32),
    (32, 192, 64), (64, 384, 64), (64, 384, 64), (64, 384, 64), (64, 384, 96), (96, 576, 96),
    (96, 576, 96), (96, 576, 160), (160, 960, 160), (160, 960, 160), (160, 960, 320),
)  # fmt: skip
STRIDED, DILATED = (1, 3, 6), (14, 15, 16)
KERNEL = "weights_quant|FakeQuantWithMinMaxVars"


def block_name(number: int) -> str:
    return f"MobilenetV2|expanded_conv_{number}" if number else "MobilenetV2|expanded_conv"


def trunk_arrays(part: int = 1) -> Arrays:
    """Return arrays of the names and shapes of ``deeplabv3_mnv2_pascal.npz``, drawn at random.

    ``part`` 2 halves the widths before the head, as ``deeplabv3_mnv2_dm05_pascal.npz`` does.
    """
    shapes: dict[str, tuple[int, ...]] = {"ResizeBilinear|size": (2,)}

    def add(name: str, outputs: int, inputs: int, side: int = 1, bias: str = "Conv2D_Fold_bias") -> None:
        depthwise = bias == "depthwise_Fold_bias"
        shapes[f"{name}|{KERNEL}"] = (1, side, side, outputs) if depthwise else (outputs, side, side, inputs)
        shapes[f"{name}|{bias}"] = (outputs,)

    add("MobilenetV2|Conv", 32 // part, 3, 3)
    for number, widths in enumerate(WIDTHS):
        inputs, between, outputs = (width // part for width in widths)
        if number:
            add(f"{block_name(number)}|expand", between, inputs)
        add(f"{block_name(number)}|depthwise", between, between, 3, "depthwise_Fold_bias")
        add(f"{block_name(number)}|project", outputs, between)
    add("image_pooling", 256, 320 // part)
    add("aspp0", 256, 320 // part)
    add("concat_projection", 256, 512)
    add("logits|semantic", 21, 256, bias="Conv2D_bias")
    random = np.random.default_rng(4)
    scales = {name: (2 / np.prod(shape[1:])) ** 0.5 if len(shape) == 4 else 0.3 for name, shape in shapes.items()}
    return {name: random.normal(0, scales[name], shape).astype(np.float16) for name, shape in shapes.items()}


def save(path: Path, arrays: Mapping[str, Any]) -> Path:
    np.savez(path, **arrays)
    return path


def convolve(features: Plane, kernel: NDArray[Any], bias: NDArray[Any], stride: int = 1, dilation: int = 1) -> Plane:
    """Return TensorFlow's SAME convolution of H×W×C; ``kernel`` is O,H,W,I, or 1,H,W,C for a depthwise one.

    https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2: the output is ⌈side / stride⌉ long, and of
    the padding this takes the smaller half lies before.
    """
    reach = (kernel.shape[1] - 1) * dilation + 1
    padding = []
    for side in features.shape[:2]:
        total = max((-(-side // stride) - 1) * stride + reach - side, 0)
        padding.append((total // 2, total - total // 2))
    windows = sliding_window_view(np.pad(features, (*padding, (0, 0))), (reach, reach), axis=(0, 1))
    seen = windows[::stride, ::stride, :, ::dilation, ::dilation]
    depthwise = kernel.shape[0] == 1 and kernel.shape[3] == features.shape[2] and kernel.shape[1] == 3
    axes = "yxcij,oijc->yxc" if depthwise else "yxcij,oijc->yxo"
    return np.asarray(np.einsum(axes, seen, kernel.astype(np.float64), optimize=True) + bias.astype(np.float64))


def relu6(features: Plane) -> Plane:
    return features.clip(0, 6)


class NumpyTrunk:
    """DeepLabv3 on MobileNetV2, from its arrays."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays

    def conv(
        self, features: Plane, name: str, bias: str = "Conv2D_Fold_bias", stride: int = 1, dilation: int = 1
    ) -> Plane:
        return convolve(features, self.arrays[f"{name}|{KERNEL}"], self.arrays[f"{name}|{bias}"], stride, dilation)

    def block(self, features: Plane, number: int) -> Plane:
        name, (inputs, _, outputs) = block_name(number), WIDTHS[number]
        wide = relu6(self.conv(features, f"{name}|expand")) if number else features
        stride, dilation = 1 + (number in STRIDED), 1 + (number in DILATED)
        narrow = self.conv(
            relu6(self.conv(wide, f"{name}|depthwise", "depthwise_Fold_bias", stride, dilation)), f"{name}|project"
        )
        return features + narrow if stride == 1 and inputs == outputs else narrow

    def __call__(self, image: Plane) -> tuple[Plane, list[Plane], Plane]:
        """Return context, the outputs of all blocks, and the 21 logits."""
        features = relu6(self.conv(image, "MobilenetV2|Conv", stride=2))
        outputs = []
        for number in range(len(WIDTHS)):
            features = self.block(features, number)
            outputs.append(features)
        local = relu6(self.conv(features, "aspp0"))
        pooled = relu6(self.conv(features.mean(axis=(0, 1), keepdims=True), "image_pooling"))
        joined = np.concatenate([np.broadcast_to(pooled, local.shape), local], axis=2)
        context = relu6(self.conv(joined, "concat_projection"))
        return context, outputs, self.conv(context, "logits|semantic", "Conv2D_bias")


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    return trunk_arrays()


@pytest.fixture(scope="module")
def trunk(arrays: Arrays, tmp_path_factory: pytest.TempPathFactory) -> Trunk:
    """A trunk that was loaded from ``arrays``."""
    loaded = Trunk().eval()
    load_trunk(loaded, save(tmp_path_factory.mktemp("trunk") / "trunk.npz", arrays))
    return loaded


def planes(features: Tensor) -> Plane:
    return features[0].permute(1, 2, 0).double().numpy()


def test_the_trunk_computes_what_its_file_describes(arrays: Arrays, trunk: Trunk) -> None:
    image = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.inference_mode():
        context, skips, logits = trunk(image)
    expected_context, outputs, expected_logits = NumpyTrunk(arrays)(planes(image))
    assert expected_logits.shape == (2, 3, 21)
    for features, expected in ((context, expected_context), (logits, expected_logits)):
        np.testing.assert_allclose(planes(features), expected, atol=1e-4 * np.abs(expected).max())
    for skip, number, size in zip(skips, (5, 2, 0), ((4, 6), (8, 12), (16, 24)), strict=True):
        assert skip.shape[2:] == size
        np.testing.assert_allclose(planes(skip), outputs[number], atol=1e-4 * np.abs(outputs[number]).max())


def test_the_trunk_of_half_the_width_computes_what_its_file_describes(tmp_path: Path) -> None:
    arrays = trunk_arrays(part=2)
    trunk = Trunk(0.5).eval()
    load_trunk(trunk, save(tmp_path / "trunk.npz", arrays))
    image = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.inference_mode():
        _, skips, logits = trunk(image)
    _, outputs, expected = NumpyTrunk(arrays)(planes(image))
    np.testing.assert_allclose(planes(logits), expected, atol=1e-4 * np.abs(expected).max())
    for skip, number in zip(skips, (5, 2, 0), strict=True):
        np.testing.assert_allclose(planes(skip), outputs[number], atol=1e-4 * np.abs(outputs[number]).max())


def test_every_parameter_of_the_trunk_is_loaded(arrays: Arrays, trunk: Trunk) -> None:
    used = {name: array for name, array in arrays.items() if not name.startswith("ResizeBilinear")}
    assert len(trunk.state_dict()) == len(used) == 110
    assert sum(value.numel() for value in trunk.parameters()) == sum(array.size for array in used.values()) == 2_097_013
    for values in trunk.state_dict().values():
        assert values.unique().numel() > 1


@pytest.mark.parametrize("size", [(2, 2), (4, 6), (8, 8)])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2)])
def test_same_padding_is_tensorflows(size: tuple[int, int], stride: int, dilation: int) -> None:
    torch.manual_seed(0)
    layer = same_conv(2, 3, 3, stride, dilation)
    assert isinstance(layer, SameConv)
    assert layer.bias is not None
    image = torch.rand(1, 2, *size)
    kernel, bias = layer.weight.detach().permute(0, 2, 3, 1).numpy(), layer.bias.detach().numpy()
    with torch.inference_mode():
        result = planes(layer(image))
    np.testing.assert_allclose(result, convolve(planes(image), kernel, bias, stride, dilation), atol=1e-6)


def test_a_stride_of_two_pads_right_and_bottom_alone() -> None:
    layer = same_conv(1, 1, 3, stride=2)
    nn.init.ones_(layer.weight)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # it has one
    sums = layer(torch.arange(16.0).reshape(1, 1, 4, 4))
    assert sums.tolist() == [[[[45.0, 39.0], [66.0, 50.0]]]]  # 0+1+2+4+5+6+8+9+10, then 2+3+6+7+10+11, and so on


def test_a_missing_array_is_named(arrays: Arrays, tmp_path: Path) -> None:
    name = f"MobilenetV2|expanded_conv_7|project|{KERNEL}"
    path = save(tmp_path / "trunk.npz", {key: value for key, value in arrays.items() if key != name})
    with pytest.raises(ValueError, match=r"has no array 'MobilenetV2\|expanded_conv_7\|project\|weights_quant"):
        load_trunk(Trunk(), path)


def test_an_array_of_another_shape_is_named(arrays: Arrays, tmp_path: Path) -> None:
    narrow = {f"aspp0|{KERNEL}": np.zeros((128, 1, 1, 320), np.float16)}
    with pytest.raises(ValueError, match=r"'aspp0\|weights_quant.*' is \(128, 320, 1, 1\), not \(256, 320, 1, 1\)"):
        load_trunk(Trunk(), save(tmp_path / "trunk.npz", arrays | narrow))


@pytest.mark.parametrize("broken", [b"", b"PK\x03\x04 no archive", b"\x93NUMPY no array"])
def test_a_file_that_is_no_archive_of_arrays_is_refused(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "trunk.npz"
    path.write_bytes(broken)
    with pytest.raises(ValueError, match=r"not a whole \.npz file"):
        load_trunk(Trunk(), path)


def test_a_damaged_trunk_file_is_refused_and_nothing_is_loaded(arrays: Arrays, tmp_path: Path) -> None:
    path = save(tmp_path / "trunk.npz", arrays)
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    trunk = Trunk()
    before = {name: value.clone() for name, value in trunk.state_dict().items()}
    with pytest.raises(ValueError, match=r"not a whole \.npz file"):
        load_trunk(trunk, path)
    assert all(torch.equal(value, before[name]) for name, value in trunk.state_dict().items())


def test_person_log_odds_are_those_of_the_softmax() -> None:
    logits = torch.randn(2, 21, 4, 5, dtype=torch.float64) * 5
    torch.testing.assert_close(person_log_odds(logits).sigmoid(), logits.softmax(dim=1)[:, 15:16])


@pytest.mark.parametrize("name", ["tiramisu-mobile", "tiramisu-mobile-fast"])
def test_the_first_prediction_is_the_trunks_own(name: str) -> None:
    torch.manual_seed(0)
    net = build(name).eval()
    assert isinstance(net, TiramisuMobile)
    image = torch.rand(2, 3, 64, 32)
    with torch.inference_mode():
        coarse = person_log_odds(net.trunk(image * 2 - 1)[2])
        assert coarse.shape == (2, 1, 4, 2)
        expected = functional.interpolate(coarse, (64, 32), mode="bilinear", align_corners=False)
        torch.testing.assert_close(net(image), expected)


def test_parameter_counts(trainable: Callable[[nn.Module], int], shapes_only: Callable[..., nn.Module]) -> None:
    mobile, portrait = shapes_only("tiramisu-mobile"), shapes_only("tiramisu-portrait")
    assert trainable(shapes_only("tiramisu-mobile-fast")) == 688_357 + 36_376 + 33
    assert trainable(mobile) == 2_369_558
    assert trainable(portrait) == 2_174_025
    assert trainable(mobile) - 2_097_013 == 272_480 + 65


def test_up_path_has_as_many_parameters_as_its_convolutions(trainable: Callable[[nn.Module], int]) -> None:
    """One 1×1 convolution up and two 3×3 ones a stage; none has a bias, and each is followed by batch norm."""
    up = DenseUpPath(10, [4, 3], [Stage(6, 5, 2), Stage(7, 2, 1)])
    first = (10 * 6 + 2 * 6) + (9 * (6 + 4) * 5 + 2 * 5) + (9 * (6 + 4 + 5) * 5 + 2 * 5)
    second = (2 * 5 * 7 + 2 * 7) + (9 * (7 + 3) * 2 + 2 * 2)  # of the first stage only its 2·5 new maps go up
    assert trainable(up) == first + second
    assert up.outputs == 7 + 3 + 2


def test_only_new_maps_go_further_up() -> None:
    up = DenseUpPath(10, [4, 3], [Stage(6, 5, 2), Stage(7, 2, 1)]).eval()
    stacks: list[Tensor] = []
    carried: list[Tensor] = []
    up.blocks[0].register_forward_hook(lambda _module, _inputs, output: stacks.append(output[1]))
    up.carry[1].register_forward_pre_hook(lambda _module, inputs: carried.append(inputs[0]))
    result = up(torch.rand(2, 10, 3, 4), [torch.rand(2, 4, 6, 8), torch.rand(2, 3, 12, 16)])
    assert stacks[0].shape == (2, 6 + 4 + 2 * 5, 6, 8)
    assert torch.equal(carried[0], stacks[0][:, 6 + 4 :])
    assert result.shape == (2, up.outputs, 12, 16)


def test_up_path_joins_the_skip_as_it_is() -> None:
    up = DenseUpPath(2, [3], [Stage(4, 5, 1)]).eval()
    skip = torch.rand(1, 3, 6, 6)
    assert torch.equal(up(torch.rand(1, 2, 3, 3), [skip])[:, 4 : 4 + 3], skip)


def test_a_skip_may_come_in_as_fewer_maps(trainable: Callable[[nn.Module], int]) -> None:
    up = DenseUpPath(2, [3], [Stage(4, 5, 1, skip=2)]).eval()
    assert trainable(up) == (2 * 4 + 2 * 4) + (3 * 2 + 2 * 2) + (9 * (4 + 2) * 5 + 2 * 5)
    skip = torch.rand(1, 3, 6, 6)
    stack = up(torch.rand(1, 2, 3, 3), [skip])
    assert up.outputs == stack.shape[1] == 4 + 2 + 5
    torch.testing.assert_close(stack[:, 4:6], up.narrow[0](skip))


def test_up_path_needs_a_stage_for_each_skip() -> None:
    with pytest.raises(ValueError, match="1 stages need as many skips, not 2"):
        DenseUpPath(10, [4, 3], [Stage(6, 5, 2)])


def test_portrait_needs_a_stage_for_each_size_it_goes_down() -> None:
    with pytest.raises(ValueError, match="2 dense blocks down need 3 stages up, not 5"):
        build("tiramisu-portrait", down=(2, 2))


def test_portrait_works_from_a_quarter_down_to_a_thirty_second() -> None:
    net = build("tiramisu-portrait").eval()
    assert isinstance(net, TiramisuPortrait)
    sizes: list[tuple[int, ...]] = []
    for block in net.down:
        block.register_forward_hook(lambda _module, _inputs, output: sizes.append(tuple(output[1].shape[1:])))
    with torch.inference_mode():
        net(torch.rand(1, 3, 64, 96))
    assert sizes == [(112, 16, 24), (208, 8, 12), (336, 4, 6), (528, 2, 3)]  # 48 + 16 maps a layer


def with_detail() -> dict[str, Any]:
    """What makes ``tiramisu-mobile`` go up to full size."""
    return {"detail": 8, "up": (*TIRAMISU_MOBILE.up, Stage(16, 8, 2))}


@pytest.mark.parametrize(("name", "overrides"), [("tiramisu-portrait", {}), ("tiramisu-mobile", with_detail())])
def test_the_outline_follows_the_image_pixel_by_pixel(name: str, overrides: dict[str, Any]) -> None:
    """The detail path works at full size: one pixel of the image moves the logits around it more than far from it."""
    torch.manual_seed(0)
    net = build(name, **overrides).eval()
    head = net.get_submodule("head")
    assert isinstance(head, nn.Conv2d)
    nn.init.normal_(head.weight)  # tiramisu-mobile's begins at zero
    image = torch.rand(1, 3, 64, 64)
    dotted = image.clone()
    dotted[..., 32, 32] = 1 - dotted[..., 32, 32]
    with torch.inference_mode():
        change = (net(dotted) - net(image))[0, 0].abs()
    near = change[30:35, 30:35].max()
    assert near > 3 * change[20:45, 20:45].median()


@pytest.mark.parametrize(
    ("name", "overrides", "size"),
    [
        ("tiramisu-mobile", {}, (32, 48)),
        ("tiramisu-mobile-fast", {}, (32, 48)),
        ("tiramisu-mobile", {"up": TIRAMISU_MOBILE.up[:2]}, (16, 24)),
        ("tiramisu-mobile", with_detail(), (64, 96)),
    ],
)
def test_the_head_is_at_the_size_of_the_last_stage(name: str, overrides: dict[str, Any], size: tuple[int, int]) -> None:
    net = build(name, **overrides).eval()
    assert isinstance(net, TiramisuMobile)
    sizes: list[tuple[int, ...]] = []
    net.head.register_forward_hook(lambda _module, _inputs, output: sizes.append(tuple(output.shape)))
    with torch.inference_mode():
        assert net(torch.rand(1, 3, 64, 96)).shape == (1, 1, 64, 96)
    assert sizes == [(1, 1, *size)]


@pytest.mark.parametrize("stage", [(0, 5, 2), (6, 0, 2), (6, 5, 0), (6, 5, 2, -1)])
def test_a_stage_has_maps_and_layers(stage: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="width, growth_rate and layers have to be 1 or more, and its skip 0 or more"):
        Stage(*stage)
