"""``cutaway serve``: the web page and the HTTP server."""

import typer

from cutaway.cli.messages import usage_errors


def serve(context: typer.Context) -> None:
    """Serve the web page and the HTTP API.

    Its options are the fields of ``cutaway.web.settings``, read from the environment too: --queue or CUTAWAY_QUEUE.
    Exit code: 0 when told to stop, 2 wrong usage, 3 nothing could start.
    """
    from cutaway import weights
    from cutaway.manifest import verify
    from cutaway.web.serve import check
    from cutaway.web.serve import serve as run
    from cutaway.web.settings import parse_arguments

    with usage_errors():
        settings = parse_arguments(context.args)
    for model in settings.models:
        path = weights.find(model)
        verify(path.read_bytes(), path.name)
    check(settings)
    print(f"Cutaway is at {settings.url} (Ctrl+C stops it)", flush=True)
    run(settings)
