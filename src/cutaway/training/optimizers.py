"""What moves the weights, and how fast at which step."""

import math

import torch
from torch import nn

from cutaway.training.config import OptimConfig

TRUNK = "trunk."
"""What the names of a pretrained trunk's parameters begin with."""


def make_optimizer(net: nn.Module, optim: OptimConfig) -> torch.optim.Optimizer:
    """Return the recipe's optimizer; each of its groups has a ``scale`` of the rate."""
    parameters = list(net.named_parameters())
    groups = [
        {"params": [value for name, value in parameters if name.startswith(TRUNK) == is_trunk], "scale": scale}
        for is_trunk, scale in ((False, 1.0), (True, optim.trunk_lr))
    ]
    groups = [group for group in groups if group["params"]]
    if optim.method == "adamw":
        return torch.optim.AdamW(groups, lr=optim.lr, weight_decay=optim.weight_decay)
    return torch.optim.RMSprop(groups, lr=optim.lr, alpha=optim.rho, eps=optim.epsilon, weight_decay=optim.weight_decay)


def hold_trunk(net: nn.Module, optim: OptimConfig) -> None:
    """Take the trunk out of the gradient where its rate is 0: it stays as it is, and a step takes a third less time.

    The norm that ``OptimConfig.clip`` bounds is that of the rest then.
    """
    if optim.trunk_lr == 0:
        for name, value in net.named_parameters():
            value.requires_grad_(not name.startswith(TRUNK))


def learning_rate(step: int, optim: OptimConfig, epoch_steps: int) -> float:
    """Return the rate of ``step``, which counts from 0: linear warm-up, then as ``optim.schedule`` says."""
    if step < optim.warmup:
        return optim.lr * (step + 1) / optim.warmup
    if optim.schedule == "exponential":
        return float(optim.lr * optim.decay ** (step // epoch_steps))
    done = (step - optim.warmup) / max(1, optim.steps - optim.warmup)
    return optim.lr * 0.5 * (1 + math.cos(math.pi * done))
