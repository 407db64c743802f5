"""The ``cutaway`` command: one line for each command, and what happens to an error that a command lets through."""

import io
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from cutaway.cli.data import data
from cutaway.cli.doctor import doctor
from cutaway.cli.evaluate import evaluate
from cutaway.cli.export import export
from cutaway.cli.messages import complain
from cutaway.cli.models import models
from cutaway.cli.remove import RemoveCommand, remove
from cutaway.cli.serve import serve
from cutaway.cli.train import train
from cutaway.errors import CutawayError

NOTHING_STARTED = 3
INTERRUPTED = 130

PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""Of a command whose options, ``--help`` too, are read by another parser."""

app = typer.Typer(
    name="cutaway",
    help="Cut people out of photographs, offline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("remove", cls=RemoveCommand)(remove)
app.command("models")(models)
app.command("doctor")(doctor)
app.command("serve", context_settings=PASSED_ON)(serve)
app.command("evaluate")(evaluate)
app.command("train")(train)
app.command("export")(export)
app.add_typer(data, name="data")


def _print_version(wanted: bool) -> None:
    if wanted:
        from cutaway import __version__

        print(f"cutaway {__version__}")
        raise typer.Exit


@app.callback()
def _global_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Cut people out of photographs, offline."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line. Leaves with 0 all done, 1 some inputs failed, 2 wrong usage, 3 nothing could start."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that it cannot encode must not end the work on the others
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app(args=arguments)
    except CutawayError as error:
        complain(str(error))
        sys.exit(NOTHING_STARTED)
    except ModuleNotFoundError as error:
        from cutaway.cli.extras import extra_with

        if not (extra := extra_with(error.name or "")):
            raise
        complain(f"this needs {error.name}, which is not installed; pip install 'cutaway[{extra}]' brings it.")
        sys.exit(NOTHING_STARTED)
    except OSError as error:
        complain(f"{error.strerror or error}", about=error.filename)
        sys.exit(NOTHING_STARTED)
    except SystemExit as leaving:
        if leaving.code == INTERRUPTED:
            complain("interrupted; what was finished before stays")
        raise
