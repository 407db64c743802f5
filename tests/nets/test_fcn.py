"""FCN against the figures of the paper and of the released nets."""

from collections.abc import Callable
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from cutaway.nets.fcn import SKIPS, Fcn, FcnConfig, WideConv, convolution_group, upsampling

Build = Callable[..., nn.Module]
Count = Callable[[nn.Module], int]


def tiny(**overrides: Any) -> Fcn:
    torch.manual_seed(1)
    shape: dict[str, Any] = {"widths": (4, 4, 8, 8, 8), "convolutions": (1, 1, 1, 1, 1), "hidden": 8, "classes": 2}
    return Fcn(FcnConfig(**(shape | overrides))).eval()


@pytest.mark.parametrize(
    ("name", "classes", "parameters"),
    [
        # the trunk's 134,260,544, and 4,097, 513 and 257 for the scores of each class
        ("fcn32s", 1, 134_264_641),
        ("fcn32s", 2, 134_268_738),
        ("fcn32s", 11, 134_305_611),
        ("fcn32s", 21, 134_346_581),
        ("fcn16s", 1, 134_265_154),
        ("fcn16s", 2, 134_269_764),
        ("fcn16s", 11, 134_311_254),
        ("fcn16s", 21, 134_357_354),
        ("fcn8s", 1, 134_265_411),
        ("fcn8s", 2, 134_270_278),
        ("fcn8s", 11, 134_314_081),
        ("fcn8s", 21, 134_362_751),
    ],
)
def test_parameters(shapes_only: Build, trainable: Count, name: str, classes: int, parameters: int) -> None:
    assert trainable(shapes_only(name, classes=classes)) == parameters


def test_parameters_of_the_trunk(shapes_only: Build, trainable: Count) -> None:
    net = shapes_only("fcn8s")
    assert trainable(net.get_submodule("trunk")) == 14_714_688
    assert trainable(net.get_submodule("hidden.0")) == 102_764_544
    assert trainable(net.get_submodule("hidden.3")) == 16_781_312


@pytest.mark.parametrize("name", ["fcn32s", "fcn16s", "fcn8s"])
def test_arithmetic_at_224_pixels(shapes_only: Build, multiply_adds: Callable[[nn.Module], float], name: str) -> None:
    assert round(multiply_adds(shapes_only(name)), 1) == 21.2


def test_trunk_is_that_of_vgg16(shapes_only: Build) -> None:
    trunk = shapes_only("fcn8s").get_submodule("trunk")
    groups = [
        [layer.out_channels for layer in group.children() if isinstance(layer, nn.Conv2d)] for group in trunk.children()
    ]
    assert groups == [[64] * 2, [128] * 2, [256] * 3, [512] * 3, [512] * 3]


def test_receptive_field_is_404_pixels(shapes_only: Build) -> None:
    net = shapes_only("fcn32s")
    field, step = 1, 1
    for layer in [*net.get_submodule("trunk").modules(), *net.get_submodule("hidden").children()]:
        if isinstance(layer, nn.Conv2d):
            field += (layer.kernel_size[0] - 1) * step
        if isinstance(layer, nn.MaxPool2d):
            field, step = field + step, step * 2
    assert (field, step) == (404, 32)


@pytest.mark.parametrize(
    ("name", "kernels"),
    [("fcn32s", [(64, 32)]), ("fcn16s", [(4, 2), (32, 16)]), ("fcn8s", [(4, 2), (4, 2), (16, 8)])],
)
def test_upsampling_kernels(shapes_only: Build, name: str, kernels: list[tuple[int, int]]) -> None:
    layers = [layer for layer in shapes_only(name).modules() if isinstance(layer, nn.ConvTranspose2d)]
    assert [(layer.kernel_size[0], layer.stride[0]) for layer in layers] == kernels
    assert all(layer.bias is None for layer in layers)


@pytest.mark.parametrize("factor", [2, 8, 16, 32])
def test_upsampling_is_bilinear_inside(factor: int) -> None:
    torch.manual_seed(1)
    scores = torch.randn(1, 3, 5, 6)
    inside = (..., slice(factor, -factor), slice(factor, -factor))
    expected = functional.interpolate(scores, scale_factor=factor, mode="bilinear", align_corners=False)
    enlarged = upsampling(3, factor, learned=False)(scores)
    assert enlarged.shape == expected.shape
    torch.testing.assert_close(enlarged[inside], expected[inside])


