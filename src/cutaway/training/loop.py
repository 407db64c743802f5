"""The training loop.

Every step seeds torch from (seed, step, process) before it draws an augmentation or a dropout mask, and the order of
the photos is a function of (seed, epoch). So nothing random has to be saved: a run killed at any moment and resumed
ends, on a CPU, in the very weights of an undisturbed one.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from cutaway.data.camvid import CLASSES
from cutaway.data.torch_dataset import StepSampler
from cutaway.errors import DataError
from cutaway.training import checkpoint
from cutaway.training.camvid import camvid_task
from cutaway.training.config import AnyRecipe, OptimConfig, Recipe, RunConfig
from cutaway.training.initial import load_pretrained
from cutaway.training.losses import Loss
from cutaway.training.network import build_net, check_fit
from cutaway.training.optimizers import learning_rate
from cutaway.training.person import person_task
from cutaway.training.state import BEST, State, bare, earlier, new_state, restore, snapshot
from cutaway.training.statistics import as_used
from cutaway.training.task import Task

CALIBRATION_PHOTOS = 64
"""Photos that the norms of released weights are unfolded on, and those of a net with dropout are brought to use on."""


@dataclass(frozen=True)
class Progress:
    """What a run tells its caller after a step: ``scores`` are the last validation's, empty before the first."""

    step: int
    steps: int
    loss: float
    scores: Mapping[str, float]


def train(recipe: AnyRecipe, folder: Path, *, resume: bool, report: Callable[[Progress], None]) -> Path:
    """Train as ``recipe`` says, into ``folder``, and return the path of the best checkpoint.

    Args:
        recipe: The run.
        folder: Where checkpoints and TensorBoard's events go.
        resume: Go on from the newest checkpoint in ``folder``, if there is one. Otherwise ``folder`` may hold no run.
        report: Called after every step by the first process.

    Raises:
        DataError: The data, the recipe or a checkpoint is not as it has to be; nothing has been overwritten.
    """
    saved = earlier(recipe, folder, resume)
    fabric = start_fabric(recipe.run)
    fabric.launch()
    torch.use_deterministic_algorithms(fabric.device.type == "cpu")
    torch.manual_seed(recipe.run.seed)
    net = new_net(recipe)  # before the data, which take long to read: the recipe may be wrong
    task = person_task(recipe) if isinstance(recipe, Recipe) else camvid_task(recipe)
    if not saved:
        load_pretrained(net, recipe.net, partial(some_photos, task, torch.device("cpu")))
    state = new_state(net, recipe, fabric)
    if saved:
        restore(state, saved)
    _run(recipe, fabric, state, task, folder, report)
    return folder / BEST


def new_net(recipe: AnyRecipe) -> nn.Module:
    """Return the recipe's net, freshly initialised.

    Raises:
        DataError: It cannot be built, or does not take the recipe's fit.
    """
    if isinstance(recipe, Recipe):
        check_fit(recipe.net, recipe.fit)
        return build_net(recipe.net)
    return build_net(recipe.net, len(CLASSES))


