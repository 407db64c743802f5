"""The dense up-path that the two portrait nets share."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cutaway.nets.layers import ConvNormRelu, DenseBlock, resize


@dataclass(frozen=True)
class Stage:
    """One step up: maps carried up from below (``width``), then a dense block of ``layers`` layers."""

    width: int
    growth_rate: int
    layers: int


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
        self.blocks = nn.ModuleList()
        for skip, stage in zip(skips, stages, strict=True):
            self.carry.append(ConvNormRelu(inputs, stage.width, kernel=1))
            block = DenseBlock(stage.width + skip, stage.growth_rate, stage.layers)
            self.blocks.append(block)
            inputs = block.new
        self.outputs = block.stack

    def forward(self, features: Tensor, skips: Sequence[Tensor]) -> Tensor:
        """Return the last block's whole stack, B×``outputs``×H×W at the size of the last skip."""
        stack = features
        for carry, block, skip in zip(self.carry, self.blocks, skips, strict=True):
            up = resize(carry(features), skip.shape[-2:])
            features, stack = block(torch.cat([up, skip], dim=1))
        return stack
