"""What a worker process is told when it starts."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Setup:
    """The files of the ``models`` by name, the refinements on offer, limits of a photograph, ``memory`` in bytes."""

    models: dict[str, str]
    refine: tuple[str, ...]
    max_bytes: int
    max_pixels: int
    max_side: int
    threads: int
    memory: int


def to_json(setup: Setup) -> str:
    """Return ``setup`` as the worker's argument."""
    return json.dumps(asdict(setup))


def from_json(text: str) -> Setup:
    """Return the setup of an argument."""
    return Setup(**json.loads(text))
