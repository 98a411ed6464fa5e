"""The examples in the docs run, page by page from top to bottom, and answer as the page shows.

In a `console` block a line after `$ ` is a command (`> ` goes on with it), and the lines below are what the terminal
shows. `...` stands for any text in a line; alone, for any lines. A block with `title="NAME"` is a file that is
written; a Python file with a hook in it is a plugin from then on, as if it had been installed. What stands in a comment
that begins with `<!-- before` runs too. Each page has a folder of its own, with the local store as its connection, and
the clock stands at 2025-06-01T00:00:00Z.
"""

from __future__ import annotations

import importlib.util
import io
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from sfs_core import EventTime, SetClock
from sfs_core.application import run
from tests.conftest import Terminal
from tests.source_tree import ROOT

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
CONFIG = 'default = "dev"\n\n[connections.dev]\nstore = "local"\npath = "./feature-store"\n'
BLOCK = re.compile(
    r'^(?P<indent> *)```(?:console|\w+ title="(?P<file>[^"]+)")\n(?P<text>.*?)^(?P=indent)```$',
    re.MULTILINE | re.DOTALL,
)
BEFORE = re.compile(r"^<!-- before\n(?P<text>.*?)^-->$", re.MULTILINE | re.DOTALL)
QUESTION = re.compile(r"(to go on: )(.*)\n")


@dataclass(frozen=True)
class Example:
    """A command and what it shows, or a file and what it holds."""

    page: Path
    line: int
    given: str
    shown: str
    is_file: bool = False

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}: {self.given}"


def examples(page: Path) -> list[Example]:
    text = page.read_text("utf-8")
    found: list[tuple[int, Example]] = []
    for match in [*BLOCK.finditer(text), *BEFORE.finditer(text)]:
        line = text.count("\n", 0, match.start("text")) + 1
        block = textwrap.dedent(match["text"]) if match.groupdict().get("indent") else match["text"]
        if match.groupdict().get("file"):
            found.append((match.start(), Example(page, line, match["file"], block, is_file=True)))
        else:
            found += [(match.start("text") + at, one) for at, one in _commands(page, line, block)]
    return [example for _, example in sorted(found, key=lambda one: one[0])]


def _commands(page: Path, line: int, text: str) -> Iterator[tuple[int, Example]]:
    """Yield where in the text each command is, and the command."""
    at = 0
    for part in re.split(r"^(?=\$ )", text, flags=re.MULTILINE):
        if part.startswith("$ "):
            match = re.match(r"\$ (.*\n(?:> .*\n)*)", part)
            assert match is not None
            command = match[1].replace("\\\n> ", " ").strip()
            yield at, Example(page, line, command, part[match.end() :])
        line, at = line + part.count("\n"), at + len(part)


WITH_EXAMPLES = [page for page in PAGES if examples(page)]


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda path: path.name)
def test_the_examples_of_a_page_answer_as_it_shows(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in os.environ if name.startswith(("SFS_", "AWS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sagemaker-fs.toml").write_text(CONFIG, "utf-8")

    plugins: list[tuple[str, object]] = []
    for example in examples(page):
        if example.is_file:
            Path(example.given).write_text(example.shown, "utf-8")
            if "@hookimpl" in example.shown:
                plugins.append((Path(example.given).stem, module_of(Path(example.given), monkeypatch)))
            continue
        terminal = shown_by(example, tmp_path, plugins)

        assert matches(example.shown, terminal), f"{example}\n--- the page shows\n{example.shown}--- it is\n{terminal}"


def module_of(path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module of a file, known by its name until the test ends, as its dataclasses need."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, path.stem, module)
    spec.loader.exec_module(module)
    return module


def shown_by(example: Example, folder: Path, plugins: Iterable[tuple[str, object]]) -> str:
    """Return what a terminal shows of a command, answers typed at questions included."""
    if not example.given.startswith("sagemaker-fs ") or "|" in example.given:
        return in_a_shell(example.given, folder)
    typed = "".join(f"{answer}\n" for _, answer in QUESTION.findall(example.shown))
    terminal = io.StringIO()
    run(
        shlex.split(example.given)[1:],
        environ={"SFS_STATE_DIR": str(folder / "state")},
        stdin=Terminal(typed) if typed else io.StringIO(),
        stdout=terminal,
        stderr=terminal,
        folder=folder,
        clock=SetClock(EventTime.parse("2025-06-01T00:00:00Z", seconds=False)),
        plugins=plugins,
    )
    answers = iter(QUESTION.findall(example.shown))
    return re.sub(r"to go on: ", lambda question: f"{question[0]}{next(answers)[1]}\n", terminal.getvalue())


def in_a_shell(command: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "SFS_STATE_DIR": str(folder / "state")}
    answer = subprocess.run(
        ["bash", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environ,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return answer.stdout


def matches(shown: str, terminal: str) -> bool:
    pattern = ""
    for line in shown.rstrip("\n").split("\n"):
        pattern += r"(?:.*\n)*" if line == "..." else ".*".join(map(re.escape, line.rstrip().split("..."))) + r"[ ]*\n"
    return (
        re.fullmatch(pattern if shown.strip() else "", terminal.rstrip("\n") + "\n" if terminal.strip() else "")
        is not None
    )


def test_the_pages_a_newcomer_reads_have_examples_that_run():
    names = {page.name for page in WITH_EXAMPLES}

    assert {"clear-and-migrate.md", "your-first-plugin.md", "clear-a-group.md"} <= names


def test_lines_left_out_match_any_and_others_only_themselves():
    assert matches("a ... c\n...\nend\n", "a b c\nx\ny\nend\n")
    assert not matches("a\n", "a\nb\n")
    assert not matches("", "a\n")


@pytest.mark.parametrize(("page", "folder"), [("docs/tutorial/your-first-plugin.md", "tests/third_party/sfs_sqlite")])
def test_the_plugin_of_the_tutorial_is_the_one_that_is_really_installed_in_a_test(page: str, folder: str):
    files = {example.given: example.shown for example in examples(ROOT / page) if example.is_file}

    for name in ("pyproject.toml", "sfs_sqlite.py", "test_sfs_sqlite.py"):
        [path] = (ROOT / folder).rglob(name)
        assert files[name] == path.read_text("utf-8")
