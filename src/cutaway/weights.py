"""Where weights are: a name stands for a file inside this package, anything else is a path."""

import os
from pathlib import Path

from cutaway.errors import ModelError

FOLDER = Path(__file__).parent / "weights"
DEFAULT = "portrait"


def names() -> list[str]:
    """Return the names of the models that came with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.onnx"))


def find(model: str | os.PathLike[str]) -> Path:
    """Return the ONNX file of ``model``: the name of an installed model, or a path.

    Raises:
        ModelError: There is no such model and no such file.
    """
    if isinstance(model, str) and model in names():
        return FOLDER / f"{model}.onnx"
    path = Path(model)
    if not path.is_file():
        raise ModelError(
            f"there is no model {str(model)!r}; give the path of an .onnx file or one of: {', '.join(names())}"
        )
    return path
