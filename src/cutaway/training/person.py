"""The task of the portrait nets: person or not. Validated is person IoU at the network's size."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from cutaway.data.compositing import load_backgrounds
from cutaway.data.folder import load_samples, read_people_free, with_split
from cutaway.data.index import Sample
from cutaway.data.left_out import leave_out, read_left_out
from cutaway.data.torch_dataset import SquareDataset, read_sample, to_tensors
from cutaway.data.transforms import Augment
from cutaway.errors import DataError
from cutaway.geometry import Fit, Placement, place
from cutaway.training.config import Recipe
from cutaway.training.losses import bce_dice, binary_cross_entropy
from cutaway.training.task import Task, Validation, for_sheet, grid

SHEET_SIDE = 160
LOSSES = {"bce-dice": bce_dice, "cross-entropy": binary_cross_entropy}


@dataclass(frozen=True)
class Prediction:
    """One validation photo on its canvas: image 3×H×W 0..1, probability 1×H×W, target 2×H×W (person, void; 0..1)."""

    image: Tensor
    probability: Tensor
    target: Tensor
    placement: Placement


def person_task(recipe: Recipe) -> Task:
    """Return the task of ``recipe``.

    Raises:
        DataError: The data are not as they have to be, or show nobody to validate on.
    """
    samples = [sample for path in recipe.data.persons for sample in load_samples(Path(path))]
    samples += [sample for path in recipe.data.people_free for sample in read_people_free(Path(path))]
    if recipe.data.left_out:
        samples = leave_out(samples, read_left_out(Path(recipe.data.left_out)))
    validation = with_split(samples, "val")
    if all(sample.mask is None for sample in validation):
        raise DataError(
            "there is no photo of people to validate on; check the data's paths, and the splits in index.csv"
        )
    return Task(
        SquareDataset(with_split(samples, "train"), recipe.augment.canvas, recipe.fit.rule),
        Augment(recipe.augment, recipe.fit.size, backgrounds(recipe, samples)),
        LOSSES[recipe.optim.loss],
        partial(validate, samples=validation, fit=recipe.fit),
        "person_iou",
        recipe.data.workers,
    )


def backgrounds(recipe: Recipe, samples: Sequence[Sample]) -> Tensor | None:
    """Return the photos without people to train on, N×3×S×S uint8, if the recipe's augmentation makes use of them."""
    if not recipe.augment.needs_backgrounds:
        return None
    free = [sample for sample in with_split(samples, "train") if sample.mask is None]
    return load_backgrounds(free, recipe.augment.canvas)


def validate(net: nn.Module, samples: Sequence[Sample], fit: Fit) -> Validation:
    """Return the mean person IoU over the samples with people, and a contact sheet of some of all samples."""
    shown = for_sheet(len(samples))
    ious: list[float] = []
    tiles: list[Tensor] = []
    for number, sample in enumerate(samples):
        if sample.mask is None and number not in shown:
            continue
        prediction = predict(net, sample, fit)
        if sample.mask is not None:
            ious.append(person_iou(prediction))
        if number in shown:
            tiles.append(tile(prediction))
    return Validation({"person_iou": sum(ious) / len(ious)}, grid(tiles))


def predict(net: nn.Module, sample: Sample, fit: Fit) -> Prediction:
    """Return the net's prediction for a sample, alone, of one view."""
    image, labels = read_sample(sample)
    height, width = labels.shape
    placement = place(height, width, fit)
    canvas, target = to_tensors(image, labels, placement)
    pixels = canvas.float() / 255
    device = next(net.parameters()).device
    with torch.inference_mode():
        probability = net(pixels[None].to(device)).float().sigmoid().cpu()[0]
    return Prediction(pixels, probability, target.float() / 255, placement)


def person_iou(prediction: Prediction) -> float:
    """Return the person IoU on the photo's part of the canvas, cut at 0.5; 1 where neither shows a person."""
    where = prediction.placement
    rows, columns = slice(where.top, where.top + where.height), slice(where.left, where.left + where.width)
    person, void = prediction.target[:, rows, columns] >= 0.5
    found = (prediction.probability[0, rows, columns] >= 0.5) & ~void
    union = int((found | person).sum())
    return int((found & person).sum()) / union if union else 1.0


def tile(prediction: Prediction) -> Tensor:
    """Return the photo with what the net takes for background tinted green and the true outline in red."""
    target = prediction.target[None, :1]
    outline = (functional.max_pool2d(target, 3, 1, 1) - target)[0] > 0.5
    green, red = torch.tensor([0.1, 0.8, 0.2])[:, None, None], torch.tensor([1.0, 0.1, 0.1])[:, None, None]
    background = 0.75 * (1 - prediction.probability)
    tinted = torch.where(outline, red, prediction.image * (1 - background) + green * background)
    return functional.interpolate(tinted[None], (SHEET_SIDE, SHEET_SIDE), mode="area")[0]
