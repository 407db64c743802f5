"""Samples as tensors. A run's batches are a pure function of (seed, step): a resumed one goes on with the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from cutaway import imagefile
from cutaway.data.camvid import read_class_labels
from cutaway.data.index import Sample
from cutaway.data.labelled import Labelled
from cutaway.data.masks import BACKGROUND, PERSON, VOID
from cutaway.data.photos import read_photo
from cutaway.errors import DataError
from cutaway.geometry import FitRule, Placement, fit_image, fit_mask, place_square
from cutaway.types import Image, Labels


class SquareDataset(Dataset[tuple[Tensor, Tensor]]):
    """Every sample on a square canvas, letterboxed or squashed, as augmentation wants it.

    Items are what ``to_tensors`` gives of a photo.
    """

    def __init__(self, samples: Sequence[Sample], side: int, rule: FitRule) -> None:
        if not samples:
            raise DataError("there is no photo to train on; check the recipe's data paths and their splits")
        self.samples = samples
        self.side = side
        self.rule = rule

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, labels = read_sample(self.samples[index])
        height, width = labels.shape
        return to_tensors(image, labels, place_square(height, width, self.side, self.rule))


class ClassDataset(Dataset[tuple[Tensor, Tensor]]):
    """CamVid's photos: items are (image 3×H×W uint8, labels 1×H×W uint8, 255 = void)."""

    def __init__(self, photos: Sequence[Labelled]) -> None:
        self.photos = photos

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        photo = self.photos[index]
        image, labels = imagefile.read_srgb(photo.image), read_class_labels(photo.labels)
        if labels.shape != image.shape[:2]:
            raise DataError(f"{photo.labels} is not of the size of its photo {photo.image}; they have to match")
        return torch.from_numpy(image.transpose(2, 0, 1).copy()), torch.from_numpy(labels)[None]


@dataclass(frozen=True)
class StepSampler(Sampler[list[int]]):
    """The indices of each step's batch, from step ``start`` up to ``steps``.

    Every epoch is a fresh permutation drawn from (seed, epoch); what does not fill a batch is left out. Process
    ``rank`` of ``world`` takes every ``world``-th index of it.
    """

    size: int
    batch_size: int
    seed: int
    start: int
    steps: int
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        if self.size < self.batch_size * self.world:
            raise DataError(
                f"{self.size} training photos do not fill one batch of {self.batch_size * self.world}; "
                "lower optim.batch_size"
            )

    @property
    def steps_per_epoch(self) -> int:
        """Steps that one pass over the photos takes."""
        return self.size // (self.batch_size * self.world)

    def __len__(self) -> int:
        return max(0, self.steps - self.start)

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.start, self.steps):
            epoch, position = divmod(step, self.steps_per_epoch)
            if step == self.start or position == 0:
                order = self._order(epoch)
            first = position * self.batch_size * self.world + self.rank
            yield order[first : first + self.batch_size * self.world : self.world].tolist()

    def _order(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng([self.seed, epoch]).permutation(self.size)


def read_sample(sample: Sample) -> tuple[Image, Labels]:
    """Return a sample's image H×W×3 uint8 and labels H×W uint8: 0 background, 1 person, 255 void.

    Where nobody is in the photo, all is background.

    Raises:
        DataError: The sizes differ.
        ImageError: The photo cannot be read.
    """
    image, labels = read_photo(sample)
    return image, np.full(image.shape[:2], BACKGROUND, np.uint8) if labels is None else labels


def to_tensors(image: Image, labels: Labels, placement: Placement) -> tuple[Tensor, Tensor]:
    """Return image 3×H×W and target 2×H×W on the canvas of ``placement``, both uint8.

    The target is the share of person in each pixel, and the share of it that is void, 0..255.
    """
    canvas = torch.from_numpy(fit_image(image, placement)).permute(2, 0, 1).contiguous()
    shares = [fit_mask(labels == label, placement) for label in (PERSON, VOID)]
    return canvas, torch.from_numpy(np.rint(np.stack(shares) * 255).astype(np.uint8))
