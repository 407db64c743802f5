"""What schemathesis cannot make up by itself: photographs, texts that mean something, and options that agree."""

from collections.abc import Mapping
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, HookContext

from cutaway.web.describe import PHOTO_TYPES
from synthetic import draw_person, encode

PHOTOS = st.sampled_from(
    [encode(draw_person(24, 20)), encode(draw_person(20, 24), "JPEG"), encode(draw_person(16, 16), "WEBP")]
)

for media_type in PHOTO_TYPES:
    schemathesis.openapi.media_type(media_type, PHOTOS)
schemathesis.openapi.format("binary", PHOTOS)
schemathesis.openapi.format("background", st.sampled_from(["transparent", "white", "#ffcc00", "rgb(1, 2, 3)", "blur"]))
schemathesis.openapi.format("position", st.sampled_from(["left", "right top", "30% 100%", "center"]))
schemathesis.openapi.format("size", st.sampled_from(["1x1", "80x60", "60x80"]))


@schemathesis.hook
def map_case(context: HookContext, case: Case[Any]) -> Case[Any]:  # noqa: ARG001 - schemathesis calls it so
    """Let the options of a request that is meant to be right be said once, and agree with each other.

    A schema says what each may be, not which two contradict each other; what comes of that, other tests show.
    """
    if case.operation.path != "/v1/cutout" or is_wrong(case):
        return case
    if case.query:
        has_picture = isinstance(case.body, dict) and "background" in case.body
        kept = agreeing(case.query, has_picture=has_picture)
        case.query = {name: value for name, value in case.query.items() if name in kept}
    return case


@schemathesis.hook
def filter_body(context: HookContext, body: Any) -> bool:  # noqa: ARG001
    """Leave fields out that no schema names: those of a form are options, and a made-up one is refused rightly."""
    return not isinstance(body, dict) or body.keys() <= {"image", "background"}


@schemathesis.hook
def before_add_examples(context: HookContext, examples: list[Case[Any]]) -> None:
    """Let the examples agree too; they do not pass through ``map_case``."""
    for position, example in enumerate(examples):
        examples[position] = map_case(context, example)


def is_wrong(case: Case[Any]) -> bool:
    """Whether a part of the request is meant to be refused."""
    if case.meta is None:
        return False
    modes = {case.meta.generation.mode, *(part.mode for part in case.meta.components.values())}
    return modes != {GenerationMode.POSITIVE}


def agreeing(options: Mapping[str, Any], *, has_picture: bool) -> set[str]:
    """Return the names of those ``options`` that make sense together, and that a tiny drawing can meet."""
    unwanted = {"preset", "model"}  # for larger people; of other names
    mask = str(options.get("mask")).lower() == "true" and not has_picture
    behind = has_picture or options.get("background") not in (None, "transparent")
    for wrong, names in (
        (has_picture, {"mask", "background"}),
        (not has_picture, {"fit", "position"}),
        (mask, {"background", "shadow"}),
        ("size" not in options, {"upscale"}),
        (options.get("format") == "jpg" and not mask and not behind, {"format"}),
        (options.get("format") not in ("webp", "avif"), {"quality"}),
        (options.get("refine") == "closed-form", {"refine"}),  # which an operator has to offer
    ):
        unwanted |= names if wrong else set()
    return set(options) - unwanted
