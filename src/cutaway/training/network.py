"""The net that a recipe asks for."""

from typing import Any

import torch
from torch import nn

from cutaway.errors import DataError
from cutaway.geometry import Fit
from cutaway.nets.models import MODELS, build
from cutaway.training.config import NetConfig
from cutaway.training.tables import parse, table_hints


def build_net(config: NetConfig, classes: int = 1) -> nn.Module:
    """Return the recipe's net with ``classes`` logits, freshly initialised; nothing pretrained is loaded yet.

    Raises:
        DataError: There is no such net, or its config has no such field, or a value does not fit.
    """
    try:
        return build(config.name, **_overrides(config), classes=classes)
    except ValueError as error:
        raise DataError(f"the recipe's net cannot be built: {error}") from error


def check_fit(config: NetConfig, fit: Fit) -> None:
    """Send the shape alone, without any number, of a canvas whose sides are one ``fit.multiple`` apart through the net.

    Raises:
        DataError: The net takes no such canvas, or cannot be built.
    """
    height, width = fit.size, fit.size + fit.multiple
    try:
        with torch.device("meta"):
            build_net(config).eval()(torch.empty(1, 3, height, width))
    except (ValueError, RuntimeError) as error:
        advice = "change the recipe's fit.size and fit.multiple"
        raise DataError(f"the net takes no canvas of {height}×{width} pixels: {error}; {advice}") from error


def _overrides(config: NetConfig) -> dict[str, Any]:
    if not config.overrides or config.name not in MODELS:
        return {}
    hints = table_hints(type(MODELS[config.name]), config.overrides, "net.overrides")
    values = {name: parse(hints[name], value, f"net.overrides.{name}") for name, value in config.overrides.items()}
    if "classes" in values:
        raise DataError("net.overrides.classes cannot be set: the data say how many classes there are; leave it out")
    return values
