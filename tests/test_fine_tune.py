"""docs/fine-tune.md, run from its first command to its last on drawn people, in the order of the page."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import cutaway
from commands import Command
from cutaway.runtime import Runtime
from folders import write_people

PAGE = (Path(__file__).parents[1] / "docs" / "fine-tune.md").read_text(encoding="utf-8")
PORTRAIT = Path(cutaway.__file__).parent / "samples" / "astronaut.jpg"
QUICK = ["optim.steps=2", "fit.size=32", "augment.canvas=32", "run.accelerator=cpu"]


@pytest.fixture(autouse=True, scope="module")
def torch_as_it_was() -> Iterator[None]:
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


def commands() -> list[list[str]]:
    """Return the words of each line of the page's shell blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


def quickly(words: list[str]) -> list[str]:
    """Return the words of a command, with few small steps where it trains."""
    return [*words, *(word for setting in QUICK for word in ("--set", setting))] if words[0] == "train" else words


def run_page(command: Command) -> None:
    """Run what the page says, and mend the masks where it says so."""
    for program, *words in commands():
        assert program == "cutaway"
        finished = command(*quickly(words))
        assert finished.code == 0, (words, finished.errors)
        if "--mask" in words:
            masks = sorted(path.name for path in Path("mine/masks").iterdir())
            assert masks == sorted(path.name for path in Path("mine/images").iterdir()), "named as they are needed"
            shutil.copytree("true-masks", "mine/masks", dirs_exist_ok=True)


def test_the_page_leads_from_photographs_to_weights_that_cut_out(
    cutaway_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_people(Path("mine"), "ttttttttvv")
    Path("mine/masks").rename("true-masks")
    shutil.copy(PORTRAIT, "selfie.jpg")
    run_page(cutaway_command)
    assert Runtime("mine.onnx").manifest.architecture == "tiramisu-mobile"
    assert Path("selfie-cutout.png").exists()


def test_five_photographs_are_enough_to_train(
    cutaway_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_people(Path("mine"), "ttttv")
    (train,) = [words for _, *words in commands() if words[0] == "train"]
    assert cutaway_command(*quickly(train)).code == 0


def test_the_lines_of_its_index_are_those_of_a_folder() -> None:
    (listed,) = re.findall(r"^```csv\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert listed.splitlines()[0] == "set,stem,split"
    assert {line.split(",")[2] for line in listed.splitlines()[1:]} <= {"train", "val", "test"}
