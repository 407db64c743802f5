from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cutaway.data.index import Sample
from cutaway.data.masks import VOID, write_labels
from cutaway.evaluation.score import (
    Failure,
    Outcome,
    RemoverLike,
    Row,
    evaluate,
    judge,
    summarise,
    summarise_empty,
    thin,
)
from cutaway.types import Mask

Person = Callable[[float], Mask]
MakeSample = Callable[..., Sample]
MakeRemover = Callable[[int], RemoverLike]


@pytest.fixture
def samples(person: Person, make_sample: MakeSample) -> list[Sample]:
    """Two sets: ``a`` with a perfect and an enlarged answer, ``b`` with one that misses the person."""
    return [
        make_sample("perfect", person(0.6), person(0.6), source="a"),
        make_sample("missed", person(0), person(0.5), source="b"),
        make_sample("enlarged", person(0.8), person(0.4), source="a"),
    ]


def iou(predicted: Mask, true: Mask) -> float:
    return float((predicted & true).sum() / (predicted | true).sum())


def test_summaries_per_set_and_over_all(samples: list[Sample], person: Person, fake_remover: MakeRemover) -> None:
    enlarged = iou(person(0.8), person(0.4))
    first, second, total = summarise(evaluate("m", fake_remover(0), samples))

    assert [(summary.source, summary.n) for summary in (first, second, total)] == [("a", 2), ("b", 1), ("all", 3)]
    assert (first.person_iou, first.person_iou_median) == pytest.approx(((1 + enlarged) / 2, (1 + enlarged) / 2))
    assert (total.person_iou, total.person_iou_median) == pytest.approx(((1 + enlarged + 0) / 3, enlarged))
    assert (first.poor_share, second.poor_share, total.poor_share) == pytest.approx((1 / 2, 1, 2 / 3))


def test_a_set_may_be_called_as_the_total_is(
    samples: list[Sample], person: Person, fake_remover: MakeRemover, make_sample: MakeSample
) -> None:
    named = [replace(samples[0], source="all"), *samples[1:]]
    rooms = [replace(make_sample("one", person(0), None), source=source) for source in ("all", "b")]
    evaluation = evaluate("m", fake_remover(0), [*named, *rooms])
    assert [(one.source, one.n) for one in summarise(evaluation)][::3] == [("all", 1), ("all", 3)]
    assert [(one.source, one.n) for one in summarise_empty(evaluation)] == [("all", 1), ("b", 1), ("all", 2)]


def test_pooled_scores_come_from_all_pixels_together(
    samples: list[Sample], person: Person, fake_remover: MakeRemover
) -> None:
    predicted = np.stack([person(0.6), person(0), person(0.8)])
    true = np.stack([person(0.6), person(0.5), person(0.4)])
    total = summarise(evaluate("m", fake_remover(0), samples))[-1]
    assert total.pooled_person_iou == pytest.approx(iou(predicted, true))
    assert total.pooled_mean_iou == pytest.approx((iou(predicted, true) + iou(~predicted, ~true)) / 2)
    assert total.pooled_pixel_accuracy == pytest.approx((predicted == true).mean())
    assert total.pooled_person_iou != pytest.approx(total.person_iou)


def test_a_row_tells_what_the_remover_said(make_sample: MakeSample, person: Person, fake_remover: MakeRemover) -> None:
    row = judge(fake_remover(0), make_sample("one", person(0.5), person(0.5), source="a"))
    assert isinstance(row, Row)
    assert (row.id, row.source, row.confidence, row.found_person) == ("one", "a", 1.0, True)
    assert row.seconds > 0


def test_photos_without_people_are_reported_apart(
    samples: list[Sample], make_sample: MakeSample, person: Person, fake_remover: MakeRemover
) -> None:
    rooms = [
        make_sample("room", person(0), None, source="rooms"),
        make_sample("statue", person(0.5), None, source="rooms"),
    ]
    evaluation = evaluate("m", fake_remover(0), [*samples, *rooms])

    assert summarise(evaluation)[-1].n == 3
    (rooms_only, total) = summarise_empty(evaluation)
    assert (rooms_only.source, rooms_only.n, rooms_only.found_person, rooms_only.found_person_share) == (
        "rooms",
        2,
        1,
        0.5,
    )
    assert (total.source, total.n) == ("all", 2)


