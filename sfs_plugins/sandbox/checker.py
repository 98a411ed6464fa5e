"""Functions that tell whether a request has its model's shape: generated, so that a good request costs next to nothing.

A generated function only says yes or no; what is wrong, and in which words, is the slow walker's part (`refusal.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from sfs_plugins.sandbox.models import Model, Shape, model
from sfs_plugins.sandbox.patterns import compiled

Check = Callable[[Any], bool]
_MAX_KNOWN = 20_000
_TYPES = {
    "integer": "int", "long": "int", "boolean": "bool", "blob": "str", "string": "str", "list": "list", "map": "dict",
    "structure": "dict",
}  # fmt: skip


@cache
def checker(service: str, operation: str) -> Check:
    """Return the function that tells whether an operation's parameters are good."""
    loaded = model(service)
    return _Writer(loaded).function(loaded.input_of(operation))


class _Writer:
    """Writes Python for one shape; `names` is what the code refers to."""

    def __init__(self, loaded: Model) -> None:
        self.model = loaded
        self.names: dict[str, Any] = {}
        self.functions: dict[str, str] = {}
        self.count = 0

    def function(self, shape: str) -> Check:
        """Return the compiled check of a shape."""
        self._declare(shape)
        source = "\n".join(self.functions.values())
        exec(compile(source, f"<check of {shape}>", "exec"), self.names)  # noqa: S102  (code made here, of the model)
        found: Check = self.names[f"check_{shape}"]
        return found

    def _declare(self, shape: str) -> None:
        self.functions[shape] = ""
        lines = [f"def check_{shape}(v):", *self._lines(shape, "v", 1, (shape,)), "    return True"]
        self.functions[shape] = "\n".join(lines)

    def _lines(self, name: str, v: str, depth: int, above: tuple[str, ...]) -> Iterator[str]:
        """Yield statements that return False unless the variable `v` has the shape."""
        shape = self.model.shapes[name]
        kind, pad = shape["type"], "    " * depth
        expected = _TYPES.get(kind)
        if kind == "string":
            yield f"{pad}if {self._text_condition(shape, v)}: return False"
            return
        if expected is None:
            yield f"{pad}if type({v}) is not int and type({v}) is not float: return False"
        else:
            yield f"{pad}if type({v}) is not {expected}: return False"
        low, high = shape.get("min"), shape.get("max")
        measure = f"len({v})" if kind in ("list", "map", "blob") else v
        for bound, sign in ((low, "<"), (high, ">")):
            if bound is not None and not (kind in ("list", "map", "blob") and bound == 0):
                yield f"{pad}if {measure} {sign} {bound}: return False"
        if kind == "list":
            item = self._name()
            yield f"{pad}for {item} in {v}:"
            yield from self._nested(shape["member"]["shape"], item, depth + 1, above)
        elif kind == "map":
            key, value = self._name(), self._name()
            yield f"{pad}for {key}, {value} in {v}.items():"
            yield from self._nested(shape["key"]["shape"], key, depth + 1, above)
            yield from self._nested(shape["value"]["shape"], value, depth + 1, above)
        elif kind == "structure":
            yield from self._members(shape, v, depth, above)

    def _members(self, shape: Shape, v: str, depth: int, above: tuple[str, ...]) -> Iterator[str]:
        pad, required = "    " * depth, shape.get("required", ())
        for member, reference in shape["members"].items():
            item = self._name()
            yield f"{pad}{item} = {v}.get({member!r})"
            if member in required:
                yield f"{pad}if {item} is None: return False"
                yield from self._nested(reference["shape"], item, depth, above)
            else:
                yield f"{pad}if {item} is not None:"
                yield from self._nested(reference["shape"], item, depth + 1, above)

    def _nested(self, shape: str, v: str, depth: int, above: tuple[str, ...]) -> Iterator[str]:
        if shape in above:
            # a shape that holds itself is checked by a call
            if shape not in self.functions:
                self._declare(shape)
            yield f"{'    ' * depth}if not check_{shape}({v}): return False"
            return
        yield from self._lines(shape, v, depth, (*above, shape))

    def _text_condition(self, shape: Shape, v: str) -> str:
        """Return the condition that a text is bad; texts that passed a pattern once are remembered."""
        low, high, pattern = shape.get("min"), shape.get("max"), shape.get("pattern")
        bad = f"type({v}) is not str"
        if "enum" in shape:
            return f"{bad} or {v} not in {self._constant(frozenset(shape['enum']))}"
        if pattern not in (None, ".*", ".+"):
            known = self._constant(set())
            matches = self._constant(_remembering(shape, self.names[known]))
            return f"{bad} or ({v} not in {known} and not {matches}({v}))"
        if low:
            bad += f" or len({v}) < {low}"
        return bad + (f" or len({v}) > {high}" if high is not None else "")

    def _constant(self, value: Any) -> str:
        name = f"C{len(self.names)}"
        self.names[name] = value
        return name

    def _name(self) -> str:
        self.count += 1
        return f"v{self.count}"


def _remembering(shape: Shape, known: set[str]) -> Callable[[str], bool]:
    low, high, pattern = shape.get("min", 0), shape.get("max"), compiled(shape["pattern"])

    def matches(text: str) -> bool:
        if len(text) < low or (high is not None and len(text) > high) or not pattern.fullmatch(text):
            return False
        if len(known) < _MAX_KNOWN:
            known.add(text)
        return True

    return matches
