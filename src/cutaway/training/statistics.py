"""Batch norm's statistics as a net has them in use, where training gathered them behind dropout.

Dropout leaves the mean of what it lets through, but raises its variance; a norm behind it learns that variance, and in
use, without dropout, divides by too much (Li et al. 2019, "Understanding the Disharmony between Dropout and Batch
Normalization by Variance Shift"). In a deep net, norm upon norm, little is left of the answer.
"""

import copy
from collections.abc import Callable, Mapping
from math import ceil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cutaway.errors import DataError


def as_used(net: nn.Module, photos: Callable[[], Tensor], batch_size: int) -> nn.Module:
    """Return a copy of ``net``, in evaluation, whose norms hold the mean and variance of their input without dropout.

    They are gathered over batches of at most ``batch_size`` of the images B×3×H×W float 0..1 that ``photos`` gives
    (Wu and Johnson 2021, "Rethinking 'Batch' in BatchNorm", § 3). A net without dropout, or without norms, is returned
    as it is.
    """
    if not _has_norms_of_dropout(net):
        return net
    used = copy.deepcopy(net).eval()
    for norm in _norms(used):
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over the batches
        norm.train()
    with torch.no_grad():
        images = photos()
        for batch in images.chunk(ceil(len(images) / batch_size)):  # no remainder of a single photo
            used(batch)
    for norm, like in zip(_norms(used), _norms(net), strict=True):
        norm.momentum = like.momentum
    return used.eval()


def averaged(state: Mapping[str, Any], net: nn.Module, source: Path) -> dict[str, Any]:
    """Return the averaged weights that the checkpoint ``source`` holds, ``state``, which are those of a ``net``.

    Raises:
        DataError: It is a step's, and its norms hold the statistics of dropout, not those that validation went by.
    """
    if "ema" in state and _has_norms_of_dropout(net):
        raise DataError(
            f"the batch norm of {source}, a step's, is that of training with dropout; name the run's best.pt instead"
        )
    weights: dict[str, Any] = state["ema"] if "ema" in state else state["net"]
    return weights


def _has_norms_of_dropout(net: nn.Module) -> bool:
    drops = any(isinstance(module, nn.Dropout) and module.p > 0 for module in net.modules())
    return drops and bool(_norms(net))


def _norms(net: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
