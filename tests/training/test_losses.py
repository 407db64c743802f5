from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from cutaway.training.losses import Loss, bce_dice, binary_cross_entropy, class_cross_entropy


def draw(seed: int = 0, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, 1, 6, 5, generator=random) * 4
    return logits.to(dtype), known(torch.rand(3, 1, 6, 5, generator=random))


def known(person: Tensor) -> Tensor:
    """Return the target that has ``person`` (B×1×H×W) and no void."""
    return torch.cat([person, torch.zeros_like(person)], dim=1)


def test_both_parts_are_those_of_the_formulas() -> None:
    logits, target = draw()
    loss = bce_dice(logits, target)
    z, t = logits.double().numpy(), target[:, :1].double().numpy()
    p = 1 / (1 + np.exp(-z))
    cross_entropy = -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()
    dice = [1 - (2 * (a * b).sum() + 1) / ((a**2).sum() + (b**2).sum() + 1) for a, b in zip(p, t, strict=True)]
    assert float(loss.parts["cross_entropy"]) == pytest.approx(cross_entropy, rel=1e-5)
    assert float(loss.parts["dice"]) == pytest.approx(np.mean(dice), rel=1e-5)
    assert float(loss.total) == pytest.approx(cross_entropy + np.mean(dice), rel=1e-5)


def test_a_perfect_prediction_costs_nothing() -> None:
    target = (draw()[1] > 0.5).float()
    assert float(bce_dice((target[:, :1] - 0.5) * 60, target).total) == pytest.approx(0, abs=1e-5)


def test_the_opposite_costs_a_lot() -> None:
    target = (draw()[1] > 0.5).float()
    loss = bce_dice((0.5 - target[:, :1]) * 60, target)
    assert float(loss.parts["cross_entropy"]) == pytest.approx(30, rel=1e-3)
    assert 0.9 < float(loss.parts["dice"]) < 1


def test_a_photo_without_people_is_to_stay_empty() -> None:
    empty = torch.zeros(1, 1, 8, 8)
    assert float(bce_dice(torch.full_like(empty, -30.0), known(empty)).total) == pytest.approx(0, abs=1e-6)
    costs = [float(bce_dice(torch.full_like(empty, logit), known(empty)).parts["dice"]) for logit in (-4.0, 0.0, 4.0)]
    assert costs == sorted(costs)
    assert costs[0] < 0.1
    assert costs[2] > 0.9


def test_a_small_person_weighs_as_much_as_a_large_one() -> None:
    small, large = torch.zeros(1, 1, 32, 32), torch.ones(1, 1, 32, 32)
    small[..., :4, :8] = 1
    missed = torch.full_like(small, -30.0)
    costs = [float(bce_dice(missed, known(person)).parts["dice"]) for person in (small, large)]
    assert costs[0] == pytest.approx(costs[1], abs=0.05)


def test_the_loss_is_computed_in_full_precision() -> None:
    logits, target = draw(dtype=torch.bfloat16)
    loss = bce_dice(logits, target)
    assert {value.dtype for value in (loss.total, *loss.parts.values())} == {torch.float32}
    torch.testing.assert_close(loss.total, bce_dice(logits.float(), target).total)


def test_extreme_logits_have_a_finite_loss_and_gradient() -> None:
    logits = torch.tensor([[[[-1e4, 1e4]]]], requires_grad=True)
    loss = bce_dice(logits, known(torch.tensor([[[[1.0, 0.0]]]]))).total
    torch.autograd.backward(loss)
    assert loss.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_descent_finds_the_target() -> None:
    _, target = draw(3)
    target = (target > 0.6).float()
    logits = torch.zeros_like(target[:, :1], requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.5)
    for _ in range(40):
        optimizer.zero_grad()
        torch.autograd.backward(bce_dice(logits, target).total)
        optimizer.step()
    assert torch.equal(logits.detach() > 0, target[:, :1].bool())


@pytest.mark.parametrize("loss", [bce_dice, binary_cross_entropy])
def test_void_costs_nothing(loss: Callable[[Tensor, Tensor], Loss]) -> None:
    logits, target = draw()
    target[:, 1, :, 3:] = 1
    expected = loss(logits[..., :3], target[..., :3]).total
    logits[..., 3:], target[:, :1, :, 3:] = 77, 0.5
    torch.testing.assert_close(loss(logits, target).total, expected)
    target[:, 1] = 1
    assert float(loss(logits, target).total) == 0


def test_cross_entropy_is_that_of_two_classes_under_a_softmax() -> None:
    logits, target = draw()
    target = (target > 0.5).float()
    two = torch.cat([torch.zeros_like(logits), logits], dim=1)
    expected = functional.cross_entropy(two, target[:, 0].long())
    torch.testing.assert_close(binary_cross_entropy(logits, target).total, expected)


def test_the_cross_entropy_of_classes_leaves_void_out() -> None:
    logits = torch.randn(2, 11, 4, 5, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(40).reshape(2, 1, 4, 5).remainder(11).byte()
    labels[0, 0, 0], labels[1] = 255, 255
    rows = logits[0, :, 1:].log_softmax(0)
    expected = -rows.gather(0, labels[0, :, 1:].long()).mean()
    torch.testing.assert_close(class_cross_entropy(logits, labels).total, expected)
    assert float(class_cross_entropy(logits[1:], labels[1:]).total) == 0
