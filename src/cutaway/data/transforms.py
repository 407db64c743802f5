"""Augmentation of a batch, mostly by Kornia, on whatever device the batch is. Geometry moves image and target alike."""

import warnings
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional

from cutaway.data.compositing import Compositing
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

    So are the rest. What people are laid over and behind: ``background``, another one, before which ``scale`` makes
    them smaller; ``paste``, a second person beside the first; ``occlude``, something before them. What the light and
    the camera do: ``shade`` makes the background as light or dark as the person, ``dim`` takes light and brings noise;
    ``motion`` blurs, ``shrink`` loses detail, and ``jpeg`` compresses.
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
    background: float = 0.0
    scale: float = 0.0
    paste: float = 0.0
    occlude: float = 0.0
    shade: float = 0.0
    dim: float = 0.0
    motion: float = 0.0
    shrink: float = 0.0
    jpeg: float = 0.0

    def __post_init__(self) -> None:
        others = {"canvas", "min_crop", "stretch", "rotation"}
        shares = [field.name for field in fields(self) if field.name not in others]
        outside = [name for name in shares if not 0 <= getattr(self, name) <= 1]
        if outside:
            raise DataError(f"augment.{outside[0]} is {getattr(self, outside[0])}; it has to be from 0 to 1")
        if self.canvas < 1 or not 0 < self.min_crop <= 1 or self.stretch < 1 or not 0 <= self.rotation <= 180:
            raise DataError(
                "augment.canvas and augment.stretch have to be at least 1, augment.min_crop above 0 and at most 1, "
                "and augment.rotation from 0 to 180"
            )

    @property
    def needs_backgrounds(self) -> bool:
        """Whether photos without people are needed to lay people over, or to take pieces from."""
        return self.background > 0 or self.occlude > 0


