import math
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from cutaway.data import torch_dataset
from cutaway.errors import DataError
from cutaway.training import checkpoint, person
from cutaway.training.config import OptimConfig, Recipe
from cutaway.training.ema import Ema
from cutaway.training.loop import Progress, is_over, train
from cutaway.training.losses import bce_dice
from cutaway.training.state import State
from folders import write_people
from training.conftest import MakeRecipe, TrainingData

Report = Callable[[Progress], None]


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def silent(_: Progress) -> None:
    """Report nothing."""


def run(recipe: Recipe, folder: Path, *, resume: bool = False, report: Report = silent) -> dict[str, Any]:
    """Train and return the newest checkpoint."""
    train(recipe, folder, resume=resume, report=report)
    saved = checkpoint.load_newest(folder)
    assert saved
    return saved


def killed_at(step: int) -> Report:
    def report(progress: Progress) -> None:
        if progress.step == step:
            raise Killed

    return report


def events(folder: Path) -> EventAccumulator:
    accumulator = EventAccumulator(str(folder / "events"), size_guidance={"scalars": 0, "images": 0})
    accumulator.Reload()
    return accumulator


def assert_same_weights(one: dict[str, Any], other: dict[str, Any]) -> None:
    for part in ("net", "ema"):
        assert one[part].keys() == other[part].keys()
        assert all(torch.equal(value, other[part][name]) for name, value in one[part].items()), part
    assert one["step"] == other["step"]
    assert one["history"] == other["history"]


@pytest.fixture(scope="module")
def learned(make_recipe: MakeRecipe, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Progress]]:
    """A run that is long enough to learn what an ellipse is."""
    folder = tmp_path_factory.mktemp("learned")
    seen: list[Progress] = []
    recipe = make_recipe(optim={"steps": 48, "batch_size": 4, "lr": 0.02}, run={"checkpoint_every": 12})
    train(recipe, folder, resume=False, report=seen.append)
    return folder, seen


def test_the_loss_falls(learned: tuple[Path, list[Progress]]) -> None:
    _, seen = learned
    assert [progress.step for progress in seen] == list(range(1, 49))
    losses = [progress.loss for progress in seen]
    assert sum(losses[-8:]) < 0.5 * sum(losses[:8])


def test_validation_rises(learned: tuple[Path, list[Progress]]) -> None:
    _, seen = learned
    assert seen[0].scores == {}
    ious = list(dict.fromkeys(progress.scores["person_iou"] for progress in seen if progress.scores))
    assert ious[-1] > 0.6
    assert ious[-1] > ious[0] + 0.2


def test_the_best_by_person_iou_is_kept(learned: tuple[Path, list[Progress]]) -> None:
    folder, _ = learned
    newest, best = checkpoint.load_newest(folder), checkpoint.load(folder / "best.pt")
    assert newest
    top = max(newest["history"], key=lambda entry: entry["person_iou"])
    assert (best["step"], best["person_iou"]) == (top["step"], top["person_iou"]) == (best["step"], newest["best"])


def test_tensorboard_shows_loss_iou_and_predictions(learned: tuple[Path, list[Progress]]) -> None:
    folder, seen = learned
    shown = events(folder)
    losses = shown.Scalars("train/loss")
    assert [event.step for event in losses] == list(range(1, 49))
    assert [event.value for event in losses] == pytest.approx([progress.loss for progress in seen], rel=1e-5)
    newest = checkpoint.load_newest(folder)
    assert newest
    ious = [(event.step, event.value) for event in shown.Scalars("val/person_iou")]
    assert ious == [(entry["step"], pytest.approx(entry["person_iou"])) for entry in newest["history"]]
    images = shown.Images("val/predictions")
    assert [image.step for image in images] == [step for step, _ in ious]
    assert (images[0].width, images[0].height) == (6 * 160, 160)
    assert {"train/cross_entropy", "train/dice", "train/learning_rate"} <= set(shown.Tags()["scalars"])


