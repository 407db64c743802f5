"""Averages the parameters of weights of one net.

``python benchmarks/average.py A.onnx B.onnx --card CARD.toml -o OUT.onnx`` writes their mean, of however many.
Nets that were trained on from the same one lie in one basin of the loss, and the net between them often does better
than each (Wortsman et al. 2022, *Model soups*). Who is named twice counts twice. The card says what the result is, as
for an export.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from cutaway import imagefile, manifest
from cutaway.manifest import ModelManifest
from cutaway.runtime import Runtime
from cutaway.training.export import read_facts, with_manifest


def main() -> None:
    """Write the mean."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("--card", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    facts, old = read_facts(arguments.card), Runtime(str(arguments.weights[0])).manifest
    card = ModelManifest(
        facts.name, facts.version, old.architecture, old.parameters, old.fit, facts.training_data, facts.scores,
        facts.licence,
    )  # fmt: skip
    imagefile.write(arguments.output, with_manifest(average(arguments.weights), card), overwrite=True)


def average(paths: Sequence[Path]) -> onnx.ModelProto:
    """Return the first of several models with their mean in place of each of its parameters, stored as they were.

    Raises:
        ModelError: One of them is damaged.
        KeyError: They are not of one net, or not as `cutaway export` writes them.
    """
    models = [load(path) for path in paths]
    arrays = [{array.name: array for array in model.graph.initializer} for model in models]
    parameters = [array for array in models[0].graph.initializer if array.name.startswith("net.")]
    if not parameters:
        raise KeyError(f"{paths[0]} has no parameters by the names that `cutaway export` gives them")
    for array in parameters:  # not the graph's constants, which each export numbers anew
        values = [numpy_helper.to_array(others[array.name]) for others in arrays]
        mean = np.mean(values, axis=0, dtype=np.float64).astype(values[0].dtype)
        array.CopyFrom(numpy_helper.from_array(mean, array.name))
    return models[0]


def load(path: Path) -> onnx.ModelProto:
    """Return the model in ``path``, whole, without what it says of itself."""
    file = path.read_bytes()
    manifest.verify(file, str(path))
    model = onnx.load_model_from_string(file)
    del model.metadata_props[:]
    return model


if __name__ == "__main__":
    main()
