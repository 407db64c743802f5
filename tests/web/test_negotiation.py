"""Which format an answer gets."""

import pytest

from cutaway.web.negotiation import Offer, choose
from cutaway.web.problems import ProblemError


@pytest.mark.parametrize(
    ("accept", "wanted", "offer"),
    [
        ("", None, Offer("png", False)),
        ("*/*", None, Offer("png", False)),
        ("image/*", None, Offer("png", False)),
        ("image/webp", None, Offer("webp", False)),
        ("IMAGE/AVIF", None, Offer("avif", False)),
        ("image/webp;q=0.2, image/avif;q=0.8", None, Offer("avif", False)),
        ("image/png;q=0, image/*", None, Offer("webp", False)),
        ("application/json", None, Offer("png", True)),
        ("application/json", "tiff", Offer("tiff", True)),
        ("application/json, image/jpeg;q=0.9", None, Offer("png", True)),
        ("*/*", "jpg", Offer("jpg", False)),
        ("text/html, */*;q=0.1", "webp", Offer("webp", False)),
        ("image/webp;q=nonsense, image/tiff", None, Offer("tiff", False)),
    ],
)
def test_the_best_that_is_accepted_is_sent(accept: str, wanted: str | None, offer: Offer) -> None:
    assert choose(accept, wanted) == offer


@pytest.mark.parametrize(
    ("accept", "wanted"), [("text/html", None), ("image/png", "webp"), ("*/*;q=0", None), ("image/svg+xml", None)]
)
def test_nothing_that_is_accepted_is_a_problem(accept: str, wanted: str | None) -> None:
    with pytest.raises(ProblemError) as refused:
        choose(accept, wanted)
    assert refused.value.kind.status == 406
