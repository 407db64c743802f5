"""Moves the trunk of trained ``tiramisu-mobile`` weights part of the way back to what it was before.

``python -m benchmarks.blend_trunk WEIGHTS.onnx TRUNK.npz OUT.onnx --share 0.25`` writes weights with a quarter of the
pretrained trunk in theirs. What training on a few thousand photographs made the trunk forget comes back so (Wortsman et
al. 2022, *Robust fine-tuning of zero-shot models*); the up-path, which has learnt to work on the other trunk, is best
trained on for a little, with ``--set optim.trunk_lr=0``.
"""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from benchmarks.average import load
from numpy.typing import NDArray
from onnx import numpy_helper

from cutaway import imagefile
from cutaway.errors import CutawayError
from cutaway.manifest import UNCALIBRATED, UNSIGNED
from cutaway.nets.tiramisu_mobile import Trunk, load_trunk
from cutaway.runtime import Runtime
from cutaway.training.export import with_manifest
from cutaway.training.initial import HALF
from cutaway.training.optimizers import TRUNK


def main() -> None:
    """Write the blend."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("trunk", type=Path, help="deeplabv3_mnv2_pascal.npz")
    parser.add_argument("output", type=Path)
    parser.add_argument("--share", type=float, default=0.25, help="of the pretrained trunk, 0..1")
    arguments = parser.parse_args()
    if not 0 <= arguments.share <= 1:
        parser.error("--share has to be from 0 to 1")
    try:
        card = Runtime(str(arguments.weights)).manifest
        model = blended(load(arguments.weights), pretrained(arguments.trunk), arguments.share)
        # What was said of the old weights is not true of these.
        card = replace(card, version=f"{card.version}-blend", scores={}, calibration=UNCALIBRATED, sha256=UNSIGNED)
        imagefile.write(arguments.output, with_manifest(model, card), overwrite=True)
    except (CutawayError, ValueError, OSError) as error:
        sys.exit(f"{parser.prog}: {error}")


def pretrained(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of the trunk's file, by the names that they have in the weights."""
    trunk = Trunk()
    load_trunk(trunk, path)
    return {f"net.{TRUNK}{name}": value.numpy() for name, value in trunk.state_dict().items()}


def blended(model: onnx.ModelProto, before: Mapping[str, NDArray[np.float32]], share: float) -> onnx.ModelProto:
    """Return ``model`` with ``share`` of ``before`` and the rest of its own in each array of its trunk.

    Raises:
        ValueError: Its trunk is another, or it has none.
    """
    own = {array.name.removesuffix(HALF): array for array in model.graph.initializer}
    if any(name not in own or list(own[name].dims) != list(array.shape) for name, array in before.items()):
        raise ValueError("the weights have no such trunk; use weights of tiramisu-mobile")
    for name, array in before.items():
        value = numpy_helper.to_array(own[name])
        mean = (1 - share) * value.astype(np.float64) + share * array
        own[name].CopyFrom(numpy_helper.from_array(mean.astype(value.dtype), own[name].name))
    return model


if __name__ == "__main__":
    main()
