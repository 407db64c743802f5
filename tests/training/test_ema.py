import pytest
import torch
from torch import nn

from cutaway.training.ema import Ema


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))


def move(module: nn.Module) -> None:
    with torch.no_grad():
        for value in module.state_dict().values():
            value.add_(1)


def test_it_begins_as_a_copy_that_does_not_train() -> None:
    module = net()
    ema = Ema(module, 0.9)
    assert all(torch.equal(value, module.state_dict()[name]) for name, value in ema.net.state_dict().items())
    assert not ema.net.training
    assert module.training
    assert not any(parameter.requires_grad for parameter in ema.net.parameters())
    move(module)
    assert not torch.equal(ema.net.state_dict()["0.weight"], module.state_dict()["0.weight"])


@pytest.mark.parametrize(("step", "decay"), [(0, 0.1), (8, 0.5), (80, 0.9), (100_000, 0.9)])
def test_it_moves_by_the_decay_and_faster_at_the_start(step: int, decay: float) -> None:
    module = net()
    ema = Ema(module, 0.9)
    before = {name: value.clone() for name, value in ema.net.state_dict().items()}
    move(module)
    ema.update(module, step)
    after, current = ema.net.state_dict(), module.state_dict()
    for name, value in after.items():
        if value.is_floating_point():
            torch.testing.assert_close(value, decay * before[name] + (1 - decay) * current[name])
    assert after["1.num_batches_tracked"] == current["1.num_batches_tracked"] == 1


def test_batch_norm_statistics_are_averaged() -> None:
    module = net()
    ema = Ema(module, 0.5)
    module.get_buffer("1.running_mean").fill_(4.0)
    ema.update(module, 1000)
    assert ema.net.get_buffer("1.running_mean").tolist() == [2.0, 2.0]


def test_it_converges_to_a_net_that_stands_still() -> None:
    module = net()
    ema = Ema(module, 0.9)
    move(module)
    for step in range(200):
        ema.update(module, step)
    torch.testing.assert_close(ema.net.state_dict(), module.state_dict())


def test_the_net_itself_is_not_changed() -> None:
    module = net()
    ema = Ema(module, 0.9)
    move(module)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    ema.update(module, 3)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
