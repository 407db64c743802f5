"""Training recipes: TOML into nested frozen dataclasses."""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cutaway.data.transforms import AugmentConfig
from cutaway.errors import DataError
from cutaway.geometry import Fit
from cutaway.training.tables import parse


@dataclass(frozen=True)
class NetConfig:
    """Which net: its name in ``MODELS``, the file of its pretrained trunk, and fields of its config to replace."""

    name: str
    trunk: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DataConfig:
    """Where the photos are: indexes or folders, and folders of photos without people.

    Paths are relative to the folder that the command runs in.
    """

    persons: tuple[str, ...]
    people_free: tuple[str, ...] = ()
    workers: int = 0

    def __post_init__(self) -> None:
        if not self.persons or self.workers < 0:
            raise DataError("data.persons has to name at least one index or folder, and data.workers to be 0 or more")


@dataclass(frozen=True)
class OptimConfig:
    """AdamW with linear warm-up and cosine decay to nothing over ``steps`` (Loshchilov 2019).

    ``trunk_lr`` scales the rate of a pretrained trunk. ``clip`` bounds the norm of the gradient. ``ema`` is the decay
    of the averaged weights, which are what is validated and exported.
    """

    steps: int
    batch_size: int = 16
    lr: float = 1e-3
    trunk_lr: float = 1.0
    weight_decay: float = 1e-4
    warmup: int = 200
    clip: float = 1.0
    ema: float = 0.998

    def __post_init__(self) -> None:
        if min(self.steps, self.batch_size) < 1 or self.warmup < 0:
            raise DataError("optim.steps and optim.batch_size have to be 1 or more, and optim.warmup 0 or more")
        if not 0 <= self.ema < 1:
            raise DataError(f"optim.ema is {self.ema}; it has to be at least 0 and below 1")
        if not 0 < self.clip < math.inf:
            raise DataError(f"optim.clip is {self.clip}; it has to be above 0")
        for name, rate in {"lr": self.lr, "trunk_lr": self.trunk_lr, "weight_decay": self.weight_decay}.items():
            if not 0 <= rate < math.inf:
                raise DataError(f"optim.{name} is {rate}; it has to be 0 or more")


@dataclass(frozen=True)
class RunConfig:
    """How a run is carried out: Fabric's device words, and how many steps lie between two checkpoints."""

    seed: int = 1
    precision: Literal["32-true", "bf16-mixed"] = "bf16-mixed"
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: int = 1
    checkpoint_every: int = 100

    def __post_init__(self) -> None:
        if min(self.devices, self.checkpoint_every) < 1 or self.seed < 0:
            raise DataError("run.devices and run.checkpoint_every have to be 1 or more, and run.seed 0 or more")


@dataclass(frozen=True)
class Recipe:
    """A whole training run."""

    net: NetConfig
    data: DataConfig
    fit: Fit
    optim: OptimConfig
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    run: RunConfig = field(default_factory=RunConfig)


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Return the recipe of a TOML file with ``section.key=value`` overrides, values in TOML's notation, applied.

    Raises:
        DataError: The file or an override is not a recipe's; the message names the key.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"the recipe {path} cannot be read: {error}") from error
    for override in overrides:
        _apply(values, override)
    try:
        return parse_recipe(values)
    except DataError as error:
        raise DataError(f"the recipe {path}: {error}") from error


def parse_recipe(values: Mapping[str, Any]) -> Recipe:
    """Return the recipe held in nested mappings, as TOML or a checkpoint gives them.

    Raises:
        DataError: As ``read_recipe``.
    """
    recipe: Recipe = parse(Recipe, values)
    return recipe


def _apply(values: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    *sections, name = key.strip().split(".")
    if not (separator and sections and name and all(sections)):
        raise DataError(f"--set {override!r} has to read section.key=value, as in optim.lr=3e-4")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()  # a bare word is meant as a string
    table = values
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise DataError(f"--set {override!r}: {section} is no section of the recipe")
    table[name] = value
