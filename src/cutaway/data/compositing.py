"""People before other backgrounds, beside other people and behind things, on the canvas of training; masks follow.

Colours are matched as in Reinhard et al., "Color Transfer between Images", 2001, in RGB and part of the way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from cutaway.data.index import Sample
from cutaway.data.photos import read_photo
from cutaway.geometry import PADDING, resize_image

LEAST_SHARE = 0.005
"""Share of the canvas below which a person is left where they are."""
SMALLEST = 0.3
LEAST_HEIGHT = 0.15
"""How small a person is made: this share of their size, and no less than this share of the canvas's side."""
LARGEST = 2.0
"""The most that a person is enlarged, to stay in touch with both sides of the canvas."""
NEAR_EDGE = 0.015
"""Share of the photo's side within which a mask is taken to reach the photo's edge."""
DRAWN_IN = 0.7
"""Where the person's edge is put in their blurred mask: above a half, so that no rim of the old background is left."""
SOFTNESS = (0.08, 0.28)
ROOM = 3
"""Pixels around a person's box in which their edge is found."""
TRIES = 4
"""Other photos of the batch that are looked at for a second person."""
RELIT = 0.8
"""The most that light and colour are drawn from their own towards those of where they are to fit in."""


Box: TypeAlias = tuple[slice, slice]
"""Rows and columns."""


@dataclass(frozen=True)
class Light:
    """Mean and spread of colours, each 3×1×1."""

    mean: Tensor
    spread: Tensor


@dataclass(frozen=True)
class Edges:
    """Which edges of a photo a person is cut off by."""

    top: bool
    bottom: bool
    left: bool
    right: bool

    @property
    def bind(self) -> bool:
        """Whether they are such that a person made smaller would hang in the air."""
        return self.top or (self.left and self.right)


@dataclass(frozen=True)
class Person:
    """Somebody cut out to their own box: colour 3×h×w and alpha 1×h×w, 0..1; the light that they stood in."""

    colour: Tensor
    alpha: Tensor
    edges: Edges
    light: Light


