"""Which format an answer gets: what ``Accept`` asks for, among what can be written."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cutaway.web.problems import ProblemError

JSON = "application/json"
MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {"png": "image/png", "webp": "image/webp", "avif": "image/avif", "tiff": "image/tiff", "jpg": "image/jpeg"}
)
"""The formats that can be written, the one preferred first, and the media type of each."""


@dataclass(frozen=True)
class Offer:
    """How an answer is sent: the picture's format, and whether it is wrapped in JSON."""

    format: str
    as_json: bool

    @property
    def media_type(self) -> str:
        """The picture's media type."""
        return MEDIA_TYPES[self.format]


def choose(accept: str, wanted: str | None) -> Offer:
    """Return how to answer.

    ``accept`` is the header's value, where "" accepts everything; ``wanted`` is a format that was named outright.

    Raises:
        ProblemError: Nothing that can be written is accepted.
    """
    weights = _parse(accept or "*/*")
    formats = [wanted] if wanted else list(MEDIA_TYPES)
    offers = {MEDIA_TYPES[name]: name for name in formats}
    # max() takes the first of equals, so that */* gives a PNG.
    best = max((*offers, JSON), key=lambda media_type: _weight(media_type, weights))
    if _weight(best, weights) <= 0:
        raise ProblemError("not-acceptable", f"Only {', '.join((*offers, JSON))} can be sent, and none is accepted.")
    return Offer(offers.get(best, formats[0]), best == JSON)


def _parse(accept: str) -> dict[str, float]:
    """Return the weight of each media range of an Accept header (RFC 9110, 12.5.1); what has no sense weighs 0."""
    weights: dict[str, float] = {}
    for part in accept.split(","):
        media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((value[2:] for value in parameters if value.startswith("q=")), "1")
        try:
            weights[media_range] = min(1.0, max(0.0, float(quality)))
        except ValueError:
            weights[media_range] = 0.0
    return weights


def _weight(media_type: str, weights: Mapping[str, float]) -> float:
    """Return what the most specific range that holds ``media_type`` says."""
    family = media_type.partition("/")[0]
    for media_range in (media_type, f"{family}/*", "*/*"):
        if media_range in weights:
            return weights[media_range]
    return 0.0
