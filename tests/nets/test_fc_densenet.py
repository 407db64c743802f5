"""FC-DenseNet against the figures of the paper, of its authors' code, and of arithmetic done apart from this code."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from cutaway.nets.fc_densenet import FcDenseNet, FcDenseNetConfig, pre_activated

Build = Callable[..., nn.Module]
Count = Callable[[nn.Module], int]

TINY = FcDenseNetConfig(classes=2, first=6, growth_rate=3, layers=(2, 1, 3), bottleneck=2)


@pytest.fixture(params=[56, 67, 103])
def depth(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


@pytest.mark.parametrize(
    ("depth", "classes", "parameters", "with_averages"),
    [
        (56, 1, 1_374_865, None),
        (56, 2, 1_375_058, 1_396_226),
        (56, 11, 1_376_795, 1_397_963),
        (67, 1, 3_460_353, None),
        (67, 2, 3_460_642, 3_500_322),
        (67, 11, 3_463_243, 3_502_923),
        (103, 1, 9_319_521, None),
        (103, 2, 9_319_778, 9_422_850),
        (103, 11, 9_322_091, 9_425_163),
    ],
)
def test_parameters(
    shapes_only: Build, trainable: Count, depth: int, classes: int, parameters: int, with_averages: int | None
) -> None:
    net = shapes_only(f"fc-densenet{depth}", classes=classes)
    assert trainable(net) == parameters
    averages = sum(value.numel() for name, value in net.named_buffers() if "running" in name)
    assert with_averages is None or parameters + averages == with_averages


def test_the_name_is_the_number_of_convolutions(shapes_only: Build, convolutions: Count, depth: int) -> None:
    assert convolutions(shapes_only(f"fc-densenet{depth}")) == depth


@pytest.mark.parametrize(("depth", "expected"), [(56, 8.83), (67, 20.77), (103, 19.96)])
def test_arithmetic_at_224_pixels(
    shapes_only: Build, multiply_adds: Callable[[nn.Module], float], depth: int, expected: float
) -> None:
    assert round(multiply_adds(shapes_only(f"fc-densenet{depth}", classes=2)), 2) == expected


WIDTHS = {
    # first convolution, dense blocks down, bottleneck, dense blocks up
    56: (48, 96, 144, 192, 240, 288, 336, 384, 336, 288, 240, 192),
    67: (48, 128, 208, 288, 368, 448, 528, 608, 528, 448, 368, 288),
    103: (48, 112, 192, 304, 464, 656, 896, 1088, 816, 576, 384, 256),
}
ENLARGED = {56: (48, 48, 48, 48, 48), 67: (80, 80, 80, 80, 80), 103: (240, 192, 160, 112, 80)}
SIDES = (224, 224, 112, 56, 28, 14, 7, 14, 28, 56, 112, 224)


def test_maps_and_size_of_every_stage(shapes_only: Build, depth: int) -> None:
    net = shapes_only(f"fc-densenet{depth}")
    assert isinstance(net, FcDenseNet)
    seen: list[tuple[int, ...]] = []

    def note(_module: nn.Module, _inputs: object, output: Tensor | tuple[Tensor, Tensor]) -> None:
        stack = output if isinstance(output, Tensor) else output[1]
        seen.append(tuple(stack.shape[1:]))

    for stage in (net.first, *net.down, net.bottleneck, *net.up):
        stage.register_forward_hook(note)
    net(torch.empty(1, 3, 224, 224, device="meta"))
    assert seen == [(width, side, side) for width, side in zip(WIDTHS[depth], SIDES, strict=True)]


def test_only_new_maps_go_up(shapes_only: Build, depth: int) -> None:
    net = shapes_only(f"fc-densenet{depth}")
    seen: list[tuple[int, int]] = []
    for enlarge in net.get_submodule("enlarge").children():
        enlarge.register_forward_hook(
            lambda _module, inputs, output: seen.append((inputs[0].shape[1], output.shape[1]))
        )
    net(torch.empty(1, 3, 224, 224, device="meta"))
    assert seen == [(width, width) for width in ENLARGED[depth]]


def test_forward_is_that_of_the_authors_code() -> None:
    torch.manual_seed(1)
    net = FcDenseNet(TINY).eval()
    for parameter in net.parameters():  # biases and scales too, so that none can be left out unnoticed
        nn.init.normal_(parameter, std=0.5)
    for key, average in net.named_buffers():
        if "running" in key:
            nn.init.uniform_(average, 0.5, 1.5)
    image = torch.rand(2, 3, 27, 44)
    torch.testing.assert_close(net(image), authors_forward(net, image), rtol=1e-4, atol=1e-4)


def authors_forward(net: FcDenseNet, image: Tensor) -> Tensor:
    """Follow FC-DenseNet.py of the paper's authors step by step, on plain functions and lists, for ``TINY``."""
    layers = executed(net)
    stack = functional.conv2d(image * 2 - 1, net.first.weight, net.first.bias, padding=1)
    skips = []
    for number in (2, 1, 3):
        for _ in range(number):
            stack = torch.cat([stack, bn_relu_conv(stack, next(layers))], dim=1)
        skips.append(stack)
        stack = functional.max_pool2d(bn_relu_conv(stack, next(layers)), 2)
    block_to_upsample = []
    for _ in range(2):
        block_to_upsample.append(bn_relu_conv(stack, next(layers)))
        stack = torch.cat([stack, block_to_upsample[-1]], dim=1)
    for number, skip, enlarge in zip((3, 1, 2), reversed(skips), net.enlarge, strict=True):
        weight, bias = enlarge.get_parameter("weight"), enlarge.get_parameter("bias")
        enlarged = functional.conv_transpose2d(torch.cat(block_to_upsample, dim=1), weight, bias, stride=2)
        stack = torch.cat([centre_crop(enlarged, skip), skip], dim=1)
        block_to_upsample = []
        for _ in range(number):
            block_to_upsample.append(bn_relu_conv(stack, next(layers)))
            stack = torch.cat([stack, block_to_upsample[-1]], dim=1)
    return functional.conv2d(stack, net.head.weight, net.head.bias)


