"""What a run of the command line is in a test."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finished:
    """What a command left: its exit code, its standard output, and the lines of its standard error."""

    code: int
    out: bytes
    errors: list[str]


Command = Callable[..., Finished]
