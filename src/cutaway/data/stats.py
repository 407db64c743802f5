"""Counts and histograms of an index."""

import io
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cutaway.data.index import Sample, count_splits

SHARES = tuple(f"{percent}-{percent + 10}" for percent in range(0, 100, 10))
"""Shares of person in percent, the upper bound excluded, but for 100."""

PEOPLE = ("0", "1", "2", "3", "4", "5 or more", "not counted")

SIDES = (256, 512, 1024, 2048)
LONG_SIDES = (*(f"up to {side}" for side in SIDES), "more")
"""Pixels of the longer side."""


@dataclass(frozen=True)
class Stats:
    """How many photos an index holds: in all, by set and split, and in the bars of three histograms, by their names.

    ``shares`` counts the photos with a person alone.
    """

    photos: int
    with_person: int
    sources: dict[str, dict[str, int]]
    shares: dict[str, int]
    people: dict[str, int]
    long_sides: dict[str, int]


def measure(samples: Sequence[Sample]) -> Stats:
    """Return the counts of ``samples``."""
    shares = [sample.person_fraction for sample in samples if sample.person_fraction > 0]
    return Stats(
        photos=len(samples),
        with_person=len(shares),
        sources={
            source: count_splits(one for one in samples if one.source == source)
            for source in dict.fromkeys(one.source for one in samples)
        },
        shares=_histogram(SHARES, (min(int(share * len(SHARES)), len(SHARES) - 1) for share in shares)),
        people=_histogram(PEOPLE, (-1 if one.people is None else min(one.people, 5) for one in samples)),
        long_sides=_histogram(LONG_SIDES, (bisect_left(SIDES, max(one.width, one.height)) for one in samples)),
    )


def draw(stats: Stats) -> bytes:
    """Return the histograms of shares, people and sizes side by side, as the bytes of a PNG."""
    from matplotlib.figure import Figure  # slow to import, and few draw

    figure = Figure(figsize=(14, 3.6), layout="constrained")
    panels = {"share of person, %": stats.shares, "people": stats.people, "longer side, pixels": stats.long_sides}
    for axes, (name, bars) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        axes.bar(list(bars), list(bars.values()))
        axes.tick_params("x", labelrotation=30)
        axes.set(xlabel=name, ylabel="photos")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _histogram(names: Sequence[str], bars: Iterable[int]) -> dict[str, int]:
    """Return how often each bar comes, by its name; -1 is the last."""
    counts = Counter(names[bar] for bar in bars)
    return {name: counts[name] for name in names}
