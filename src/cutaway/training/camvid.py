"""The Tiramisu paper's task: CamVid's eleven classes, validated by mean IoU over photos at their own size."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from cutaway.data.camvid import CLASSES, read_labelled
from cutaway.data.torch_dataset import ClassDataset
from cutaway.data.transforms import CropFlip
from cutaway.errors import DataError
from cutaway.training.config import CamvidRecipe
from cutaway.training.losses import VOID, class_cross_entropy
from cutaway.training.task import Task, Validation, for_sheet, grid
from cutaway.types import Labels

TILE = (120, 160)
PALETTE = torch.tensor(
    [
        (0.5, 0.7, 0.9), (0.5, 0.2, 0.2), (0.8, 0.8, 0.6), (0.45, 0.3, 0.5), (0.9, 0.4, 0.7), (0.3, 0.5, 0.1),
        (0.9, 0.8, 0.1), (0.5, 0.5, 0.5), (0.1, 0.1, 0.6), (0.9, 0.2, 0.1), (0.0, 0.7, 0.7),
    ]
)  # fmt: skip
"""A colour for each class, on contact sheets."""


@dataclass(frozen=True)
class ClassScores:
    """Scores of a whole set, its pixels pooled, void left out: mean IoU and global accuracy, 0..1."""

    mean_iou: float
    accuracy: float


def camvid_task(recipe: CamvidRecipe) -> Task:
    """Return the task of ``recipe``.

    Raises:
        DataError: CamVid is not where the recipe says, or the recipe's loss is not one of many classes.
    """
    if recipe.optim.loss != "cross-entropy":
        raise DataError('optim.loss has to be "cross-entropy" where there are many classes')
    root = Path(recipe.camvid.root)
    return Task(
        ClassDataset(read_labelled(root, "train")),
        CropFlip(recipe.camvid.crop, recipe.camvid.flip),
        class_cross_entropy,
        partial(validate, photos=ClassDataset(read_labelled(root, "val"))),
        "mean_iou",
        recipe.camvid.workers,
    )


def validate(net: nn.Module, photos: ClassDataset) -> Validation:
    """Return mean IoU and global accuracy over ``photos``, and a contact sheet of what the net sees in some."""
    scores = class_scores(confuse(net, photos))
    images = [photos[number][0] for number in sorted(for_sheet(len(photos)))]
    sheet = grid([_tile(image, torch.from_numpy(predict(net, image))) for image in images])
    return Validation({"mean_iou": scores.mean_iou, "accuracy": scores.accuracy}, sheet)


def confuse(net: nn.Module, photos: ClassDataset) -> NDArray[np.int64]:
    """Return the counts C×C of all pixels of ``photos`` by true class (row) and found class (column), void left out."""
    total = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    for number in range(len(photos)):
        image, labels = photos[number]
        total += confusion_of(predict(net, image), labels[0].numpy())
    return total


def predict(net: nn.Module, image: Tensor) -> Labels:
    """Return the likeliest class of each pixel, H×W uint8, for an image 3×H×W uint8 at its own size."""
    device = next(net.parameters()).device
    with torch.inference_mode():
        logits = net((image.float() / 255)[None].to(device))
    return np.asarray(logits[0].argmax(0).byte().cpu())


def confusion_of(found: Labels, labels: Labels) -> NDArray[np.int64]:
    """Return the counts C×C of one photo's pixels, as ``confuse``."""
    known = labels != VOID
    pairs = labels[known].astype(np.int64) * len(CLASSES) + found[known]
    return np.bincount(pairs, minlength=len(CLASSES) ** 2).reshape(len(CLASSES), len(CLASSES))


def class_scores(confusion: NDArray[np.int64]) -> ClassScores:
    """Return the scores of a set's summed counts; a class that neither is nor was found in it has no IoU."""
    right = np.diag(confusion)
    union = confusion.sum(0) + confusion.sum(1) - right
    present = union > 0
    return ClassScores(float(np.mean(right[present] / union[present])), float(right.sum() / confusion.sum()))


def class_ious(confusion: NDArray[np.int64]) -> Iterable[tuple[str, float]]:
    """Yield each class that is in the set, or was found in it, with its IoU."""
    for number, name in enumerate(CLASSES):
        union = confusion[number].sum() + confusion[:, number].sum() - confusion[number, number]
        if union:
            yield name, float(confusion[number, number] / union)


def _tile(image: Tensor, found: Tensor) -> Tensor:
    mixed = 0.4 * image.float() / 255 + 0.6 * PALETTE[found.long()].permute(2, 0, 1)
    return functional.interpolate(mixed[None], TILE, mode="area")[0]
