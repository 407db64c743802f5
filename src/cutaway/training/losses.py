"""Training losses. Pixels whose truth is void count in none of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

VOID = 255
"""The label of pixels that nobody knows."""


@dataclass(frozen=True)
class Loss:
    """What is minimised, and the parts that it is the sum of; each a scalar tensor."""

    total: Tensor
    parts: Mapping[str, Tensor]


def bce_dice(logits: Tensor, target: Tensor) -> Loss:
    """Return binary cross-entropy plus soft Dice loss.

    Cross-entropy judges every pixel alone; Dice (Milletari 2016, V-Net, with squares in the denominator) judges the
    overlap of each photo, so that a small person weighs as much as a large one. One pixel is added above and below,
    which makes a photo without people a plain "keep it empty".

    Args:
        logits: B×1×H×W before the sigmoid.
        target: B×2×H×W, 0..1: the share of person in each pixel, and the share of it that is void.
    """
    logits, person, known = logits.float(), target[:, :1], 1 - target[:, 1:]
    cross_entropy = _binary_cross_entropy(logits, person, known)
    probability = logits.sigmoid()
    overlap = (probability * person * known).sum(dim=(1, 2, 3))
    extent = ((probability.square() + person.square()) * known).sum(dim=(1, 2, 3))
    dice = (1 - (2 * overlap + 1) / (extent + 1)).mean()
    return Loss(cross_entropy + dice, {"cross_entropy": cross_entropy, "dice": dice})


def binary_cross_entropy(logits: Tensor, target: Tensor) -> Loss:
    """Return binary cross-entropy alone: that of two classes under a softmax, whose logits differ by ``logits``.

    Args:
        logits: B×1×H×W before the sigmoid.
        target: As ``bce_dice``.
    """
    cross_entropy = _binary_cross_entropy(logits.float(), target[:, :1], 1 - target[:, 1:])
    return Loss(cross_entropy, {"cross_entropy": cross_entropy})


def class_cross_entropy(logits: Tensor, labels: Tensor) -> Loss:
    """Return the cross-entropy of many classes.

    Args:
        logits: B×C×H×W before the softmax.
        labels: B×1×H×W uint8: 0..C-1, 255 = void.
    """
    target = labels[:, 0].long()
    known = (target != VOID).sum().clamp(min=1)
    total = functional.cross_entropy(logits.float(), target, ignore_index=VOID, reduction="sum") / known
    return Loss(total, {"cross_entropy": total})


def _binary_cross_entropy(logits: Tensor, person: Tensor, known: Tensor) -> Tensor:
    pixels = functional.binary_cross_entropy_with_logits(logits, person, known, reduction="sum")
    return pixels / known.sum().clamp(min=1)
