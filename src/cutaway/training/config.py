"""Training recipes: TOML into nested frozen dataclasses."""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from cutaway.data.transforms import AugmentConfig
from cutaway.errors import DataError
from cutaway.geometry import Fit
from cutaway.training.tables import parse

FINE_TUNE = Path(__file__).parent / "fine-tune.toml"
"""The recipe that is used where none is named; it names no photographs."""


@dataclass(frozen=True)
class NetConfig:
    """Which net: its name in ``MODELS``, and fields of its config to replace.

    It starts from chance, unless ``trunk`` is the file of its pretrained trunk, or ``init`` is what to begin with: a
    checkpoint of the same net, or weights (an .onnx file or a name of ``cutaway models``).
    """

    name: str
    trunk: str = ""
    init: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.trunk and self.init:
            raise DataError("net.trunk and net.init are both set; weights to begin with hold a trunk, so leave one out")


@dataclass(frozen=True)
class DataConfig:
    """Where the photos are: indexes or folders, and folders of photos without people.

    ``left_out`` is a list of training photos to leave out, if any; ``data/left_out.py`` says how it looks. Paths are
    relative to the folder that the command runs in.
    """

    persons: tuple[str, ...]
    people_free: tuple[str, ...] = ()
    left_out: str = ""
    workers: int = 0

    def __post_init__(self) -> None:
        if not self.persons or self.workers < 0:
            raise DataError("data.persons has to name at least one index or folder, and data.workers to be 0 or more")


@dataclass(frozen=True)
class CamvidConfig:
    """Where CamVid is, to train on all of its classes, and how its photos are cut.

    ``crop`` is the side of a random square of each photo at its own size, 0 the whole photo; ``flip`` a
    probability; ``workers`` processes that read photos.
    """

    root: str
    crop: int = 0
    flip: float = 0.5
    workers: int = 0

    def __post_init__(self) -> None:
        if min(self.crop, self.workers) < 0 or not 0 <= self.flip <= 1:
            raise DataError("camvid.crop and camvid.workers have to be 0 or more, and camvid.flip from 0 to 1")


@dataclass(frozen=True)
class OptimConfig:
    """How the weights are moved.

    ``steps`` of ``batch_size`` photos are taken. ``loss`` is explained in ``training/losses.py``. ``method`` is AdamW
    (Loshchilov 2019) or RMSprop (Hinton 2012), whose running mean of squares decays by ``rho`` and has ``epsilon``
    added to its root; ``weight_decay`` is AdamW's own, or what RMSprop adds to the gradient, times the weight.
    ``lr`` is reached in ``warmup`` steps, and then falls along a cosine to nothing, or by the factor ``decay`` after
    every epoch (``schedule`` exponential). ``trunk_lr`` scales the rate of a pretrained trunk, which at 0 stays as it
    is. ``clip`` bounds the norm of the gradient (inf: nothing does). ``ema`` is the decay of the averaged weights,
    which are what is validated and exported (0: the last step's). Validation comes after ``epoch_photos`` photos (0: as
    many as there are); ``patience`` epochs without a better score end the run (0: none do).
    """

    steps: int
    batch_size: int = 16
    loss: Literal["bce-dice", "cross-entropy"] = "bce-dice"
    method: Literal["adamw", "rmsprop"] = "adamw"
    rho: float = 0.9
    epsilon: float = 1e-8
    schedule: Literal["cosine", "exponential"] = "cosine"
    lr: float = 1e-3
    decay: float = 1.0
    trunk_lr: float = 1.0
    weight_decay: float = 1e-4
    warmup: int = 200
    clip: float = 1.0
    ema: float = 0.998
    epoch_photos: int = 0
    patience: int = 0

    def __post_init__(self) -> None:
        if min(self.steps, self.batch_size) < 1 or min(self.warmup, self.epoch_photos, self.patience) < 0:
            raise DataError(
                "optim.steps and optim.batch_size have to be 1 or more, and optim.warmup, optim.epoch_photos and "
                "optim.patience 0 or more"
            )
        for name, share in {"ema": self.ema, "rho": self.rho}.items():
            if not 0 <= share < 1:
                raise DataError(f"optim.{name} is {share}; it has to be at least 0 and below 1")
        for name, value in {"clip": self.clip, "epsilon": self.epsilon, "decay": self.decay}.items():
            if not value > 0:
                raise DataError(f"optim.{name} is {value}; it has to be above 0")
        for name, rate in {"lr": self.lr, "trunk_lr": self.trunk_lr, "weight_decay": self.weight_decay}.items():
            if not 0 <= rate < math.inf:
                raise DataError(f"optim.{name} is {rate}; it has to be 0 or more")


@dataclass(frozen=True)
class RunConfig:
    """How a run is carried out: Fabric's device words, and how many steps lie between two checkpoints.

    ``channels_last`` is how tensors lie in memory: quicker with bf16 and on GPUs, slower on CPUs that have no AVX-512.
    ``compile`` lets torch.compile make kernels for the net. ``devices`` are those of one machine; under torchrun it is
    torchrun that says how many processes and machines there are.
    """

    seed: int = 1
    precision: Literal["32-true", "bf16-mixed"] = "bf16-mixed"
    channels_last: bool = True
    compile: bool = False
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: int = 1
    checkpoint_every: int = 100

    def __post_init__(self) -> None:
        if min(self.devices, self.checkpoint_every) < 1 or self.seed < 0:
            raise DataError("run.devices and run.checkpoint_every have to be 1 or more, and run.seed 0 or more")


@dataclass(frozen=True)
class Recipe:
    """A whole training run: person or not."""

    net: NetConfig
    data: DataConfig
    fit: Fit
    optim: OptimConfig
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    run: RunConfig = field(default_factory=RunConfig)


@dataclass(frozen=True)
class CamvidRecipe:
    """A whole training run on CamVid's classes, as the Tiramisu paper has it."""

    net: NetConfig
    camvid: CamvidConfig
    optim: OptimConfig
    run: RunConfig = field(default_factory=RunConfig)


AnyRecipe: TypeAlias = Recipe | CamvidRecipe


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> AnyRecipe:
    """Return the recipe of a TOML file with ``section.key=value`` overrides, values in TOML's notation, applied.

    A file with a section ``camvid`` is a ``CamvidRecipe``.

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


def parse_recipe(values: Mapping[str, Any]) -> AnyRecipe:
    """Return the recipe held in nested mappings, as TOML or a checkpoint gives them.

    Raises:
        DataError: As ``read_recipe``.
    """
    recipe: AnyRecipe = parse(CamvidRecipe if "camvid" in values else Recipe, values)
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
