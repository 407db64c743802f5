"""Moves the trunk of trained ``tiramisu-mobile`` weights part of the way back to what it was before.

``python -m benchmarks.blend_trunk WEIGHTS.onnx TRUNK.npz OUT.onnx --share 0.25`` writes weights with a quarter of the
pretrained trunk in theirs. What training on a few thousand photographs made the trunk forget comes back so (Wortsman et
al. 2022, *Robust fine-tuning of zero-shot models*); the up-path, which has learnt to work on the other trunk, is best
trained on for a little, with ``--set optim.trunk_lr=0``.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import onnx
from benchmarks.average import load
from numpy.typing import NDArray
from onnx import numpy_helper

from cutaway import imagefile
from cutaway.errors import CutawayError
from cutaway.nets.tiramisu_mobile import Trunk, load_trunk
from cutaway.runtime import Runtime
from cutaway.training.export import with_manifest
from cutaway.training.initial import HALF

TRUNK = "net.trunk."


def main() -> None:
    """Write the blend."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("trunk", type=Path, help="deeplabv3_mnv2_pascal.npz")
    parser.add_argument("output", type=Path)
    parser.add_argument("--share", type=float, default=0.25, help="of the pretrained trunk, 0..1")
    arguments = parser.parse_args()
    try:
        card = Runtime(str(arguments.weights)).manifest
        model = blended(load(arguments.weights), pretrained(arguments.trunk), arguments.share)
        imagefile.write(arguments.output, with_manifest(model, card), overwrite=True)
    except (CutawayError, ValueError, OSError) as error:
        sys.exit(f"{parser.prog}: {error}")


def pretrained(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of the trunk's file, by the names that they have in the weights."""
    trunk = Trunk()
    load_trunk(trunk, path)
    return {TRUNK + name: value.numpy() for name, value in trunk.state_dict().items()}


def blended(model: onnx.ModelProto, before: dict[str, NDArray[np.float32]], share: float) -> onnx.ModelProto:
    """Return ``model`` with ``share`` of ``before`` and the rest of its own in each array of its trunk."""
    for array in model.graph.initializer:
        name = array.name.removesuffix(HALF)
        if name.startswith(TRUNK):
            own = numpy_helper.to_array(array)
            mean = (1 - share) * own.astype(np.float64) + share * before[name]
            array.CopyFrom(numpy_helper.from_array(mean.astype(own.dtype), array.name))
    return model


if __name__ == "__main__":
    main()
