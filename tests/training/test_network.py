from typing import Any

import pytest

from cutaway.errors import DataError
from cutaway.geometry import Fit
from cutaway.nets.fc_densenet import FcDenseNet
from cutaway.nets.models import MODELS
from cutaway.nets.tiramisu_portrait import TiramisuPortrait
from cutaway.nets.unet import UNet
from cutaway.training.config import NetConfig
from cutaway.training.network import build_net, check_fit


def test_overrides_change_the_net() -> None:
    net = build_net(NetConfig("unet", overrides={"widths": [2, 3, 5], "batch_norm": True}))
    assert isinstance(net, UNet)
    assert net.multiple == 4


def test_stages_are_written_as_tables() -> None:
    stages = [{"width": 4, "growth_rate": 2, "layers": 1}] * 3
    net = build_net(NetConfig("tiramisu-portrait", overrides={"down": [1, 1], "stem": [4, 6], "up": stages}))
    assert isinstance(net, TiramisuPortrait)
    assert len(net.up.blocks) == 3


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("unet2", {}, "there is no model named 'unet2'; choose one of fcn32s"),
        ("unet2", {"widths": [1]}, "there is no model named 'unet2'"),
        ("unet", {"depth": 3}, r"\[net\.overrides\] has no key depth; it knows classes, widths"),
        ("unet", {"widths": 4}, r"net\.overrides\.widths is 4; it has to be a list of a whole number"),
        ("unet", {"classes": 2}, r"net\.overrides\.classes cannot be set"),
        ("tiramisu-portrait", {"down": [1, 1]}, "2 dense blocks down need 3 stages up, not 5"),
        (
            "tiramisu-portrait",
            {"up": [[4, 2, 1]]},
            r"net\.overrides\.up\[0\] is \[4, 2, 1\]; it has to be a table with width",
        ),
        ("tiramisu-mobile", {"up": []}, "without a detail path up has to hold 1 to 3 stages, not 0"),
        ("tiramisu-mobile", {"detail": 8}, "with a detail path up has to hold 4 stages, not 3"),
        ("tiramisu-portrait", {"stem": [4]}, r"net\.overrides\.stem holds 1 values; it has to hold 2"),
    ],
)
def test_a_net_that_cannot_be_built_is_refused(name: str, overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        build_net(NetConfig(name, overrides=overrides))


@pytest.mark.parametrize("name", MODELS)
def test_every_net_takes_canvases_in_steps_of_32(name: str) -> None:
    check_fit(NetConfig(name), Fit("letterbox", 96, 32))


@pytest.mark.parametrize(("size", "multiple"), [(40, 8), (64, 8)])
def test_a_fit_that_the_net_does_not_take_is_refused(size: int, multiple: int) -> None:
    with pytest.raises(DataError, match=r"multiples of 16, .*; change the recipe's fit\.size and fit\.multiple"):
        check_fit(NetConfig("unet"), Fit("letterbox", size, multiple))


def test_the_data_say_how_many_classes_there_are() -> None:
    net = build_net(NetConfig("fc-densenet56", overrides={"layers": [1], "bottleneck": 1}), 11)
    assert isinstance(net, FcDenseNet)
    assert net.head.out_channels == 11
