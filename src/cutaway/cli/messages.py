"""Messages to the person at the terminal: one line each, on standard error."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

import typer

from cutaway.errors import OptionError


def complain(reason: str, about: str | None = None) -> None:
    """Print ``cutaway: ABOUT: REASON`` as one line on standard error; a reason that begins with ABOUT loses it."""
    line = f"cutaway: {about}: {reason.removeprefix(f'{about} ')}" if about else f"cutaway: {reason}"
    if sys.stderr:  # None when the caller closed it; print would then take standard output
        print(one_line(line), file=sys.stderr)


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn an ``OptionError`` into Typer's error of wrong usage."""
    try:
        yield
    except OptionError as error:
        raise typer.BadParameter(str(error), param_hint=f"'--{error.option}'") from error


@contextmanager
def only_our_messages() -> Iterator[None]:
    """Keep C libraries from writing to standard error: libtiff remarks on odd files there, past Python."""
    theirs = sys.__stderr__
    if theirs is None or sys.stderr is not theirs:
        yield
        return
    with os.fdopen(os.dup(2), "w", buffering=1, encoding=theirs.encoding, errors="backslashreplace") as ours:
        point_descriptor(2, os.devnull)
        try:
            with redirect_stderr(ours):
                yield
        finally:
            os.dup2(ours.fileno(), 2)


def point_descriptor(descriptor: int, path: str) -> None:
    """Let what is written to ``descriptor`` go to ``path`` from now on."""
    target = os.open(path, os.O_WRONLY)
    os.dup2(target, descriptor)
    os.close(target)


def one_line(text: str) -> str:
    """Return ``text`` with everything that a terminal would not print as it stands written as an escape.

    A file name may hold line breaks, terminal control sequences, or bytes that are no text at all.
    """
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
