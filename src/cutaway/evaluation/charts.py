"""Charts of the report as inline SVG. They take their colours from the page, and can be read aloud."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from cutaway.evaluation.intervals import Estimate
from cutaway.evaluation.score import POOR
from cutaway.evaluation.tables import PERCENT, number, three_digits, with_interval

BINS = 20

WIDTH, HEIGHT = 520, 350
LEFT, RIGHT, TOP, BOTTOM = 48.0, 508.0, 32.0, 308.0
"""The scatter's size, and the frame in which its points lie."""

LETTER, LINE, GAP = 7.0, 16.0, 11.0
"""Room for one letter and one line of a label, and between a point's middle and its label."""

RADIUS = 5.0

STEPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
MOST_STEPS = 6


@dataclass(frozen=True)
class Point:
    """One model in the scatter: milliseconds an image, and a score of 0..1."""

    name: str
    milliseconds: float
    score: Estimate


@dataclass(frozen=True)
class Axis:
    """From ``low`` at the pixel ``start`` to ``high`` at ``end``, with a line at each of ``ticks``."""

    low: float
    high: float
    start: float
    end: float
    ticks: Sequence[float]

    def place(self, value: float) -> float:
        """Return the pixel of ``value``."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


@dataclass(frozen=True)
class Box:
    """The room that a label or a point takes."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Box") -> bool:
        """Return whether the two share any room."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


@dataclass(frozen=True)
class Mark:
    """A point where it is drawn: its middle, and the upper and the lower end of its interval."""

    name: str
    x: float
    y: float
    top: float
    bottom: float

    @property
    def room(self) -> Box:
        """What the point covers."""
        top, bottom = min(self.top, self.y - RADIUS), max(self.bottom, self.y + RADIUS)
        return Box(self.x - RADIUS, top, self.x + RADIUS, bottom)


def histogram(person_ious: Sequence[float]) -> str:
    """Return an SVG of how many photos fall into each of ``BINS`` spans of person IoU; 1 counts in the last."""
    heights = [0] * BINS
    for person_iou in person_ious:
        heights[min(int(person_iou * BINS), BINS - 1)] += 1
    bars = "\n".join(_bar(position, height, max(heights)) for position, height in enumerate(heights))
    ticks = "\n".join(
        f'<text x="{20 + tick * 44}" y="130" text-anchor="middle">{tick / 10:.1f}</text>' for tick in range(11)
    )
    return f"""<svg viewBox="0 0 480 136" role="img" aria-label="Histogram of person IoU">
<line x1="20" y1="116.5" x2="460" y2="116.5"/>
{bars}
{ticks}
</svg>"""


def scatter(points: Sequence[Point]) -> str:
    """Return an SVG of person IoU against time on a log axis, with a line up and down each point for its interval.

    The Tab key goes from point to point, and a screen reader reads each one's numbers.
    """
    across, up = time_axis([point.milliseconds for point in points]), score_axis([point.score for point in points])
    marks = [_mark(point, across, up) for point in points]
    drawn = "\n".join(_point(*item) for item in zip(points, marks, place_labels(marks), strict=True))
    return f"""<svg class="scatter" viewBox="0 0 {WIDTH} {HEIGHT}" role="group" aria-label="Person IoU against time">
{_grid(across, up)}
{drawn}
</svg>"""


def time_axis(milliseconds: Sequence[float]) -> Axis:
    """Return the axis of log₁₀ of milliseconds, ticks at 1, 2 and 5 times the powers of ten, with room at both ends."""
    low, high = math.log10(min(milliseconds) / 1.6), math.log10(max(milliseconds) * 1.6)
    decades = range(math.floor(low), math.ceil(high))
    ticks = [math.log10(digit) + decade for decade in decades for digit in (1, 2, 5)]
    return Axis(low, high, LEFT, RIGHT, [tick for tick in ticks if low <= tick <= high])


def score_axis(scores: Sequence[Estimate]) -> Axis:
    """Return the upward axis that holds every score and its interval, between two round ticks."""
    ends = [end for score in scores for end in score.interval or (score.mean,)]
    low, high = min(ends), max(ends)
    step = next((step for step in STEPS if (high - low) / step <= MOST_STEPS - 2), STEPS[-1])
    first, last = math.floor(low / step), math.ceil(high / step)
    first -= first == last
    return Axis(first * step, last * step, BOTTOM, TOP, [tick * step for tick in range(first, last + 1)])


def place_labels(marks: Sequence[Mark]) -> list[Box]:
    """Return room for each mark's name near it, within the frame, clear of the other names and of all marks.

    Each name in turn takes the first free one of its places; where none is free, the first.
    """
    labels: list[Box] = []
    for mark in marks:
        places = list(_places(mark))
        taken = [*(other.room for other in marks), *labels]
        free = (box for box in places if _in_frame(box) and not any(map(box.overlaps, taken)))
        labels.append(next(free, places[0]))
    return labels


def _places(mark: Mark) -> Iterator[Box]:
    """Yield the places of a mark's name: right, left, above and below, then ever further off."""
    width, room = len(mark.name) * LETTER, mark.room
    beside = (mark.x + GAP, mark.x - GAP - width)
    yield from (Box(left, mark.y - LINE / 2, left + width, mark.y + LINE / 2) for left in beside)
    for top in (room.top - LINE, room.bottom):
        yield Box(mark.x - width / 2, top, mark.x + width / 2, top + LINE)
    for step in range(1, int((BOTTOM - TOP) / LINE)):
        for top in (mark.y - (step + 0.5) * LINE, mark.y + (step - 0.5) * LINE):
            yield from (Box(left, top, left + width, top + LINE) for left in beside)