def test_an_unreadable_photo_is_counted_and_does_not_stop_the_rest(
    samples: list[Sample], fake_remover: MakeRemover
) -> None:
    samples[0].image.write_bytes(b"no image")
    evaluation = evaluate("m", fake_remover(0), samples)
    assert evaluation.failures == (Failure("perfect", "a", "perfect.png is no image"),)
    assert [row.id for row in evaluation.rows] == ["missed", "enlarged"]


def test_void_counts_in_no_score(make_sample: MakeSample, person: Person, fake_remover: MakeRemover) -> None:
    truth = person(0.5).astype(np.uint8)
    sample = make_sample("one", person(0.8), person(0.5))
    truth[person(0.8) & ~person(0.5)] = VOID
    write_labels(Path(str(sample.mask)), truth, overwrite=True)
    row = judge(fake_remover(0), sample)
    assert isinstance(row, Row)
    assert row.scores is not None
    assert row.scores.person_iou == 1
    assert row.scores.counts.both == person(0.5).sum()
    assert row.scores.counts.neither == (~person(0.8)).sum()


def test_a_mask_that_is_void_everywhere_is_a_failure_that_names_it(
    make_sample: MakeSample, person: Person, fake_remover: MakeRemover
) -> None:
    sample = make_sample("one", person(0.5), person(0.5))
    write_labels(Path(str(sample.mask)), np.full((sample.height, sample.width), VOID, np.uint8), overwrite=True)
    failure = judge(fake_remover(0), sample)
    assert isinstance(failure, Failure)
    assert "one-mask.png is void everywhere" in failure.reason


@pytest.mark.parametrize("damage", ["missing", "other size"])
def test_an_unusable_mask_is_a_failure_that_names_it(
    damage: str, make_sample: MakeSample, person: Person, fake_remover: MakeRemover
) -> None:
    sample = make_sample("one", person(0.5), person(0.5)[:, :-1] if damage == "other size" else person(0.5))
    if damage == "missing":
        Path(str(sample.mask)).unlink()
    failure = judge(fake_remover(0), sample)
    assert isinstance(failure, Failure)
    assert "one-mask.png" in failure.reason


def test_a_diverged_model_is_a_failure_and_no_traceback(
    make_sample: MakeSample, person: Person, fake_remover: MakeRemover
) -> None:
    class Diverged:
        def remove(self, photo: Path) -> Any:
            cutout: Any = fake_remover(0).remove(photo)
            return replace(cutout, alpha=np.full_like(cutout.alpha, np.nan))

    failure = judge(Diverged(), make_sample("one", person(0.5), person(0.5)))
    assert isinstance(failure, Failure)
    assert "nan" in failure.reason


def test_nothing_scored_has_no_summary(make_sample: MakeSample, person: Person, fake_remover: MakeRemover) -> None:
    sample = make_sample("one", person(0.5), person(0.5))
    sample.image.unlink()
    evaluation = evaluate("m", fake_remover(0), [sample])
    assert summarise(evaluation) == []
    assert summarise_empty(evaluation) == []


def test_progress_is_told_of_every_photo_in_order(samples: list[Sample], fake_remover: MakeRemover) -> None:
    samples[1].image.unlink()
    seen: list[Outcome] = []
    evaluate("m", fake_remover(0), samples, seen.append)
    assert [outcome.id for outcome in seen] == [sample.id for sample in samples]
    assert [isinstance(outcome, Failure) for outcome in seen] == [False, True, False]


def test_samples_are_thinned_evenly(make_sample: MakeSample, person: Person) -> None:
    sample = make_sample("photo", person(0.5), person(0.5))
    samples = [replace(sample, id=str(number)) for number in range(10)]
    assert thin(samples) == samples
    assert [sample.id for sample in thin(samples, limit=5)] == ["0", "2", "4", "6", "8"]
    assert len(thin(samples, limit=7)) == 7
    assert len(thin(samples, limit=100)) == 10
