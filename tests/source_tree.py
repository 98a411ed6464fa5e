"""The project's own source as syntax trees, for tests of its architecture."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = sorted(path.parent for path in (ROOT / "sfs_plugins").glob("*/pyproject.toml"))

_NOT_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
Definition = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Import:
    """One imported module. `is_lazy`: inside a function. `for_types`: under `if TYPE_CHECKING`.

    `from a import b` is `a`, and with `is_name` also `a.b`, which may be a module or a name in one.
    """

    module: str
    is_lazy: bool
    for_types: bool
    is_name: bool = False


@dataclass(frozen=True)
class Module:
    """A source file."""

    path: Path

    @property
    def name(self) -> str:
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def imports(self) -> list[Import]:
        return list(_imports(self.tree, is_lazy=False, for_types=False))

    @cached_property
    def code_lines(self) -> set[int]:
        """The numbers of lines with code on them: no docstrings, comments or blank lines."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        lines = {
            line for token in tokens if token.type not in _NOT_CODE for line in range(token.start[0], token.end[0] + 1)
        }
        return lines - _docstring_lines(self.tree)

    def functions(self) -> Iterator[tuple[str, int]]:
        """Yield every function's name and number of code lines."""
        for node in ast.walk(self.tree):
            if isinstance(node, Definition):
                lines = set(range(node.lineno, (node.end_lineno or 0) + 1))
                yield node.name, len(lines & self.code_lines)


def modules(*folders: str) -> list[Module]:
    """Return the source files below folders of the project."""
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [Module(path) for path in paths if "__pycache__" not in path.parts]


def _docstring_lines(tree: ast.Module) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(tree):
        for statement in getattr(node, "body", []) if not isinstance(node, (ast.Lambda, ast.IfExp)) else []:
            # a text that stands alone documents what is before it
            if _is_text(statement):
                lines |= set(range(statement.lineno, (statement.end_lineno or 0) + 1))
    return lines


def _is_text(statement: ast.stmt) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _imports(node: ast.AST, *, is_lazy: bool, for_types: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, is_lazy, for_types) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert not child.level, "relative imports hide where a name comes from"
            yield Import(child.module or "", is_lazy, for_types)
            yield from (Import(f"{child.module}.{alias.name}", is_lazy, for_types, True) for alias in child.names)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            for statement in child.body:
                yield from _imports(ast.Module([statement], []), is_lazy=is_lazy, for_types=True)
            for statement in child.orelse:
                yield from _imports(ast.Module([statement], []), is_lazy=is_lazy, for_types=for_types)
        else:
            yield from _imports(child, is_lazy=is_lazy or isinstance(child, Definition), for_types=for_types)
