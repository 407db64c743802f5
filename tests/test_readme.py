"""What the README and the docs promise is there: commands, options, links, and a snippet that runs."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
import typer.main

import cutaway
from cutaway.cli.app import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PORTRAIT = Path(cutaway.__file__).parent / "samples" / "astronaut.jpg"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def shell_lines(command: str) -> list[list[str]]:
    """Return the words of each line of the README's shell blocks that begins with ``command``."""
    words = [shlex.split(line, comments=True) for block in blocks("sh") for line in block.splitlines()]
    return [line for line in words if line[:1] == [command]]


@pytest.mark.parametrize("line", shell_lines("make"), ids=" ".join)
def test_makefile_has_the_target(line: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{line[1]}:", makefile, re.MULTILINE)


def test_the_two_commands_of_a_fresh_clone_are_shown() -> None:
    assert shell_lines("make") == [["make", "demo"], ["make", "test"]]


@pytest.mark.parametrize("line", shell_lines("cutaway"), ids=" ".join)
def test_command_and_its_options_exist(line: list[str]) -> None:
    group = typer.main.get_command(app)
    command = group.commands[line[1]]  # type: ignore[attr-defined]
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word.partition("=")[0] for word in line[2:] if re.match(r"--?\w", word)} <= known


def test_python_snippet_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(PORTRAIT, tmp_path / "selfie.jpg")
    monkeypatch.chdir(tmp_path)
    scope: dict[str, cutaway.Cutout] = {}
    (snippet,) = blocks("python")
    exec(snippet, scope)  # noqa: S102 - our own README
    assert scope["cutout"].found_person
    assert (tmp_path / "selfie.png").exists()


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *(str(p.relative_to(ROOT)) for p in ROOT.glob("docs/**/*.md"))]
)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert [target for target in targets if not (ROOT / page).parent.joinpath(target).exists()] == []