def test_best_is_not_replaced_by_a_worse_one(
    make_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ious: Iterator[float] = iter(value for value in (0.2, 0.7, 0.5, 0.7) for _ in range(4))
    monkeypatch.setattr(person, "person_iou", lambda _prediction: next(ious))
    saved = run(make_recipe(data={"people_free": []}, optim={"steps": 8, "batch_size": 4}), tmp_path)
    assert [entry["person_iou"] for entry in saved["history"]] == pytest.approx([0.2, 0.7, 0.5, 0.7])
    assert checkpoint.load(tmp_path / "best.pt")["step"] == 4


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_killed_runs_resumed_end_in_the_weights_of_an_undisturbed_one(
    make_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    """Killed between two checkpoints, right at one, and twice at the same step; an epoch is 4 steps, a checkpoint 3."""
    recipe = make_recipe(run={"precision": precision})
    undisturbed = run(recipe, tmp_path / "undisturbed")
    folder = tmp_path / "disturbed"
    now = time.time
    for later, step in ((0, 2), (10, 5), (20, 5), (30, 6), (40, 11)):
        # TensorBoard orders the files of a run by the second in their names
        monkeypatch.setattr(time, "time", lambda later=later: now() + later)
        with pytest.raises(Killed):
            train(recipe, folder, resume=True, report=killed_at(step))
    monkeypatch.setattr(time, "time", lambda: now() + 100)
    assert_same_weights(run(recipe, folder, resume=True), undisturbed)
    steps = [event.step for event in events(folder).Scalars("train/loss")]
    assert steps == list(range(1, 13)), "each step is shown once"
    one, other = (checkpoint.load(path / "best.pt") for path in (folder, tmp_path / "undisturbed"))
    assert one["step"] == other["step"]
    assert all(torch.equal(value, other["net"][name]) for name, value in one["net"].items())


@pytest.fixture(scope="module")
def undisturbed(make_recipe: MakeRecipe, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the tiny recipe ends in."""
    return run(make_recipe(), tmp_path_factory.mktemp("undisturbed"))


def test_a_kill_while_a_checkpoint_is_written(
    make_recipe: MakeRecipe, undisturbed: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = make_recipe()

    def die(written: Path, target: Path) -> Path:
        if target.name == "step-0000009.pt":
            written.write_bytes(b"half a checkpoint")
            raise Killed
        return rename(written, target)

    rename = Path.replace
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", die)
        with pytest.raises(Killed):
            train(recipe, tmp_path / "disturbed", resume=False, report=silent)
    assert_same_weights(run(recipe, tmp_path / "disturbed", resume=True), undisturbed)


def test_a_damaged_newest_checkpoint_costs_a_few_steps_and_nothing_else(
    make_recipe: MakeRecipe, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    recipe = make_recipe()
    folder = tmp_path / "disturbed"
    with pytest.raises(Killed):
        train(recipe, folder, resume=False, report=killed_at(11))
    (folder / "step-0000009.pt").write_bytes(b"rubbish")
    steps: list[int] = []
    assert_same_weights(run(recipe, folder, resume=True, report=lambda seen: steps.append(seen.step)), undisturbed)
    assert steps == list(range(7, 13))


def test_a_finished_run_is_left_as_it_is(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    recipe = make_recipe(optim={"steps": 3})
    finished = run(recipe, tmp_path)
    reported: list[Progress] = []
    assert_same_weights(run(recipe, tmp_path, resume=True, report=reported.append), finished)
    assert reported == []
    assert len(events(tmp_path).Scalars("train/loss")) == 3


def test_another_seed_is_another_run(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    one, other = (run(make_recipe(optim={"steps": 3}, run={"seed": seed}), tmp_path / str(seed)) for seed in (1, 2))
    assert any(not torch.equal(value, other["net"][name]) for name, value in one["net"].items())


def test_a_folder_with_a_run_is_not_overwritten(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    recipe = make_recipe(optim={"steps": 6})
    with pytest.raises(Killed):
        train(recipe, tmp_path, resume=False, report=killed_at(5))
    with pytest.raises(DataError, match="holds a run already; give --resume"):
        train(recipe, tmp_path, resume=False, report=silent)
    for path in tmp_path.glob("step-*.pt"):
        path.unlink()
    with pytest.raises(DataError, match="holds a run already"):  # the best weights are worth keeping too
        train(recipe, tmp_path, resume=False, report=silent)


def test_a_best_checkpoint_alone_is_not_overwritten(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    recipe = make_recipe(optim={"steps": 3})
    run(recipe, tmp_path)
    for path in tmp_path.glob("step-*.pt"):
        path.unlink()
    kept = (tmp_path / "best.pt").read_bytes()
    with pytest.raises(DataError, match=r"holds best\.pt alone.* --init .*best\.pt with another --out"):
        train(recipe, tmp_path, resume=True, report=silent)
    assert (tmp_path / "best.pt").read_bytes() == kept


def test_a_kill_after_a_validation_and_before_the_first_checkpoint_is_due(
    make_recipe: MakeRecipe, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    recipe = make_recipe(run={"checkpoint_every": 100})
    with pytest.raises(Killed):
        train(recipe, tmp_path, resume=False, report=killed_at(5))
    assert (tmp_path / "best.pt").exists()
    assert_same_weights(run(recipe, tmp_path, resume=True), undisturbed)


def test_a_folder_with_another_recipes_run_is_refused(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    run(make_recipe(optim={"steps": 3}), tmp_path)
    with pytest.raises(DataError, match="holds a run of another recipe"):
        train(make_recipe(optim={"steps": 3, "lr": 0.5}), tmp_path, resume=True, report=silent)


def test_a_run_goes_on_on_another_machine(make_recipe: MakeRecipe, training_data: TrainingData, tmp_path: Path) -> None:
    people, rooms = training_data
    undisturbed = run(make_recipe(), tmp_path / "undisturbed")
    with pytest.raises(Killed):
        train(make_recipe(), tmp_path / "here", resume=False, report=killed_at(7))
    shutil.copytree(people, tmp_path / "people")
    shutil.copytree(tmp_path / "here", tmp_path / "there", ignore=shutil.ignore_patterns("events"))
    data = {"persons": [str(tmp_path / "people")], "people_free": [str(rooms)], "workers": 1}
    moved = make_recipe(data=data, run={"checkpoint_every": 5})
    assert_same_weights(run(moved, tmp_path / "there", resume=True), undisturbed)
    with pytest.raises(DataError, match="holds a run of another recipe"):
        train(make_recipe(run={"seed": 2}), tmp_path / "there", resume=True, report=silent)


def test_compile_is_torchs_and_changes_no_name(
    make_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[torch.nn.Module] = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda net: compiled.append(net))
    plain = run(make_recipe(optim={"steps": 2}), tmp_path / "plain")
    assert compiled == []
    saved = run(make_recipe(optim={"steps": 2}, run={"compile": True}), tmp_path / "compiled")
    assert len(compiled) == 1
    assert_same_weights(saved, plain)


def test_a_run_of_before_a_key_was_added_can_be_resumed(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    recipe = make_recipe(optim={"steps": 6}, augment={"canvas": 40, "grey": 0.05})
    with pytest.raises(Killed):
        train(recipe, tmp_path, resume=False, report=killed_at(4))
    path = tmp_path / "step-0000003.pt"
    saved = checkpoint.load(path)
    del saved["recipe"]["augment"]["grey"]  # its default is what the recipe says
    checkpoint.save(saved, path)
    assert run(recipe, tmp_path, resume=True)["step"] == 6


def test_photos_without_people_are_trained_on_as_such(
    make_recipe: MakeRecipe, training_data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, bool] = {}
    read = torch_dataset.read_sample

    def note(sample: Any) -> Any:
        image, mask = read(sample)
        seen[sample.id] = bool(mask.any())
        return image, mask

    monkeypatch.setattr(torch_dataset, "read_sample", note)
    _, rooms = training_data
    run(make_recipe(data={"people_free": [str(rooms), str(rooms)]}), tmp_path)
    assert {identity for identity, person in seen.items() if person} == {f"person_0{number}" for number in range(8)}
    assert any(identity.startswith("room") for identity, person in seen.items() if not person)


def test_an_epoch_may_be_shorter_than_the_set(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    saved = run(make_recipe(optim={"steps": 7, "batch_size": 2, "epoch_photos": 4}), tmp_path)
    assert [entry["step"] for entry in saved["history"]] == [2, 4, 6, 7]


@pytest.mark.parametrize(
    ("scores", "patience", "over"),
    [
        ([], 1, False),
        ([0.5, 0.4], 1, True),
        ([0.5, 0.4], 2, False),
        ([0.4, 0.5], 1, False),
        ([0.5, 0.4, 0.4], 0, False),
    ],
)
def test_patience_counts_from_the_best_score(scores: list[float], patience: int, over: bool) -> None:
    history = [{"step": float(step), "person_iou": score} for step, score in enumerate(scores)]
    net = torch.nn.Linear(1, 1)
    state = State(net, torch.optim.SGD(net.parameters()), Ema(net, 0.9), 5, history=history)
    assert is_over(state, OptimConfig(steps=6, patience=patience), "person_iou") == over
    assert is_over(state, OptimConfig(steps=5, patience=patience), "person_iou")


def test_a_net_begins_as_another_run_left_it(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    first = run(make_recipe(optim={"steps": 12, "lr": 0.02}), tmp_path / "first")
    net = {"init": str(tmp_path / "first" / "best.pt")}
    recipe = make_recipe(net=net, optim={"steps": 1, "lr": 0.0})
    second = run(recipe, tmp_path / "second")
    none = run(make_recipe(optim={"steps": 1, "lr": 0.0}), tmp_path / "none")
    assert second["best"] > first["best"] - 0.05
    assert second["best"] > none["best"] + 0.1


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_a_loss_that_is_not_finite_ends_the_run_and_spares_the_checkpoints(
    make_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    recipe = make_recipe()
    calls = iter(range(100))

    def spoil(logits: torch.Tensor, target: torch.Tensor) -> Any:
        loss = bce_dice(logits, target)
        if next(calls) < 6:
            return loss
        wrong = loss.total * math.nan if where == "loss" else loss.total + (logits * 0).sum().sqrt()
        return replace(loss, total=wrong)

    monkeypatch.setitem(person.LOSSES, "bce-dice", spoil)
    with pytest.raises(DataError, match=r"no longer finite at step 6; lower optim\.lr and begin a new run"):
        train(recipe, tmp_path, resume=False, report=silent)
    saved = checkpoint.load_newest(tmp_path)
    assert saved
    assert saved["step"] == 6
    assert all(value.isfinite().all() for value in saved["net"].values())


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="needs a machine without Apple's GPU")
def test_an_accelerator_that_is_not_here_is_named(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"run\.accelerator 'mps' cannot be used here"):
        train(make_recipe(run={"accelerator": "mps"}), tmp_path, resume=False, report=silent)


def test_photos_of_people_to_validate_on_are_needed(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    people = write_people(tmp_path / "people", "tttt")
    with pytest.raises(DataError, match="there is no photo of people to validate on"):
        train(make_recipe(data={"persons": [str(people)]}), tmp_path / "run", resume=False, report=silent)
    assert not (tmp_path / "run").exists()


def test_photos_to_train_on_are_needed(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    people = write_people(tmp_path / "people", "vv")
    data = {"persons": [str(people)], "people_free": []}
    with pytest.raises(DataError, match="there is no photo to train on"):
        train(make_recipe(data=data), tmp_path / "run", resume=False, report=silent)


def test_workers_change_nothing(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    short = {"steps": 3}
    alone = run(make_recipe(optim=short), tmp_path / "alone")
    helped = run(make_recipe(optim=short, data={"workers": 1}), tmp_path / "helped")
    assert_same_weights(alone, helped)


def test_what_is_kept_has_the_norms_of_use_and_not_of_dropout(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    net = {"overrides": {"widths": [4, 8], "batch_norm": True, "dropout": 0.8}}
    # The one step is the one that is validated, so what is kept and what goes on differ in their norms alone.
    last = run(make_recipe(net=net, optim={"steps": 1}), tmp_path)["ema"]
    best = checkpoint.load(tmp_path / "best.pt")["net"]
    norms = [name for name in last if name.endswith(("running_mean", "running_var"))]
    assert all(torch.equal(best[name], last[name]) for name in last if "running" not in name and "num_" not in name)
    assert any(not torch.allclose(best[name], last[name], rtol=0.05) for name in norms)
