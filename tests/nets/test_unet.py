"""U-Net against the figures of the paper and of arithmetic done apart from this code."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from cutaway.nets.unet import UNet, UNetConfig

Build = Callable[..., nn.Module]
Count = Callable[[nn.Module], int]


@pytest.mark.parametrize(("classes", "parameters"), [(1, 31_031_745), (2, 31_031_810), (11, 31_032_395)])
def test_parameters(shapes_only: Build, trainable: Count, classes: int, parameters: int) -> None:
    assert trainable(shapes_only("unet", classes=classes)) == parameters


def test_parameters_with_batch_norm(shapes_only: Build, trainable: Count) -> None:
    maps = 2 * (64 + 128 + 256 + 512 + 1024) + 2 * (512 + 256 + 128 + 64)  # each: a scale and a shift, but no bias
    assert trainable(shapes_only("unet", batch_norm=True)) == 31_031_745 + maps


@pytest.mark.parametrize("batch_norm", [False, True])
def test_has_23_convolutions(shapes_only: Build, convolutions: Count, batch_norm: bool) -> None:
    assert convolutions(shapes_only("unet", batch_norm=batch_norm)) == 23


def test_arithmetic_at_224_pixels(shapes_only: Build, multiply_adds: Callable[[nn.Module], float]) -> None:
    assert round(multiply_adds(shapes_only("unet")), 1) == 36.9


def test_maps_and_size_of_every_level(shapes_only: Build) -> None:
    net = shapes_only("unet")
    assert isinstance(net, UNet)
    seen: list[tuple[int, int, int]] = []
    for level in (*net.down, net.bottom, *net.up):
        level.register_forward_hook(
            lambda _module, inputs, output: seen.append((inputs[0].shape[1], output.shape[1], output.shape[-1]))
        )
    net(torch.empty(1, 3, 224, 224, device="meta"))
    assert seen == [
        (3, 64, 224), (64, 128, 112), (128, 256, 56), (256, 512, 28), (512, 1024, 14),
        (1024, 512, 28), (512, 256, 56), (256, 128, 112), (128, 64, 224),
    ]  # fmt: skip


def test_each_level_up_joins_the_skip_of_its_size() -> None:
    net = UNet(UNetConfig(widths=(4, 6, 8))).eval()
    skips: list[Tensor] = []
    joined: list[Tensor] = []
    for level in net.down:
        level.register_forward_hook(lambda _module, _inputs, output: skips.append(output))
    for level in net.up:
        level.register_forward_hook(lambda _module, inputs, _output: joined.append(inputs[0]))
    net(torch.rand(1, 3, 16, 16))
    for skip, features in zip(skips, reversed(joined), strict=True):
        assert torch.equal(features[:, : skip.shape[1]], skip)
        assert features.shape[1] == 2 * skip.shape[1]


def test_enlarging_halves_the_maps_with_a_kernel_of_2(shapes_only: Build) -> None:
    layers = [layer for layer in shapes_only("unet").modules() if isinstance(layer, nn.ConvTranspose2d)]
    assert [(layer.in_channels, layer.out_channels) for layer in layers] == [
        (1024, 512), (512, 256), (256, 128), (128, 64),
    ]  # fmt: skip
    assert {(layer.kernel_size, layer.stride) for layer in layers} == {((2, 2), (2, 2))}


def test_dropout_ends_the_contracting_path(shapes_only: Build) -> None:
    net = shapes_only("unet")
    names = [name for name, module in net.named_modules() if isinstance(module, nn.Dropout)]
    assert names == ["down.3.4", "bottom.4"]


def test_weights_start_with_the_variance_that_the_paper_asks_for() -> None:
    torch.manual_seed(1)
    net = UNet(UNetConfig(widths=(32, 64, 64)))
    for name, module in net.named_modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and module.weight.numel() > 2000:
            # 2×2 with stride 2: the kernels do not overlap, so one place below decides each output value
            nodes = module.in_channels * (1 if name.startswith("enlarge") else 9)
            assert module.weight.std().item() == pytest.approx((2 / nodes) ** 0.5, rel=0.05), name
    assert not any(value.any() for name, value in net.named_parameters() if name.endswith("bias"))


def test_batch_norm_stands_between_convolution_and_relu() -> None:
    level = UNet(UNetConfig(widths=(4, 8, 8), batch_norm=True)).down[0]
    assert [type(layer) for layer in level.children()] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU] * 2
