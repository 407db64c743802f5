"""The manifest in the ONNX file, and its digest."""

import json
from dataclasses import replace

import numpy as np
import pytest

from cutaway import manifest
from cutaway.errors import ModelError
from cutaway.manifest import UNCALIBRATED, Calibration
from synthetic import TINY, tiny_model


def test_json_and_back_keeps_every_field() -> None:
    assert manifest.from_json(manifest.to_json(TINY)) == TINY


@pytest.mark.parametrize("field", sorted(json.loads(manifest.to_json(TINY)).keys() - {"calibration"}))
def test_a_missing_field_is_an_error(field: str) -> None:
    values = json.loads(manifest.to_json(TINY))
    del values[field]
    with pytest.raises(ModelError, match=field):
        manifest.from_json(json.dumps(values))


def test_weights_of_before_there_was_a_calibration_have_none() -> None:
    values = json.loads(manifest.to_json(replace(TINY, calibration=Calibration(-1.0, 2.0))))
    del values["calibration"]
    assert manifest.from_json(json.dumps(values)).calibration == UNCALIBRATED


@pytest.mark.parametrize(
    "change",
    [
        {"surplus": 1},
        {"name": 3},
        {"fit": {"rule": "letterbox", "size": 100, "multiple": 32}},
        {"fit": {"rule": "letterbox"}},
        {"training_data": [{"name": "x"}]},
        {"scores": []},
        {"scores": {"all": "good"}},
        {"calibration": {"offset": 0.1}},
        {"calibration": {"offset": 0.1, "slope": 0}},
        {"calibration": {"offset": float("nan"), "slope": 1}},
        {"calibration": [0, 1]},
    ],
)
def test_a_field_of_the_wrong_kind_is_an_error(change: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="manifest"):
        manifest.from_json(json.dumps(json.loads(manifest.to_json(TINY)) | change))


def test_what_is_not_json_is_an_error() -> None:
    with pytest.raises(ModelError, match="export the model anew"):
        manifest.from_json("{")


def test_a_signed_file_passes() -> None:
    manifest.verify(tiny_model(), "tiny.onnx")


def test_any_flipped_byte_is_refused() -> None:
    file = tiny_model()
    for position in range(len(file)):
        damaged = bytearray(file)
        damaged[position] ^= 1
        with pytest.raises(ModelError, match=r"tiny\.onnx"):
            manifest.verify(bytes(damaged), "tiny.onnx")


@pytest.mark.parametrize("keep", [0, 1, 100, -1])
def test_a_truncated_file_is_refused(keep: int) -> None:
    with pytest.raises(ModelError):
        manifest.verify(tiny_model()[:keep], "tiny.onnx")


def test_a_file_without_a_manifest_says_that_it_is_not_ours() -> None:
    with pytest.raises(ModelError, match="not a cutaway model"):
        manifest.verify(np.random.default_rng(0).bytes(500), "other.onnx")


def test_signing_needs_exactly_one_manifest() -> None:
    text = manifest.to_json(replace(TINY, name="twice")).encode()
    with pytest.raises(ModelError, match="2 manifests"):
        manifest.sign(text + text)
