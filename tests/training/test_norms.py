"""Folding and unfolding, judged by what the nets compute."""

import pytest
import torch
from torch import Tensor, nn

from cutaway.nets.layers import ConvNormRelu
from cutaway.nets.models import build
from cutaway.training.norms import fold, unfold
from training.conftest import unsettle


@pytest.mark.parametrize("name", ["tiramisu-portrait", "tiramisu-mobile"])
def test_folding_batch_norm_changes_no_output(name: str) -> None:
    torch.manual_seed(0)
    net = unsettle(build(name))
    nn.init.normal_(net.get_parameter("head.weight"), std=0.1)
    folded = fold(net)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert any(isinstance(module, nn.BatchNorm2d) for module in net.modules()), "the net itself is as it was"
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        expected = net(image)
        assert expected.std() > 0.01
        torch.testing.assert_close(folded(image), expected, rtol=1e-4, atol=1e-4)


def test_a_batch_norm_that_comes_first_is_not_folded() -> None:
    net = unsettle(nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 4, 1), ConvNormRelu(4, 4)))
    image = torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(fold(net)(image), net(image))


class Biased(nn.Module):
    """Convolutions with and without a bias of their own before their norms."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), ConvNormRelu(5, 16))
        self.head = nn.Conv2d(16, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.head(self.layers(image))
        return logits


def photos() -> Tensor:
    return torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(3))


def test_an_unfolded_net_computes_what_the_folded_one_does() -> None:
    torch.manual_seed(0)
    released = fold(unsettle(Biased()))
    net = Biased()
    unfold(net, released.state_dict(), photos)
    image = torch.rand(2, 3, 20, 20)
    with torch.inference_mode():
        torch.testing.assert_close(net.eval()(image), released(image), rtol=1e-4, atol=1e-5)


def test_an_unfolded_net_goes_on_where_it_was_when_it_learns() -> None:
    """In training a norm takes the statistics of its batch: on the photos it was unfolded on they change nothing."""
    torch.manual_seed(0)
    released = fold(unsettle(Biased()))
    net = Biased()
    unfold(net, released.state_dict(), photos)
    with torch.inference_mode():
        expected = released(photos())
        torch.testing.assert_close(net.train()(photos()), expected, rtol=0, atol=1e-3)
        plain = Biased()
        plain.load_state_dict(net.state_dict())
        nn.init.ones_(plain.get_parameter("layers.1.weight"))  # what one would have without measuring
        assert (plain.train()(photos()) - expected).abs().max() > 0.01


def test_what_is_another_nets_is_refused() -> None:
    released = fold(unsettle(Biased())).state_dict()
    with pytest.raises(
        ValueError, match=r"it holds no first\.weight of shape \(48, 3, 3, 3\), so it is another net's, or this one's"
    ):
        unfold(build("fc-densenet56", layers=(1,), bottleneck=1), released, photos)
    del released["layers.3.0.bias"]
    with pytest.raises(ValueError, match=r"it holds no layers\.3\.0\.bias"):
        unfold(Biased(), released, photos)
