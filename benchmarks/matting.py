"""Scores alphas and foregrounds where the truth is known: ``python benchmarks/matting.py``.

The photos are drawn (hair, fur, a veil, blur), each kind over each backdrop; ``--persons`` and ``--backgrounds`` add
real people, cut out by their masks and laid over other photos::

    python benchmarks/matting.py --persons ../shared/data/persons --backgrounds ../shared/data/backgrounds

Each way of refinement starts from two coarse alphas: the network's, and the true one brought to the network's size,
which shows the refinement alone. Closed-form matting and a second foreground estimator need pymatting. ``--pictures``
draws instead the strips of ``docs/edges.md``: the photo, and its person over a colour by each way.
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean, median
from typing import Any, NamedTuple

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import ImageFilter, ImageOps
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table

import cutaway
from cutaway import imagefile, refine
from cutaway.closed_form import closed_form
from cutaway.composite import over_colour
from cutaway.data.folder import load_samples, photos_by_stem
from cutaway.data.masks import read_mask
from cutaway.errors import CutawayError, DataError
from cutaway.evaluation.matting import MattingErrors, colour_error, measure, unknown_band
from cutaway.evaluation.score import thin
from cutaway.evaluation.synthetic_mattes import BACKDROPS, KINDS, Backdrop, Kind, KnownPhoto, compose, draw
from cutaway.evaluation.tables import three_digits
from cutaway.foreground import estimate_foreground
from cutaway.geometry import resize_alpha
from cutaway.prediction import predict
from cutaway.resampling import box_mean
from cutaway.runtime import Runtime
from cutaway.tiles import Tile
from cutaway.types import Alpha, Image, Mask

SETS = ("picsart", "ccp")
"""The real people whose masks are right to the pixel."""

SHRINK = 3
"""Pixels that a mask loses all around before it is softened, so that no colour of the old background comes along."""

BLUR = 1.0
"""Standard deviation, in pixels, of the Gaussian that softens a mask."""

BAND = 0.02
"""Reach of the unknown band around soft pixels, as a share of the photo's height."""

SURE = 0.05
"""How near to 0 or 1 a coarse alpha has to be for closed-form matting to take it as known."""

NETWORK, REDUCED, TRUTH = "network", "reduced truth", "truth"
"""Where an alpha comes from."""

PLAIN, GUIDED, CLOSED_FORM, TRIMAP = "none", "guided", "closed-form", "trimap"
"""How it is refined; the last is closed-form matting as pymatting has it, without damping."""

REAL, DRAWN = "real people", "all drawn"
SHOWN = {
    "sad": ("SAD", 1),
    "mse": ("MSE ×1000", 1000),
    "mad": ("MAD ×1000", 1000),
    "grad": ("Grad", 1),
    "conn": ("Conn", 1),
}
"""The measures: what heads them in a table, and what they are multiplied by there."""

STRIPS: tuple[tuple[Kind, Backdrop, Tile], ...] = (
    ("hair", "texture", np.s_[120:376, 60:316]),
    ("fur", "gradient", np.s_[120:376, 200:456]),
    ("veil", "stripes", np.s_[140:396, 60:316]),
)
"""The drawn photos of the strips, 1024×768 pixels, and which part is shown."""

PORTRAIT = Path(cutaway.__file__).parent / "samples" / "astronaut.jpg"
HAIR_OF_PORTRAIT = np.s_[0:256, 60:316]
COLOUR = 255, 0, 200
QUALITY = 88

HAS_PYMATTING = find_spec("pymatting") is not None

Case = tuple[str, Callable[[], KnownPhoto]]
"""What a photo is averaged under, and what makes it."""


class Estimate(NamedTuple):
    """An alpha, where it comes from, how it was refined, and how long that took."""

    coarse: str
    way: str
    alpha: Alpha
    seconds: float


@dataclass(frozen=True)
class AlphaScore:
    """The errors of an alpha over the unknown band and over the whole photo: means of ``n``, and the median time."""

    kind: str
    coarse: str
    refine: str
    band: MattingErrors
    photo: MattingErrors
    seconds: float
    n: int = 1


