"""What many tests make: a drawn person, and weights of a few hundred bytes that take bright pixels for a person."""

import io
import struct
import zlib

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from PIL import Image as PillowImage

from cutaway import manifest
from cutaway.geometry import Fit
from cutaway.manifest import ModelManifest, TrainingSet
from cutaway.types import Image, Mask

BRIGHT = 0.6
"""The mean of red, green and blue above which the tiny model sees a person."""

STEEPNESS = 40.0

TINY = ModelManifest(
    name="tiny",
    version="1",
    architecture="one convolution",
    parameters=4,
    fit=Fit("letterbox", 64, 32),
    training_data=(TrainingSet("drawings", 0, "none"),),
    scores={"drawings": 1.0},
    licence="Apache-2.0",
)


def person_mask(height: int, width: int) -> Mask:
    """Return a head and shoulders (H×W): an ellipse upon the upper half of a larger one."""
    rows, columns = np.ogrid[:height, :width]
    across = (columns - width / 2) / width
    head = (across / 0.16) ** 2 + ((rows / height - 0.35) / 0.2) ** 2 <= 1
    shoulders = (across / 0.38) ** 2 + ((rows / height - 1) / 0.42) ** 2 <= 1
    return np.asarray(head | shoulders)


def draw_person(height: int = 96, width: int = 80) -> Image:
    """Return somebody bright before a dark wall (H×W×3 uint8)."""
    image = np.full((height, width, 3), (30, 40, 60), np.uint8)
    image[person_mask(height, width)] = (235, 205, 180)
    return image


def encode(image: Image, file_format: str = "PNG", **options: object) -> bytes:
    """Return ``image`` as Pillow writes it."""
    buffer = io.BytesIO()
    PillowImage.fromarray(image).save(buffer, file_format, **options)
    return buffer.getvalue()


def png_declaring(width: int, height: int) -> bytes:
    """Return a PNG whose header, with a right check sum, tells of ``width`` × ``height`` pixels that are not there."""
    png, header = encode(draw_person(48, 40)), b"IHDR" + struct.pack(">II", width, height) + b"\x08\x02\0\0\0"
    return png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]


def tiny_model(card: ModelManifest = TINY) -> bytes:
    """Return a signed ONNX file: a 1×1 convolution that averages the colours, and a sigmoid around ``BRIGHT``."""
    kernel = np.full((1, 3, 1, 1), STEEPNESS / 3, np.float32)
    bias = np.array([-STEEPNESS * BRIGHT], np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "kernel", "bias"], ["logits"]),
            helper.make_node("Sigmoid", ["logits"], ["alpha"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("alpha", TensorProto.FLOAT, ["n", 1, "h", "w"])],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    helper.set_model_props(model, {manifest.METADATA_KEY: manifest.to_json(card)})
    return manifest.sign(model.SerializeToString())
