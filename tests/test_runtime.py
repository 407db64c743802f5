"""The ONNX Runtime session."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from cutaway import runtime
from cutaway.errors import ModelError
from cutaway.runtime import Runtime
from synthetic import BRIGHT, STEEPNESS, TINY, tiny_model


def test_predict_gives_what_the_graph_says(tiny_model_path: Path) -> None:
    batch = np.random.default_rng(0).random((3, 3, 32, 64), np.float32)
    expected = 1 / (1 + np.exp(-STEEPNESS * (batch.mean(axis=1, keepdims=True) - BRIGHT)))
    np.testing.assert_allclose(Runtime(tiny_model_path, threads=1).predict(batch), expected, atol=1e-5)


def test_alphas_that_are_no_numbers_are_an_error_and_not_nobody(tiny_model_path: Path) -> None:
    batch = np.zeros((1, 3, 32, 64), np.float32)
    batch[0, 0, 5, 7] = np.nan
    with pytest.raises(ModelError, match="no numbers"):
        Runtime(tiny_model_path, threads=1).predict(batch)


def test_the_manifest_is_read_from_the_file(tiny_model_path: Path) -> None:
    found = Runtime(tiny_model_path).manifest
    assert (found.name, found.fit, found.training_data) == (TINY.name, TINY.fit, TINY.training_data)


def test_one_runtime_serves_many_threads(tiny_model_path: Path) -> None:
    shared = Runtime(tiny_model_path, threads=1)
    batches = np.random.default_rng(1).random((40, 1, 3, 32, 32), np.float32)
    alone = [shared.predict(batch) for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        for found, expected in zip(pool.map(shared.predict, batches), alone, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    file = bytearray(tiny_model())
    file[len(file) // 2] ^= 0x10
    path = tmp_path / "damaged.onnx"
    path.write_bytes(file)
    with pytest.raises(ModelError, match=r"damaged\.onnx"):
        Runtime(path)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>"])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "page.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="not a cutaway model"):
        Runtime(path)


def test_an_unknown_provider_is_answered_with_the_known_ones(tiny_model_path: Path) -> None:
    with pytest.raises(ModelError, match="choose one of cpu, cuda"):
        Runtime(tiny_model_path, provider="gpu")


def test_a_provider_that_is_not_installed_is_named_with_what_to_do(
    tiny_model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    assert runtime.available_providers() == ["cpu"]
    with pytest.raises(ModelError, match=r"'cuda' is not in the installed .* offers cpu; install .*onnxruntime-gpu"):
        Runtime(tiny_model_path, provider="cuda")


def test_a_provider_that_does_not_start_is_not_replaced_in_silence(
    tiny_model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: installed)
    monkeypatch.setattr("onnxruntime.InferenceSession.get_providers", lambda _: ["CPUExecutionProvider"])
    with pytest.warns(UserWarning, match="CUDA"), pytest.raises(ModelError, match="does not start here"):
        Runtime(tiny_model_path, provider="cuda")


def test_nothing_is_left_in_the_home_of_who_uses_it(tmp_path: Path) -> None:
    """ONNX Runtime would keep an identity and counts of its use there, and could send them."""
    code = "import cutaway, numpy; cutaway.remove(numpy.zeros((64, 64, 3), numpy.uint8))"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    homes = {name: str(tmp_path) for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment | homes)
    assert list(tmp_path.rglob("*")) == []
