"""Writes weights in 8 bits, to see what that costs: ``python benchmarks/quantise.py portrait DATA OUT.onnx``.

``cutaway evaluate portrait OUT.onnx --data DATA --split val`` then compares the two. The ranges of activations are
those on photos of the train split; ``--dynamic`` leaves them to each run.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from cutaway import imagefile, weights
from cutaway.data.folder import load_samples
from cutaway.data.shards import content
from cutaway.evaluation.score import thin
from cutaway.geometry import Fit, fit_image, place, to_tensor
from cutaway.manifest import UNSIGNED
from cutaway.runtime import Runtime
from cutaway.training.export import with_manifest


class Photos(CalibrationDataReader):  # type: ignore[misc]  # it comes without types
    """Gives ONNX Runtime the network's input for one photo at a time."""

    def __init__(self, data: Path, count: int, fit: Fit) -> None:
        self._inputs = inputs(data, count, fit)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next input, None after the last."""
        return next(self._inputs, None)


def inputs(data: Path, count: int, fit: Fit) -> Iterator[dict[str, NDArray[np.float32]]]:
    """Yield what the network is shown of ``count`` photos of the train split."""
    for sample in thin(load_samples(data, "train"), count):
        image = imagefile.read_srgb(content(sample.image))
        placement = place(image.shape[0], image.shape[1], fit)
        yield {"image": to_tensor(fit_image(image, placement)[None])}


def main() -> None:
    """Write the quantised weights."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model")
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--dynamic", action="store_true")
    arguments = parser.parse_args()
    card = Runtime(arguments.model).manifest
    with TemporaryDirectory() as folder:
        plain, small = Path(folder, "plain.onnx"), Path(folder, "small.onnx")
        quant_pre_process(weights.find(arguments.model), plain, skip_symbolic_shape=True)
        if arguments.dynamic:
            quantize_dynamic(plain, small, weight_type=QuantType.QUInt8)
        else:
            photos = Photos(arguments.data, arguments.photos, card.fit)
            # Without 7 bits in place of 8, sums saturate on processors that have no VNNI.
            quantize_static(plain, small, photos, per_channel=True, reduce_range=True)
        model = onnx.load(small)
    del model.metadata_props[:]
    imagefile.write(arguments.out, with_manifest(model, replace(card, sha256=UNSIGNED)), overwrite=True)


if __name__ == "__main__":
    main()
