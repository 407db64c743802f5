"""Averages the parameters of two weights of one net: ``python benchmarks/average.py A.onnx B.onnx CARD.toml OUT.onnx``.

Two nets of which one was trained on from the other lie in one basin of the loss, and the net halfway between them often
does better than both (Wortsman et al. 2022, *Model soups*). The card says what the result is, as for an export.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from cutaway import imagefile, manifest
from cutaway.manifest import ModelManifest
from cutaway.runtime import Runtime
from cutaway.training.export import read_facts, with_manifest


def main() -> None:
    """Write the mean of two weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("one", "other", "card", "out"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    facts, old = read_facts(arguments.card), Runtime(str(arguments.one)).manifest
    card = ModelManifest(
        facts.name, facts.version, old.architecture, old.parameters, old.fit, facts.training_data, facts.scores,
        facts.licence,
    )  # fmt: skip
    imagefile.write(arguments.out, with_manifest(average(arguments.one, arguments.other), card), overwrite=True)


def average(one: Path, other: Path) -> onnx.ModelProto:
    """Return the first of two models with the mean of both in place of each of its parameters, stored as they were.

    Raises:
        ModelError: One of them is damaged.
        KeyError: They are not of one net.
    """
    model, second = (load(path) for path in (one, other))
    others = {array.name: array for array in second.graph.initializer}
    for array in model.graph.initializer:
        values = numpy_helper.to_array(array)
        if np.issubdtype(values.dtype, np.floating):
            mean = (values.astype(np.float32) + numpy_helper.to_array(others[array.name]).astype(np.float32)) / 2
            array.CopyFrom(numpy_helper.from_array(mean.astype(values.dtype), array.name))
    return model


def load(path: Path) -> onnx.ModelProto:
    """Return the model in ``path``, whole, without what it says of itself."""
    file = path.read_bytes()
    manifest.verify(file, str(path))
    model = onnx.load_model_from_string(file)
    del model.metadata_props[:]
    return model


if __name__ == "__main__":
    main()
