"""FC-DenseNet, "The One Hundred Layers Tiramisu" (Jégou et al. 2017, arXiv:1611.09326), as in its authors' code.

The number in a variant's name counts its convolutions, transposed ones and classifier included. For the stages of
FC-DenseNet103 from the bottleneck on, the paper prints 880, 1072, 800, 560 and 368 maps; its authors have since
corrected each to 16 more, and so it is here.

One thing differs: in evaluation, batch norm uses moving averages and not the statistics of the batch, so that a
photograph's result does not depend on its neighbours in the batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from cutaway.nets.layers import DenseBlock, crop, normalise, zero_bias


@dataclass(frozen=True)
class FcDenseNetConfig:
    """Shape of ``FcDenseNet``; the defaults are FC-DenseNet103.

    Attributes:
        classes: Maps of the logits.
        first: Maps of the first convolution.
        growth_rate: Maps that each dense layer adds.
        layers: Dense layers of the blocks on the way down; the way up mirrors them.
        bottleneck: Dense layers of the block between.
        dropout: Share of the values (not of whole maps) dropped after each dense layer and 1×1 convolution.
        epsilon: Added to batch norm's variance; the default of Lasagne, which the paper's code was written in.
    """

    classes: int = 1
    first: int = 48
    growth_rate: int = 16
    layers: Sequence[int] = (4, 5, 7, 10, 12)
    bottleneck: int = 15
    dropout: float = 0.2
    epsilon: float = 1e-4


class FcDenseNet(nn.Module):
    """FC-DenseNet; see the module. Takes any image whose sides are at least 2 to the power of ``len(layers)``: 32."""

    def __init__(self, config: FcDenseNetConfig) -> None:
        super().__init__()
        self.least_side = 2 ** len(config.layers)
        self.first = nn.Conv2d(3, config.first, kernel_size=3, padding=1)
        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        skips, width = [], config.first
        for layers in config.layers:
            block = dense_block(width, layers, config)
            width = block.stack
            skips.append(width)
            self.down.append(block)
            self.shrink.append(nn.Sequential(pre_activated(width, width, 1, config), nn.MaxPool2d(2)))
        block = self.bottleneck = dense_block(width, config.bottleneck, config)
        self.enlarge, self.up = nn.ModuleList(), nn.ModuleList()
        for layers, skip in zip(reversed(config.layers), reversed(skips), strict=True):
            self.enlarge.append(nn.ConvTranspose2d(block.new, block.new, kernel_size=3, stride=2))
            block = dense_block(block.new + skip, layers, config)
            self.up.append(block)
        self.head = nn.Conv2d(block.stack, config.classes, kernel_size=1)
        self.apply(he_uniform)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits B×classes×H×W for an image B×3×H×W of 0..1.

        Raises:
            ValueError: A side is too short to be halved once for each block.
        """
        self._require_sides(image)
        stack = self.first(normalise(image))
        skips = []
        for block, shrink in zip(self.down, self.shrink, strict=True):
            _, stack = block(stack)
            skips.append(stack)
            stack = shrink(stack)
        new, _ = self.bottleneck(stack)
        for enlarge, block in zip(self.enlarge, self.up, strict=True):
            skip = skips.pop()
            # Unpadded, the transposed convolution makes 2n + 1 of n: enough for an odd side that pooling rounded down.
            new, stack = block(torch.cat([crop(enlarge(new), skip.shape[-2:]), skip], dim=1))
        logits: Tensor = self.head(stack)
        return logits

    def _require_sides(self, image: Tensor) -> None:
        height, width = image.shape[-2:]
        if min(height, width) < self.least_side:
            least = f"{max(height, self.least_side)}×{max(width, self.least_side)}"
            raise ValueError(
                f"this FC-DenseNet needs sides of at least {self.least_side}, but the image is {height}×{width}; "
                f"pad or enlarge it to {least}, as cutaway.geometry does"
            )


def dense_block(inputs: int, layers: int, config: FcDenseNetConfig) -> DenseBlock:
    """Return a dense block of the paper's layers with 3×3 convolutions."""
    return DenseBlock(inputs, config.growth_rate, layers, partial(pre_activated, kernel=3, config=config))


def pre_activated(inputs: int, outputs: int, kernel: int, config: FcDenseNetConfig) -> nn.Sequential:
    """Return batch norm, ReLU, a convolution that keeps the size, and dropout: the paper's "layer"."""
    return nn.Sequential(
        nn.BatchNorm2d(inputs, eps=config.epsilon, momentum=0.1),
        nn.ReLU(inplace=True),
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2),
        nn.Dropout(config.dropout),
    )


def he_uniform(module: nn.Module) -> None:
    """Draw a convolution's weights from U(-b, b), b = √(6 / fan-in) (He 2015); zero its bias."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
        zero_bias(module)


FC_DENSENET56 = FcDenseNetConfig(growth_rate=12, layers=(4, 4, 4, 4, 4), bottleneck=4)
FC_DENSENET67 = FcDenseNetConfig(layers=(5, 5, 5, 5, 5), bottleneck=5)
FC_DENSENET103 = FcDenseNetConfig()
