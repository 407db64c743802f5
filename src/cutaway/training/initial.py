"""What a run begins with, where that is not chance: a pretrained trunk, a checkpoint's net, or released weights."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from cutaway import manifest, weights
from cutaway.errors import DataError, ModelError
from cutaway.nets.tiramisu_mobile import TiramisuMobile, load_trunk
from cutaway.training import checkpoint
from cutaway.training.config import NetConfig
from cutaway.training.norms import unfold

HALF = ".half"
"""What the names of arrays end in that ``cutaway export --half`` stored as float16."""


def load_pretrained(net: nn.Module, config: NetConfig, photos: Callable[[], Tensor]) -> None:
    """Load into ``net`` what the recipe names: a trunk, or a whole net to begin with, or nothing.

    ``photos`` gives images B×3×H×W float 0..1 as the net is going to see them; released weights need them.

    Raises:
        DataError: The net has no trunk, or the file cannot be read or does not fit.
    """
    if config.trunk:
        _load_trunk(net, config)
    if config.init:
        _load_init(net, config.init, photos)


def read_arrays(path: Path) -> dict[str, Tensor]:
    """Return the parameters of released weights, float32, by the names that they have in the net.

    Raises:
        ModelError: They are damaged, or no weights of ours.
    """
    file = path.read_bytes()
    manifest.verify(file, str(path))
    arrays = onnx.load_model_from_string(file).graph.initializer
    names = [array.name.removeprefix("net.").removesuffix(HALF) for array in arrays]
    values = [numpy_helper.to_array(array).astype(np.float32) for array in arrays]
    return {name: torch.from_numpy(value) for name, value in zip(names, values, strict=True)}


def _load_trunk(net: nn.Module, config: NetConfig) -> None:
    if not isinstance(net, TiramisuMobile):
        raise DataError(f"net.trunk is set, but {config.name} is a net without a trunk; leave it out")
    try:
        load_trunk(net.trunk, Path(config.trunk))
    except (ValueError, OSError) as error:
        raise DataError(f"the recipe's net.trunk {config.trunk} cannot be loaded: {error}") from error


def _load_init(net: nn.Module, init: str, photos: Callable[[], Tensor]) -> None:
    try:
        if Path(init).suffix == ".pt":
            state = checkpoint.load(Path(init))
            net.load_state_dict(state.get("ema") or state["net"])
        else:
            unfold(net, read_arrays(weights.find(init)), photos)
    except (DataError, ModelError, OSError, KeyError, RuntimeError, ValueError) as error:
        raise DataError(f"the recipe's net.init {init} cannot be loaded: {error}") from error
