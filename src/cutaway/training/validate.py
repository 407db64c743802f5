"""Validation during training: person IoU at the network's size, and a contact sheet of what the net sees."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from cutaway.data.index import Sample
from cutaway.data.torch_dataset import read_sample, to_tensors
from cutaway.geometry import Fit, Placement, place

SHEET = 24
"""Photos on the contact sheet, spread evenly over the validation set."""
SHEET_SIDE = 160
SHEET_COLUMNS = 6


@dataclass(frozen=True)
class Prediction:
    """One validation photo: image 3×H×W 0..1, probability and target 1×H×W, all on the canvas."""

    image: Tensor
    probability: Tensor
    target: Tensor
    placement: Placement


def validate(net: nn.Module, samples: Sequence[Sample], fit: Fit) -> tuple[float, Tensor]:
    """Return the mean person IoU over the samples with people, and a contact sheet of some of all samples."""
    shown = for_sheet(len(samples))
    ious: list[float] = []
    sheet: list[Prediction] = []
    for number, sample in enumerate(samples):
        if sample.mask is None and number not in shown:
            continue
        prediction = predict(net, sample, fit)
        if sample.mask is not None:
            ious.append(person_iou(prediction))
        if number in shown:
            sheet.append(prediction)
    return sum(ious) / len(ious), contact_sheet(sheet)


def predict(net: nn.Module, sample: Sample, fit: Fit) -> Prediction:
    """Return the net's prediction for a sample, alone, as users get it."""
    image, mask = read_sample(sample)
    height, width = mask.shape
    placement = place(height, width, fit)
    canvas, share = to_tensors(image, mask, placement)
    pixels = canvas.float() / 255
    device = next(net.parameters()).device
    with torch.inference_mode():
        probability = net(pixels[None].to(device)).float().sigmoid().cpu()[0]
    return Prediction(pixels, probability, share.float() / 255, placement)


def person_iou(prediction: Prediction) -> float:
    """Return the person IoU on the photo's part of the canvas, cut at 0.5; 1 where neither shows a person."""
    where = prediction.placement
    rows, columns = slice(where.top, where.top + where.height), slice(where.left, where.left + where.width)
    found = prediction.probability[0, rows, columns] >= 0.5
    truth = prediction.target[0, rows, columns] >= 0.5
    union = int((found | truth).sum())
    return int((found & truth).sum()) / union if union else 1.0


def contact_sheet(predictions: Sequence[Prediction]) -> Tensor:
    """Return 3×H×W 0..1: each photo with what the net takes for background tinted green and the true outline in red."""
    tiles = [_tile(prediction) for prediction in predictions]
    tiles += [torch.ones_like(tiles[0])] * (-len(tiles) % SHEET_COLUMNS)
    rows = [torch.cat(tiles[first : first + SHEET_COLUMNS], dim=2) for first in range(0, len(tiles), SHEET_COLUMNS)]
    return torch.cat(rows, dim=1)


def for_sheet(count: int) -> frozenset[int]:
    """Return which of ``count`` validation photos go on the contact sheet."""
    wanted = min(SHEET, count)
    return frozenset(number * count // wanted for number in range(wanted))


def _tile(prediction: Prediction) -> Tensor:
    target = prediction.target[None]
    outline = (functional.max_pool2d(target, 3, 1, 1) - target)[0] > 0.5
    green, red = torch.tensor([0.1, 0.8, 0.2])[:, None, None], torch.tensor([1.0, 0.1, 0.1])[:, None, None]
    background = 0.75 * (1 - prediction.probability)
    tinted = torch.where(outline, red, prediction.image * (1 - background) + green * background)
    return functional.interpolate(tinted[None], (SHEET_SIDE, SHEET_SIDE), mode="area")[0]
