"""The options of a cut-out over HTTP: those of the command line, as a query or as the fields of a form."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cutaway.web.problems import ProblemError

SHARE = r"(0(\.[0-9]{1,4})?|1(\.0{1,4})?|(100|[0-9]{1,2}(\.[0-9]{1,2})?)%)"


LOOK = {"background", "fit", "position", "shadow", "mask", "crop", "size", "preset", "upscale"}
"""The options that say what the result looks like; the others say how it is made and sent."""


class Wishes(BaseModel):
    """What a client may ask for; None = not said."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    background: str | None = Field(
        default=None,
        description="`transparent` (the default), a CSS colour, `blur`, or `blur:RADIUS` in pixels; in a form, a file.",
        examples=["white", "#ffcc00"],
        json_schema_extra={"format": "background"},
    )
    fit: Literal["cover", "contain"] | None = Field(
        default=None,
        description="How a background picture fills the frame: over all of it, or whole with white around.",
    )
    position: str | None = Field(
        default=None,
        description="Where a background picture lies, as CSS's background-position: `right top`.",
        json_schema_extra={"format": "position"},
    )
    shadow: str | None = Field(
        default=None,
        pattern=f"^{SHARE}$",
        description="A soft drawn shadow that takes this share of the light.",
        examples=["50%"],
    )
    mask: bool = Field(default=False, description="Answer the alpha alone, as a grey picture; person = white.")
    crop: str | None = Field(
        default=None,
        pattern=f"^({SHARE}|[0-9]{{1,5}}px)$",
        description="Crop to the person, with this margin: a share of the longer side, or pixels.",
        examples=["10%", "20px"],
    )
    size: str | None = Field(
        default=None,
        description="WIDTHxHEIGHT: exactly so many pixels, with the person centred.",
        examples=["800x600"],
        json_schema_extra={"format": "size"},
    )
    preset: Literal["id-35x45", "us-2x2", "shop-square"] | None = Field(
        default=None, description="Size, and place of the person, for a purpose."
    )
    upscale: bool = Field(default=False, description="Let a size or preset enlarge the person beyond the photograph.")
    refine: Literal["none", "guided", "closed-form"] | None = Field(
        default=None,
        description="How the alpha is brought to the photograph's size: as the operator offers, `guided` if not said.",
    )
    model: str | None = Field(default=None, max_length=100, description="A model that /v1/models lists.")
    format: Literal["png", "webp", "avif", "tiff", "jpg"] | None = Field(
        default=None, description="The picture's format; without it, what Accept prefers, else png."
    )
    quality: int | None = Field(
        default=None, ge=1, le=100, description="Of webp, avif and jpg; without it webp is lossless."
    )
    keep_metadata: bool = Field(
        default=False, description="Keep EXIF and XMP, in JPEG IPTC too: camera, time, position, names."
    )
    require_person: bool = Field(default=False, description="Answer 422 where nobody is found.")


def check_once(names: Iterable[str]) -> None:
    """Raise ``ProblemError`` if one of ``names``, of the options of a query or the parts of a form, stands twice."""
    for name, count in Counter(names).items():
        if count > 1:
            raise ProblemError("invalid-option", f"{name}: it stands {count} times; say it once.", option=name)


def merged(query: Wishes, form: tuple[tuple[str, str], ...]) -> Wishes:
    """Return the options of both; the form's go first. Raises ``ProblemError`` if one is wrong."""
    said = query.model_dump(exclude_unset=True)
    try:
        return Wishes.model_validate({**said, **dict(form)})
    except ValidationError as error:
        raise invalid(error.errors()[0]) from error


def invalid(error: Mapping[str, Any]) -> ProblemError:
    """Return the problem that one of pydantic's errors is."""
    option = str(error["loc"][-1]) if error["loc"] else ""
    return ProblemError("invalid-option", f"{option}: {error['msg']}.", option=option)


def look(wishes: Wishes) -> dict[str, Any]:
    """Return what ``cutaway.options.Options`` holds: what the result is to look like."""
    return wishes.model_dump(include=LOOK)
