"""Everything that a training run changes: made anew, put into a checkpoint, and taken out of one."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn

from cutaway.errors import DataError
from cutaway.training import checkpoint
from cutaway.training.config import AnyRecipe, DataConfig, Recipe, RunConfig, parse_recipe
from cutaway.training.ema import Ema
from cutaway.training.optimizers import hold_trunk, make_optimizer

BEST = "best.pt"
"""The checkpoint of the averaged net that validated best; it cannot be resumed from."""


@dataclass
class State:
    """``net`` and ``optimizer`` are in Fabric's wrappers; ``history`` holds step and scores of every validation."""

    net: nn.Module
    optimizer: torch.optim.Optimizer
    ema: Ema
    step: int = 0
    best: float = -1.0
    history: list[dict[str, float]] = field(default_factory=list)


def earlier(recipe: AnyRecipe, folder: Path, resume: bool) -> dict[str, Any] | None:
    """Return the checkpoint in ``folder`` to go on from, None where a run begins.

    Raises:
        DataError: ``folder`` holds a run, and it is not to be resumed, is of another recipe, is damaged, or has lost
            its step checkpoints.
    """
    saved = checkpoint.load_newest(folder)
    best = folder / BEST
    begun = saved or (checkpoint.load(best) if best.exists() else None)
    if begun and not resume:
        raise DataError(f"{folder} holds a run already; give --resume to go on with it, or another --out")
    if begun and _portable(parse_recipe(begun["recipe"])) != _portable(recipe):
        raise DataError(f"{folder} holds a run of another recipe; give it another --out, or the recipe it began with")
    if begun and not saved:
        raise DataError(
            f"{folder} holds {BEST} alone, and no step-*.pt to go on from; bring those back, or begin a run from it by "
            f"--init {best} with another --out"
        )
    return saved


def _portable(recipe: AnyRecipe) -> AnyRecipe:
    """Return ``recipe`` without what another machine may do otherwise: where the photos are, and how a run is done."""
    run = RunConfig(recipe.run.seed)
    if isinstance(recipe, Recipe):
        return replace(recipe, run=run, data=DataConfig(("",)))
    return replace(recipe, run=run, camvid=replace(recipe.camvid, root="", workers=0))


def new_state(net: nn.Module, recipe: AnyRecipe, fabric: Fabric) -> State:
    """Return the state before the first step, on Fabric's device, with ``net`` as it begins."""
    if recipe.run.channels_last:
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it
    ema = Ema(net, recipe.optim.ema)
    ema.net.to(fabric.device)
    hold_trunk(net, recipe.optim)
    if recipe.run.compile:
        net.compile()  # in place: the names in a checkpoint stay
    wrapped, optimizer = fabric.setup(net, make_optimizer(net, recipe.optim))
    return State(wrapped, optimizer, ema)


def snapshot(state: State, recipe: AnyRecipe) -> dict[str, Any]:
    """Return ``state`` as it goes into a checkpoint."""
    return {
        "recipe": asdict(recipe),
        "step": state.step,
        "best": state.best,
        "history": state.history,
        "net": bare(state.net).state_dict(),
        "ema": state.ema.net.state_dict(),
        "optimizer": state.optimizer.state_dict(),
    }


def restore(state: State, saved: dict[str, Any]) -> None:
    """Bring ``state`` to where ``saved``, a snapshot of the same recipe, was taken."""
    bare(state.net).load_state_dict(saved["net"])
    state.ema.net.load_state_dict(saved["ema"])
    state.optimizer.load_state_dict(saved["optimizer"])
    state.step, state.best, state.history = saved["step"], saved["best"], saved["history"]


def bare(net: nn.Module) -> nn.Module:
    """Return the net inside Fabric's wrapper (and inside DistributedDataParallel's)."""
    inner = getattr(net, "module", net)
    return inner if isinstance(inner, nn.Module) else net
