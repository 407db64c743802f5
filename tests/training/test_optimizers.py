from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from cutaway.nets.models import build
from cutaway.training.config import OptimConfig, read_recipe
from cutaway.training.loop import start_fabric
from cutaway.training.optimizers import hold_trunk, learning_rate, make_optimizer
from cutaway.training.state import bare, new_state

RECIPES = Path(__file__).parents[2] / "recipes"


def test_learning_rate_warms_up_and_falls_to_nothing() -> None:
    optim = OptimConfig(steps=110, lr=2.0, warmup=10)
    assert [learning_rate(step, optim, 9) for step in (0, 4, 9)] == pytest.approx([0.2, 1.0, 2.0])
    assert learning_rate(10, optim, 9) == 2.0
    assert learning_rate(60, optim, 9) == pytest.approx(1.0)
    assert learning_rate(110, optim, 9) == pytest.approx(0)
    rates = [learning_rate(step, optim, 9) for step in range(10, 110)]
    assert rates == sorted(rates, reverse=True)
    assert learning_rate(0, replace(optim, warmup=0), 9) == 2.0


def test_an_exponential_rate_falls_after_every_epoch() -> None:
    optim = OptimConfig(steps=100, lr=1e-3, warmup=0, schedule="exponential", decay=0.995)
    rates = [learning_rate(step, optim, 4) for step in range(100)]
    expected = torch.optim.lr_scheduler.ExponentialLR(torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1e-3), 0.995)
    for epoch in range(25):
        assert rates[4 * epoch : 4 * epoch + 4] == pytest.approx([expected.get_last_lr()[0]] * 4)
        expected.optimizer.step()
        expected.step()


def test_a_pretrained_trunk_learns_at_its_own_rate() -> None:
    groups = make_optimizer(build("tiramisu-mobile"), OptimConfig(steps=1, trunk_lr=0.25)).param_groups
    assert [group["scale"] for group in groups] == [1.0, 0.25]
    assert sum(value.numel() for value in groups[1]["params"]) == 2_097_013


def test_rmsprop_is_the_one_that_the_recipe_describes() -> None:
    """One parameter by hand: v = rho·v + (1 - rho)·g², w = w - lr·g / (√v + epsilon), with g = dL/dw + decay·w."""
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 2.0)
    optim = OptimConfig(steps=1, method="rmsprop", lr=0.1, rho=0.9, epsilon=1e-3, weight_decay=0.5)
    optimizer = make_optimizer(layer, optim)
    weight, mean = 2.0, 0.0
    for _ in range(3):
        optimizer.zero_grad()
        torch.autograd.backward(layer(torch.ones(1, 1)).square().sum())
        optimizer.step()
        gradient = 2 * weight + 0.5 * weight
        mean = 0.9 * mean + 0.1 * gradient**2
        weight -= 0.1 * gradient / (mean**0.5 + 1e-3)
        assert float(layer.weight.detach()) == pytest.approx(weight, rel=1e-5)


def test_a_trunk_whose_rate_is_0_stays_as_it_is() -> None:
    held, moving = build("tiramisu-mobile"), build("tiramisu-mobile")
    hold_trunk(held, OptimConfig(steps=1, trunk_lr=0.0))
    hold_trunk(moving, OptimConfig(steps=1, trunk_lr=0.1))
    held(torch.rand(1, 3, 64, 64)).sum().backward()
    with_gradient = {name for name, value in held.named_parameters() if value.grad is not None}
    assert with_gradient == {name for name, _ in held.named_parameters() if not name.startswith("trunk.")}
    assert all(value.requires_grad for value in moving.parameters())


def test_a_run_whose_recipe_holds_the_trunk_works_out_no_gradient_for_it() -> None:
    changes = ["optim.trunk_lr=0.0", "run.accelerator=cpu", "run.precision=32-true"]
    recipe = read_recipe(RECIPES / "tiramisu-mobile.toml", changes)
    state = new_state(build("tiramisu-mobile"), recipe, start_fabric(recipe.run))
    moved = {name for name, value in bare(state.net).named_parameters() if value.requires_grad}
    assert moved == {name for name, _ in bare(state.net).named_parameters() if not name.startswith("trunk.")}