def some_photos(task: Task, device: torch.device) -> Tensor:
    """Return images B×3×H×W float 0..1, of training photos from all over the set, as the net sees them in training."""
    count = len(task.photos)
    numbers = sorted({number * count // CALIBRATION_PHOTOS for number in range(CALIBRATION_PHOTOS)})
    images, targets = zip(*(task.photos[number] for number in numbers), strict=True)
    seen: Tensor = task.augment.to(device)(torch.stack(images).to(device), torch.stack(targets).to(device))[0]
    return seen


def start_fabric(run: RunConfig) -> Fabric:
    """Return Fabric on the recipe's devices, or on those that torchrun gave a process each; not launched yet.

    Raises:
        DataError: They are not here.
    """
    devices = int(os.environ.get("LOCAL_WORLD_SIZE", run.devices))
    nodes = int(os.environ.get("GROUP_WORLD_SIZE", 1))
    try:
        return Fabric(accelerator=run.accelerator, devices=devices, num_nodes=nodes, precision=run.precision)
    except (RuntimeError, ValueError) as error:
        raise DataError(f"run.accelerator {run.accelerator!r} cannot be used here: {error}") from error


def is_over(state: State, optim: OptimConfig, criterion: str) -> bool:
    """Return whether all steps are done, or ``optim.patience`` validations brought no better score."""
    scores = [entry[criterion] for entry in state.history]
    since_best = len(scores) - 1 - scores.index(max(scores)) if scores else 0
    return state.step >= optim.steps or 0 < optim.patience <= since_best


def _run(
    recipe: AnyRecipe, fabric: Fabric, state: State, task: Task, folder: Path, report: Callable[[Progress], None]
) -> None:
    if is_over(state, recipe.optim, task.criterion):
        return
    optim, run = recipe.optim, recipe.run
    sampler = StepSampler(
        len(task.photos), optim.batch_size, run.seed, state.step, optim.steps, fabric.global_rank, fabric.world_size
    )
    epoch_steps = epoch_length(optim, sampler)
    # A forked process would wait for ever for the threads of libvips, which stay behind in its parent.
    start = "spawn" if task.workers else None
    loader = DataLoader(
        task.photos,
        batch_sampler=sampler,
        num_workers=task.workers,
        multiprocessing_context=start,
        pin_memory=fabric.device.type == "cuda",
    )
    batches = fabric.setup_dataloaders(loader, use_distributed_sampler=False)
    task.augment.to(fabric.device)
    with _writer(folder, state.step) if fabric.is_global_zero else nullcontext() as writer:
        for images, targets in batches:
            torch.manual_seed(_step_seed(run.seed, state.step, fabric.global_rank))
            rate = learning_rate(state.step, optim, epoch_steps)
            loss = _step(state, fabric, task, recipe, rate, *task.augment(images, targets))
            epoch_ends = state.step % epoch_steps == 0 or state.step == optim.steps
            if writer:
                _log_step(writer, state.step, loss, rate)
                if epoch_ends:
                    photos = partial(some_photos, task, fabric.device)
                    _end_epoch(recipe, state, task, as_used(state.ema.net, photos, optim.batch_size), folder, writer)
            over = fabric.broadcast(is_over(state, optim, task.criterion)) if epoch_ends else False
            if writer:
                # The first step's comes before any best.pt, which cannot be resumed from.
                if over or state.step == 1 or state.step % run.checkpoint_every == 0:
                    writer.flush()  # what lies before a checkpoint is not written again
                    checkpoint.save_step(snapshot(state, recipe), folder, state.step)
                report(Progress(state.step, optim.steps, float(loss.total), _last_scores(state)))
            fabric.barrier()
            if over:
                break


def epoch_length(optim: OptimConfig, sampler: StepSampler) -> int:
    """Return the steps between two validations."""
    if not optim.epoch_photos:
        return sampler.steps_per_epoch
    return max(1, optim.epoch_photos // (sampler.batch_size * sampler.world))


def _writer(folder: Path, step: int) -> SummaryWriter:
    """Return TensorBoard's writer; what an interrupted run wrote after ``step`` is hidden, and written anew."""
    return SummaryWriter(str(folder / "events"), purge_step=step + 1)


def _step(
    state: State, fabric: Fabric, task: Task, recipe: AnyRecipe, rate: float, images: Tensor, targets: Tensor
) -> Loss:
    for group in state.optimizer.param_groups:
        group["lr"] = rate * group["scale"]
    layout = torch.channels_last if recipe.run.channels_last else torch.contiguous_format
    state.net.train()
    loss = task.loss(state.net(images.contiguous(memory_format=layout)), targets)
    fabric.backward(loss.total)
    norm = fabric.clip_gradients(state.net, state.optimizer, max_norm=recipe.optim.clip, error_if_nonfinite=False)
    if not (torch.isfinite(loss.total) and norm is not None and torch.isfinite(norm)):
        raise DataError(f"the loss is no longer finite at step {state.step}; lower optim.lr and begin a new run")
    state.optimizer.step()
    state.optimizer.zero_grad()
    state.ema.update(bare(state.net), state.step)
    state.step += 1
    return Loss(loss.total.detach(), {name: part.detach() for name, part in loss.parts.items()})


def _end_epoch(
    recipe: AnyRecipe, state: State, task: Task, net: nn.Module, folder: Path, writer: SummaryWriter
) -> None:
    """Validate the averaged ``net``, log what it sees, and keep it if it is the best so far."""
    validation = task.validate(net)
    state.history.append({"step": state.step, **validation.scores})
    for name, score in validation.scores.items():
        writer.add_scalar(f"val/{name}", score, state.step)
    writer.add_image("val/predictions", validation.sheet, state.step)
    writer.flush()
    score = validation.scores[task.criterion]
    if score > state.best:
        state.best = score
        best = {"recipe": asdict(recipe), **state.history[-1], "net": net.state_dict()}
        checkpoint.save(best, folder / BEST)


def _log_step(writer: SummaryWriter, step: int, loss: Loss, rate: float) -> None:
    writer.add_scalar("train/loss", float(loss.total), step)
    for name, part in loss.parts.items():
        writer.add_scalar(f"train/{name}", float(part), step)
    writer.add_scalar("train/learning_rate", rate, step)


def _step_seed(seed: int, step: int, rank: int) -> int:
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1)[0])


def _last_scores(state: State) -> Mapping[str, float]:
    return {name: score for name, score in (state.history or [{}])[-1].items() if name != "step"}
