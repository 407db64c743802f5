"""Everything that can go wrong with a request, by name: RFC 9457 problem details."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """A kind of problem: its status, its title, and what a client can do about it."""

    status: int
    title: str
    advice: str


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "malformed-request": Kind(400, "The request is malformed", "Send what the API's description prescribes."),
        "invalid-option": Kind(400, "An option is invalid", "Mend or leave out the option that the detail names."),
        "no-image": Kind(400, "There is no image", "Send the photograph as the body, or as the form's part 'image'."),
        "unauthorized": Kind(401, "An API key is needed", "Send the key in X-Api-Key or as a bearer token."),
        "cross-site": Kind(
            403, "Other sites may not use this server", "Call it from its own page, or from no browser."
        ),
        "not-found": Kind(404, "There is nothing at this address", "Look at /openapi.json for what there is."),
        "method-not-allowed": Kind(405, "The address does not know this method", "Use a method that Allow names."),
        "not-acceptable": Kind(406, "No acceptable format", "Accept image/png, webp, avif, tiff, jpeg or JSON."),
        "upload-too-slow": Kind(408, "The upload was too slow", "Send it faster, or a smaller copy."),
        "too-many-bytes": Kind(413, "The upload is too large", "Send a smaller file; /v1/limits states the limit."),
        "unsupported-type": Kind(415, "The file is of no accepted kind", "Convert it to a kind that /v1/limits lists."),
        "wrong-host": Kind(421, "This server is not the host asked for", "Use a name that the operator allowed."),
        "unreadable-image": Kind(422, "The image cannot be read", "Open it in a viewer and save it again."),
        "too-many-pixels": Kind(
            422, "The image has too many pixels", "Send a smaller copy; /v1/limits states the limit."
        ),
        "nobody-found": Kind(
            422, "There is nobody in the image", "Send a photograph of a person, or ask for no person."
        ),
        "impossible": Kind(422, "The result cannot be made of this image", "Ask for another size, preset or format."),
        "too-demanding": Kind(422, "The image takes too much memory", "Send a smaller copy, or one of 8 bits."),
        "rate-limited": Kind(429, "Too many requests", "Wait for as long as Retry-After says."),
        "worker-failed": Kind(500, "The server failed", "Try again; tell the operator if it happens again."),
        "poisonous-image": Kind(
            500, "The image broke a worker, twice", "Do not send it again; it is refused from now on."
        ),
        "busy": Kind(503, "The server is busy", "Try again after as long as Retry-After says."),
        "shutting-down": Kind(503, "The server is stopping", "Try again after as long as Retry-After says."),
        "deadline-exceeded": Kind(504, "The work took too long", "Try again later, or send a smaller copy."),
    }
)


FATAL = ("too-demanding", "worker-failed")
"""Problems after which a worker is replaced: its memory may be in disorder."""


class ProblemError(Exception):
    """A request that cannot be answered as asked: ``name`` is a key of ``KINDS``, ``detail`` a sentence.

    ``limit`` and ``actual`` say which limit was passed, ``option`` which option is at fault, and ``retry_after``, in
    seconds, when trying again makes sense.
    """

    def __init__(
        self,
        name: str,
        detail: str,
        *,
        limit: int | None = None,
        actual: int | None = None,
        option: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.name, self.detail, self.retry_after = name, detail, retry_after
        self.members = {"limit": limit, "actual": actual, "option": option}

    @property
    def kind(self) -> Kind:
        """What kind of problem this is."""
        return KINDS[self.name]


def uri(name: str) -> str:
    """Return the type of the problem ``name``, which is also the address of its page."""
    return f"/problems/{name}"


def body(problem: ProblemError, request_id: str) -> dict[str, Any]:
    """Return the problem details document."""
    facts = {name: value for name, value in problem.members.items() if value is not None}
    kind = problem.kind
    return {
        "type": uri(problem.name),
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "request_id": request_id,
        **facts,
    }


def headers(problem: ProblemError) -> dict[str, str]:
    """Return the headers that go with it."""
    challenge = {"WWW-Authenticate": "Bearer"} if problem.kind.status == 401 else {}
    return challenge if problem.retry_after is None else {**challenge, "Retry-After": str(problem.retry_after)}
