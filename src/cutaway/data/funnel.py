"""The funnel of the 2017 article: from all photos to those of a few people who fill a good part of the picture.

Pure functions over what an adapter counted; no data set is known here. The stages, in their order:

1. ``photos``: all
2. ``with_person``: somebody is annotated, be it badly or as a crowd
3. ``few_people``: one to ``max_people`` people count, and there is no crowd
4. ``share_in_range``: the pixels of those people, each counted once, are a share between two bounds, both inclusive
"""

import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, takewhile

from cutaway.errors import DataError

STAGES = ("photos", "with_person", "few_people", "share_in_range")


@dataclass(frozen=True)
class Rules:
    """What the funnel lets through. Shares are of a photo's pixels, 0..1; as fractions, bounds are met exactly.

    A person smaller than ``min_person_share`` does not count. The article does not say whether such bystanders do;
    0 counts them all.
    """

    max_people: int = 2
    min_share: Fraction = Fraction(1, 5)
    max_share: Fraction = Fraction(7, 10)
    min_person_share: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        if self.max_people < 1:
            raise DataError(f"at most {self.max_people} people leave no photo; allow at least 1")
        if not 0 <= self.min_share <= self.max_share <= 1:
            bounds = f"{float(self.min_share):g} to {float(self.max_share):g}"
            raise DataError(f"no share lies in {bounds}; the bounds are shares of 0..1, the smaller one first")
        if not 0 <= self.min_person_share <= 1:
            raise DataError(f"a person's smallest share is {float(self.min_person_share):g}; it lies in 0..1")

    def count(self, person_pixels: int, pixels: int) -> bool:
        """Return whether a person of ``person_pixels`` in a photo of ``pixels`` counts."""
        return person_pixels > 0 and person_pixels >= self.min_person_share * pixels


@dataclass(frozen=True)
class Record:
    """What the funnel has to know of one photo.

    ``pixels`` is height × width. ``people`` are those that count, and ``person_pixels`` the size of their union.
    """

    id: str
    pixels: int
    annotated: bool
    crowd: bool
    people: int
    person_pixels: int

    @property
    def share(self) -> Fraction:
        """Share of the photo's pixels that are person, 0..1."""
        return Fraction(self.person_pixels, self.pixels)


@dataclass(frozen=True)
class Funnel:
    """How many photos are left after each of ``STAGES``, in that order, and those that passed them all."""

    counts: dict[str, int]
    chosen: list[Record]


def trim(records: Iterable[Record], rules: Rules) -> Funnel:
    """Send ``records`` through the funnel."""
    chosen, ends = [], Counter[int]()
    for record in records:
        passed = _stages_passed(record, rules)
        ends[passed] += 1
        if passed == len(STAGES):
            chosen.append(record)
    left = list(accumulate(ends[passed] for passed in range(len(STAGES), 0, -1)))
    return Funnel(dict(zip(STAGES, reversed(left), strict=True)), chosen)


def describe(rules: Rules) -> dict[str, str]:
    """Return what each stage is called before people."""
    people = "1 person" if rules.max_people == 1 else f"1 to {rules.max_people} people"
    share = f"{_percent(rules.min_share)} to {_percent(rules.max_share)} % person"
    return dict(zip(STAGES, ("photos", "with a person", people, share), strict=True))


def draw_funnel(counts: Mapping[str, int], rules: Rules) -> bytes:
    """Return a bar chart of ``counts`` as the bytes of a PNG."""
    from matplotlib.figure import Figure  # slow to import, and few draw

    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh(list(describe(rules).values()), [counts[stage] for stage in STAGES], color="#35618f")
    axes.bar_label(bars, labels=[f"{counts[stage]:,}" for stage in STAGES], padding=4)
    axes.margins(x=0.12)
    axes.invert_yaxis()
    axes.xaxis.set_visible(False)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _stages_passed(record: Record, rules: Rules) -> int:
    few = not record.crowd and 1 <= record.people <= rules.max_people
    in_range = rules.min_share <= record.share <= rules.max_share
    return sum(1 for _ in takewhile(bool, (True, record.annotated, few, in_range)))


def _percent(share: Fraction) -> str:
    return f"{float(share * 100):g}"
