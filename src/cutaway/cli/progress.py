"""A bar on standard error while many photographs come in."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress

Item = TypeVar("Item")


def watched() -> bool:
    """Return whether a person sees standard error; it is None where the caller closed it."""
    return sys.stderr is not None and sys.stderr.isatty()


@contextmanager
def advancing(total: int, description: str) -> Iterator[Callable[[], None]]:
    """Show a bar if a person is looking; each call of what is yielded is one of ``total`` steps."""
    # Rich redirects standard output to its console: right on a terminal, wrong for a file or pipe that is to have it.
    redirect = sys.stdout is not None and sys.stdout.isatty()
    with Progress(
        console=Console(stderr=True), transient=True, disable=not watched(), redirect_stdout=redirect
    ) as progress:
        task = progress.add_task(description, total=total)
        yield lambda: progress.advance(task)


def track(items: Iterable[Item], total: int, description: str) -> Iterator[Item]:
    """Yield ``items``, and show how many of ``total`` came if a person is looking."""
    with advancing(total, description) as advance:
        for item in items:
            yield item
            advance()
