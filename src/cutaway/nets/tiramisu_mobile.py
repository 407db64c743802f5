"""Tiramisu's dense up-path on a pretrained MobileNetV2 trunk (DeepLabv3), for the most quality a training hour.

The trunk is the person segmenter of ``deeplabv3_mnv2_pascal.npz``, or that of half its width of
``deeplabv3_mnv2_dm05_pascal.npz``: MobileNetV2 (Sandler 2018) at output stride 16, image pooling and a 21-class head
(Chen 2017). What it says about *person* at 1/16 of the size is kept as log-odds,
and the up-path learns what has to be added to it, up to half the size. So training starts from a working, if coarse,
segmenter.
"""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from cutaway.nets.decoder import DenseUpPath, Stage
from cutaway.nets.layers import ConvNormRelu, check_sides, enlarge, normalise

STRIDE = 16
"""How much smaller the trunk's context is than the image."""

PERSON = 15
"""Pascal VOC's class index of *person*, in the trunk's head of 21 classes."""

BLOCKS = (
    # (outputs, expansion, stride, dilation) of MobileNetV2's bottlenecks at output stride 16
    (16, 1, 1, 1),
    (24, 6, 2, 1), (24, 6, 1, 1),
    (32, 6, 2, 1), (32, 6, 1, 1), (32, 6, 1, 1),
    (64, 6, 2, 1), (64, 6, 1, 1), (64, 6, 1, 1), (64, 6, 1, 1),
    (96, 6, 1, 1), (96, 6, 1, 1), (96, 6, 1, 1),
    (160, 6, 1, 1), (160, 6, 1, 2), (160, 6, 1, 2), (320, 6, 1, 2),
)  # fmt: skip
SKIP_AFTER = (0, 2, 5)
"""The bottlenecks whose outputs, at 1/2, 1/4 and 1/8, the up-path joins."""

WHICH_FILE = "use deeplabv3_mnv2_pascal.npz, or with a trunk_width of 0.5 deeplabv3_mnv2_dm05_pascal.npz"


@dataclass(frozen=True)
class TiramisuMobileConfig:
    """Shape of ``TiramisuMobile``: one to three stages up, at 1/8, 1/4, 1/2; the last one's log-odds are enlarged.

    With maps in a ``detail`` path there are four stages, the fourth at 1/1. ``trunk_width`` is the width of the trunk's
    maps as a multiple of MobileNetV2's: 1 or 0.5, as the trunk's file has it.
    """

    classes: int = 1
    trunk_width: float = 1.0
    up: tuple[Stage, ...] = (
        Stage(width=96, growth_rate=32, layers=4),
        Stage(width=32, growth_rate=16, layers=3, skip=16),
        Stage(width=16, growth_rate=16, layers=2),
    )
    detail: int = 0

    def __post_init__(self) -> None:
        most = len(SKIP_AFTER)
        if self.detail and len(self.up) != most + 1:
            raise ValueError(f"with a detail path up has to hold {most + 1} stages, not {len(self.up)}")
        if not self.detail and not 1 <= len(self.up) <= most:
            raise ValueError(f"without a detail path up has to hold 1 to {most} stages, not {len(self.up)}")


class SameConv(nn.Conv2d):
    """Convolution with TensorFlow's padding.

    On even sides a stride of 2 pads right and bottom only, as the trunk was trained.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Return B×outputs×H/stride×W/stride."""
        if self.stride[0] == 2:
            features = functional.pad(features, (0, 1, 0, 1))
        return super().forward(features)


def same_conv(inputs: int, outputs: int, kernel: int, stride: int = 1, dilation: int = 1, groups: int = 1) -> SameConv:
    """Return a ``SameConv`` of one of the trunk's three shapes."""
    padding = 0 if stride == 2 else dilation * (kernel // 2)
    return SameConv(inputs, outputs, kernel, stride, padding, dilation, groups)


class Bottleneck(nn.Module):
    """MobileNetV2's inverted residual, batch norm already folded into its convolutions."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, dilation: int) -> None:
        super().__init__()
        width = inputs * expansion
        self.expand = same_conv(inputs, width, 1) if expansion > 1 else None
        self.depthwise = same_conv(width, width, 3, stride, dilation, groups=width)
        self.project = same_conv(width, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        """Return B×outputs×H/stride×W/stride."""
        wide = functional.relu6(self.expand(features)) if self.expand else features
        narrow: Tensor = self.project(functional.relu6(self.depthwise(wide)))
        return features + narrow if self.residual else narrow


class Trunk(nn.Module):
    """DeepLabv3 on MobileNetV2 at output stride 16; 2.1 M parameters at a ``width`` of 1, 0.69 M at 0.5."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        first, *maps = (round(width * maps) for maps in (32, *(block[0] for block in BLOCKS)))
        self.maps = maps
        self.conv = same_conv(3, first, 3, stride=2)
        self.blocks = nn.ModuleList(
            Bottleneck(inputs, outputs, *shape)
            for inputs, outputs, (_, *shape) in zip([first, *maps], maps, BLOCKS, strict=False)
        )
        self.image_pooling = same_conv(maps[-1], 256, 1)
        self.aspp0 = same_conv(maps[-1], 256, 1)
        self.concat_projection = same_conv(512, 256, 1)
        self.logits = same_conv(256, 21, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor], Tensor]:
        """Return context B×256×H/16×W/16, skips at 1/8, 1/4, 1/2, and 21 class logits at 1/16; the image is -1..1."""
        features = functional.relu6(self.conv(image))
        skips = []
        for number, block in enumerate(self.blocks):
            features = block(features)
            if number in SKIP_AFTER:
                skips.append(features)
        pooled = functional.relu6(self.image_pooling(features.mean(dim=(2, 3), keepdim=True)))
        local = functional.relu6(self.aspp0(features))
        context = functional.relu6(self.concat_projection(torch.cat([pooled.expand_as(local), local], dim=1)))
        return context, skips[::-1], self.logits(context)


