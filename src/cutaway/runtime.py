"""One ONNX Runtime session: canvases in, alpha out."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cutaway import manifest, weights
from cutaway.errors import ModelError
from cutaway.manifest import ModelManifest
from cutaway.ort import onnxruntime

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "rocm": "ROCMExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
"""Our word for each execution provider, and ONNX Runtime's."""

_ERRORS_ONLY = 3


class Runtime:
    """A model, checked against its digest and ready to run. Safe to share between threads.

    Args:
        model: The name of an installed model, or the path of an ONNX file.
        threads: Threads that one prediction uses; all cores where None.
        provider: A key of ``PROVIDERS``.

    Raises:
        ModelError: The model is missing, damaged or not ours, or the provider is not available.
    """

    def __init__(
        self, model: str | os.PathLike[str] = weights.DEFAULT, *, threads: int | None = None, provider: str = "cpu"
    ) -> None:
        path = weights.find(model)
        file = _read(path)
        manifest.verify(file, path.name)
        wanted = _provider(provider)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = _ERRORS_ONLY
        # Threads that wait for each other by spinning are a tenth quicker; between two photos they would be in the way.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        try:
            self._session = onnxruntime.InferenceSession(file, options, providers=[wanted])
        except Exception as error:  # ONNX Runtime raises many types of its own
            raise ModelError(f"the model {path.name} cannot be loaded: {error}; install or export it again") from error
        if wanted not in self._session.get_providers():
            raise ModelError(f"provider {provider!r} is installed but does not start here; use provider 'cpu'")
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.manifest: ModelManifest = manifest.from_json(metadata.get(manifest.METADATA_KEY, ""))

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return alpha N×1×H×W, 0..1, for images N×3×H×W, RGB 0..1.

        H and W are multiples of the manifest's ``fit.multiple``.

        Raises:
            ModelError: ONNX Runtime fails, for want of memory say, or gives alphas that are no numbers.
        """
        try:
            alpha: NDArray[np.float32] = self._session.run(["alpha"], {"image": batch})[0]
        except Exception as error:  # ONNX Runtime raises many types of its own
            raise ModelError(
                f"the model {self.manifest.name} fails on {batch.shape}: {error}; free memory or use provider 'cpu'"
            ) from error
        if not np.isfinite(alpha).all():  # it would count as nobody
            raise ModelError(
                f"the model {self.manifest.name} gives alphas that are no numbers; export or train it anew"
            )
        return alpha


def available_providers() -> list[str]:
    """Return the keys of ``PROVIDERS`` that the installed ONNX Runtime offers."""
    installed = onnxruntime.get_available_providers()
    return [name for name, provider in PROVIDERS.items() if provider in installed]


def _provider(name: str) -> str:
    if name not in PROVIDERS:
        raise ModelError(f"there is no provider {name!r}; choose one of {', '.join(PROVIDERS)}")
    if name not in available_providers():
        raise ModelError(
            f"provider {name!r} is not in the installed ONNX Runtime, which offers {', '.join(available_providers())}; "
            "install the build of onnxruntime that brings it (onnxruntime-gpu for cuda), or use provider 'cpu'"
        )
    return PROVIDERS[name]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"the model {path} cannot be read: {error.strerror or error}") from error
