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


def usage_error(lines: list[str]) -> str:
    """Return the text of a usage error without the frame that is drawn around it."""
    return " ".join(" ".join(lines).replace("│", " ").split())
