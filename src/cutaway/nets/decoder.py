"""The dense up-path that the two portrait nets share."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cutaway.nets.layers import ConvNormRelu, DenseBlock, enlarge


@dataclass(frozen=True)
class Stage:
    """One step up: maps carried up from below (``width``), then a dense block of ``layers`` layers.

    ``skip`` is the number of maps that a 1×1 convolution makes of the skip; 0 leaves it as it is. Numbers of maps that
    are multiples of 16 are quick: ONNX Runtime works on blocks of as many.
    """

    width: int
    growth_rate: int
    layers: int
    skip: int = 0

    def __post_init__(self) -> None:
        if min(self.width, self.growth_rate, self.layers) < 1 or self.skip < 0:
            raise ValueError("a stage's width, growth_rate and layers have to be 1 or more, and its skip 0 or more")


class DenseUpPath(nn.Module):
    """Tiramisu's up-path: enlarge, join the skip, dense block; only the block's new maps go further up.

    Enlarging is a 1×1 convolution and bilinear resampling instead of the paper's transposed convolution: a fraction
    of the arithmetic at the sizes where most of the time goes, and no chequered pattern.

    Args:
        inputs: Maps of the deepest features.
        skips: Maps of each skip, from the deepest up.
        stages: One stage a skip, in the same order.
    """

    def __init__(self, inputs: int, skips: Sequence[int], stages: Sequence[Stage]) -> None:
        super().__init__()
        if len(skips) != len(stages):
            raise ValueError(f"{len(stages)} stages need as many skips, not {len(skips)}")
        self.carry = nn.ModuleList()
        self.narrow = nn.ModuleList()
        self.blocks = nn.ModuleList()
        for skip, stage in zip(skips, stages, strict=True):
            self.carry.append(ConvNormRelu(inputs, stage.width, kernel=1))
            self.narrow.append(ConvNormRelu(skip, stage.skip, kernel=1) if stage.skip else nn.Identity())
            block = DenseBlock(stage.width + (stage.skip or skip), stage.growth_rate, stage.layers)
            self.blocks.append(block)
            inputs = block.new
        self.outputs = block.stack

    def forward(self, features: Tensor, skips: Sequence[Tensor]) -> Tensor:
        """Return the last block's whole stack, B×``outputs``×H×W at the size of the last skip.

        Each skip is twice as large as what lies below it.
        """
        stack = features
        for carry, narrow, block, skip in zip(self.carry, self.narrow, self.blocks, skips, strict=True):
            features, stack = block(torch.cat([enlarge(carry(features), 2), narrow(skip)], dim=1))
        return stack
