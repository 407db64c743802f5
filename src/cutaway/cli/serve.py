"""``cutaway serve``: the web page and the HTTP server."""

import typer


def serve(context: typer.Context) -> None:
    """Serve the web page and the HTTP API.

    Its options are the fields of ``cutaway.web.settings``, read from the environment too: --queue or CUTAWAY_QUEUE.
    Exit code: 0 when told to stop, 2 wrong usage, 3 nothing could start.
    """
    from pydantic import ValidationError
    from pydantic_settings import CliApp, SettingsError

    from cutaway import weights
    from cutaway.cli.messages import complain
    from cutaway.manifest import verify
    from cutaway.web.serve import serve as run
    from cutaway.web.settings import Settings

    try:
        settings = CliApp.run(Settings, context.args)
    except (ValidationError, SettingsError) as error:
        for problem in error.errors() if isinstance(error, ValidationError) else ():
            complain(problem["msg"], about=" ".join(map(str, problem["loc"])) or None)
        raise typer.Exit(2) from error
    for model in settings.models:
        path = weights.find(model)
        verify(path.read_bytes(), path.name)
    scheme = "https" if settings.tls_key else "http"
    print(f"Cutaway is at {scheme}://{settings.host}:{settings.port}/ (Ctrl+C stops it)", flush=True)
    run(settings)
