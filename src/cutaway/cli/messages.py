"""Messages to the person at the terminal: one line each, on standard error."""

import sys


def complain(reason: str, about: str | None = None) -> None:
    """Print ``cutaway: ABOUT: REASON`` as one line on standard error; a reason that begins with ABOUT loses it."""
    line = f"cutaway: {about}: {reason.removeprefix(f'{about} ')}" if about else f"cutaway: {reason}"
    print(one_line(line), file=sys.stderr)


def one_line(text: str) -> str:
    """Return ``text`` with everything that a terminal would not print as it stands written as an escape.

    A file name may hold line breaks, terminal control sequences, or bytes that are no text at all.
    """
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
