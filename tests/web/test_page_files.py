"""What the page is made of, as files."""

import json
import re
import subprocess

from cutaway.confidence import SURE, UNSURE
from web.browser import ROOT, STATIC, require

HEAVIEST = 150_000
"""Bytes of the whole page as it is sent, uncompressed, without the sample photo."""

FILES = [path for path in STATIC.rglob("*") if path.is_file()]
LOCALES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in STATIC.glob("locales/*.json")}
SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in STATIC.rglob("*.js")}
INDEX = (STATIC / "index.html").read_text(encoding="utf-8")


def test_the_page_is_light() -> None:
    assert sum(path.stat().st_size for path in FILES) < HEAVIEST


def test_every_language_has_every_text() -> None:
    assert {"en", "he"} <= set(LOCALES)
    for texts in LOCALES.values():
        assert texts.keys() == LOCALES["en"].keys()
        assert all(texts.values())


def test_every_language_fills_in_the_same_values() -> None:
    def values(text: str) -> set[str]:
        return set(re.findall(r"\{\w+\}", text))

    for texts in LOCALES.values():
        assert {key: values(text) for key, text in texts.items()} == {
            key: values(text) for key, text in LOCALES["en"].items()
        }


def test_every_text_that_is_named_exists_and_is_used() -> None:
    named = set(re.findall(r'data-i18n(?:-label)?="([^"]+)"', INDEX))
    for script in SCRIPTS.values():
        named |= set(re.findall(r'\bt\(\s*"([^"]+)"', script))
    assert named <= LOCALES["en"].keys()
    built = ("problem.", "sure.", "camera.", "photo.", "tool.hint.")
    assert {key for key in LOCALES["en"].keys() - named if not key.startswith(built)} == set()


def test_the_page_is_unsure_where_the_library_is() -> None:
    stated = dict(re.findall(r"const (UNSURE|SURE) = ([\d.]+);", SCRIPTS["words.js"]))
    assert {name: float(value) for name, value in stated.items()} == {"UNSURE": UNSURE, "SURE": SURE}


def test_english_stands_in_the_page_before_any_script_runs() -> None:
    texts = re.findall(r'data-i18n="([^"]+)"[^>]*>([^<]+)<', INDEX)
    assert len(texts) > 20
    assert {key: text for key, text in texts if LOCALES["en"][key] != text} == {}


def test_nothing_is_inline_and_nothing_lies_elsewhere() -> None:
    assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*src=)", INDEX)
    addresses = {address for text in (INDEX, *SCRIPTS.values()) for address in re.findall(r"https?://[\w./]+", text)}
    assert addresses <= {"http://www.w3.org/2000/svg"}


def test_modules_stay_small() -> None:
    assert {name for name, text in SCRIPTS.items() if text.count("\n") > 250} == set()


def test_types_fit() -> None:
    compiler = ROOT / "node_modules" / ".bin" / "tsc"
    require(compiler.exists(), "TypeScript: npm ci")
    checked = subprocess.run([compiler, "-p", ROOT], capture_output=True, text=True)
    assert checked.stdout == ""
    assert checked.returncode == 0


def test_every_module_is_fetched_at_once() -> None:
    """Not one after the other, as one names the next."""
    preloaded = re.findall(r'<link rel="modulepreload" href="static/([^"]+)">', INDEX)
    modules = {path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.js")}
    assert sorted(preloaded) == sorted(modules - {"app.js"})
