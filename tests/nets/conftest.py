"""What the tests of the nets share: full-sized nets that take no memory, and counts of what they hold and do."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from cutaway.nets.models import build

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """Keep PyTorch to one thread: on tensors this small, threads wait for each other, for minutes on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def shapes_only() -> Callable[..., nn.Module]:
    """Build a net whose tensors have shapes and no values, so that even an FCN of 134 M parameters costs nothing."""

    def make(name: str, **overrides: Any) -> nn.Module:
        with torch.device("meta"):
            return build(name, **overrides).eval()

    return make


@pytest.fixture
def trainable() -> Callable[[nn.Module], int]:
    """Count the values that training changes."""
    return lambda net: sum(parameter.numel() for parameter in net.parameters() if parameter.requires_grad)


@pytest.fixture
def convolutions() -> Callable[[nn.Module], int]:
    """Count the convolutions, transposed ones included."""
    return lambda net: sum(isinstance(module, CONVOLUTIONS) for module in net.modules())


@pytest.fixture
def multiply_adds() -> Callable[[nn.Module], float]:
    """Count the multiplications, in 10⁹, of a ``shapes_only`` net's convolutions at 224×224.

    Each weight is used once for each place of the output; a transposed convolution's, once for each place of the input.
    """

    def count(net: nn.Module) -> float:
        used = []

        def note(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
            places = inputs[0] if isinstance(module, nn.ConvTranspose2d) else output
            used.append(module.get_parameter("weight").numel() * places.shape[-2] * places.shape[-1])

        for module in net.modules():
            if isinstance(module, CONVOLUTIONS):
                module.register_forward_hook(note)
        net(torch.empty(1, 3, 224, 224, device="meta"))
        return sum(used) / 1e9

    return count
