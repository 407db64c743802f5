"""Every net by name, and the one function that makes them."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeAlias

from torch import nn

from cutaway.nets.fc_densenet import FC_DENSENET56, FC_DENSENET67, FC_DENSENET103, FcDenseNet, FcDenseNetConfig
from cutaway.nets.fcn import FCN8S, FCN16S, FCN32S, Fcn, FcnConfig
from cutaway.nets.tiramisu_mobile import (
    TIRAMISU_MOBILE,
    TIRAMISU_MOBILE_FAST,
    TiramisuMobile,
    TiramisuMobileConfig,
)
from cutaway.nets.tiramisu_portrait import TIRAMISU_PORTRAIT, TiramisuPortrait, TiramisuPortraitConfig
from cutaway.nets.unet import UNET, UNet, UNetConfig

Config: TypeAlias = FcnConfig | UNetConfig | FcDenseNetConfig | TiramisuPortraitConfig | TiramisuMobileConfig

MODELS: dict[str, Config] = {
    "fcn32s": FCN32S,
    "fcn16s": FCN16S,
    "fcn8s": FCN8S,
    "unet": UNET,
    "fc-densenet56": FC_DENSENET56,
    "fc-densenet67": FC_DENSENET67,
    "fc-densenet103": FC_DENSENET103,
    "tiramisu-portrait": TIRAMISU_PORTRAIT,
    "tiramisu-mobile": TIRAMISU_MOBILE,
    "tiramisu-mobile-fast": TIRAMISU_MOBILE_FAST,
}

NETS: dict[type[Config], Callable[[Any], nn.Module]] = {
    FcnConfig: Fcn,
    UNetConfig: UNet,
    FcDenseNetConfig: FcDenseNet,
    TiramisuPortraitConfig: TiramisuPortrait,
    TiramisuMobileConfig: TiramisuMobile,
}


def build(name: str, **overrides: Any) -> nn.Module:
    """Return the net ``name`` of ``MODELS``, freshly initialised, with some fields of its config replaced.

    Every net takes an image B×3×H×W float 0..1, sRGB, and returns logits B×classes×H×W.

    Args:
        name: A key of ``MODELS``.
        **overrides: Fields of that model's config, as in ``build("fc-densenet56", classes=11)``.

    Raises:
        ValueError: There is no such model, its config has no such field, or a value does not fit.
    """
    if name not in MODELS:
        raise ValueError(f"there is no model named {name!r}; choose one of {', '.join(MODELS)}")
    config = MODELS[name]
    settings = [field.name for field in fields(config)]
    unknown = [key for key in overrides if key not in settings]
    if unknown:
        raise ValueError(f"the model {name!r} has no setting {unknown[0]!r}; choose among {', '.join(settings)}")
    return NETS[type(config)](replace(config, **overrides))
