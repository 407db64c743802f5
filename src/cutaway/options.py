"""The options of a cut-out as a user writes them, and what they mean: one reading for the command line and for HTTP."""

import re
from dataclasses import dataclass

from cutaway.composite import Fit, is_colour, parse_position
from cutaway.errors import CutawayError, OptionError
from cutaway.framing import Margin, find_preset
from cutaway.imagefile import LIMITS, LOSSY, Limits, Source, read
from cutaway.look import Background, Blur, Encoding, Look, View
from cutaway.photo import Photo


@dataclass(frozen=True)
class Options:
    """What a result should look like, in words; ``None`` = not said. What each may hold: ``docs/backgrounds.md``."""

    background: str | None = None
    fit: Fit | None = None
    position: str | None = None
    shadow: str | None = None
    mask: bool = False
    crop: str | None = None
    size: str | None = None
    preset: str | None = None
    upscale: bool = False


def parse(options: Options, encoding: Encoding, picture: Photo | None = None) -> Look:
    """Return the look that ``options`` ask for, with ``picture``, if there is one, behind the person.

    Raises:
        OptionError: A value means nothing, or two options contradict each other or ``encoding``.
    """
    view = View(
        None if options.crop is None else parse_margin(options.crop),
        None if options.size is None else parse_size(options.size),
        None if options.preset is None else check_preset(options.preset),
        options.upscale,
    )
    look = Look(
        _background(options) if picture is None else picture,
        options.fit or "cover",
        check_position("center" if options.position is None else options.position),
        options.mask,
        None if options.shadow is None else parse_shadow(options.shadow),
        view,
    )
    _refuse_contradictions(look, options, picture)
    _check_encoding(look, encoding)
    return look


def parse_margin(text: str) -> Margin:
    """Return the margin that ``0.1``, ``10%`` or ``20px`` means. Raises ``OptionError`` for anything else."""
    if re.fullmatch(r"[0-9]{1,5}px", text):
        return Margin(pixels=int(text[:-2]))
    if (share := _parse_share(text)) is None:
        raise OptionError("crop", f"{text} is no margin; write a share such as 0.1 or 10%, or pixels such as 20px.")
    return Margin(share=share)


def parse_shadow(text: str) -> float:
    """Return the strength that ``0.5`` or ``50%`` means. Raises ``OptionError`` unless it is in 0..1."""
    if (strength := _parse_share(text)) is None:
        raise OptionError("shadow", f"{text} is no strength; write a share of 0 to 1 such as 0.5 or 50%.")
    return strength


def parse_size(text: str) -> tuple[int, int]:
    """Return the (height, width) that ``WIDTHxHEIGHT`` means. Raises ``OptionError`` unless it is possible."""
    sides = re.fullmatch(r"([0-9]{1,5})[xX×]([0-9]{1,5})", text)
    width, height = (int(sides[1]), int(sides[2])) if sides else (0, 0)
    if min(width, height) < 1 or max(width, height) > LIMITS.max_side or width * height > LIMITS.max_pixels:
        reason = f"{text} is no size; write WIDTHxHEIGHT in pixels, such as 800x600, of up to 50 million in all."
        raise OptionError("size", reason)
    return height, width


def check_position(text: str) -> str:
    """Return ``text``. Raises ``OptionError`` unless it is a position."""
    try:
        parse_position(text)
    except CutawayError as error:
        raise OptionError("position", str(error)) from error
    return text


def check_preset(name: str) -> str:
    """Return ``name``. Raises ``OptionError`` unless it is a preset's."""
    try:
        find_preset(name)
    except CutawayError as error:
        raise OptionError("preset", str(error)) from error
    return name


def is_background(text: str) -> bool:
    """Whether ``text`` is a background in words, not the name of a file."""
    return text in ("transparent", "blur") or text.startswith("blur:") or is_colour(text)


def parse_background(text: str) -> Background:
    """Return what ``transparent``, ``blur``, ``blur:RADIUS`` or a colour means. Raises ``OptionError`` for others."""
    if text == "transparent":
        return None
    if text == "blur" or text.startswith("blur:"):
        return Blur(_parse_radius(text))
    if not is_colour(text):
        reason = f"{text} is neither transparent, blur, nor a colour such as white or #ffcc00."
        raise OptionError("background", reason)
    return text


def read_picture(source: Source, name: str, limits: Limits = LIMITS) -> Photo:
    """Return the picture in ``source``, which errors call ``name``, to lie behind a person.

    Raises ``OptionError`` when it cannot be read, is over ``limits``, or is not opaque.
    """
    try:
        picture = read(source, limits)
    except CutawayError as error:
        raise OptionError("background", f"{name}: {error}") from error
    if picture.alpha is not None:
        reason = f"{name} has transparent parts, so it cannot lie behind the person; choose an opaque picture."
        raise OptionError("background", reason)
    return picture


def _background(options: Options) -> Background:
    if options.background is not None:
        return parse_background(options.background)
    return "white" if options.preset is not None and not options.mask else None


def _refuse_contradictions(look: Look, options: Options, picture: Photo | None) -> None:
    """Raise ``OptionError`` for options that make no sense together."""
    view, behind = look.view, picture is not None or options.background not in (None, "transparent")
    placed = options.fit is not None or options.position is not None
    for wrong, option, reason in (
        (look.mask and behind, "mask", "a mask has no background; leave one of the two out."),
        (look.mask and look.shadow is not None, "mask", "a mask has no shadow; leave one of the two out."),
        (placed and not look.has_picture, "fit", "fit and position are for a background that is a picture."),
        (
            view.preset is not None and (view.size is not None or view.margin is not None),
            "preset",
            "a preset settles size and margin; leave size and crop out.",
        ),
        (
            view.shows_id and look.shadow is not None,
            "shadow",
            "ID photos must not show a shadow; leave shadow or preset out.",
        ),
        (
            view.upscale and view.size is None and view.preset is None,
            "upscale",
            "only a size or a preset enlarges; name one of them.",
        ),
    ):
        if wrong:
            raise OptionError(option, reason)


def _check_encoding(look: Look, encoding: Encoding) -> None:
    """Raise ``OptionError`` where the format cannot hold what ``look`` shows, or has no quality."""
    if encoding.format == "jpg" and look.background is None and not look.mask:
        reason = "jpg cannot store transparency; choose png, webp or avif, or name a background such as white."
        raise OptionError("format", reason)
    if encoding.quality is not None and encoding.format not in LOSSY:
        reason = f"{encoding.format} is without loss and has no quality; leave it out, or choose webp, avif or jpg."
        raise OptionError("quality", reason)


def _parse_share(text: str) -> float | None:
    """Return the share, 0..1, that ``0.1`` or ``10%`` means, None for anything else."""
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return None
    return share if 0 <= share <= 1 else None


def _parse_radius(text: str) -> float | None:
    _, colon, number = text.partition(":")
    if not colon:
        return None
    try:
        radius = float(number)
    except ValueError:
        radius = 0.0
    if not 0 < radius <= 1000:
        reason = f"{text} has no usable radius; write pixels above 0 and up to 1000, such as blur:12."
        raise OptionError("background", reason)
    return radius
