"""Samples as tensors. A run's batches are a pure function of (seed, step): a resumed one goes on with the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from cutaway import imagefile
from cutaway.data.index import Sample
from cutaway.data.masks import read_mask
from cutaway.errors import DataError
from cutaway.geometry import FitRule, Placement, fit_image, fit_mask, place_square
from cutaway.types import Image, Mask


class SquareDataset(Dataset[tuple[Tensor, Tensor]]):
    """Every sample on a square canvas, letterboxed or squashed, as augmentation wants it.

    Items are (image 3×S×S uint8, mask 1×S×S uint8 0..255 = share of person in the pixel).
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
        image, mask = read_sample(self.samples[index])
        height, width = mask.shape
        return to_tensors(image, mask, place_square(height, width, self.side, self.rule))


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


def read_sample(sample: Sample) -> tuple[Image, Mask]:
    """Return a sample's image H×W×3 uint8 and mask H×W bool (all False where nobody is in the photo).

    Raises:
        DataError: The sizes differ.
        ImageError: The photo cannot be read.
    """
    image = imagefile.read(sample.image).image
    mask = np.zeros(image.shape[:2], np.bool_) if sample.mask is None else read_mask(sample.mask)
    if mask.shape != image.shape[:2]:
        raise DataError(f"{sample.mask} is not of the size of its photo {sample.image}; they have to match")
    return image, mask


def to_tensors(image: Image, mask: Mask, placement: Placement) -> tuple[Tensor, Tensor]:
    """Return image 3×H×W uint8 and mask 1×H×W uint8 0..255 on the canvas of ``placement``."""
    canvas = torch.from_numpy(fit_image(image, placement)).permute(2, 0, 1).contiguous()
    share = torch.from_numpy(np.rint(fit_mask(mask, placement) * 255).astype(np.uint8))
    return canvas, share[None]