@dataclass(frozen=True)
class ColourScore:
    """The error of the colours estimated with an alpha, in levels of 8 bits; the mean of ``n`` photos."""

    kind: str
    alpha: str
    foreground: str
    error: float
    n: int = 1


def main() -> None:
    """Print the tables, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--persons", type=Path, help="folder of images/ and masks/; its val split is used")
    parser.add_argument("--backgrounds", type=Path, help="folder of photos without people")
    parser.add_argument("--count", type=int, default=24, help="real people")
    parser.add_argument("--rounds", type=int, default=1, help="rounds of seven drawn people, one a backdrop")
    parser.add_argument("--size", type=int, default=512, help="height of drawn photos; the width is three quarters")
    parser.add_argument("--model", default="portrait")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="draw the strips of docs/edges.md there")
    arguments = parser.parse_args()
    if (arguments.persons is None) != (arguments.backgrounds is None):
        parser.error("--persons and --backgrounds go together")
    try:
        if arguments.pictures:
            draw_strips(arguments.pictures, Runtime(arguments.model))
            return
        cases = drawn(arguments.rounds, arguments.size)
        if arguments.persons:
            cases += people(arguments.persons, arguments.backgrounds, arguments.count)
        alphas, colours = score_all(cases, arguments.model)
    except CutawayError as error:
        sys.exit(f"{parser.prog}: {error}")
    if arguments.json:
        print(json.dumps({"alphas": list(map(asdict, alphas)), "colours": list(map(asdict, colours))}, indent=2))
    else:
        show(alphas, colours)


def drawn(rounds: int, height: int) -> list[Case]:
    """Return every kind over every backdrop, on each backdrop somebody else, ``rounds`` times with new people."""
    size = height, height * 3 // 4
    people = [*enumerate(BACKDROPS * rounds)]
    names = [(kind, backdrop, seed) for kind in KINDS for seed, backdrop in people]
    return [(name[0], partial(draw, *name, *size)) for name in names]


def people(persons: Path, backgrounds: Path, count: int) -> list[Case]:
    """Return ``count`` people of the val split, each over a photo drawn by lot, the same at every call."""
    samples = thin([sample for sample in load_samples(persons, "val") if sample.source in SETS], count)
    if not samples:
        raise DataError(f"{persons} holds nobody of the sets {', '.join(SETS)} in its val split")
    behind = list(photos_by_stem(backgrounds).values())
    chosen = np.random.default_rng(0).integers(len(behind), size=len(samples))
    pairs = zip(samples, chosen, strict=True)
    return [(REAL, partial(laid_over, one.image, one.mask, behind[at])) for one, at in pairs if one.mask]


def laid_over(person: Path, mask: Path, background: Path) -> KnownPhoto:
    """Return a person over another photo, cut to the same size."""
    image = imagefile.read(person).image
    behind = PIL.Image.fromarray(imagefile.read(background).image)
    fitted = np.asarray(ImageOps.fit(behind, (image.shape[1], image.shape[0])))
    return compose(person.stem, image, softened(read_mask(mask)), fitted)


def softened(mask: Mask) -> Alpha:
    """Return ``mask`` smaller by ``SHRINK`` and with soft edges, which end where the mask did."""
    picture = PIL.Image.fromarray(mask.astype(np.uint8) * np.uint8(255))
    shrunk = picture.filter(ImageFilter.MinFilter(2 * SHRINK + 1)).filter(ImageFilter.GaussianBlur(BLUR))
    return np.asarray(shrunk, np.float32) / np.float32(255)


def score_all(cases: Sequence[Case], model: str) -> tuple[list[AlphaScore], list[ColourScore]]:
    """Return the means of each kind's photos, of all drawn ones, and of the real people."""
    runtime = Runtime(model)
    alphas: list[AlphaScore] = []
    colours: list[ColourScore] = []
    for kind, make in track(cases, "matting", console=Console(stderr=True)):
        photo = make()
        found = list(estimates(photo, runtime))
        alphas += score_alphas(kind, photo, found)
        colours += score_colours(kind, photo, found)
    return mean_alphas(alphas), mean_colours(colours)


