"""Who may use the server: keys, host names, other sites' pages, and how often."""

import hmac
import math
import time
from hashlib import sha256

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.requests import HTTPConnection

from cutaway.web.problems import ProblemError
from cutaway.web.settings import Settings


def check_host(connection: HTTPConnection, hosts: tuple[str, ...]) -> None:
    """Raise ``ProblemError`` unless the request is for one of ``hosts``, of which none means any.

    A page of another site whose name was rebound to this machine's address would else be of the same origin.
    """
    asked = _without_port(connection.headers.get("host", "")).lower().removesuffix(".")
    if hosts and asked not in hosts:
        raise ProblemError("wrong-host", "The request is for a host name that the operator has not allowed.")


def check_site(connection: HTTPConnection) -> None:
    """Raise ``ProblemError`` for a request that a browser makes on behalf of another site's page.

    A link is none: it leads the browser here, and tells that page nothing.
    """
    if connection.headers.get("sec-fetch-site") in ("cross-site", "same-site") and not _is_link(connection):
        raise ProblemError("cross-site", "A page of another site may not use this server.")


def key_of(connection: HTTPConnection) -> str:
    """Return the API key that was sent, "" for none."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return connection.headers.get("x-api-key") or (token.strip() if scheme.lower() == "bearer" else "")


def check_key(connection: HTTPConnection, hashes: tuple[str, ...]) -> None:
    """Raise ``ProblemError`` unless the key that was sent is one of ``hashes``; where these are none, all may enter."""
    sent = _hash(key_of(connection))
    # Every key is compared, and whole, so that the time taken tells nothing.
    if hashes and not sum(hmac.compare_digest(sent, known) for known in hashes):
        raise ProblemError("unauthorized", "The request carries no API key that this server knows.")


class RateLimit:
    """Counts requests of each key, or of each address where no keys are set."""

    def __init__(self, settings: Settings) -> None:
        self._item: RateLimitItem | None = parse(settings.rate_limit) if settings.rate_limit else None
        self._by_key = bool(settings.api_keys)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def check(self, connection: HTTPConnection) -> None:
        """Raise ``ProblemError`` when whoever asks has asked too often."""
        if self._item is None:
            return
        address = connection.client.host if connection.client else ""
        who = _hash(key_of(connection)) if self._by_key else address
        if not self._limiter.hit(self._item, who):
            reset = self._limiter.get_window_stats(self._item, who).reset_time
            raise ProblemError("rate-limited", f"The limit is {self._item}.", retry_after=_seconds_until(reset))


def _hash(key: str) -> str:
    return sha256(key.encode("latin-1")).hexdigest()  # of the bytes that were sent: headers are read as Latin-1


def _seconds_until(moment: float) -> int:
    return max(1, math.ceil(moment - time.time()))


def _is_link(connection: HTTPConnection) -> bool:
    asked = connection.headers.get("sec-fetch-mode"), connection.headers.get("sec-fetch-dest")
    return connection.scope["method"] == "GET" and asked == ("navigate", "document")


def _without_port(host: str) -> str:
    return host if host.endswith("]") else host.rpartition(":")[0] or host
