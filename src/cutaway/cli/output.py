"""What commands that write one file say before their work, which may take long, and not after it."""

import os
from pathlib import Path

import typer

from cutaway.errors import OutputError
from cutaway.imagefile import check_target


def refuse_unwritable(path: Path, option: str, *, overwrite: bool) -> None:
    """Raise ``typer.BadParameter`` for ``option`` unless its file may be written to ``path``."""
    try:
        check_target(path, overwrite=overwrite)
    except OutputError as error:
        raise typer.BadParameter(str(error), param_hint=f"'{option}'") from error
    if not path.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}; make it first.", param_hint=f"'{option}'")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise typer.BadParameter(f"the folder {path.parent} takes no files; name another.", param_hint=f"'{option}'")


def refuse_unless_png(path: Path, option: str, *, overwrite: bool) -> None:
    """Raise ``typer.BadParameter`` for ``option`` unless its drawing, which is a PNG, may be written to ``path``."""
    if path.suffix.lower() != ".png":
        raise typer.BadParameter(f"{path} does not end in .png, which it will be.", param_hint=f"'{option}'")
    refuse_unwritable(path, option, overwrite=overwrite)
