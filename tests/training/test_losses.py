import numpy as np
import pytest
import torch
from torch import Tensor

from cutaway.training.losses import bce_dice


def draw(seed: int = 0, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, 1, 6, 5, generator=random) * 4
    return logits.to(dtype), torch.rand(3, 1, 6, 5, generator=random)


def test_both_parts_are_those_of_the_formulas() -> None:
    logits, target = draw()
    loss = bce_dice(logits, target)
    z, t = logits.double().numpy(), target.double().numpy()
    p = 1 / (1 + np.exp(-z))
    cross_entropy = -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()
    dice = [1 - (2 * (a * b).sum() + 1) / ((a**2).sum() + (b**2).sum() + 1) for a, b in zip(p, t, strict=True)]
    assert float(loss.cross_entropy) == pytest.approx(cross_entropy, rel=1e-5)
    assert float(loss.dice) == pytest.approx(np.mean(dice), rel=1e-5)
    assert float(loss.total) == pytest.approx(cross_entropy + np.mean(dice), rel=1e-5)


def test_a_perfect_prediction_costs_nothing() -> None:
    target = (draw()[1] > 0.5).float()
    assert float(bce_dice((target - 0.5) * 60, target).total) == pytest.approx(0, abs=1e-5)


def test_the_opposite_costs_a_lot() -> None:
    target = (draw()[1] > 0.5).float()
    loss = bce_dice((0.5 - target) * 60, target)
    assert float(loss.cross_entropy) == pytest.approx(30, rel=1e-3)
    assert 0.9 < float(loss.dice) < 1


def test_a_photo_without_people_is_to_stay_empty() -> None:
    empty = torch.zeros(1, 1, 8, 8)
    assert float(bce_dice(torch.full_like(empty, -30.0), empty).total) == pytest.approx(0, abs=1e-6)
    costs = [float(bce_dice(torch.full_like(empty, logit), empty).dice) for logit in (-4.0, 0.0, 4.0)]
    assert costs == sorted(costs)
    assert costs[0] < 0.1
    assert costs[2] > 0.9


def test_a_small_person_weighs_as_much_as_a_large_one() -> None:
    small, large = torch.zeros(1, 1, 32, 32), torch.ones(1, 1, 32, 32)
    small[..., :4, :8] = 1
    missed = torch.full_like(small, -30.0)
    assert float(bce_dice(missed, small).dice) == pytest.approx(float(bce_dice(missed, large).dice), abs=0.05)


def test_the_loss_is_computed_in_full_precision() -> None:
    logits, target = draw(dtype=torch.bfloat16)
    loss = bce_dice(logits, target)
    assert {loss.cross_entropy.dtype, loss.dice.dtype, loss.total.dtype} == {torch.float32}
    torch.testing.assert_close(loss.total, bce_dice(logits.float(), target).total)


def test_extreme_logits_have_a_finite_loss_and_gradient() -> None:
    logits = torch.tensor([[[[-1e4, 1e4]]]], requires_grad=True)
    loss = bce_dice(logits, torch.tensor([[[[1.0, 0.0]]]])).total
    torch.autograd.backward(loss)
    assert loss.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_descent_finds_the_target() -> None:
    _, target = draw(3)
    target = (target > 0.6).float()
    logits = torch.zeros_like(target, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.5)
    for _ in range(40):
        optimizer.zero_grad()
        torch.autograd.backward(bce_dice(logits, target).total)
        optimizer.step()
    assert torch.equal(logits.detach() > 0, target.bool())
