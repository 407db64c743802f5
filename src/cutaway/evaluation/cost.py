"""What a model costs, measured on the weights that users run: size, arithmetic and time, at its working size."""

import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutaway import weights
from cutaway.geometry import Fit
from cutaway.ort import onnxruntime
from cutaway.runtime import Runtime

WARM_UP, REPEATS = 3, 15


@dataclass(frozen=True)
class Cost:
    """The cost of one model for one image at its working size, ``fit.size`` × ``fit.size`` pixels.

    ``gmac`` is 10⁹ multiply-accumulates of the convolutions and matrix products; ``milliseconds`` is the median time of
    the network alone, warm, on ``threads`` threads, reading and refining the photo not included.
    """

    parameters: int
    file_bytes: int
    fit: Fit
    gmac: float
    milliseconds: float
    threads: int


def measure_cost(model: str, threads: int | None = None) -> Cost:
    """Return the cost of ``model``, an installed model or the path of an ONNX file, on all cores if not told otherwise.

    Raises:
        ModelError: The model is missing, damaged or not ours, or cannot run.
    """
    threads = threads or os.cpu_count() or 1
    runtime = Runtime(model, threads=threads)
    fit, path = runtime.manifest.fit, weights.find(model)
    image = np.random.default_rng(0).random((1, 3, fit.size, fit.size), np.float32)
    return Cost(
        parameters=runtime.manifest.parameters,
        file_bytes=path.stat().st_size,
        fit=fit,
        milliseconds=_milliseconds(runtime, image),
        gmac=multiply_accumulates(path, image) / 1e9,
        threads=threads,
    )


def multiply_accumulates(path: Path, image: NDArray[np.float32]) -> int:
    """Return how many multiply-accumulates the network in ``path`` needs for ``image`` (1×3×H×W float32, 0..1).

    The shapes are those that ONNX Runtime's profiler notes of each node in a run of the graph as it stands in the file:
    its optimiser would merge nodes. So the base install can count, without the onnx package.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.disable_prepacking", "1")  # weights packed for speed have no shape
    options.enable_profiling = True
    with TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder, "profile"))
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        session.run(["alpha"], {"image": image})
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return sum(_of_node(event["args"]) for event in events if "output_type_shape" in event.get("args", {}))


def _of_node(node: Mapping[str, Any]) -> int:
    """Return the multiply-accumulates of one node: each weight is used once a place of the output, bias apart.

    A transposed convolution's is used once a place of the input.
    """
    inputs, output = _shapes(node["input_type_shape"]), _shapes(node["output_type_shape"])[0]
    match node["op_name"]:
        case "Conv" | "ConvInteger":
            return math.prod(output) * math.prod(inputs[1][1:])
        case "ConvTranspose":
            return math.prod(inputs[0]) * math.prod(inputs[1][1:])
        case "MatMul" | "MatMulInteger":
            return math.prod(output) * inputs[0][-1]
        case "Gemm":
            return math.prod(inputs[0]) * output[1]
    return 0


def _shapes(noted: Sequence[Mapping[str, Sequence[int]]]) -> list[Sequence[int]]:
    """Return the shapes of a node's arrays, each noted as a mapping from its type to its shape."""
    return [shape for array in noted for shape in array.values()]


def _milliseconds(runtime: Runtime, image: NDArray[np.float32]) -> float:
    times = []
    for _ in range(WARM_UP + REPEATS):
        start = time.perf_counter()
        runtime.predict(image)
        times.append(time.perf_counter() - start)
    return median(times[WARM_UP:]) * 1000
