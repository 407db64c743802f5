"""Building blocks that more than one of the nets uses."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional


def normalise(image: Tensor) -> Tensor:
    """Return an image of 0..1 as -1..1, the range that every net here works in."""
    return image * 2 - 1


def check_sides(image: Tensor, multiple: int) -> None:
    """Raise ``ValueError`` unless the sides of ``image``, B×3×H×W, are multiples of ``multiple``."""
    height, width = image.shape[-2:]
    if height % multiple or width % multiple:
        padded = [-(-side // multiple) * multiple for side in (height, width)]
        raise ValueError(
            f"this net needs sides that are multiples of {multiple}, but the image is {height}×{width}; "
            f"pad it to {padded[0]}×{padded[1]}, as cutaway.geometry does"
        )


def enlarge(features: Tensor, times: int) -> Tensor:
    """Return ``features`` B×C×h×w ``times`` as large, bilinearly; pixel areas, not centres, are aligned.

    By a factor and not to a size: ONNX Runtime resamples its blocks of channels as they lie where it knows the factor.
    """
    return functional.interpolate(features, scale_factor=float(times), mode="bilinear", align_corners=False)


class ConvNormRelu(nn.Sequential):
    """Convolution, batch norm, ReLU: the order in which the norm folds into the convolution at export."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class DenseBlock(nn.Module):
    """Layers that each see all maps before them (Huang 2017).

    Args:
        inputs: Maps that come in.
        growth_rate: Maps that each layer adds.
        layers: Number of layers.
        make: Makes a layer from the maps that come in and those that go out.
    """

    def __init__(
        self, inputs: int, growth_rate: int, layers: int, make: Callable[[int, int], nn.Module] = ConvNormRelu
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(make(inputs + i * growth_rate, growth_rate) for i in range(layers))
        self.new = growth_rate * layers
        self.stack = inputs + self.new

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the new maps B×(layers·growth)×H×W alone, and the whole stack: the input followed by them."""
        stack, new = features, []
        for layer in self.layers:
            new.append(layer(stack))
            stack = torch.cat([stack, new[-1]], dim=1)
        # Not a slice of the stack: ONNX Runtime would take its blocks of channels apart for that.
        return torch.cat(new, dim=1), stack


def crop(features: Tensor, size: torch.Size) -> Tensor:
    """Return the top left ``size`` = (h, w) of ``features`` B×C×H×W, so that what lies at the origin stays there."""
    return features[..., : size[0], : size[1]]


def he_normal(module: nn.Module) -> None:
    """Draw a convolution's weights from N(0, √(2 / N)), N the inputs of one output value (He 2015); zero its bias."""
    if not isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        return
    inputs = module.weight.numel() / module.out_channels
    if isinstance(module, nn.ConvTranspose2d):  # an output value meets every stride-th row and column only
        inputs /= module.stride[0] * module.stride[1]
    nn.init.normal_(module.weight, std=(2 / inputs) ** 0.5)
    zero_bias(module)


def zero_bias(module: nn.Conv2d | nn.ConvTranspose2d) -> None:
    """Set the bias to zero, if there is one."""
    if module.bias is not None:
        nn.init.zeros_(module.bias)
