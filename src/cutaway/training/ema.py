"""An exponential moving average of a net's weights, which validates better than the last step's (Polyak 1992)."""

import copy

import torch
from torch import nn


class Ema:
    """Holds ``net``, the average. Batch norm's own averages are averaged too; what is no floating point is copied."""

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.net = copy.deepcopy(net).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, net: nn.Module, step: int) -> None:
        """Move the average towards ``net``; early on (``step`` counts from 0) faster, to forget the start."""
        decay = min(self.decay, (1 + step) / (10 + step))
        current = net.state_dict()
        for name, value in self.net.state_dict().items():
            if value.is_floating_point():
                value.lerp_(current[name], 1 - decay)
            else:
                value.copy_(current[name])
