"""The facts of a model, kept inside its ONNX file, and the digest that shows whether the file is as it was released.

The manifest is JSON under one key of the ONNX metadata. Its ``sha256`` is taken over the whole file with the digest's
own 64 digits set to zero, so that a flipped byte anywhere, in the weights, the graph or the manifest, is noticed.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from math import inf, isfinite
from typing import Any

from cutaway.errors import ModelError
from cutaway.geometry import Fit

METADATA_KEY = "cutaway.manifest"
UNSIGNED = "0" * 64

_DIGEST = re.compile(rb'"sha256": "([0-9a-f]{64})"')


@dataclass(frozen=True)
class TrainingSet:
    """One set that the weights, or the trunk they began with, were trained on; and the terms stated at its source."""

    name: str
    photos: int | None
    terms: str


@dataclass(frozen=True)
class Calibration:
    """A line from the log-odds of the person IoU that weights expect of a photo to those of what it really has."""

    offset: float
    slope: float


UNCALIBRATED = Calibration(0.0, 1.0)


@dataclass(frozen=True)
class ModelManifest:
    """What has to be known of weights to use them rightly.

    ``scores`` maps a set to its mean person IoU on ``split=test`` (or says the split in its key). ``calibration``
    changes nothing where nobody has measured it. ``sha256`` is of the file; see the module.
    """

    name: str
    version: str
    architecture: str
    parameters: int
    fit: Fit
    training_data: tuple[TrainingSet, ...]
    scores: Mapping[str, float]
    licence: str
    sha256: str = UNSIGNED
    calibration: Calibration = UNCALIBRATED


def to_json(manifest: ModelManifest) -> str:
    """Return the manifest as it is put into the ONNX metadata."""
    return json.dumps(asdict(manifest), ensure_ascii=False)


def from_json(text: str) -> ModelManifest:
    """Return the manifest of ``text``.

    Raises:
        ModelError: It is not JSON, or a field is missing, unknown or of the wrong kind.
    """
    try:
        values = {"calibration": asdict(UNCALIBRATED), **json.loads(text)}  # older weights have none
        names = {field.name for field in fields(ModelManifest)}
        if set(values) != names:
            raise ModelError(
                f"the model's manifest has to hold exactly {', '.join(sorted(names))}; export the model anew"
            )
        values["fit"] = Fit(**values["fit"])
        values["training_data"] = tuple(TrainingSet(**item) for item in values["training_data"])
        values["calibration"] = Calibration(**values["calibration"])
        return _checked(ModelManifest(**values))
    except (TypeError, ValueError) as error:
        raise ModelError(f"the model's manifest cannot be read ({error}); export the model anew") from error


def sign(file: bytes) -> bytes:
    """Return an ONNX file that holds an unsigned manifest with the digest filled in.

    Raises:
        ModelError: The file does not hold exactly one unsigned manifest.
    """
    start, end = _digest_span(file)
    return file[:start] + _digest_without(file, start, end).encode() + file[end:]


def verify(file: bytes, name: str) -> None:
    """Raise ``ModelError`` unless the ONNX file ``name`` is, byte for byte, the one that was signed."""
    try:
        start, end = _digest_span(file)
    except ModelError as error:
        raise ModelError(f"{name} is not a cutaway model: {error}") from error
    if file[start:end].decode() != _digest_without(file, start, end):
        raise ModelError(
            f"the model {name} is damaged: its SHA-256 does not match its manifest; install or export it again"
        )


def _checked(manifest: ModelManifest) -> ModelManifest:
    """Return ``manifest``; raise ``TypeError`` where a field is of the wrong kind."""
    kinds: dict[str, Any] = {
        "name": str,
        "version": str,
        "architecture": str,
        "parameters": int,
        "scores": dict,
        "licence": str,
        "sha256": str,
    }
    for name, kind in kinds.items():
        if not isinstance(getattr(manifest, name), kind):
            raise TypeError(f"{name} has to be {kind.__name__}")
    if not all(isinstance(score, float | int) for score in manifest.scores.values()):
        raise TypeError("scores have to be numbers")
    if not (isfinite(manifest.calibration.offset) and 0 < manifest.calibration.slope < inf):
        raise TypeError("calibration has to be a rising line")
    return manifest


def _digest_span(file: bytes) -> tuple[int, int]:
    matches = list(_DIGEST.finditer(file))
    if len(matches) != 1:
        raise ModelError(f"it holds {len(matches)} manifests instead of one")
    return matches[0].span(1)


def _digest_without(file: bytes, start: int, end: int) -> str:
    digest = sha256(file[:start])
    digest.update(UNSIGNED.encode())
    digest.update(file[end:])
    return digest.hexdigest()
