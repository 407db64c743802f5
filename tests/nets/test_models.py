"""What holds for every net of the table, and how ``build`` refuses what it cannot do."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from cutaway.nets.models import MODELS, NETS, build

FCN: dict[str, Any] = {"widths": (4, 4, 8, 8, 8), "hidden": 16}
FC_DENSENET: dict[str, Any] = {"first": 6, "growth_rate": 2}
TINY: dict[str, dict[str, Any]] = {
    "fcn32s": FCN,
    "fcn16s": FCN,
    "fcn8s": FCN,
    "unet": {"widths": (4, 6, 8, 10, 12)},
    "fc-densenet56": FC_DENSENET,
    "fc-densenet67": FC_DENSENET,
    "fc-densenet103": FC_DENSENET,
    "tiramisu-portrait": {"growth_rate": 4, "stem": (4, 8), "down": (1, 1, 1, 1)},
    "tiramisu-mobile": {},
    "tiramisu-mobile-fast": {},
}


@pytest.fixture(params=MODELS)
def name(request: pytest.FixtureRequest) -> str:
    key: str = request.param
    return key


def tiny(name: str, **overrides: Any) -> nn.Module:
    torch.manual_seed(1)
    return build(name, **(TINY[name] | overrides))


def photographs(number: int = 1) -> Tensor:
    return torch.rand(number, 3, 64, 96, generator=torch.Generator().manual_seed(2))


def differentiate(net: nn.Module) -> None:
    """Fill the gradients of a loss whose target the image determines."""
    images = photographs(2)
    torch.autograd.backward(functional.binary_cross_entropy_with_logits(net.train()(images), images[:, :1]))


def train_a_step(net: nn.Module) -> None:
    """Move every parameter and average away from where it started: layers that start at zero stop the gradient."""
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    differentiate(net)
    optimiser.step()
    optimiser.zero_grad()


def test_every_model_has_a_net() -> None:
    assert {type(config) for config in MODELS.values()} == set(NETS)


@pytest.mark.parametrize("classes", [1, 3])
def test_logits_have_the_size_of_the_image(name: str, classes: int) -> None:
    logits = tiny(name, classes=classes).eval()(photographs(2))
    assert logits.shape == (2, classes, 64, 96)
    assert logits.dtype == torch.float32


def test_one_class_unless_told_otherwise(name: str) -> None:
    assert MODELS[name].classes == 1


def test_the_first_convolutions_see_the_image_as_minus_one_to_one(name: str) -> None:
    net = tiny(name).eval()
    seen: list[Tensor] = []
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and module.in_channels == 3:
            module.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    image = photographs()
    net(image)
    assert seen
    for features in seen:
        torch.testing.assert_close(features, (image - 0.5) / 0.5)


def test_gradient_reaches_every_parameter(name: str) -> None:
    net = tiny(name)
    train_a_step(net)
    differentiate(net)
    for key, parameter in net.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, key
            assert parameter.grad.isfinite().all(), key
            assert parameter.grad.any(), key


def test_a_photograph_has_the_same_logits_alone_and_in_a_batch(name: str) -> None:
    net = tiny(name)
    train_a_step(net)
    net.eval()
    batch = photographs(3)
    together = net(batch)
    alone = torch.cat([net(image[None]) for image in batch])
    assert together.std() > 0
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_one_seed_gives_one_net(name: str) -> None:
    first, second = tiny(name).eval(), tiny(name).eval()
    assert all(torch.equal(value, second.state_dict()[key]) for key, value in first.state_dict().items())
    assert torch.equal(first(photographs()), second(photographs()))


def test_a_net_is_restored_from_its_name_and_state(name: str) -> None:
    trained = tiny(name)
    train_a_step(trained)
    restored = build(name, **TINY[name])
    restored.load_state_dict(trained.state_dict())
    assert torch.equal(restored.eval()(photographs()), trained.eval()(photographs()))


def test_overrides_leave_the_table_alone() -> None:
    before = dict(MODELS)
    tiny("unet", classes=5)
    assert before == MODELS
    assert replace(MODELS["unet"], classes=5) != MODELS["unet"]


def test_unknown_model_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"no model named 'unet2'; choose one of fcn32s, .*tiramisu-mobile"):
        build("unet2")


def test_unknown_setting_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"'unet' has no setting 'growth_rate'; choose among classes, widths"):
        build("unet", growth_rate=3)


@pytest.mark.parametrize(
    ("name", "height", "width", "multiple", "padded"),
    [
        ("unet", 225, 300, 16, "240×304"),
        ("unet", 224, 300, 16, "224×304"),
        ("unet", 8, 16, 16, "16×16"),
        ("tiramisu-mobile", 320, 328, 16, "320×336"),
        ("tiramisu-mobile-fast", 15, 16, 16, "16×16"),
        ("tiramisu-portrait", 48, 64, 32, "64×64"),
    ],
)
def test_other_sizes_are_refused_with_the_size_to_pad_to(
    shapes_only: Callable[..., nn.Module], name: str, height: int, width: int, multiple: int, padded: str
) -> None:
    refused = rf"multiples of {multiple}, but the image is {height}×{width}; pad it to {padded}"
    with pytest.raises(ValueError, match=refused):
        shapes_only(name)(torch.empty(1, 3, height, width, device="meta"))
