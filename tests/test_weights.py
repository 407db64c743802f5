"""Names and paths of weights."""

from pathlib import Path

import pytest

from cutaway import manifest, weights
from cutaway.errors import ModelError
from cutaway.runtime import Runtime
from cutaway.training.export import read_facts

ROOT = Path(__file__).parents[1]
CARD, MODEL_CARD = ROOT / "recipes" / "cards" / "portrait.toml", ROOT / "docs" / "model-card.md"


def test_the_default_model_is_installed_and_as_released() -> None:
    path = weights.find(weights.DEFAULT)
    assert weights.DEFAULT in weights.names()
    manifest.verify(path.read_bytes(), path.name)


def test_the_default_model_says_of_itself_what_its_card_says() -> None:
    """And its confidence is calibrated, which an export from a checkpoint is not."""
    found = Runtime(weights.DEFAULT).manifest
    card = read_facts(CARD)
    assert (found.name, found.version, found.licence) == (card.name, card.version, card.licence)
    assert (found.scores, found.training_data) == (card.scores, card.training_data)
    assert found.calibration != manifest.UNCALIBRATED
    assert f"{found.parameters:,}" in MODEL_CARD.read_text(encoding="utf-8")


def test_a_path_is_taken_as_it_is(tiny_model_path: Path) -> None:
    assert weights.find(tiny_model_path) == tiny_model_path
    assert weights.find(str(tiny_model_path)) == tiny_model_path


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match=rf"'portrayed'.*{weights.DEFAULT}"):
        weights.find("portrayed")


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model"):
        weights.find(tmp_path)
