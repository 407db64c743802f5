"""Training recipes: TOML into nested frozen dataclasses. An unknown key, a missing key or a value of the wrong type is an error."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from cutaway.data.transforms import AugmentConfig
from cutaway.errors import DataError
from cutaway.geometry import Fit


@dataclass(frozen=True)
class NetConfig:
    """Which net: its name in ``MODELS`` and, where it has one, the file of its pretrained trunk."""

    name: str
    trunk: str = ""


@dataclass(frozen=True)
class DataConfig:
    """Where the photos are: indexes or folders, and folders of photos without people. Paths are relative to where you are."""

    persons: tuple[str, ...]
    people_free: tuple[str, ...] = ()
    workers: int = 0


@dataclass(frozen=True)
class OptimConfig:
    """AdamW with linear warm-up and cosine decay to nothing over ``steps`` (Loshchilov 2019).

    ``trunk_lr`` scales the rate of a pretrained trunk. ``clip`` bounds the norm of the gradient. ``ema`` is the decay of the averaged
    weights, which are what is validated and exported.
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


@dataclass(frozen=True)
class RunConfig:
    """How a run is carried out: Fabric's device words, and how many steps lie between two checkpoints."""

    seed: int = 1
    precision: Literal["32-true", "bf16-mixed"] = "bf16-mixed"
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: int = 1
    checkpoint_every: int = 100


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
    return parse_recipe(values)


def parse_recipe(values: Mapping[str, Any]) -> Recipe:
    """Return the recipe held in nested mappings, as TOML or a checkpoint gives them.

    Raises:
        DataError: As ``read_recipe``.
    """
    recipe: Recipe = _parse(Recipe, values, "")
    return recipe


def _apply(values: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    section, dot, name = key.strip().partition(".")
    if not (separator and dot and section and name):
        raise DataError(f"--set {override!r} has to read section.key=value, as in optim.lr=3e-4")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()  # a bare word is meant as a string
    values.setdefault(section, {})[name] = value


def _parse(kind: Any, value: Any, key: str) -> Any:
    """Return ``value`` as ``kind``: a dataclass, a tuple of one type, a literal, or a plain type."""
    if is_dataclass(kind):
        return _parse_section(kind, value, key)
    if get_origin(kind) is tuple and isinstance(value, list | tuple):
        return tuple(_parse(get_args(kind)[0], item, key) for item in value)
    if get_origin(kind) is Literal and value in get_args(kind):
        return value
    if kind is float and type(value) is int:
        return float(value)
    if isinstance(kind, type) and type(value) is kind:
        return value
    wanted = " or ".join(map(repr, get_args(kind))) if get_origin(kind) is Literal else getattr(kind, "__name__", kind)
    raise DataError(f"recipe: {key} is {value!r}; it has to be {wanted}")


def _parse_section(kind: Any, value: Any, key: str) -> Any:
    where = f"section [{key}]" if key else "the recipe"
    if not isinstance(value, Mapping):
        raise DataError(f"recipe: {key} is {value!r}; it has to be a section")
    hints = get_type_hints(kind)
    unknown = set(value) - set(hints)
    if unknown:
        raise DataError(f"recipe: {where} has no key {', '.join(sorted(unknown))}; it knows {', '.join(hints)}")
    parsed = {name: _parse(hints[name], item, f"{key}.{name}".lstrip(".")) for name, item in value.items()}
    missing = [f.name for f in fields(kind) if f.name not in parsed and _is_required(f)]
    if missing:
        raise DataError(f"recipe: {where} lacks {', '.join(missing)}")
    try:
        return kind(**parsed)
    except ValueError as error:
        raise DataError(f"recipe: {where}: {error}") from error


def _is_required(item: Any) -> bool:
    return item.default is MISSING and item.default_factory is MISSING
