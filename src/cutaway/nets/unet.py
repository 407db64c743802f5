"""U-Net (Ronneberger et al. 2015, arXiv:1505.04597), with two liberties: same padding, and batch norm if wanted.

The paper's convolutions do not pad, so its output is smaller than its input (388 pixels of 572). Here they are equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from cutaway.nets.layers import check_sides, he_normal, normalise


@dataclass(frozen=True)
class UNetConfig:
    """Shape of ``UNet``; the defaults are the paper's.

    Attributes:
        classes: Maps of the logits.
        widths: Maps at each level, from full size down; the last is the bottom.
        batch_norm: Put batch norm between each 3×3 convolution and its ReLU; the convolution then has no bias.
        dropout: Share of the values dropped "at the end of the contracting path": after the two lowest levels.
    """

    classes: int = 1
    widths: Sequence[int] = (64, 128, 256, 512, 1024)
    batch_norm: bool = False
    dropout: float = 0.5


class UNet(nn.Module):
    """U-Net; see the module. Sides must be multiples of 2 to the power of ``len(widths) - 1``, 16 by default."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.multiple = 2 ** (len(config.widths) - 1)
        inputs = [3, *config.widths[:-1]]
        levels = [double_convolution(*pair, config.batch_norm) for pair in zip(inputs, config.widths, strict=True)]
        for level in levels[-2:]:
            level.append(nn.Dropout(config.dropout))
        self.down, self.bottom = nn.ModuleList(levels[:-1]), levels[-1]
        self.enlarge, self.up = nn.ModuleList(), nn.ModuleList()
        below = config.widths[-1]
        for width in reversed(config.widths[:-1]):
            self.enlarge.append(nn.ConvTranspose2d(below, width, kernel_size=2, stride=2))
            self.up.append(double_convolution(2 * width, width, config.batch_norm))
            below = width
        self.head = nn.Conv2d(below, config.classes, kernel_size=1)
        self.apply(he_normal)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits B×classes×H×W for an image B×3×H×W of 0..1.

        Raises:
            ValueError: A side is not a multiple of ``multiple``.
        """
        check_sides(image, self.multiple)
        features = normalise(image)
        skips = []
        for level in self.down:
            skips.append(level(features))
            features = functional.max_pool2d(skips[-1], 2)
        features = self.bottom(features)
        for enlarge, level in zip(self.enlarge, self.up, strict=True):
            features = level(torch.cat([skips.pop(), enlarge(features)], dim=1))
        logits: Tensor = self.head(features)
        return logits


def double_convolution(inputs: int, width: int, batch_norm: bool) -> nn.Sequential:
    """Return the two 3×3 convolutions of a level, each with ReLU and, if wanted, batch norm before it."""
    return nn.Sequential(*convolution(inputs, width, batch_norm), *convolution(width, width, batch_norm))


def convolution(inputs: int, width: int, batch_norm: bool) -> list[nn.Module]:
    """Return a 3×3 convolution that keeps the size, batch norm if wanted, and ReLU."""
    layer = nn.Conv2d(inputs, width, kernel_size=3, padding=1, bias=not batch_norm)
    norm = [nn.BatchNorm2d(width)] if batch_norm else []
    return [layer, *norm, nn.ReLU(inplace=True)]


UNET = UNetConfig()