def estimates(photo: KnownPhoto, runtime: Runtime) -> Iterator[Estimate]:
    """Yield each way's alpha of ``photo``, from both coarse ones."""
    seen, _ = predict(runtime, photo.image)
    for source, coarse in ((NETWORK, seen), (REDUCED, resize_alpha(photo.alpha, *seen.shape))):
        for way, refined in WAYS.items():
            start = time.perf_counter()
            alpha = refined(coarse, photo.image)
            yield Estimate(source, way, alpha, time.perf_counter() - start)


def only_enlarged(coarse: Alpha, image: Image) -> Alpha:
    """Return ``coarse`` at the size of ``image``."""
    return resize_alpha(coarse, *image.shape[:2])


def by_trimap(coarse: Alpha, image: Image) -> Alpha:
    """Return ``coarse`` refined by closed-form matting (Levin et al. 2008) where it is not sure, and near there."""
    from pymatting import estimate_alpha_cf

    alpha = only_enlarged(coarse, image)
    doubtful = (alpha >= SURE) & (alpha <= 1 - SURE)
    unknown = box_mean(doubtful.astype(np.float64), reach(alpha)) > 0
    trimap = np.where(unknown, 0.5, np.rint(alpha.astype(np.float64)))
    if trimap.min() > 0 or trimap.max() < 1:
        return alpha  # it has nothing to go by
    with redirect_stdout(sys.stderr):  # it prints warnings
        solved = estimate_alpha_cf(image / 255, trimap)
    return np.asarray(np.clip(solved, 0, 1), np.float32)


WAYS: dict[str, Callable[[Alpha, Image], Alpha]] = {PLAIN: only_enlarged, GUIDED: refine.guided}
if HAS_PYMATTING:
    WAYS |= {CLOSED_FORM: closed_form, TRIMAP: by_trimap}


def reach(alpha: Alpha) -> int:
    """Return ``BAND`` in pixels."""
    return max(1, round(BAND * len(alpha)))


def score_alphas(kind: str, photo: KnownPhoto, found: Iterable[Estimate]) -> Iterator[AlphaScore]:
    """Yield the errors of each alpha."""
    band = unknown_band(photo.alpha, reach(photo.alpha))
    for one in found:
        errors = measure(one.alpha, photo.alpha, band), measure(one.alpha, photo.alpha)
        yield AlphaScore(kind, one.coarse, one.way, *errors, one.seconds)


def score_colours(kind: str, photo: KnownPhoto, found: Iterable[Estimate]) -> Iterator[ColourScore]:
    """Yield the error of each foreground, given the true alpha and those that the guided filter made."""
    given = {TRUTH: photo.alpha} | {f"{one.coarse}, {GUIDED}": one.alpha for one in found if one.way == GUIDED}
    for name, alpha in given.items():
        for estimator, colours in foregrounds(photo.image, alpha).items():
            yield ColourScore(kind, name, estimator, colour_error(colours, alpha, photo.foreground, photo.alpha))


def foregrounds(image: Image, alpha: Alpha) -> dict[str, Image]:
    """Return what each estimator makes of the same photo and alpha; ``none`` is the photo itself."""
    found = {"none": image, "cutaway": estimate_foreground(image, alpha)}
    if HAS_PYMATTING:
        from pymatting import estimate_foreground_ml

        colours: NDArray[np.float64] = estimate_foreground_ml(image / 255, alpha.astype(np.float64))
        found["pymatting"] = np.asarray(np.clip(np.rint(colours * 255), 0, 255), np.uint8)
    return found


def mean_alphas(scores: Iterable[AlphaScore]) -> list[AlphaScore]:
    """Return the mean of each kind, source and way."""
    groups = grouped((score.kind, (score.coarse, score.refine), score) for score in scores)
    return [
        AlphaScore(
            kind,
            *ways,
            mean(s.band for s in group),
            mean(s.photo for s in group),
            median(s.seconds for s in group),
            len(group),
        )
        for (kind, ways), group in groups.items()
    ]