@pytest.mark.parametrize(("learned", "trained"), [(False, [False] * 3), (True, [True, True, False])])
def test_learned_upsampling_leaves_the_last_one_fixed(learned: bool, trained: list[bool]) -> None:
    layers = [module for module in tiny(learned_upsampling=learned).modules() if isinstance(module, nn.ConvTranspose2d)]
    assert [layer.weight.requires_grad for layer in layers] == trained


@pytest.mark.parametrize("stride", [32, 16, 8])
def test_scores_start_at_zero(stride: int) -> None:
    assert not tiny(stride=stride)(torch.rand(1, 3, 64, 64)).any()


@pytest.mark.parametrize(("stride", "total"), [(32, 1.0), (16, 11.0), (8, 111.0)])
def test_skips_are_fused_by_sum(stride: int, total: float) -> None:
    net = tiny(stride=stride)
    for value, layer in zip((1.0, 10.0, 100.0), [net.score, *net.skip_scores], strict=False):
        nn.init.constant_(cast("Tensor", layer.bias), value)
    middle = net(torch.rand(1, 3, 256, 256))[..., 112:144, 112:144]
    torch.testing.assert_close(middle, torch.full_like(middle, total))


@pytest.mark.parametrize(("pooling", "stride"), [(4, 16), (3, 8)])
def test_a_skip_scores_its_own_pooling(pooling: int, stride: int) -> None:
    net = tiny(stride=8)
    pooled: list[Tensor] = []
    scored: list[Tensor] = []
    net.trunk[pooling - 1].register_forward_hook(lambda _module, _inputs, output: pooled.append(output))
    net.skip_scores[4 - pooling].register_forward_hook(lambda _module, inputs, _output: scored.append(inputs[0]))
    net(torch.rand(1, 3, 64, 64))
    assert scored[0] is pooled[0]
    assert scored[0].shape[-1] == 64 // stride


def test_trunk_starts_he_normal() -> None:
    torch.manual_seed(1)
    net = Fcn(FcnConfig(widths=(32, 32, 32, 32, 32), hidden=64))
    layers = [module for part in (net.trunk, net.hidden) for module in part.modules() if isinstance(module, nn.Conv2d)]
    for layer in layers[1:]:
        fan_in = layer.in_channels * layer.kernel_size[0] ** 2
        assert layer.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.06)
    assert not any(layer.bias.any() for layer in layers if layer.bias is not None)


def test_dropout_follows_fc6_and_fc7(shapes_only: Build) -> None:
    layers = list(shapes_only("fcn8s").get_submodule("hidden").children())
    kinds = [WideConv, nn.ReLU, nn.Dropout]
    assert [type(layer) for layer in layers] == kinds * 2
    assert [layer.p for layer in layers if isinstance(layer, nn.Dropout)] == [0.5, 0.5]


@pytest.mark.parametrize("stride", SKIPS)
@pytest.mark.parametrize("size", [(1, 1), (31, 33), (70, 45)])
def test_takes_any_size(stride: int, size: tuple[int, int]) -> None:
    assert tiny(stride=stride)(torch.rand(1, 3, *size)).shape == (1, 2, *size)


def test_pooling_covers_the_last_row_and_column() -> None:
    image = torch.zeros(1, 1, 5, 5)
    image[..., 4, 4] = 1
    group = convolution_group(1, 1, 1)
    nn.init.ones_(group.get_parameter("0.weight"))
    assert group(image)[..., 2, 2] > group(image)[..., 0, 0]


def test_unknown_stride_is_refused() -> None:
    with pytest.raises(ValueError, match="stride is 32, 16 or 8, not 4"):
        tiny(stride=4)


@pytest.mark.parametrize("kernel", [1, 7])
def test_a_wide_convolution_learns_as_any_other(kernel: int) -> None:
    torch.manual_seed(0)
    wide, plain = (make(6, 9, kernel, padding=kernel // 2) for make in (WideConv, nn.Conv2d))
    plain.load_state_dict(wide.state_dict())
    features = torch.randn(2, 6, 4, 5)
    for layer in (wide, plain):
        torch.autograd.backward(layer.train()(features).square().sum())
    torch.testing.assert_close(wide(features), plain(features), rtol=1e-4, atol=1e-5)
    for one, other in zip(wide.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-3)
    assert torch.equal(wide.eval()(features), plain.eval()(features))
