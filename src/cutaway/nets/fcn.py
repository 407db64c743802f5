"""FCN-32s, FCN-16s and FCN-8s (Long et al. 2015, arXiv:1411.4038; Shelhamer et al. 2017, arXiv:1605.06211).

VGG16 as a fully convolutional net, class scores at 1/32 of the size, and upsampling by transposed convolutions that
start as bilinear interpolation. The 16s and 8s add the scores of the fourth and of the third pooling on the way.

Two things differ from the released nets. Convolutions pad so as to keep the size, where those pad the image by 100
pixels and crop: a third of the arithmetic, and the same away from the border. And the trunk starts from He's
initialisation (2015) instead of ImageNet weights: nothing here is pretrained.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from cutaway.nets.layers import crop, he_normal, normalise

SKIPS = {32: 0, 16: 1, 8: 2}
"""How many poolings below the last are scored, by the stride of the finest scores."""


@dataclass(frozen=True)
class FcnConfig:
    """Shape of ``Fcn``; the defaults are FCN-8s.

    Attributes:
        classes: Maps of the logits.
        stride: Pixels between the finest scores: FCN-32s, FCN-16s or FCN-8s.
        widths: Maps of the trunk's groups of 3×3 convolutions; a pooling follows each.
        convolutions: Convolutions of each group.
        hidden: Maps of fc6 and fc7.
        dropout: Share of the values dropped after fc6 and fc7.
        learned_upsampling: Train the intermediate upsampling, as in the paper; the released nets fix it, with no
            significant difference. The last one, the only one of FCN-32s, is fixed in both.
    """

    classes: int = 1
    stride: Literal[32, 16, 8] = 8
    widths: Sequence[int] = (64, 128, 256, 512, 512)
    convolutions: Sequence[int] = (2, 2, 3, 3, 3)
    hidden: int = 4096
    dropout: float = 0.5
    learned_upsampling: bool = False

    def __post_init__(self) -> None:
        if self.stride not in SKIPS:
            raise ValueError(f"an FCN's stride is 32, 16 or 8, not {self.stride}")


class Fcn(nn.Module):
    """FCN; see the module. Takes an image of any size."""

    def __init__(self, config: FcnConfig) -> None:
        super().__init__()
        inputs = [3, *config.widths[:-1]]
        groups = zip(inputs, config.widths, config.convolutions, strict=True)
        self.trunk = nn.ModuleList(convolution_group(*group) for group in groups)
        self.hidden = nn.Sequential(
            *hidden_layer(config.widths[-1], config.hidden, 7, config.dropout),
            *hidden_layer(config.hidden, config.hidden, 1, config.dropout),
        )
        self.apply(he_normal)
        skips = list(reversed(config.widths[:-1]))[: SKIPS[config.stride]]
        self.score = score_layer(config.hidden, config.classes)
        self.skip_scores = nn.ModuleList(score_layer(width, config.classes) for width in skips)
        self.upsamplings = nn.ModuleList(upsampling(config.classes, 2, config.learned_upsampling) for _ in skips)
        self.last_upsampling = upsampling(config.classes, config.stride, learned=False)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits B×classes×H×W for an image B×3×H×W of 0..1."""
        features = normalise(image)
        pooled = []
        for group in self.trunk:
            features = group(features)
            pooled.append(features)
        scores = self.score(self.hidden(pooled.pop()))
        for enlarge, score in zip(self.upsamplings, self.skip_scores, strict=True):
            finer = score(pooled.pop())
            scores = crop(enlarge(scores), finer.shape[-2:]) + finer
        return crop(self.last_upsampling(scores), image.shape[-2:])


def convolution_group(inputs: int, width: int, convolutions: int) -> nn.Sequential:
    """Return one group of VGG16's trunk: 3×3 convolutions with ReLU, then pooling by 2.

    The pooling rounds sides up, as in Caffe, so that the scores always cover the whole image.
    """
    widths = [inputs] + [width] * (convolutions - 1)
    pairs = [(nn.Conv2d(before, width, kernel_size=3, padding=1), nn.ReLU(inplace=True)) for before in widths]
    return nn.Sequential(*(layer for pair in pairs for layer in pair), nn.MaxPool2d(2, ceil_mode=True))


class WideConv(nn.Conv2d):
    """Convolution that keeps the size; in training on a CPU it is one matrix product over unfolded windows.

    oneDNN's backward pass takes some 40 times as long as that where the kernel is larger than the map, as in fc6.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Return B×outputs×H×W."""
        if not self.training or features.device.type != "cpu":
            return super().forward(features)
        windows = functional.unfold(features, self.kernel_size, padding=self.kernel_size[0] // 2)
        products = self.weight.flatten(1) @ windows
        if self.bias is not None:
            products = products + self.bias[:, None]
        return products.reshape(*products.shape[:2], *features.shape[2:])


def hidden_layer(inputs: int, outputs: int, kernel: int, dropout: float) -> tuple[nn.Module, ...]:
    """Return a fully connected layer of VGG16 as a convolution that keeps the size."""
    return WideConv(inputs, outputs, kernel, padding=kernel // 2), nn.ReLU(inplace=True), nn.Dropout(dropout)


def score_layer(inputs: int, classes: int) -> nn.Conv2d:
    """Return the 1×1 convolution to class scores, which starts at zero."""
    layer = nn.Conv2d(inputs, classes, kernel_size=1)
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


def upsampling(classes: int, factor: int, learned: bool) -> nn.ConvTranspose2d:
    """Return a transposed convolution that enlarges each class's scores ``factor`` times, bilinearly to begin with.

    It equals bilinear resampling with aligned pixel areas, but beyond the border it sees zeros, not the nearest score.
    """
    layer = nn.ConvTranspose2d(classes, classes, 2 * factor, stride=factor, padding=factor // 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.einsum("ij,kl->ijkl", torch.eye(classes), bilinear_kernel(factor)))
    return layer.requires_grad_(learned)


def bilinear_kernel(factor: int) -> Tensor:
    """Return the weights, 2·factor × 2·factor float32, of bilinear enlargement by an even ``factor``."""
    taps = torch.arange(2 * factor, dtype=torch.float32)
    tent = 1 - (taps - (factor - 0.5)).abs() / factor
    return torch.outer(tent, tent)


FCN32S = FcnConfig(stride=32)
FCN16S = FcnConfig(stride=16)
FCN8S = FcnConfig(stride=8)
