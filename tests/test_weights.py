"""Names and paths of weights."""

from pathlib import Path

import pytest

from cutaway import manifest, weights
from cutaway.errors import ModelError


def test_the_default_model_is_installed_and_as_released() -> None:
    path = weights.find(weights.DEFAULT)
    assert weights.DEFAULT in weights.names()
    manifest.verify(path.read_bytes(), path.name)


def test_a_path_is_taken_as_it_is(tiny_model_path: Path) -> None:
    assert weights.find(tiny_model_path) == tiny_model_path
    assert weights.find(str(tiny_model_path)) == tiny_model_path


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match=rf"'portrayed'.*{weights.DEFAULT}"):
        weights.find("portrayed")


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model"):
        weights.find(tmp_path)