class TiramisuMobile(nn.Module):
    """Dense up-path on the trunk; see the module. Sides are multiples of 16."""

    def __init__(self, config: TiramisuMobileConfig) -> None:
        super().__init__()
        self.trunk = Trunk(config.trunk_width)
        self.detail = ConvNormRelu(3, config.detail) if config.detail else None
        skips = [self.trunk.maps[number] for number in reversed(SKIP_AFTER)]
        self.up = DenseUpPath(256, [*skips, config.detail][: len(config.up)], config.up)
        self.head = nn.Conv2d(self.up.outputs, config.classes, kernel_size=1)
        nn.init.zeros_(self.head.weight)  # the first prediction is the trunk's own
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]  # present: bias is on by default

    def forward(self, image: Tensor) -> Tensor:
        """Return logits B×classes×H×W for an image B×3×H×W of 0..1.

        Raises:
            ValueError: A side is not a multiple of 16.
        """
        check_sides(image, STRIDE)
        image = normalise(image)
        context, skips, coarse = self.trunk(image)
        if self.detail:
            skips.append(self.detail(image))
        correction: Tensor = self.head(self.up(context, skips[: len(self.up.blocks)]))
        return enlarge(correction, STRIDE // 2 ** len(self.up.blocks)) + enlarge(person_log_odds(coarse), STRIDE)


def person_log_odds(logits: Tensor) -> Tensor:
    """Return log p(person) / p(anything else), B×1×h×w, from the trunk's logits B×21×h×w."""
    others = torch.cat([logits[:, :PERSON], logits[:, PERSON + 1 :]], dim=1)
    return logits[:, PERSON : PERSON + 1] - torch.logsumexp(others, dim=1, keepdim=True)


def load_trunk(trunk: Trunk, path: Path) -> None:
    """Fill ``trunk`` with the arrays of the file that is of its width; see the module.

    Raises:
        OSError: The file cannot be opened.
        ValueError: It is damaged or no .npz, or lacks an array, or holds one of another shape.
    """
    try:
        with zipfile.ZipFile(path):  # NumPy would take other files for arrays or pickles
            arrays = np.load(path)
        with arrays:
            state = {name: _find(arrays, name, tuple(value.shape)) for name, value in trunk.state_dict().items()}
    except (zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"it is not a whole .npz file: {error}") from error
    trunk.load_state_dict(state)


def _find(arrays: "np.lib.npyio.NpzFile", name: str, shape: tuple[int, ...]) -> Tensor:
    """Return the array of the trunk file that belongs to the parameter ``name``."""
    module, kind = name.rsplit(".", 1)
    key = _graph_name(module) + ("|weights_quant|FakeQuantWithMinMaxVars" if kind == "weight" else "")
    candidates = (
        [key] if kind == "weight" else [f"{key}|Conv2D_Fold_bias", f"{key}|depthwise_Fold_bias", f"{key}|Conv2D_bias"]
    )
    key = next((candidate for candidate in candidates if candidate in arrays), candidates[0])
    if key not in arrays:
        raise ValueError(f"the trunk file has no array {key!r}; {WHICH_FILE}")
    value: NDArray[np.float32] = arrays[key].astype(np.float32)
    if kind == "weight":  # the file has O,H,W,I; a depthwise kernel is 1,H,W,C
        value = value.transpose(3, 0, 1, 2) if "depthwise" in key else value.transpose(0, 3, 1, 2)
    if value.shape != shape:
        raise ValueError(f"the trunk file's {key!r} is {value.shape}, not {shape}; {WHICH_FILE}")
    return torch.from_numpy(np.ascontiguousarray(value))


def _graph_name(module: str) -> str:
    """Return the trunk file's name of a module: ``blocks.3.expand`` is ``MobilenetV2|expanded_conv_3|expand``."""
    parts = module.split(".")
    if parts == ["conv"]:
        return "MobilenetV2|Conv"
    if parts == ["logits"]:
        return "logits|semantic"
    if parts[0] != "blocks":
        return parts[0]
    block = "expanded_conv" if parts[1] == "0" else f"expanded_conv_{parts[1]}"
    return f"MobilenetV2|{block}|{parts[2]}"


TIRAMISU_MOBILE = TiramisuMobileConfig()
TIRAMISU_MOBILE_FAST = TiramisuMobileConfig(
    trunk_width=0.5,
    up=(
        Stage(width=24, growth_rate=10, layers=3),
        Stage(width=20, growth_rate=10, layers=3),
        Stage(width=16, growth_rate=8, layers=2),
    ),
)