def _in_frame(box: Box) -> bool:
    return box.left >= LEFT and box.right <= WIDTH and box.top >= TOP - LINE / 2 and box.bottom <= BOTTOM


def _grid(across: Axis, up: Axis) -> str:
    lines = [
        f'<line x1="{x:.1f}" y1="{TOP:.0f}" x2="{x:.1f}" y2="{BOTTOM:.0f}"/>'
        f'<text x="{x:.1f}" y="{BOTTOM + 17:.0f}" text-anchor="middle">{10**tick:g}</text>'
        for tick in across.ticks
        for x in [across.place(tick)]
    ]
    lines += [
        f'<line x1="{LEFT:.0f}" y1="{y:.1f}" x2="{RIGHT:.0f}" y2="{y:.1f}"/>'
        f'<text x="{LEFT - 7:.0f}" y="{y + 4:.1f}" text-anchor="end">{number(tick)}</text>'
        for tick in up.ticks
        for y in [up.place(tick)]
    ]
    titles = (
        f'<text x="{RIGHT:.0f}" y="{HEIGHT - 6}" text-anchor="end">ms an image, the network alone</text>'
        f'<text x="4" y="14">person IoU, all photos, and its {PERCENT} interval</text>'
    )
    return "\n".join([*lines, titles])


def _mark(point: Point, across: Axis, up: Axis) -> Mark:
    low, high = point.score.interval or (point.score.mean, point.score.mean)
    x, y = across.place(math.log10(point.milliseconds)), up.place(point.score.mean)
    return Mark(point.name, x, y, up.place(high), up.place(low))


def _point(point: Point, mark: Mark, label: Box) -> str:
    score = with_interval(point.score).replace("\n", ", interval ")
    said = escape(f"{point.name}: person IoU {score}, {three_digits(point.milliseconds)} ms an image")
    return (
        f'<g tabindex="0" role="img" aria-label="{said}"><title>{said}</title>'
        f'<line class="interval" x1="{mark.x:.1f}" y1="{mark.top:.1f}" x2="{mark.x:.1f}" y2="{mark.bottom:.1f}"/>'
        f'<circle class="good" cx="{mark.x:.1f}" cy="{mark.y:.1f}" r="{RADIUS:.0f}"/>{_label(mark, label)}</g>'
    )


def _label(mark: Mark, box: Box) -> str:
    """Return the mark's name in its box, and a line to it from further off."""
    over = box.left < mark.x < box.right
    anchor = "middle" if over else "start" if box.left > mark.x else "end"
    x = {"start": box.left, "middle": mark.x, "end": box.right}[anchor]
    y = (box.top + box.bottom) / 2
    leader = f'<line class="leader" x1="{mark.x:.1f}" y1="{mark.y:.1f}" x2="{x:.1f}" y2="{y:.1f}"/>'
    text = f'<text class="name" x="{x:.1f}" y="{y + 4:.1f}" text-anchor="{anchor}">{escape(mark.name)}</text>'
    return text if over or abs(y - mark.y) < 1 else leader + text


def _bar(position: int, photos: int, highest: int) -> str:
    height = 96 * photos / highest
    low, high = position / BINS, (position + 1) / BINS
    colour = "poor" if high <= POOR else "good"
    label = (
        f'<text x="{31 + position * 22}" y="{112 - height:.1f}" text-anchor="middle">{photos}</text>' if photos else ""
    )
    return (
        f'<rect class="{colour}" x="{22 + position * 22}" y="{116 - height:.1f}" width="18" height="{height:.1f}">'
        f"<title>{low:.2f}–{high:.2f}: {photos}</title></rect>{label}"
    )
