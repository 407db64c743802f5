"""Averages the parameters of weights of one net.

``python benchmarks/average.py A.onnx B.onnx --card CARD.toml -o OUT.onnx`` writes their mean, of however many.
Nets that were trained on from the same one lie in one basin of the loss, and the net between them often does better
than each (Wortsman et al. 2022, *Model soups*). Who is named twice counts twice. The card says what the result is, as
for an export.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from cutaway import imagefile, manifest
from cutaway.errors import CutawayError, ModelError
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
    try:
        facts, old = read_facts(arguments.card), Runtime(str(arguments.weights[0])).manifest
        card = ModelManifest(
            facts.name, facts.version, old.architecture, old.parameters, old.fit, facts.training_data, facts.scores,
            facts.licence,
        )  # fmt: skip
        imagefile.write(arguments.output, with_manifest(average(arguments.weights), card), overwrite=True)
    except CutawayError as error:
        sys.exit(f"{parser.prog}: {error}")


def average(paths: Sequence[Path]) -> onnx.ModelProto:
    """Return the first of several models with their mean in place of each of its parameters, stored as they were.

    Raises:
        ModelError: One of them is damaged, or they are not of one net.
    """
    models = [load(path) for path in paths]
    parameters = [
        {array.name: array for array in model.graph.initializer if array.name.startswith("net.")} for model in models
    ]  # not the graph's constants, which each export numbers anew
    for path, own in zip(paths, parameters, strict=True):
        if not own or own.keys() != parameters[0].keys():
            raise ModelError(
                f"{path} has not the parameters of {paths[0]}; give weights of one net, all with --half or none"
            )
    for name, array in parameters[0].items():
        values = [numpy_helper.to_array(others[name]) for others in parameters]
        mean = np.mean(values, axis=0, dtype=np.float64).astype(values[0].dtype)
        array.CopyFrom(numpy_helper.from_array(mean, name))
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
