"""Drawn photos of a head and shoulders whose alpha and colours are known exactly, to judge what is estimated of them.

The truth is drawn first and the photo made of it, as ``composite`` says: alpha · foreground + (1 − alpha) · background,
of the values that files hold (sRGB, 8 bits), with the product's own code. Light mixes linearly in a lens, so a camera's
hair is a little different; but the product and every browser mix in sRGB, and in a photo mixed otherwise no alpha would
be the right one to find.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import ImageDraw

from cutaway.composite import Colour, over_image
from cutaway.types import Alpha, Image

Kind: TypeAlias = Literal["hard", "hair", "fur", "veil", "motion", "defocus"]
"""What makes the outline soft; that of ``hard`` is only anti-aliased."""

Backdrop: TypeAlias = Literal["plain", "gradient", "texture", "stripes", "near", "bright", "dark"]
"""What the background is; ``near`` has the colours of the person."""

KINDS: tuple[Kind, ...] = get_args(Kind)
BACKDROPS: tuple[Backdrop, ...] = get_args(Backdrop)

HEIGHT, WIDTH = 512, 384

SAMPLES = 8
"""Points along each side of a pixel at which is seen what lies there; a pixel's alpha is the share that is covered."""

_Layer = NDArray[np.float32]
"""H×W×4, 0..1: red, green and blue, premultiplied as adding up needs it, and alpha."""

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class KnownPhoto:
    """A photo and what it was made of.

    Attributes:
        name: What it shows.
        image: H×W×3 uint8, the composite of the others, rounded.
        alpha: H×W float32, 0..1, in steps of 1/255: exactly what a file can hold.
        foreground: H×W×3 uint8, 0 where alpha is 0.
        background: H×W×3 uint8, also behind the person.
    """

    name: str
    image: Image
    alpha: Alpha
    foreground: Image
    background: Image


class _Oval(NamedTuple):
    """Middle and radii in units of the photo's height; ``across`` counts from the middle of the photo."""

    down: float
    across: float
    tall: float
    wide: float


class _Place(NamedTuple):
    down: float
    across: float


class _Palette(NamedTuple):
    skin: Colour
    hair: Colour
    clothes: Colour
    white: Colour = (225, 220, 215)
    iris: Colour = (70, 50, 35)
    dark: Colour = (40, 25, 25)
    lips: Colour = (175, 85, 80)


_Tint: TypeAlias = Literal["skin", "hair", "clothes", "white", "iris", "dark", "lips"]
"""A field of ``_Palette``."""


class _Part(NamedTuple):
    """A part of a person: the ``colour`` of the palette that it has, and how light, or from how dark to how light.

    With two of these it is round, and lit from above and from the left.
    """

    oval: _Oval
    colour: _Tint
    light: float | tuple[float, float]


class _Growth(NamedTuple):
    """How strands grow: lengths in units of the photo's height; ``spread`` in radians to both sides of the top.

    ``fall`` is how far their heads turn at most from straight out of the person, 0, to straight down, 1.
    """

    strands: int
    length: float
    width: float
    spread: float
    fall: float


def _both(oval: _Oval, colour: _Tint, light: float) -> list[_Part]:
    """Return the same part on the left and on the right."""
    return [_Part(oval._replace(across=across), colour, light) for across in (-oval.across, oval.across)]


_SHOULDERS = _Oval(1.01, 0, 0.35, 0.33)
_HAIR = _Oval(0.36, 0, 0.2, 0.155)
_BODY = (
    _Part(_SHOULDERS, "clothes", (0.72, 1.08)),
    *_both(_Oval(0.95, 0.225, 0.13, 0.003), "clothes", 0.55),  # seams
    _Part(_Oval(0.71, 0, 0.065, 0.08), "clothes", 0.6),  # collar
    _Part(_Oval(0.7, 0, 0.062, 0.073), "skin", 0.85),
    _Part(_Oval(0.62, 0, 0.12, 0.07), "skin", (0.6, 0.98)),  # neck
    _Part(_Oval(0.6, 0, 0.045, 0.066), "skin", 0.66),  # the shadow of the chin
    _Part(_HAIR, "hair", (0.6, 1.3)),
)
_FACE = (
    *_both(_Oval(0.43, 0.118, 0.035, 0.018), "skin", 0.8),  # ears
    _Part(_Oval(0.42, 0, 0.17, 0.118), "skin", (0.66, 1.1)),  # the face itself
    *_both(_Oval(0.398, 0.045, 0.018, 0.032), "skin", 0.82),  # eyes: sockets, whites, irises, pupils, lashes, brows
    *_both(_Oval(0.4, 0.045, 0.0085, 0.021), "white", 1),
    *_both(_Oval(0.4, 0.045, 0.0085, 0.0095), "iris", 1),
    *_both(_Oval(0.4, 0.045, 0.0045, 0.0045), "dark", 0.25),
    *_both(_Oval(0.393, 0.045, 0.003, 0.023), "dark", 1),
    *_both(_Oval(0.374, 0.045, 0.006, 0.028), "hair", 0.6),
    _Part(_Oval(0.445, 0.01, 0.04, 0.01), "skin", 0.85),  # nose: its shaded side, its back, its tip, nostrils
    _Part(_Oval(0.445, -0.002, 0.042, 0.008), "skin", 1.12),
    _Part(_Oval(0.472, 0, 0.013, 0.02), "skin", (0.8, 1.12)),
    *_both(_Oval(0.481, 0.011, 0.004, 0.006), "skin", 0.45),
    _Part(_Oval(0.512, 0, 0.008, 0.034), "lips", 0.8),  # mouth: two lips, and what parts them
    _Part(_Oval(0.518, 0, 0.008, 0.026), "lips", 1.05),
    _Part(_Oval(0.514, 0, 0.002, 0.033), "dark", 1.5),
)
_CROWN = _Oval(0.3, 0, 0.075, 0.085)
_VEIL = _Oval(0.8, 0, 0.67, 0.29)

