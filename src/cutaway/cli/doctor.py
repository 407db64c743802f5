"""``cutaway doctor``: what is installed here, and whether it works."""

import typer


def doctor() -> None:
    """Show versions, extras, execution providers, models and limits.

    Exit code: 0, or 3 if a model is damaged or missing.
    """
    import platform

    from cutaway.imagefile import LIMITS
    from cutaway.runtime import available_providers

    _show("cutaway", _version("cutaway") or "not installed")
    _show("python", f"{platform.python_version()} on {platform.platform()}")
    for name in ("numpy", "pillow", "pyvips", "onnxruntime"):
        _show(name, _version(name) or "missing")
    for extra in ("data", "heic", "matting", "train", "web"):
        _show(f"[{extra}]", _extra(extra))
    _show("providers", ", ".join(available_providers()))
    megabytes, megapixels = LIMITS.max_bytes / 1e6, LIMITS.max_pixels / 1e6
    _show("limits", f"{megabytes:g} MB a file, {megapixels:g} megapixels, {LIMITS.max_side} pixels a side")
    if not _models_are_whole():
        raise typer.Exit(3)


def _show(subject: str, facts: str) -> None:
    print(f"{subject:<12} {facts}")


def _version(distribution: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _extra(name: str) -> str:
    from cutaway.cli.extras import packages

    versions = {package: _version(package) for package in packages(name)}
    if missing := [package for package, version in versions.items() if version is None]:
        return f"without {', '.join(missing)}; pip install 'cutaway[{name}]'"
    return ", ".join(f"{package} {version}" for package, version in versions.items())


def _models_are_whole() -> bool:
    """Load every installed model, say what came of it, and return whether all are as released."""
    from cutaway import weights
    from cutaway.errors import ModelError
    from cutaway.runtime import Runtime

    whole = True
    for name in dict.fromkeys([weights.DEFAULT, *weights.names()]):
        try:
            _show(name, f"version {Runtime(name).manifest.version}, digest matches")
        except ModelError as error:
            _show(name, str(error))
            whole = False
    return whole