def mean_colours(scores: Iterable[ColourScore]) -> list[ColourScore]:
    """Return the mean of each kind, alpha and estimator."""
    groups = grouped((score.kind, (score.alpha, score.foreground), score) for score in scores)
    return [
        ColourScore(kind, *ways, fmean(s.error for s in group), len(group)) for (kind, ways), group in groups.items()
    ]


def grouped(scores: Iterable[tuple[str, tuple[str, str], Any]]) -> dict[tuple[str, tuple[str, str]], list[Any]]:
    """Return scores by kind and by the rest of their key, each drawn one once more among all drawn."""
    groups = defaultdict(list)
    for kind, ways, score in scores:
        groups[kind, ways].append(score)
        if kind != REAL:
            groups[DRAWN, ways].append(score)
    order = [*KINDS, DRAWN, REAL]
    return dict(sorted(groups.items(), key=lambda group: order.index(group[0][0])))


def mean(errors: Iterable[MattingErrors]) -> MattingErrors:
    """Return the mean of each measure."""
    given = list(errors)
    return MattingErrors(**{name: fmean(getattr(one, name) for one in given) for name in SHOWN})


def show(alphas: Sequence[AlphaScore], colours: Sequence[ColourScore]) -> None:
    """Print the tables."""
    console = Console()
    console.print(alpha_table("Alpha, unknown band", [(score, score.band) for score in alphas]))
    console.print(alpha_table("Alpha, whole photo", [(score, score.photo) for score in alphas]))
    console.print(colour_table(colours))
    if not HAS_PYMATTING:
        console.print("Closed-form matting is left out: pip install pymatting")


def alpha_table(title: str, scores: Iterable[tuple[AlphaScore, MattingErrors]]) -> Table:
    """Return a row for each kind, coarse alpha and way of refinement."""
    heads = ["", "coarse alpha", "refined", "n", *(head for head, _ in SHOWN.values()), "ms"]
    table = Table(*heads, title=title, box=SIMPLE, padding=(0, 1, 0, 0))  # narrow: a terminal of 80 columns holds it
    for score, errors in scores:
        measures = (three_digits(getattr(errors, name) * scale) for name, (_, scale) in SHOWN.items())
        table.add_row(
            score.kind, score.coarse, score.refine, str(score.n), *measures, three_digits(score.seconds * 1000)
        )
    return table


def colour_table(colours: Sequence[ColourScore]) -> Table:
    """Return a row for each kind and alpha, a column for each estimator."""
    rows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for score in colours:
        rows[score.kind, score.alpha].append(three_digits(score.error))
    names = dict.fromkeys(score.foreground for score in colours)
    table = Table("", "alpha given", *names, title="Colour error of the foreground, levels of 8 bits")
    for head, errors in rows.items():
        table.add_row(*head, *errors)
    return table


def draw_strips(folder: Path, runtime: Runtime) -> None:
    """Write a strip for each of ``STRIPS``, and one of a portrait with the network's own alpha."""
    for kind, backdrop, box in STRIPS:
        photo = draw(kind, backdrop, 0, 1024, 768)
        small = resize_alpha(photo.alpha, *predict(runtime, photo.image)[0].shape)
        save(folder / f"edges-{kind}.webp", strip(small, photo.image, box))
    portrait = imagefile.read(PORTRAIT).image
    save(folder / "edges-portrait.webp", strip(predict(runtime, portrait)[0], portrait, HAIR_OF_PORTRAIT))


def strip(coarse: Alpha, image: Image, box: Tile) -> Image:
    """Return the part ``box`` of ``image``, and beside it the person over ``COLOUR`` by each way but the trimap's."""
    parts = [image[box]]
    for refined in [WAYS[way] for way in WAYS if way != TRIMAP]:
        alpha = refined(coarse, image)
        parts.append(over_colour(estimate_foreground(image, alpha)[box], alpha[box], COLOUR))
    return np.hstack(parts)


def save(path: Path, image: Image) -> None:
    """Write ``image`` as WebP."""
    imagefile.write(path, imagefile.encode(image, "webp", quality=QUALITY), overwrite=True)


if __name__ == "__main__":
    main()
