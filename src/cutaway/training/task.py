"""What a run learns: which photos it sees, what it minimises, and by which score it is judged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

from cutaway.data.torch_dataset import ClassDataset, SquareDataset
from cutaway.training.losses import Loss

SHEET = 24
"""Photos on the contact sheet, spread evenly over the validation set."""
SHEET_COLUMNS = 6


Photos: TypeAlias = SquareDataset | ClassDataset


@dataclass(frozen=True)
class Validation:
    """How the validation photos were done: each score by its name, 0..1, and a contact sheet 3×H×W 0..1."""

    scores: Mapping[str, float]
    sheet: Tensor


@dataclass(frozen=True)
class Task:
    """A task; ``augment`` takes a batch of ``photos`` to (images B×3×H×W float 0..1, targets) of the loss.

    ``criterion`` names the score that says which of two validations is better; ``workers`` is how many processes read
    photos.
    """

    photos: Photos
    augment: nn.Module
    loss: Callable[[Tensor, Tensor], Loss]
    validate: Callable[[nn.Module], Validation]
    criterion: str
    workers: int


def for_sheet(count: int) -> frozenset[int]:
    """Return which of ``count`` validation photos go on the contact sheet."""
    wanted = min(SHEET, count)
    return frozenset(number * count // wanted for number in range(wanted))


def grid(tiles: Sequence[Tensor]) -> Tensor:
    """Return tiles 3×h×w as one picture with rows of ``SHEET_COLUMNS``; what is left of the last row is white."""
    filled = [*tiles, *[torch.ones_like(tiles[0])] * (-len(tiles) % SHEET_COLUMNS)]
    rows = [torch.cat(filled[first : first + SHEET_COLUMNS], dim=2) for first in range(0, len(filled), SHEET_COLUMNS)]
    return torch.cat(rows, dim=1)
