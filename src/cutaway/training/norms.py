"""Batch norm right behind a convolution: folded into it for release, and unfolded again to train on.

A folded convolution holds what the two did together. To unfold it, its norm is given the mean and variance that its
input has on some photos, and the scale and shift that undo them: the net computes what it did, and can learn again.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


@dataclass(frozen=True)
class Pair:
    """A convolution and the norm behind it: places ``number`` and ``number`` + 1 of ``layers``, named ``name``."""

    name: str
    layers: nn.Sequential
    number: int
    conv: nn.Conv2d
    norm: nn.BatchNorm2d

    @property
    def conv_name(self) -> str:
        """The convolution's name in the net."""
        return f"{self.name}.{self.number}"

    @property
    def norm_name(self) -> str:
        """The norm's name in the net."""
        return f"{self.name}.{self.number + 1}"


def pairs(net: nn.Module) -> Iterator[Pair]:
    """Yield every convolution of ``net`` that has a batch norm right behind it in a ``Sequential``."""
    for name, layers in net.named_modules():
        if isinstance(layers, nn.Sequential):
            for number, (conv, norm) in enumerate(zip(list(layers), list(layers)[1:], strict=False)):
                if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    yield Pair(name, layers, number, conv, norm)


def fold(net: nn.Module) -> nn.Module:
    """Return a copy of ``net`` with each norm of ``pairs`` folded into its convolution."""
    folded = copy.deepcopy(net)
    for pair in pairs(folded):
        pair.layers[pair.number] = fuse_conv_bn_eval(pair.conv, pair.norm)
        pair.layers[pair.number + 1] = nn.Identity()
    return folded


def unfold(net: nn.Module, arrays: Mapping[str, Tensor], photos: Callable[[], Tensor]) -> None:
    """Fill ``net`` with the parameters of its folded copy, by name, and leave it in evaluation.

    ``photos`` gives images B×3×H×W float 0..1 to measure the inputs of the norms on; it is called if there are norms.

    Raises:
        ValueError: ``arrays`` are those of another net; ``net`` is then of no use.
    """
    folded = list(pairs(net))
    norms = {pair.norm_name for pair in folded}
    for name, value in net.state_dict().items():
        if name.rpartition(".")[0] not in norms and not name.endswith("num_batches_tracked"):
            value.copy_(_array(arrays, name, value))
    for pair in folded:
        bias = _array(arrays, f"{pair.conv_name}.bias", pair.norm.bias)
        _set_norm(
            pair.norm, torch.zeros_like(bias), torch.ones_like(bias), bias if pair.conv.bias is None else 0 * bias
        )
    if folded:
        _settle(net.eval(), [pair.norm for pair in folded], photos())


def _array(arrays: Mapping[str, Tensor], name: str, like: Tensor) -> Tensor:
    if name not in arrays or arrays[name].shape != like.shape:
        raise ValueError(
            f"it holds no {name} of shape {tuple(like.shape)}, so it is another net's, or this one's with other "
            "net.overrides"
        )
    return arrays[name]


@torch.no_grad()
def _set_norm(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor, bias: Tensor) -> None:
    """Let ``norm`` take its input for one of ``mean`` and ``variance``, and add ``bias`` to it and do nothing else."""
    state = norm.state_dict()
    state["running_mean"], state["running_var"] = mean, variance
    state["weight"], state["bias"] = (variance + norm.eps).sqrt(), bias + mean
    norm.load_state_dict(state)


@torch.no_grad()
def _settle(net: nn.Module, norms: list[nn.BatchNorm2d], images: Tensor) -> None:
    """Give each norm the mean and variance that its input has on ``images``; what it computes stays the same."""
    moments: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def note(norm: nn.Module, inputs: tuple[Tensor]) -> None:
        moments[norm] = inputs[0].mean(dim=(0, 2, 3)), inputs[0].var(dim=(0, 2, 3))

    with ExitStack() as hooks:
        for norm in norms:
            hooks.callback(norm.register_forward_pre_hook(note).remove)
        net(images)
    for norm in norms:
        mean, variance = moments[norm]
        _set_norm(norm, mean, variance, norm.bias - norm.get_buffer("running_mean"))