def executed(net: FcDenseNet) -> Iterator[nn.Module]:
    """Yield the batch-norm layers in the order in which the image meets them."""
    for block, shrink in zip(net.down, net.shrink, strict=True):
        yield from block.get_submodule("layers").children()
        yield shrink.get_submodule("0")
    for block in (net.bottleneck, *net.up):
        yield from block.get_submodule("layers").children()


def bn_relu_conv(features: Tensor, layer: nn.Module) -> Tensor:
    state = layer.state_dict()
    scaled = (features - at_maps(state["0.running_mean"])) / (at_maps(state["0.running_var"]) + 1e-4).sqrt()
    active = functional.relu(scaled * at_maps(state["0.weight"]) + at_maps(state["0.bias"]))
    weight = state["2.weight"]
    return functional.conv2d(active, weight, state["2.bias"], padding=weight.shape[-1] // 2)


def at_maps(values: Tensor) -> Tensor:
    return values[:, None, None]


def centre_crop(features: Tensor, like: Tensor) -> Tensor:
    top, left = [(features.shape[axis] - like.shape[axis]) // 2 for axis in (2, 3)]
    return features[:, :, top : top + like.shape[2], left : left + like.shape[3]]


def test_weights_start_he_uniform_and_biases_at_zero() -> None:
    torch.manual_seed(1)
    net = FcDenseNet(FcDenseNetConfig(layers=(4, 4), bottleneck=4))
    checked = 0
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            fan_in = module.in_channels * module.kernel_size[0] * module.kernel_size[1]
            bound = (6 / fan_in) ** 0.5  # gain √2 of ReLU times √3 of a uniform distribution
            largest = module.weight.abs().max().item()
            assert 0.85 * bound < largest <= bound
            if module.weight.numel() > 2000:
                assert module.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
            assert module.bias is not None
            assert not module.bias.any()
            checked += 1
    assert checked == 1 + 4 + 1 + 4 + 1 + 4 + 1 + 4 + 1 + 4 + 1


def test_epsilon_is_lasagnes() -> None:
    epsilons = [module.eps for module in FcDenseNet(TINY).modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(epsilons) == 2 * (2 + 1 + 3) + 3 + 2
    assert set(epsilons) == {1e-4}


def test_dropout_follows_every_layer_but_the_first_the_transposed_and_the_last(shapes_only: Build, depth: int) -> None:
    dropouts = [module for module in shapes_only(f"fc-densenet{depth}").modules() if isinstance(module, nn.Dropout)]
    assert len(dropouts) == depth - 1 - 5 - 1
    assert {dropout.p for dropout in dropouts} == {0.2}


def test_dropout_takes_single_values_and_not_whole_maps() -> None:
    torch.manual_seed(1)
    layer = pre_activated(4, 8, 3, FcDenseNetConfig())
    dropped = layer(torch.rand(2, 4, 32, 32)).eq(0).float().mean(dim=(2, 3))
    assert 0.1 < dropped.min() <= dropped.max() < 0.3


def test_no_dropout_in_evaluation() -> None:
    net = FcDenseNet(FcDenseNetConfig(first=4, growth_rate=2, layers=(1,), bottleneck=1, dropout=0.9)).eval()
    image = torch.rand(1, 3, 8, 8)
    assert torch.equal(net(image), net(image))


def test_batch_statistics_would_mix_the_photographs_of_a_batch() -> None:
    """Why evaluation uses moving averages: with the paper's way, a result depends on its neighbours."""
    torch.manual_seed(1)
    net = FcDenseNet(FcDenseNetConfig(first=8, growth_rate=4, layers=(1, 1), bottleneck=1, dropout=0.0)).train()
    bright, dark = torch.rand(1, 3, 16, 16), torch.rand(1, 3, 16, 16) / 4
    assert not torch.allclose(net(bright), net(torch.cat([bright, dark]))[:1], atol=1e-2)


@pytest.mark.parametrize("size", [(8, 8), (9, 8), (15, 17), (23, 31)])
def test_takes_any_size_that_can_be_halved_often_enough(size: tuple[int, int]) -> None:
    assert FcDenseNet(TINY).eval()(torch.rand(1, 3, *size)).shape == (1, 2, *size)


def test_too_small_an_image_is_refused_with_the_size_to_pad_to(shapes_only: Build) -> None:
    net = shapes_only("fc-densenet56")
    with pytest.raises(ValueError, match=r"at least 32, but the image is 31×40; pad or enlarge it to 32×40"):
        net(torch.empty(1, 3, 31, 40, device="meta"))
