"""Each known way to be wrong is kept by tests of its side, which bear its number in their docstrings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.source_tree import ROOT, modules

PAGE = ROOT / "docs/explanation/known-ways-to-be-wrong.md"
LINES = {
    int(number): set(sides.split(", "))
    for number, sides in re.findall(r"^\| (\d+) \| ([a-z, ]+) \|", PAGE.read_text("utf-8"), re.M)
}


def marks() -> Iterator[tuple[int, str]]:
    """Yield the number of each mark in a test's docstring, and the side that the test is of."""
    for module in modules("tests", "sfs_core/testing/store_promises"):
        side = "sandbox" if "tests/sandbox" in str(module) else "tool"
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for numbers in re.findall(r"\[(\d+(?:, \d+)*)\]", ast.get_docstring(node) or ""):
                    yield from ((int(number), side) for number in numbers.split(", "))


KEPT = set(marks())


@pytest.mark.parametrize("number", LINES)
def test_every_line_is_kept_by_a_test_of_each_side(number: int):
    assert {side for side in ("sandbox", "tool") if (number, side) in KEPT} >= LINES[number]


def test_every_mark_is_of_a_line():
    assert {number for number, _ in KEPT} - set(LINES) == set()
    assert list(LINES) == list(range(1, len(LINES) + 1))