class Compositing(nn.Module):
    """Gives people of a batch another background, another person beside them, or something before them.

    ``backgrounds`` N×3×S×S uint8 are photos without people. ``background``, ``paste`` and ``occlude`` are
    probabilities; ``scale`` is that of being made smaller, of those who get another background.
    """

    backgrounds: Tensor

    def __init__(self, backgrounds: Tensor, background: float, scale: float, paste: float, occlude: float) -> None:
        super().__init__()
        self.register_buffer("backgrounds", backgrounds, persistent=False)
        self.background, self.scale, self.paste, self.occlude = background, scale, paste, occlude

    @torch.no_grad()
    def forward(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return images B×3×S×S and targets B×2×S×S as they come, uint8 0..255: share of person, and of void.

        Only torch's global random state is drawn from.
        """
        pairs = [self._compose(images, targets, number) for number in range(len(images))]
        composed, followed = zip(*pairs, strict=True)
        return torch.stack(composed), torch.stack(followed)

    def _compose(self, images: Tensor, targets: Tensor, number: int) -> tuple[Tensor, Tensor]:
        wishes = torch.rand(3).tolist()
        if wishes[0] >= self.background and wishes[1] >= self.paste and wishes[2] >= self.occlude:
            return images[number], targets[number]  # most are spared the way to floats and back
        image, target = images[number].float() / 255, targets[number].float() / 255
        if wishes[0] < self.background and (person := cut_out(image, target)):
            image, target = self._elsewhere(person, image, target)
        if wishes[1] < self.paste and target[0].any():
            others = [other for other in torch.randperm(len(images)).tolist() if other != number][:TRIES]
            pairs = ((images[other].float() / 255, targets[other].float() / 255) for other in others)
            fitting = (pair for pair in pairs if (found := find(*pair)) and not found[1].bind)
            if (pair := next(fitting, None)) and (second := cut_out(*pair)):
                image, target = beside(image, target, second)
        if wishes[2] < self.occlude and target[0].any():
            image, target = self._behind_something(image, target)
        return image.mul(255).round().byte(), target.mul(255).round().byte()

    def _elsewhere(self, person: Person, image: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the person before another background, which fills the canvas, as photos fill it when they are used."""
        side = image.shape[-1]
        smaller = _between(SMALLEST, 1) if _between(0, 1) < self.scale else 1.0
        scale = fitting_scale(person, smaller, side, side)
        if scale > LARGEST:
            return image, target
        scene = self._scene()
        lit = relight(scene, light_of(scene), person.light, _between(0, RELIT))
        return lay(lit, torch.zeros_like(target), moved(person, scale, side, side), in_front=True)

    def _behind_something(self, image: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the person with a piece of a photo without people before them."""
        rows, columns = photo_area(image)
        scene = self._scene()
        lit = relight(scene, light_of(scene), light_of(image[:, rows, columns]), _between(0, RELIT))
        cover = torch.zeros_like(target[:1])
        cover[:, rows, columns] = shape_before(target[:1])[:, rows, columns]
        return torch.lerp(image, lit, cover), target * (1 - cover)

    def _scene(self) -> Tensor:
        """Return a random part, mirrored or not, of a random background: 3×S×S, 0..1."""
        scene = self.backgrounds[int(_between(0, len(self.backgrounds)))].float() / 255
        side = scene.shape[-1]
        part = round(side * _between(0.6, 1))
        top, left = (int(_between(0, side - part + 1)) for _ in range(2))
        scene = scene[:, top : top + part, left : left + part]
        return _resized(scene.flip(2) if _between(0, 1) < 0.5 else scene, side, side)


def load_backgrounds(samples: Sequence[Sample], side: int) -> Tensor:
    """Return the middle square of each photo, N×3×S×S uint8 of ``side``.

    Raises:
        ImageError: A photo cannot be read.
    """
    squares = torch.empty(len(samples), 3, side, side, dtype=torch.uint8)
    for number, sample in enumerate(samples):
        image, _ = read_photo(sample)
        height, width = image.shape[:2]
        short = min(height, width)
        top, left = (height - short) // 2, (width - short) // 2
        square = resize_image(image[top : top + short, left : left + short], side, side)
        squares[number] = torch.from_numpy(square.copy()).permute(2, 0, 1)
    return squares


def photo_area(image: Tensor) -> Box:
    """Return the rows and columns of a canvas (3×H×W, 0..1) that hold the photo: all within the grey around it."""
    photo = ((image * 255).round() != PADDING).any(0)
    return _extent(photo.any(1)), _extent(photo.any(0))


def find(image: Tensor, target: Tensor) -> tuple[Box, Edges] | None:
    """Return the box of who is in a photo (3×S×S and 2×S×S, 0..1), with room for a soft edge, and what cuts them off.

    None where nobody is, or too little to see, or the truth is void.
    """
    person = target[0] > 0.5
    if target[1].any() or person.float().mean() < LEAST_SHARE:
        return None
    area, box = photo_area(image), (_extent(person.any(1)), _extent(person.any(0)))
    near = max(ROOM, NEAR_EDGE * len(person))
    starts = [inner.start - outer.start <= near for inner, outer in zip(box, area, strict=True)]
    stops = [outer.stop - inner.stop <= near for inner, outer in zip(box, area, strict=True)]
    rows, columns = (
        slice(side.start if at_start else side.start - ROOM, side.stop if at_stop else side.stop + ROOM)
        for side, at_start, at_stop in zip(box, starts, stops, strict=True)
    )
    return (rows, columns), Edges(starts[0], stops[0], starts[1], stops[1])


def cut_out(image: Tensor, target: Tensor) -> Person | None:
    """Return who is in a photo (3×S×S and 2×S×S, 0..1), None as ``find``."""
    found = find(image, target)
    if not found:
        return None
    box, edges = found
    alpha = soft_alpha(target[:1, *box])
    rows, columns = photo_area(image)
    share = target[:1, rows, columns]
    light = light_of(image[:, rows, columns], 0.01 + (share if _between(0, 1) < 0.5 else 1 - share))
    return Person(spread_colour(image[:, *box], alpha), alpha, edges, light)


def soft_alpha(share: Tensor) -> Tensor:
    """Return an alpha (1×H×W) a pixel inside ``share``, of random softness; where that is cut off, alpha is too."""
    for _ in range(2):
        share = functional.avg_pool2d(share, 3, 1, 1, count_include_pad=False)
    softness = _between(*SOFTNESS)
    return ((share - DRAWN_IN) / (2 * softness) + 0.5).clamp(0, 1)


def spread_colour(image: Tensor, alpha: Tensor) -> Tensor:
    """Return ``image`` with the person's colours spread over their soft edge, where the old background shines in."""
    inside = (alpha > 0.99).float()
    sums = functional.avg_pool2d(torch.cat([image * inside, inside]), (1, 7), 1, (0, 3))
    sums = functional.avg_pool2d(sums, (7, 1), 1, (3, 0))
    return torch.where((alpha < 1) & (sums[3:] > 0.02), sums[:3] / sums[3:].clamp(min=0.02), image)


def light_of(image: Tensor, weight: Tensor | None = None) -> Light:
    """Return mean and spread of the colours of an image 3×H×W, weighted by 1×H×W; of every fourth pixel each way."""
    image, weight = image[:, ::4, ::4], (torch.ones_like(image[:1]) if weight is None else weight)[:, ::4, ::4]
    total = weight.sum()
    mean = (image * weight).sum((1, 2), keepdim=True) / total
    return Light(mean, ((torch.square(image - mean) * weight).sum((1, 2), keepdim=True) / total).sqrt())


def relight(image: Tensor, old: Light, new: Light, share: float) -> Tensor:
    """Return ``image`` (3×H×W, 0..1) brought from the light ``old`` that share of the way to ``new``."""
    contrast = (new.spread / old.spread.clamp(min=0.01)).clamp(0.5, 2) ** share
    return ((image - old.mean) * contrast + torch.lerp(old.mean, new.mean, share)).clamp(0, 1)


def fitting_scale(person: Person, wanted: float, height: int, width: int) -> float:
    """Return the scale nearest to ``wanted`` at which the person stays in touch with all edges that cut them off.

    Nobody is made so small that little is to be seen of them.
    """
    rows, columns = person.alpha.shape[1:]
    across = width / columns if person.edges.left and person.edges.right else 0.0
    upright = height / rows if person.edges.top and person.edges.bottom else 0.0
    least = 1.0 if person.edges.bind else min(1.0, LEAST_HEIGHT * height / rows)
    return max(wanted, across, upright, least)


def moved(person: Person, scale: float, height: int, width: int) -> Tensor:
    """Return the scaled person in a random place of height × width that leaves no edge of a photo hanging in the air.

    The result is 4×H×W: colour, and alpha.
    """
    rows, columns = (max(1, round(length * scale)) for length in person.alpha.shape[1:])
    layer = torch.cat([person.colour, person.alpha])
    layer = layer if scale == 1 else _resized(layer, rows, columns)
    top = _offset(height - rows, person.edges.top, person.edges.bottom, _between(0.4, 1))
    left = _offset(width - columns, person.edges.left, person.edges.right, _between(0, 1))
    right, bottom = width - left - columns, height - top - rows
    return functional.pad(layer, (left, right, top, bottom))  # a negative pad cuts off


def lay(image: Tensor, target: Tensor, layer: Tensor, *, in_front: bool) -> tuple[Tensor, Tensor]:
    """Return image and target with the person of ``layer`` (4×H×W) before, or else behind, whom ``target`` shows."""
    cover = layer[3:] if in_front else layer[3:] * (1 - target[:1]).clamp(min=0) * (1 - target[1:])
    person = target[:1] + layer[3:] * (1 - target[:1])
    void = target[1:] * (1 - cover)
    return torch.lerp(image, layer[:3], cover), torch.cat([torch.minimum(person, 1 - void), void])


def beside(image: Tensor, target: Tensor, second: Person) -> tuple[Tensor, Tensor]:
    """Return image and target with a second person in the photo, smaller or as large, before the first or behind.

    As in photos, the nearer of them reaches further down.
    """
    rows, columns = photo_area(image)
    photo = image[:, rows, columns]
    scale = fitting_scale(second, _between(0.4, 1), *photo.shape[1:])
    layer = moved(second, scale, *photo.shape[1:])
    layer[:3] = relight(layer[:3], second.light, light_of(photo), _between(0, RELIT))
    first = target[:, rows, columns]
    nearer = _foot(layer[3:]) + _between(-1, 1) > _foot(first)
    image, target = image.clone(), target.clone()
    image[:, rows, columns], target[:, rows, columns] = lay(photo, first, layer, in_front=nearer)
    return image, target


def shape_before(person: Tensor) -> Tensor:
    """Return an alpha 1×S×S of an uneven ellipse or strip somewhere before the person of the share 1×S×S."""
    side = person.shape[-1]
    places = (person[0] > 0.5).nonzero()
    if not len(places):
        return torch.zeros_like(person)
    centre = places[int(_between(0, len(places)))]
    size = _between(0.2, 0.5) * len(places) ** 0.5
    rows, columns = (torch.arange(side, device=person.device) - at for at in centre)
    angle = torch.tensor(_between(0, torch.pi))
    along = (columns * angle.cos() + rows[:, None] * angle.sin()) / (size * _between(1, 2.5))
    across = (rows[:, None] * angle.cos() - columns * angle.sin()) / (size * _between(0.4, 1))
    uneven = _resized(torch.rand(1, 5, 5).to(person.device), side, side)
    distance = (along**2 + across**2).sqrt() + 0.8 * (uneven - 0.5)
    cover: Tensor = ((1 - distance) * size / _between(1, 3) + 0.5).clamp(0, 1)
    return cover


def _offset(slack: int, at_start: bool, at_end: bool, share: float) -> int:
    """Return where somebody begins who leaves ``slack`` pixels free, or overlaps by them if it is negative."""
    if slack > 0 and at_start != at_end:
        return 0 if at_start else slack
    return round(slack * (share if slack > 0 else share / 3))


def _foot(share: Tensor) -> int:
    """Return the row below the lowest that shows anybody."""
    return int(_extent((share[0] > 0.5).any(1)).stop)


def _extent(line: Tensor) -> slice:
    """Return from the first to the last True of a line, or the whole line where there is none."""
    places = line.nonzero()
    return slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, len(line))


def _resized(layer: Tensor, height: int, width: int) -> Tensor:
    smaller = height < layer.shape[1]
    return functional.interpolate(layer[None], (height, width), mode="bilinear", antialias=smaller)[0]


def _between(low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(()))