_LOCKS = _Growth(1400, 0.36, 0.0022, 2.2, 0.6)
_FUZZ = _Growth(3000, 0.06, 0.0022, 3.1, 0.15)
_COMBED = _Growth(600, 0.055, 0.002, 3.1, 0.6)
_ROOTED = 0.97  # of the oval's radii: strands begin inside of it

_SKINS: tuple[Colour, ...] = (241, 205, 178), (224, 172, 138), (166, 114, 80), (92, 58, 42)
_HAIRS: tuple[Colour, ...] = (28, 22, 20), (92, 58, 34), (206, 166, 104), (150, 62, 30), (190, 188, 186)
_WHITE_CLOTH = 0.8, 0.78, 0.82

_STEPS = 16

_RINGS, _INNERMOST = 24, 0.97
_LIT_FROM = _Place(0.4, 0.15)
_ROUNDNESS = 0.6  # of a ball: the light falls off slowly first, and steeply towards its outline
_MOTION, _DEFOCUS = 0.06, 0.016


def draw(kind: Kind, backdrop: Backdrop, seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> KnownPhoto:
    """Return a photo of ``height`` × ``width`` pixels; the same arguments always give the same one.

    One seed has one person, whatever the kind and the backdrop, and one backdrop of a name, whatever the kind.
    """
    palette = _palette(_random(seed, "palette"))
    layer = _shaded(_figure(kind, palette, seed, height, width), _random(seed, "shade"))
    background = _background(backdrop, palette, _random(seed, backdrop), height, width)
    return compose(f"{kind}, {backdrop}, {seed}", *_separated(layer), background)


def compose(name: str, foreground: Image, alpha: Alpha, background: Image) -> KnownPhoto:
    """Return the photo of these three of one size, ``alpha`` rounded to 8 bits."""
    steps: Alpha = np.rint(alpha * np.float32(255))
    rounded = steps / np.float32(255)
    shown = foreground * (steps > 0)[..., np.newaxis]
    return KnownPhoto(name, over_image(shown, rounded, background), rounded, shown, background)


def _random(seed: int, purpose: str) -> np.random.Generator:
    return np.random.default_rng([seed, *purpose.encode()])


def _palette(random: np.random.Generator) -> _Palette:
    red, green, blue = random.integers(20, 236, 3).tolist()
    return _Palette(_SKINS[random.integers(len(_SKINS))], _HAIRS[random.integers(len(_HAIRS))], (red, green, blue))


def _figure(kind: Kind, palette: _Palette, seed: int, height: int, width: int) -> _Layer:
    random = _random(seed, kind)
    sheet = PIL.Image.new("RGBA", (width * SAMPLES, height * SAMPLES))
    if kind == "hair":
        _draw_strands(sheet, _grown(_HAIR, _LOCKS, random), _LOCKS, palette.hair, random)
    if kind == "fur":
        _draw_strands(sheet, _grown(_SHOULDERS, _FUZZ, random), _FUZZ, palette.clothes, random)
        _draw_strands(sheet, _grown(_HAIR, _FUZZ, random), _FUZZ, palette.hair, random)
    _draw_person(sheet, palette, _random(seed, "combed"))
    layer = _averaged(sheet)
    if kind == "veil":
        return _over(_veil(random, height, width), layer)
    if kind == "motion":
        return _mean_of_shifts(layer, _path(_MOTION * height, random))
    return _mean_of_shifts(layer, _aperture(_DEFOCUS * height)) if kind == "defocus" else layer


def _draw_person(sheet: PIL.Image.Image, palette: _Palette, random: np.random.Generator) -> None:
    """Draw somebody with a face, in light and shade: a network of photographs has to take them for a person."""
    for part in _BODY:
        _draw_part(sheet, part, palette)
    _draw_strands(sheet, _grown(_CROWN, _COMBED, random), _COMBED, palette.hair, random)
    for part in _FACE:
        _draw_part(sheet, part, palette)


def _draw_part(sheet: PIL.Image.Image, part: _Part, palette: _Palette) -> None:
    colour: Colour = getattr(palette, part.colour)
    if not isinstance(part.light, tuple):
        _draw_oval(sheet, part.oval, _lit(colour, part.light))
        return
    down, across, tall, wide = part.oval
    for smaller in np.linspace(0, _INNERMOST, _RINGS).tolist():
        # Each ring is moved by less than it is smaller, so none leaves the one around it.
        middle = down - _LIT_FROM.down * smaller * tall, across - _LIT_FROM.across * smaller * wide
        ring = _Oval(*middle, (1 - smaller) * tall, (1 - smaller) * wide)
        light = float(np.interp(smaller**_ROUNDNESS, (0, _INNERMOST**_ROUNDNESS), part.light))
        _draw_oval(sheet, ring, _lit(colour, light))


def _lit(colour: Colour, light: float) -> Colour:
    red, green, blue = (min(255, int(light * channel)) for channel in colour)
    return red, green, blue


def _draw_oval(sheet: PIL.Image.Image, oval: _Oval, colour: Colour) -> None:
    corners = [(oval.across + side * oval.wide, oval.down + side * oval.tall) for side in (-1, 1)]
    ImageDraw.Draw(sheet).ellipse(_points(np.array(corners), sheet), (*colour, 255))


def _points(places: _Floats, sheet: PIL.Image.Image) -> list[tuple[float, float]]:
    """Return ``places`` (N × across, down), in units of the height, as points of ``sheet``."""
    return [(x, y) for x, y in (places * sheet.height + (sheet.width / 2, 0)).tolist()]


def _grown(oval: _Oval, growth: _Growth, random: np.random.Generator) -> _Floats:
    """Return strands that grow out of ``oval`` and bend down on their side: count × steps × (across, down)."""
    count, along = growth.strands, np.linspace(0, 1, _STEPS)[:, np.newaxis]
    root = random.uniform(-growth.spread, growth.spread, count)  # 0 is the top of the oval, and up
    fall = growth.fall * (random.random(count) + random.random(count) * along)
    wave = random.normal(0, 0.25, count) * np.sin(along * random.uniform(2, 9, count) + random.uniform(0, 6, count))
    heading = root + (np.copysign(np.pi, root) - root) * fall + wave + random.normal(0, 0.3, count)
    step = growth.length * (0.15 + 0.85 * random.random(count) ** 3) / _STEPS
    across = oval.across + _ROOTED * oval.wide * np.sin(root) + np.cumsum(step * np.sin(heading), axis=0)
    down = oval.down - _ROOTED * oval.tall * np.cos(root) - np.cumsum(step * np.cos(heading), axis=0)
    return np.stack([across, down], axis=-1).swapaxes(0, 1)


def _draw_strands(
    sheet: PIL.Image.Image, strands: _Floats, growth: _Growth, colour: Colour, random: np.random.Generator
) -> None:
    """Draw each strand in a lightness of its own, from its width at the root to a quarter of it."""
    pen = ImageDraw.Draw(sheet)
    lights, widths = random.uniform((0.6, 0.4), (1.5, 1), (len(strands), 2)).T
    taper = np.linspace(1, 0.25, _STEPS - 1) * growth.width * sheet.height
    for strand, light, thick in zip(strands, lights, widths, strict=True):
        for ends, width in zip(pairwise(_points(strand, sheet)), thick * taper, strict=True):
            pen.line(ends, (*_lit(colour, light), 255), max(1, round(width)))


def _averaged(sheet: PIL.Image.Image) -> _Layer:
    """Return the mean of what the points of each pixel see; where nothing is drawn a sheet is 0 in all channels."""
    height, width = sheet.height // SAMPLES, sheet.width // SAMPLES
    seen = np.asarray(sheet).reshape(height, SAMPLES, width, SAMPLES, 4)
    return np.asarray(seen.sum(axis=(1, 3), dtype=np.uint32) / (255 * SAMPLES**2), np.float32)


def _over(top: _Layer, bottom: _Layer) -> _Layer:
    return top + bottom * (1 - top[..., 3:])


def _veil(random: np.random.Generator, height: int, width: int) -> _Layer:
    """Return a cloth that lets more or less through, in folds."""
    sheet = PIL.Image.new("RGBA", (width * SAMPLES, height * SAMPLES))
    _draw_oval(sheet, _VEIL, (255, 255, 255))
    across = np.linspace(0, 40 * width / height, width)
    folds = np.sin(across + 12 * _clouds(random, 3, height, width)) * _clouds(random, 5, height, width)
    cover = _averaged(sheet)[..., 3] * np.clip(0.45 + 0.3 * folds, 0.1, 0.9)
    return np.asarray(cover[..., np.newaxis] * np.array((*_WHITE_CLOTH, 1)), np.float32)


def _path(length: float, random: np.random.Generator) -> NDArray[np.intp]:
    """Return the places, N × (down, across) in pixels, that a point passes while the shutter is open."""
    angle = random.uniform(-0.6, 0.6)
    places = np.linspace(-length / 2, length / 2, max(2, round(length)))[:, np.newaxis] * (np.sin(angle), np.cos(angle))
    return np.rint(places).astype(np.intp)


def _aperture(radius: float) -> NDArray[np.intp]:
    """Return the places, N × (down, across) in pixels, over which a lens out of focus spreads a point: a disc."""
    reach = int(radius)
    places = np.argwhere(np.ones((2 * reach + 1, 2 * reach + 1))) - reach
    disc: NDArray[np.intp] = places[np.hypot(*places.T) <= radius]
    return disc


def _mean_of_shifts(layer: _Layer, shifts: NDArray[np.intp]) -> _Layer:
    """Return the mean of ``layer`` moved by each of ``shifts``; its border goes on outside."""
    height, width = layer.shape[:2]
    reach = int(np.abs(shifts).max())
    padded = np.pad(layer, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    total = np.zeros_like(layer)
    for down, across in shifts + reach:
        total += padded[down : down + height, across : across + width]
    return total / np.float32(len(shifts))


def _shaded(layer: _Layer, random: np.random.Generator) -> _Layer:
    """Return ``layer`` in uneven light and with a little grain."""
    height, width = layer.shape[:2]
    light = 0.75 + 0.5 * _clouds(random, 4, height, width) + random.normal(0, 0.02, (height, width))
    colours = np.minimum(layer[..., :3] * light[..., np.newaxis], layer[..., 3:])
    return np.asarray(np.dstack([colours, layer[..., 3]]), np.float32)


def _separated(layer: _Layer) -> tuple[Image, Alpha]:
    """Return foreground and alpha of ``layer``."""
    alpha = layer[..., 3]
    colours = layer[..., :3] / np.maximum(alpha, np.float32(1e-6))[..., np.newaxis]
    return _as_image(255 * colours), np.minimum(alpha, 1)


def _background(backdrop: Backdrop, palette: _Palette, random: np.random.Generator, height: int, width: int) -> Image:
    first, second = _ends(backdrop, palette, random)
    share = _shares(backdrop, random, height, width)[..., np.newaxis]
    grain = 0 if backdrop == "plain" else random.normal(0, 2, (height, width, 3))
    return _as_image(first * (1 - share) + second * share + grain)


def _ends(backdrop: Backdrop, palette: _Palette, random: np.random.Generator) -> _Floats:
    """Return the two colours between which the background lies, 2×3, 0..255."""
    match backdrop:
        case "near":
            return np.array((palette.hair, palette.skin), np.float64)
        case "bright":
            return np.array(((255, 255, 255), (220, 220, 220)), np.float64)
        case "dark":
            return np.array(((0, 0, 0), (35, 35, 35)), np.float64)
        case _:
            return random.uniform(20, 235, (2, 3))


def _shares(backdrop: Backdrop, random: np.random.Generator, height: int, width: int) -> _Floats:
    """Return how much of the second colour there is, H×W, 0..1."""
    down, across = np.mgrid[:height, :width] / height
    angle = random.uniform(0, np.pi)
    along = across * np.cos(angle) + down * np.sin(angle)
    match backdrop:
        case "plain":
            return np.zeros((height, width))
        case "gradient":
            return np.asarray((along - along.min()) / np.ptp(along))
        case "stripes":
            return np.asarray(0.5 + 0.5 * np.tanh(6 * np.sin(along * 2 * np.pi * random.uniform(10, 22))))
        case "texture":
            octaves = [_clouds(random, cells, height, width) for cells in (6, 16, 48, 120)]
            return np.asarray(np.clip(0.5 + 2.8 * (np.mean(octaves, axis=0) - 0.5), 0, 1))
        case _:
            return _clouds(random, 6, height, width)


def _clouds(random: np.random.Generator, cells: int, height: int, width: int) -> _Floats:
    """Return smooth noise, H×W, 0..1, with ``cells`` blotches along a side."""
    coarse = PIL.Image.fromarray(random.random((cells, cells), np.float32))
    return np.clip(np.asarray(coarse.resize((width, height), PIL.Image.Resampling.BICUBIC), np.float64), 0, 1)


def _as_image(colours: NDArray[np.floating]) -> Image:
    return np.asarray(np.clip(np.rint(colours), 0, 255), np.uint8)