class Augment(nn.Module):
    """Compositing, random crop to ``size`` × ``size``, flip, rotation, light, colour and quality, as ``config`` says.

    ``backgrounds`` N×3×S×S uint8 are photos without people, on the canvas's size.
    """

    def __init__(self, config: AugmentConfig, size: int, backgrounds: Tensor | None = None) -> None:
        super().__init__()
        if config.needs_backgrounds and (backgrounds is None or not len(backgrounds)):
            raise DataError(
                "augment.background and augment.occlude need photos without people to train on, and there is none; "
                "name a folder of them in data.people_free, or set both to 0"
            )
        self.compositing = _compositing(config, torch.empty(0) if backgrounds is None else backgrounds)
        soft = {"resample": Resample.BILINEAR, "align_corners": True}  # as for images: both have to move alike
        self.geometric = kornia_augmentation.AugmentationSequential(
            *_geometric(config, size), data_keys=None, extra_args={DataKey.MASK: soft}
        )
        self.shade = config.shade
        self.photometric = nn.Sequential(*_photometric(config))

    @torch.no_grad()
    def forward(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return images B×3×s×s and targets B×C×s×s, float32 0..1, from B×3×S×S and B×C×S×S uint8 0..255.

        Only torch's global random state is drawn from.
        """
        if self.compositing:
            images, targets = self.compositing(images, targets)
        moved = self.geometric({"image": images.float() / 255, "mask": targets.float() / 255})
        image, target = moved["image"], moved["mask"].clamp(0, 1)
        if self.shade:
            image = shade(image, target[:, :1], self.shade)
        return self.photometric(image).clamp(0, 1), target


class Sometimes(nn.Module):
    """Each image with probability ``p`` through ``change``, which sees no others: Kornia's own ``p`` saves no time."""

    def __init__(self, change: nn.Module, p: float) -> None:
        super().__init__()
        self.change, self.p = change, p

    def forward(self, images: Tensor) -> Tensor:
        """Return images B×3×H×W of 0..1, some of them changed."""
        chosen = (torch.rand(len(images), device=images.device) < self.p).nonzero()[:, 0]
        return images.index_copy(0, chosen, self.change(images[chosen])) if len(chosen) else images


class Dim(nn.Module):
    """Takes light, as dusk does, and has the camera make up for some of it, which brings noise."""

    def forward(self, images: Tensor) -> Tensor:
        """Return images B×3×H×W of 0..1, darker."""
        light, gain, grain = (torch.rand(len(images), 1, 1, 1, device=images.device) for _ in range(3))
        light = 0.05 * 7**light  # 0.05 .. 0.35 of the light that there was
        linear = images.clamp(0, 1) ** 2.2 * light
        noisy = linear + torch.randn_like(linear) * (linear * 0.002 * grain + 1e-6).sqrt()
        exposure = light ** -(0.3 + 0.5 * gain)
        dimmed: Tensor = (noisy * exposure).clamp(0, 1) ** (1 / 2.2)
        return dimmed


class Shrink(nn.Module):
    """Makes images smaller and large again, as thumbnails and video calls are; all of a batch by one factor."""

    def forward(self, images: Tensor) -> Tensor:
        """Return images B×3×H×W with less detail."""
        height, width = images.shape[2:]
        factor = 0.3 + 0.5 * float(torch.rand(()))
        size = max(1, round(factor * height)), max(1, round(factor * width))
        small = functional.interpolate(images, size, mode="bilinear", antialias=True)
        return functional.interpolate(small, (height, width), mode="bilinear")


class CropFlip(nn.Module):
    """Random crop to ``side`` × ``side`` without any resampling (0: none), and flip: for labels, which stay whole."""

    def __init__(self, side: int, flip: float) -> None:
        super().__init__()
        k = kornia_augmentation
        self.side = side
        crop = [k.RandomCrop((side, side), cropping_mode="slice")] if side else []
        self.moves = k.AugmentationSequential(*crop, k.RandomHorizontalFlip(p=flip), data_keys=None)

    @torch.no_grad()
    def forward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return images B×3×s×s float32 0..1 and labels B×1×s×s uint8, from B×3×H×W and B×1×H×W uint8.

        Raises:
            DataError: The crop is larger than the photos; what it would lack is nothing that a label names.
        """
        height, width = images.shape[2:]
        if self.side > min(height, width):
            raise DataError(f"camvid.crop is {self.side}, more than a side of a photo of {width}×{height}; lower it")
        moved = self.moves({"image": images.float() / 255, "mask": labels.float()})
        return moved["image"].clamp(0, 1), moved["mask"].round().byte()


def shade(images: Tensor, person: Tensor, p: float) -> Tensor:
    """Return images B×3×H×W, with probability ``p`` the background about as light or dark as the person of B×1×H×W.

    So dark clothes come before the dark, and white ones before white.
    """
    sums = [(images.mean(1, keepdim=True) * share).sum((1, 2, 3)) for share in (person, 1 - person)]
    areas = [share.sum((1, 2, 3)) for share in (person, 1 - person)]
    light, light_behind = (total / area.clamp(min=1) for total, area in zip(sums, areas, strict=True))
    least = 0.02 * person[0].numel()
    chosen = (torch.rand(len(images), device=images.device) < p) & (areas[0] > least) & (areas[1] > least)
    reach = 0.5 + 0.5 * torch.rand(len(images), device=images.device)
    gain = (light.clamp(min=0.02) / light_behind.clamp(min=0.02)) ** reach
    gain = torch.where(chosen, gain.clamp(0.35, 2.5), 1.0)[:, None, None, None]
    return (images * torch.lerp(gain, torch.ones_like(gain), person)).clamp(0, 1)


def _compositing(config: AugmentConfig, backgrounds: Tensor) -> Compositing | None:
    if not (config.background or config.paste or config.occlude):
        return None
    return Compositing(backgrounds, config.background, config.scale, config.paste, config.occlude)


def _geometric(config: AugmentConfig, size: int) -> list[kornia_augmentation.GeometricAugmentationBase2D]:
    k = kornia_augmentation
    aspect = (1 / config.stretch, config.stretch)
    return [
        k.RandomHorizontalFlip(p=config.flip),
        k.RandomRotation(config.rotation, p=0.5 if config.rotation else 0.0),
        k.RandomResizedCrop((size, size), scale=(config.min_crop, 1.0), ratio=aspect, p=1.0),
    ]


def _photometric(config: AugmentConfig) -> list[nn.Module]:
    """Return what changes colours and loses detail, in the order of what happens to a photo."""
    k = kornia_augmentation
    losses = {
        "dim": Dim(),
        "motion": k.RandomMotionBlur((3, 9), 180.0, (-1.0, 1.0), "replicate", p=1.0),
        "shrink": Shrink(),
        "jpeg": k.RandomJPEG((20.0, 90.0), p=1.0),
    }
    # Each is left out where it is not asked for: a recipe without it draws the random numbers that it always drew.
    dim, motion, shrink, jpeg = (
        [Sometimes(loss, p)] if (p := getattr(config, name)) else [] for name, loss in losses.items()
    )
    return [
        k.RandomBrightness(_around_one(config.brightness), p=0.7),
        k.RandomContrast(_around_one(config.contrast), p=0.7),
        k.RandomSaturation(_around_one(config.saturation), p=0.7),
        k.RandomPlanckianJitter(mode="blackbody", p=config.cast),
        k.RandomGrayscale(p=config.grey),
        k.RandomGamma((0.6, 1.8), (1.0, 1.0), p=config.gamma),
        *dim,
        k.RandomGaussianBlur((5, 5), (0.3, 1.5), p=config.blur),
        *motion,
        *shrink,
        k.RandomGaussianNoise(std=0.03, p=config.noise),
        *jpeg,
    ]


def _around_one(reach: float) -> tuple[float, float]:
    return 1 - reach, 1 + reach
