"""Augmentation of a batch with Kornia, on whatever device the batch is. Geometry moves image and target alike."""

import warnings
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cutaway.errors import DataError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Kornia's import warns of what it deprecates in itself
    import kornia.augmentation as kornia_augmentation
    from kornia.constants import DataKey, Resample


@dataclass(frozen=True)
class AugmentConfig:
    """How far training photos are changed. ``min_crop`` and ``stretch`` 1 and all else 0 leaves them as they are.

    ``canvas`` is the side in pixels that photos are letterboxed to before the crop. ``min_crop`` is the least share
    of that square that a crop keeps, ``stretch`` the largest ratio of its sides, ``rotation`` degrees.
    ``brightness``, ``contrast`` and ``saturation`` say how far their factors depart from 1; ``flip``, ``cast`` (the
    colour of the light), ``grey``, ``gamma``, ``blur`` and ``noise`` are probabilities.
    """

    canvas: int = 352
    flip: float = 0.5
    min_crop: float = 0.4
    stretch: float = 1.2
    rotation: float = 12.0
    brightness: float = 0.3
    contrast: float = 0.3
    saturation: float = 0.3
    cast: float = 0.3
    grey: float = 0.05
    gamma: float = 0.2
    blur: float = 0.1
    noise: float = 0.1

    def __post_init__(self) -> None:
        shares = ("flip", "brightness", "contrast", "saturation", "cast", "grey", "gamma", "blur", "noise")
        outside = [name for name in shares if not 0 <= getattr(self, name) <= 1]
        if outside:
            raise DataError(f"augment.{outside[0]} is {getattr(self, outside[0])}; it has to be from 0 to 1")
        if self.canvas < 1 or not 0 < self.min_crop <= 1 or self.stretch < 1 or not 0 <= self.rotation <= 180:
            raise DataError(
                "augment.canvas and augment.stretch have to be at least 1, augment.min_crop above 0 and at most 1, "
                "and augment.rotation from 0 to 180"
            )


class Augment(nn.Module):
    """Random crop to ``size`` × ``size``, flip, rotation, colour, grey, gamma, blur and noise, as ``config`` says."""

    def __init__(self, config: AugmentConfig, size: int) -> None:
        super().__init__()
        k = kornia_augmentation
        aspect = (1 / config.stretch, config.stretch)
        geometric = [
            k.RandomHorizontalFlip(p=config.flip),
            k.RandomRotation(config.rotation, p=0.5 if config.rotation else 0.0),
            k.RandomResizedCrop((size, size), scale=(config.min_crop, 1.0), ratio=aspect, p=1.0),
        ]
        photometric: list[nn.Module] = [
            k.RandomBrightness(_around_one(config.brightness), p=0.7),
            k.RandomContrast(_around_one(config.contrast), p=0.7),
            k.RandomSaturation(_around_one(config.saturation), p=0.7),
            k.RandomPlanckianJitter(mode="blackbody", p=config.cast),
            k.RandomGrayscale(p=config.grey),
            k.RandomGamma((0.6, 1.8), (1.0, 1.0), p=config.gamma),
            k.RandomGaussianBlur((5, 5), (0.3, 1.5), p=config.blur),
            k.RandomGaussianNoise(std=0.03, p=config.noise),
        ]
        soft = {"resample": Resample.BILINEAR, "align_corners": True}  # as for images: both have to move alike
        self.geometric = k.AugmentationSequential(*geometric, data_keys=None, extra_args={DataKey.MASK: soft})
        self.photometric = nn.Sequential(*photometric)

    @torch.no_grad()
    def forward(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return images B×3×s×s and targets B×C×s×s, float32 0..1, from B×3×S×S and B×C×S×S uint8 0..255.

        Only torch's global random state is drawn from.
        """
        moved = self.geometric({"image": images.float() / 255, "mask": targets.float() / 255})
        return self.photometric(moved["image"]).clamp(0, 1), moved["mask"].clamp(0, 1)


class CropFlip(nn.Module):
    """Random crop to ``side`` × ``side`` without any resampling (0: none), and flip: for labels, which stay whole."""

    def __init__(self, side: int, flip: float) -> None:
        super().__init__()
        k = kornia_augmentation
        crop = [k.RandomCrop((side, side), pad_if_needed=True, cropping_mode="slice")] if side else []
        self.moves = k.AugmentationSequential(*crop, k.RandomHorizontalFlip(p=flip), data_keys=None)

    @torch.no_grad()
    def forward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return images B×3×s×s float32 0..1 and labels B×1×s×s uint8, from B×3×H×W and B×1×H×W uint8."""
        moved = self.moves({"image": images.float() / 255, "mask": labels.float()})
        return moved["image"].clamp(0, 1), moved["mask"].round().byte()


def _around_one(reach: float) -> tuple[float, float]:
    return 1 - reach, 1 + reach
