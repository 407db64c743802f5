"""A bar on standard error while many photographs come in."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress

Item = TypeVar("Item")


def track(items: Iterable[Item], total: int, description: str) -> Iterator[Item]:
    """Yield ``items``, and show how many of ``total`` came if a person is looking."""
    watched = sys.stderr is not None and sys.stderr.isatty()
    console = Console(stderr=True)
    # Rich redirects standard output to its console: right on a terminal, wrong for a file or pipe that is to have it.
    with Progress(console=console, transient=True, disable=not watched, redirect_stdout=sys.stdout.isatty()) as bar:
        yield from bar.track(items, total=total, description=description)
