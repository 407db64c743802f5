"""The training loss: binary cross-entropy plus soft Dice."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Loss:
    """The parts of the loss and their sum, each a scalar tensor."""

    cross_entropy: Tensor
    dice: Tensor
    total: Tensor


def bce_dice(logits: Tensor, target: Tensor) -> Loss:
    """Return binary cross-entropy plus soft Dice loss.

    Cross-entropy judges every pixel alone; Dice (Milletari 2016, V-Net, with squares in the denominator) judges the
    overlap of each photo, so that a small person weighs as much as a large one. One pixel is added above and below,
    which makes a photo without people a plain "keep it empty".

    Args:
        logits: B×1×H×W before the sigmoid.
        target: B×1×H×W share of person, 0..1.
    """
    logits = logits.float()
    cross_entropy = functional.binary_cross_entropy_with_logits(logits, target)
    probability = logits.sigmoid()
    overlap = (probability * target).sum(dim=(1, 2, 3))
    extent = (probability.square() + target.square()).sum(dim=(1, 2, 3))
    dice = (1 - (2 * overlap + 1) / (extent + 1)).mean()
    return Loss(cross_entropy, dice, cross_entropy + dice)
