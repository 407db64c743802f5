"""Norms behind dropout, brought to what they see in use."""

import pytest
import torch
from torch import Tensor, nn

from cutaway.nets.models import build
from cutaway.training.statistics import as_used


def trained_behind_dropout() -> nn.Module:
    """Return dropout and a norm behind it, whose statistics are those of training."""
    net = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm2d(4))
    for _ in range(200):
        net(photos())
    return net.eval()


def photos() -> Tensor:
    return 1 + 0.1 * torch.randn(24, 4, 8, 8)


def test_a_norm_behind_dropout_holds_the_statistics_of_use() -> None:
    torch.manual_seed(0)
    net = trained_behind_dropout()
    net.requires_grad_(False)
    assert float(net(photos()).std()) < 0.2, "dropout hides how little the photos vary"
    used = as_used(net, photos, 8)
    assert not used.training
    assert float(used(photos()).std()) == pytest.approx(1, abs=0.05)
    assert float(used(photos()).mean()) == pytest.approx(0, abs=0.05)


def test_the_net_itself_stays_as_it_is() -> None:
    net = trained_behind_dropout()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    used = as_used(net, photos, 8)
    torch.testing.assert_close(dict(net.state_dict()), before, rtol=0, atol=0)
    assert [norm.momentum for norm in used.modules() if isinstance(norm, nn.BatchNorm2d)] == [0.1]


@pytest.mark.parametrize("layers", [[nn.BatchNorm2d(4)], [nn.Dropout(0), nn.BatchNorm2d(4)], [nn.Dropout(), nn.ReLU()]])
def test_without_dropout_or_norms_there_is_nothing_to_do(layers: list[nn.Module]) -> None:
    net = nn.Sequential(*layers)

    def unasked() -> Tensor:
        raise AssertionError("no photo is needed")

    assert as_used(net, unasked, 8) is net


@pytest.mark.parametrize("name", ["fc-densenet56", "unet"])
def test_the_published_nets_that_have_both_are_known(name: str) -> None:
    net = build(name, **({"batch_norm": True} if name == "unet" else {})).eval()
    image = torch.rand(2, 3, 64, 64)
    assert as_used(net, lambda: image, 1) is not net
