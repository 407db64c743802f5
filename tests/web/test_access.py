"""Who may use the server."""

from hashlib import sha256

import pytest
from starlette.requests import HTTPConnection

from cutaway.web.access import check_key
from cutaway.web.problems import ProblemError

KEY = "clé"


def sending(key: bytes) -> HTTPConnection:
    return HTTPConnection({"type": "http", "headers": [(b"x-api-key", key)]})


def test_a_key_is_compared_by_the_bytes_that_were_sent() -> None:
    known = (sha256(KEY.encode()).hexdigest(),)
    check_key(sending(KEY.encode()), known)
    with pytest.raises(ProblemError, match="no API key"):
        check_key(sending(KEY.encode("latin-1")), known)
