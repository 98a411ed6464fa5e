"""The reference is written from the code, is not stale, and leaves nothing out."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from sfs_core import KINDS, ExitCode
from tests.source_tree import ROOT, modules

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
REFERENCE = {path.name: path.read_text("utf-8") for path in sorted((DOCS / "reference").glob("*.md"))}


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = _generator()
PLUGINS = GENERATOR.documented()


def test_no_generated_page_is_stale():
    stale = [name for name, text in GENERATOR.pages().items() if REFERENCE.get(name) != text]

    assert stale == [], "run `uv run python docs/generate.py`"


@pytest.mark.parametrize("name", PLUGINS.commands)
def test_every_command_is_documented(name: str):
    assert f"\n## {name}\n" in REFERENCE["commands.md"]


@pytest.mark.parametrize("hook", KINDS)
def test_every_hook_is_documented(hook: str):
    assert f"\n## {hook}\n" in REFERENCE["hooks.md"]


@pytest.mark.parametrize("hook", [hook for hook in KINDS if hook != "sfs_commands"])
def test_every_part_is_documented(hook: str):
    for name in PLUGINS.parts(hook):
        assert f"\n### {name}\n" in REFERENCE["parts.md"]


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_is_documented(code: ExitCode):
    assert f"\n| {code.value} | " in REFERENCE["exit-codes.md"]


def test_every_environment_variable_is_documented():
    rooms = [f"sfs_plugins/{name.removeprefix('sfs-').replace('-', '_')}" for name in GENERATOR.rooms() - {"sfs-core"}]
    used = {name for module in modules("sfs_core", *rooms) for name in re.findall(r"\bSFS_[A-Z_]+\b", module.text)}

    assert {name for name in used if f"`{name}`" not in REFERENCE["environment.md"]} == set()


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES], ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8"))

    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]

    assert broken == []


@pytest.mark.parametrize("hook", KINDS)
def test_the_example_that_a_hook_names_is_there(hook: str):
    text = REFERENCE["hooks.md"].split(f"\n## {hook}\n")[1].split("\n## ")[0]

    [example] = re.findall(r"\[(docs/\S+\.md)\]", text)
    assert (ROOT / example).exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_page_can_be_reached_from_the_index(page: Path):
    index = (DOCS / "index.md").read_text("utf-8")

    assert page.name == "index.md" or f"({page.relative_to(DOCS)})" in index
