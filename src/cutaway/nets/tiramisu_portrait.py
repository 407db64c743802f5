"""Tiramisu for portraits, trained from scratch: FC-DenseNet with a strided stem and a path for fine detail.

The paper's net (Jégou 2017) spends most of its arithmetic at full size. Here two strided convolutions come first,
dense blocks work from 1/4 down to 1/32 and back up, and a thin path from the image itself keeps the outline sharp.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from cutaway.nets.decoder import DenseUpPath, Stage
from cutaway.nets.layers import ConvNormRelu, DenseBlock, check_sides, normalise


@dataclass(frozen=True)
class TiramisuPortraitConfig:
    """Shape of ``TiramisuPortrait``.

    ``down`` holds the layers of the dense blocks at 1/4, 1/8, ...; the last is the bottleneck.
    """

    classes: int = 1
    growth_rate: int = 16
    stem: tuple[int, int] = (24, 48)
    down: tuple[int, ...] = (4, 6, 8, 12)
    up: tuple[Stage, ...] = (
        Stage(width=96, growth_rate=16, layers=6),
        Stage(width=64, growth_rate=16, layers=5),
        Stage(width=48, growth_rate=16, layers=4),
        Stage(width=32, growth_rate=12, layers=2),
        Stage(width=16, growth_rate=8, layers=2),
    )
    detail: int = 8

    def __post_init__(self) -> None:
        if len(self.up) != len(self.down) + 1:
            raise ValueError(
                f"{len(self.down)} dense blocks down need {len(self.down) + 1} stages up, not {len(self.up)}"
            )


class TiramisuPortrait(nn.Module):
    """FC-DenseNet with a strided stem.

    See the module. Sides are multiples of 2 to the power of ``len(down) + 1``.
    """

    def __init__(self, config: TiramisuPortraitConfig) -> None:
        super().__init__()
        half, quarter = config.stem
        self.detail = ConvNormRelu(3, config.detail)
        self.stem_half = ConvNormRelu(3, half, stride=2)
        self.stem_quarter = ConvNormRelu(half, quarter, stride=2)
        self.down = nn.ModuleList()
        self.shrink = nn.ModuleList()
        skips, width = [], quarter
        for layers in config.down:
            block = DenseBlock(width, config.growth_rate, layers)
            self.down.append(block)
            width = block.stack
            if len(self.down) < len(config.down):
                skips.append(width)
                self.shrink.append(nn.Sequential(ConvNormRelu(width, width, kernel=1), nn.MaxPool2d(2)))
        self.up = DenseUpPath(block.new, [*reversed(skips), half, config.detail], config.up)
        self.head = nn.Conv2d(self.up.outputs, config.classes, kernel_size=1)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits B×classes×H×W for an image B×3×H×W of 0..1.

        Raises:
            ValueError: A side is not such a multiple.
        """
        check_sides(image, 2 ** (len(self.down) + 1))
        image = normalise(image)
        detail, half = self.detail(image), self.stem_half(image)
        new, stack = self.down[0](self.stem_quarter(half))
        skips = [detail, half]
        for shrink, block in zip(self.shrink, list(self.down)[1:], strict=True):
            skips.append(stack)
            new, stack = block(shrink(stack))
        logits: Tensor = self.head(self.up(new, skips[::-1]))
        return logits


TIRAMISU_PORTRAIT = TiramisuPortraitConfig()
