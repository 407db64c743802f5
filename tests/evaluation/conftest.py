"""What the tests of evaluation share: photos of a pale ellipse, and a remover that takes what is pale for a person."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from cutaway.data.index import Sample
from cutaway.errors import ImageError
from cutaway.evaluation.comparison import Result
from cutaway.evaluation.cost import Cost
from cutaway.evaluation.score import RemoverLike, evaluate
from cutaway.geometry import Fit
from cutaway.types import Alpha, Image, Mask

HEIGHT, WIDTH = 60, 80


@dataclass(frozen=True)
class FakeCutout:
    image: Image
    alpha: Alpha
    confidence: float
    found_person: bool


@dataclass(frozen=True)
class FakeRemover:
    shift: int

    def remove(self, photo: Path) -> FakeCutout:
        try:
            with PillowImage.open(photo) as file:
                image = np.asarray(file.convert("RGB"))
        except OSError as error:
            raise ImageError(f"{photo.name} is no image") from error
        alpha = np.roll(image[..., 0] > 128, self.shift, axis=0).astype(np.float32)
        return FakeCutout(image, alpha, float(alpha.max()), bool(alpha.any()))


@pytest.fixture
def fake_remover() -> Callable[[int], RemoverLike]:
    """Make a remover that takes the pale pixels for the person, and moves them down by so many pixels."""
    return FakeRemover


@pytest.fixture
def person() -> Callable[[float], Mask]:
    """Draw an ellipse in the middle; size 1 touches the frame, 0 is nobody."""

    def draw(size: float) -> Mask:
        rows, columns = np.ogrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
        return np.asarray(rows**2 + columns**2 < size**2)

    return draw


@pytest.fixture
def make_sample(tmp_path: Path) -> Callable[..., Sample]:
    """Write a photo in which the remover sees ``shown``, and the mask ``truth`` (None = nobody there)."""

    def make(name: str, shown: Mask, truth: Mask | None, source: str = "painted", split: str = "test") -> Sample:
        image, mask = tmp_path / f"{name}.png", tmp_path / f"{name}-mask.png"
        painted = np.where(shown[..., None], np.uint8(220), np.uint8(30)).repeat(3, axis=2)
        PillowImage.fromarray(painted).save(image)
        if truth is not None:
            PillowImage.fromarray(truth).save(mask)
        return Sample(
            id=name,
            image=image,
            mask=None if truth is None else mask,
            width=WIDTH,
            height=HEIGHT,
            person_fraction=0.0 if truth is None else float(truth.mean()),
            people=int(truth is not None),
            source=source,
            licence="CC0",
            split=split,
        )

    return make


@pytest.fixture
def make_result(fake_remover: Callable[[int], RemoverLike]) -> Callable[..., Result]:
    """Score a remover that moves the person down by ``shift`` pixels, as a model of 10 ms an image or so."""

    def make(model: str, samples: list[Sample], shift: int = 0, milliseconds: float = 10) -> Result:
        remover = fake_remover(shift)
        cost = Cost(1_375_058, 5_500_000, Fit("letterbox", 320, 32), 8.83, milliseconds, 2)
        return Result(evaluate(model, remover, samples), remover, cost)

    return make
