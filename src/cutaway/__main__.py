"""``python -m cutaway`` is the ``cutaway`` command."""

from cutaway.cli.app import main

main()
