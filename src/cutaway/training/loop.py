"""The training loop.

Every step seeds torch from (seed, step, process) before it draws an augmentation or a dropout mask, and the order of
the photos is a function of (seed, epoch). So nothing random has to be saved: a run killed at any moment and resumed
ends, on a CPU, in the very weights of an undisturbed one.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from cutaway.data.folder import load_samples, read_people_free, with_split
from cutaway.data.index import Sample
from cutaway.data.torch_dataset import SquareDataset, StepSampler
from cutaway.data.transforms import Augment
from cutaway.errors import DataError
from cutaway.training import checkpoint
from cutaway.training.config import OptimConfig, Recipe, RunConfig
from cutaway.training.losses import Loss, bce_dice
from cutaway.training.state import BEST, State, bare, earlier, new_state, restore, snapshot
from cutaway.training.validate import validate


@dataclass(frozen=True)
class Progress:
    """What a run tells its caller after a step: ``iou`` is the last epoch's validation, None before the first."""

    step: int
    steps: int
    loss: float
    iou: float | None


def train(recipe: Recipe, folder: Path, *, resume: bool, report: Callable[[Progress], None]) -> Path:
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
    state = new_state(recipe, fabric)  # before the data, which take long to read: the recipe may be wrong
    if saved:
        restore(state, saved)
    samples = [sample for path in recipe.data.persons for sample in load_samples(Path(path))]
    samples += [sample for path in recipe.data.people_free for sample in read_people_free(Path(path))]
    validation = with_split(samples, "val")
    if all(sample.mask is None for sample in validation):
        raise DataError("there is no photo of people to validate on; check the recipe's data paths and their splits")
    dataset = SquareDataset(with_split(samples, "train"), recipe.augment.canvas, recipe.fit.rule)
    _run(recipe, fabric, state, dataset, validation, folder, report)
    return folder / BEST


def learning_rate(step: int, optim: OptimConfig) -> float:
    """Return the rate of ``step``: linear warm-up, then a cosine to 0 at ``optim.steps``."""
    if step < optim.warmup:
        return optim.lr * (step + 1) / optim.warmup
    done = (step - optim.warmup) / max(1, optim.steps - optim.warmup)
    return optim.lr * 0.5 * (1 + math.cos(math.pi * done))


def start_fabric(run: RunConfig) -> Fabric:
    """Return Fabric on the recipe's devices, not launched yet.

    Raises:
        DataError: They are not here.
    """
    try:
        return Fabric(accelerator=run.accelerator, devices=run.devices, precision=run.precision)
    except (RuntimeError, ValueError) as error:
        raise DataError(f"run.accelerator {run.accelerator!r} cannot be used here: {error}") from error


def _run(
    recipe: Recipe,
    fabric: Fabric,
    state: State,
    dataset: SquareDataset,
    validation: Sequence[Sample],
    folder: Path,
    report: Callable[[Progress], None],
) -> None:
    optim, run = recipe.optim, recipe.run
    sampler = StepSampler(
        len(dataset), optim.batch_size, run.seed, state.step, optim.steps, fabric.global_rank, fabric.world_size
    )
    loader = DataLoader(dataset, batch_sampler=sampler, num_workers=recipe.data.workers)
    batches = fabric.setup_dataloaders(loader, use_distributed_sampler=False)
    augment = Augment(recipe.augment, recipe.fit.size).to(fabric.device)
    with _writer(folder, state.step) if fabric.is_global_zero else nullcontext() as writer:
        for images, masks in batches:
            torch.manual_seed(_step_seed(run.seed, state.step, fabric.global_rank))
            loss = _step(state, fabric, optim, *augment(images, masks))
            state.step += 1
            last = state.step == optim.steps
            if writer:
                _log_step(writer, state, loss, optim)
                if last or state.step % sampler.steps_per_epoch == 0:
                    _end_epoch(recipe, state, validation, folder, writer)
                if last or state.step % run.checkpoint_every == 0:
                    writer.flush()  # what lies before a checkpoint is not written again
                    checkpoint.save_step(snapshot(state, recipe), folder, state.step)
                report(Progress(state.step, optim.steps, float(loss.total), _last_iou(state)))
            fabric.barrier()


def _writer(folder: Path, step: int) -> SummaryWriter:
    """Return TensorBoard's writer; what an interrupted run wrote after ``step`` is hidden, and written anew."""
    return SummaryWriter(str(folder / "events"), purge_step=step + 1)


def _step(state: State, fabric: Fabric, optim: OptimConfig, images: Tensor, masks: Tensor) -> Loss:
    rate = learning_rate(state.step, optim)
    for group in state.optimizer.param_groups:
        group["lr"] = rate * group["scale"]
    state.net.train()
    loss = bce_dice(state.net(images.contiguous(memory_format=torch.channels_last)), masks)
    fabric.backward(loss.total)
    norm = fabric.clip_gradients(state.net, state.optimizer, max_norm=optim.clip, error_if_nonfinite=False)
    if not (torch.isfinite(loss.total) and norm is not None and torch.isfinite(norm)):
        raise DataError(f"the loss is no longer finite at step {state.step}; lower optim.lr and begin a new run")
    state.optimizer.step()
    state.optimizer.zero_grad()
    state.ema.update(bare(state.net), state.step)
    return Loss(loss.cross_entropy.detach(), loss.dice.detach(), loss.total.detach())


def _end_epoch(recipe: Recipe, state: State, validation: Sequence[Sample], folder: Path, writer: SummaryWriter) -> None:
    """Validate the averaged net, log what it sees, and keep it if it is the best so far."""
    iou, sheet = validate(state.ema.net, validation, recipe.fit)
    state.history.append({"step": state.step, "person_iou": iou})
    writer.add_scalar("val/person_iou", iou, state.step)
    writer.add_image("val/predictions", sheet, state.step)
    writer.flush()
    if iou > state.best:
        state.best = iou
        best = {"recipe": asdict(recipe), "step": state.step, "person_iou": iou, "net": state.ema.net.state_dict()}
        checkpoint.save(best, folder / BEST)


def _log_step(writer: SummaryWriter, state: State, loss: Loss, optim: OptimConfig) -> None:
    writer.add_scalar("train/loss", float(loss.total), state.step)
    writer.add_scalar("train/cross_entropy", float(loss.cross_entropy), state.step)
    writer.add_scalar("train/dice", float(loss.dice), state.step)
    writer.add_scalar("train/learning_rate", learning_rate(state.step - 1, optim), state.step)


def _step_seed(seed: int, step: int, rank: int) -> int:
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1)[0])


def _last_iou(state: State) -> float | None:
    return state.history[-1]["person_iou"] if state.history else None
