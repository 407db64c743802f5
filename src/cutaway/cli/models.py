"""``cutaway models``: what is installed, and whether it is whole."""

import typer


def models() -> None:
    """List the installed models: size, input, scores, licence.

    Exit code: 0, or 3 if a model is damaged.
    """
    from cutaway import weights
    from cutaway.cli.messages import complain
    from cutaway.errors import ModelError

    damaged = False
    for name in weights.names():
        try:
            print("\n".join(describe(name)))
        except ModelError as error:
            complain(str(error), about=name)
            damaged = True
    if damaged:
        raise typer.Exit(3)


def describe(name: str) -> list[str]:
    """Return what there is to say about the model ``name``, a line each.

    Raises ``ModelError`` when it is damaged.
    """
    from cutaway import weights
    from cutaway.runtime import Runtime

    facts = Runtime(name).manifest
    fit = facts.fit
    size = weights.find(name).stat().st_size
    scores = ", ".join(f"{data} {score:.3f}" for data, score in facts.scores.items())
    return [
        f"{name} {facts.version}" + (" (default)" if name == weights.DEFAULT else ""),
        f"  network    {facts.architecture}, {facts.parameters / 1e6:.2f} million parameters, {size / 1e6:.1f} MB",
        f"  input      {fit.rule}, about {fit.size} × {fit.size} pixels, sides in steps of {fit.multiple}",
        f"  scores     person IoU: {scores}",
        *(f"  trained on {part.name}; terms: {part.terms}" for part in facts.training_data),
        f"  licence    {facts.licence}",
        f"  SHA-256    {facts.sha256}",
    ]
