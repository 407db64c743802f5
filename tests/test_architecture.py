"""Who may import whom, held against the code; and that the core stays light."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import cutaway

PACKAGE = Path(cutaway.__file__).parent
PICTURES = {
    "filekind",
    "vips",
    "tiles",
    "resampling",
    "photo",
    "colour",
    "pixels",
    "imagefile",
    "geometry",
    "evidence",
    "regions",
    "lines",
    "discriminant",
    "refine",
    "closed_form",
    "foreground",
    "composite",
    "cutout",
}
VIEWS = {"head", "framing", "shadow", "look", "options"}
CORE = (
    {"types", "errors", "ort", "manifest", "weights", "runtime", "confidence", "prediction", "remover"}
    | PICTURES
    | VIEWS
)

# A module of the core, or a sub-package: what it may import of ours besides itself. Nothing but __main__ imports "cli".
ALLOWED: dict[str, set[str]] = {
    "types": set(),
    "errors": set(),
    "filekind": {"errors"},
    "vips": set(),
    "ort": set(),
    "photo": {"types", "errors"},
    "colour": {"types", "errors", "vips"},
    "pixels": {"types", "errors", "vips", "photo", "colour"},
    "tiles": {"types", "errors"},
    "resampling": {"types", "errors", "tiles"},
    "imagefile": {"types", "errors", "filekind", "vips", "photo", "colour", "pixels"},
    "geometry": {"types", "errors", "tiles"},
    "manifest": {"types", "errors", "geometry"},
    "composite": {"types", "errors", "tiles", "resampling"},
    "foreground": {"types", "errors", "tiles", "resampling", "composite"},
    "evidence": {"types", "errors"},
    "regions": {"types"},
    "lines": set(),
    "discriminant": {"types", "lines", "resampling"},
    "refine": {"types", "errors", "geometry", "tiles", "evidence", "regions", "lines", "discriminant", "resampling"},
    "closed_form": {"types", "errors", "geometry", "tiles", "refine", "resampling"},
    "head": {"types", "errors", "composite"},
    "framing": {"types", "errors", "composite", "head", "resampling"},
    "shadow": {"types", "errors", "composite", "tiles", "resampling"},
    "cutout": {"types", "errors", "photo", "colour", "imagefile", "foreground", "composite", "framing", "shadow"},
    "weights": {"types", "errors"},
    "runtime": {"types", "errors", "ort", "manifest", "weights"},
    "look": {"types", "composite", "cutout", "framing", "imagefile", "photo"},
    "options": {"errors", "composite", "framing", "imagefile", "look", "photo"},
    "confidence": {"types", "errors", "manifest", "resampling"},
    "prediction": {"types", "colour", "composite", "confidence", "geometry", "resampling", "runtime", "tiles"},
    "remover": CORE - {"remover", "look", "options"},
    "": {"remover", "cutout", "imagefile"},
    "nets": set(),
    "data": {"types", "errors", "filekind", "imagefile", "geometry"},
    "evaluation": CORE | {"data"},
    "training": {"types", "errors", "ort", "imagefile", "geometry", "manifest", "weights", "nets", "data"},
    "__main__": {"cli"},
    "web": CORE | {""},
    "cli": CORE | {"", "data", "evaluation", "training", "web"},
}

THIRD_PARTY = {
    "nets": {"numpy", "torch"},
    "evaluation": {"numpy", "PIL", "onnxruntime"},
    "cli": {"numpy", "onnxruntime", "rich", "typer", "PIL"},
} | {row: {"numpy", "PIL", "onnxruntime", "pi_heif", "pyvips"} for row in CORE | {""}}
THIRD_PARTY["closed_form"] |= {"pymatting", "scipy"}


def modules() -> dict[str, Path]:
    """Return every module of the package by its full name."""
    return {_name(path): path for path in PACKAGE.rglob("*.py")}


def _name(path: Path) -> str:
    return ".".join(("cutaway", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def part(module: str) -> str:
    """Return the row of the table that ``cutaway.PART...`` belongs to."""
    return module.partition(".")[2].partition(".")[0]


def imports(path: Path, *, at_import_time: bool = False) -> Iterator[str]:
    """Yield the full name of everything that the module imports, in functions too unless ``at_import_time``."""
    pending: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import in line {node.lineno}"
            yield from (_module_of(node.module or "", alias.name) for alias in node.names)
        elif not (at_import_time and isinstance(node, ast.FunctionDef)):
            pending.extend(ast.iter_child_nodes(node))


def _module_of(module: str, name: str) -> str:
    """Return ``module.name`` if that is a module of ours, else ``module``: ``from package import x`` may be either."""
    full = f"{module}.{name}"
    return full if full in modules() else module


def ours(path: Path, *, at_import_time: bool = False) -> set[str]:
    found = imports(path, at_import_time=at_import_time)
    return {name for name in found if name == "cutaway" or name.startswith("cutaway.")}


def test_the_table_names_every_part() -> None:
    assert {part(name) for name in modules()} <= set(ALLOWED)


@pytest.mark.parametrize("module", sorted(modules()))
def test_module_imports_only_what_the_table_allows(module: str) -> None:
    used = {part(name) for name in ours(modules()[module])} - {part(module)}
    assert used <= ALLOWED[part(module)]


@pytest.mark.parametrize("module", sorted(name for name in modules() if part(name) in THIRD_PARTY))
def test_light_module_imports_only_light_packages(module: str) -> None:
    used = {name.partition(".")[0] for name in imports(modules()[module])} - {"cutaway"} - sys.stdlib_module_names
    assert used <= THIRD_PARTY[part(module)]


def test_starting_the_command_line_loads_none_of_its_commands_needs() -> None:
    """Or else ``cutaway --help`` would take as long as the slowest command."""
    loaded = run_python("import cutaway.cli.app, sys; print(*sys.modules)").split()
    assert not {"numpy", "PIL", "onnxruntime", "torch", "rich"} & set(loaded)


def test_siblings_are_imported_by_full_name() -> None:
    packages = {name for name, path in modules().items() if path.name == "__init__.py"} - {"cutaway"}
    offenders = {name: found for name, path in modules().items() if (found := ours(path) & packages)}
    assert offenders == {}


def test_there_are_no_import_cycles() -> None:
    graph = {name: ours(path, at_import_time=True) - {name} for name, path in modules().items()}
    TopologicalSorter(graph).prepare()


def test_the_table_itself_has_no_cycles() -> None:
    TopologicalSorter(ALLOWED).prepare()


def run_python(code: str, *arguments: str) -> str:
    command = [sys.executable, "-W", "error", "-c", code, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_base_install_stays_under_twenty_packages() -> None:
    found, pending = set(), [Requirement("cutaway")]
    while pending:
        wanted = pending.pop()
        found.add(wanted.name)
        for extra in ("", *wanted.extras):
            listed = map(Requirement, requires(wanted.name) or ())
            needed = [each for each in listed if each.marker is None or each.marker.evaluate({"extra": extra})]
            pending.extend(each for each in needed if each.name not in found)
    assert "numpy" in found
    assert len(found) < 20, sorted(found)


def test_core_works_where_training_and_web_packages_are_missing() -> None:
    code = """
import sys
for name in ("torch", "fastapi", "kornia", "scipy", "skimage", "matplotlib", "onnx", "pymatting"):
    sys.modules[name] = None
import cutaway
print(cutaway.remove(sys.argv[1]).found_person)
"""
    assert run_python(code, str(PACKAGE / "samples" / "astronaut.jpg")) == "True\n"


def test_importing_cutaway_loads_nothing_heavy() -> None:
    loaded = run_python("import cutaway, sys; print(*sys.modules)").split()
    assert not {"numpy", "PIL", "onnxruntime", "typer", "rich"} & set(loaded)
