"""A server of tiny weights in this process, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.testclient import TestClient

from cutaway.web.app import create_app
from cutaway.web.settings import Settings


def settings_of(model: Path, **changes: object) -> Settings:
    """Return the settings of a server with the weights ``model``, on one worker unless ``changes`` say otherwise."""
    facts: dict[str, object] = {"models": (str(model),), "workers": 1, "allowed_hosts": ("testserver",), **changes}
    return Settings.model_validate(facts)


@contextmanager
def serving(model: Path, **changes: object) -> Iterator[TestClient]:
    """Start the workers, and yield a client."""
    with TestClient(create_app(settings_of(model, **changes))) as client:
        yield client
