"""What is wrong with a request, in the words AWS uses: walked slowly, once a check has said no."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sfs_plugins.sandbox.models import Model, Shape, model
from sfs_plugins.sandbox.patterns import compiled
from sfs_plugins.sandbox.wire import Failure

_JSON_NAMES = {str: "STRING_VALUE", bool: "TRUE_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE"}
_WANTED = {
    "string": (str, "String"), "integer": (int, "Integer"), "long": (int, "Long"), "boolean": (bool, "Boolean"),
    "list": (list, "List"), "map": (dict, "Map"), "structure": (dict, "Object"), "blob": (str, "Blob"),
}  # fmt: skip
_MAX_MESSAGE = 2048


def refusal(service: str, operation: str, parameters: Any, code: str) -> Failure:
    """Return the failure that says everything that is wrong with an operation's parameters."""
    loaded = model(service)
    problems = list(_problems(loaded, loaded.input_of(operation), parameters, ""))
    noun = "error" if len(problems) == 1 else "errors"
    return Failure(code, f"{len(problems)} validation {noun} detected: {'; '.join(problems)}"[:_MAX_MESSAGE])


def _problems(loaded: Model, name: str, value: Any, path: str) -> Iterator[str]:
    shape = loaded.shapes[name]
    kind = shape["type"]
    _check_type(kind, value)
    yield from _bounds(shape, value, path)
    if kind == "list":
        for number, item in enumerate(value, 1):
            yield from _problems(loaded, shape["member"]["shape"], item, f"{path}.{number}.member")
    elif kind == "map":
        for key, item in value.items():
            yield from _problems(loaded, shape["key"]["shape"], key, f"{path}.{key}.key")
            yield from _problems(loaded, shape["value"]["shape"], item, f"{path}.{key}.value")
    elif kind == "structure":
        for member, reference in shape["members"].items():
            inner = f"{path}.{_lower(member)}".removeprefix(".")
            item = value.get(member)
            if item is not None:
                yield from _problems(loaded, reference["shape"], item, inner)
            elif member in shape.get("required", ()):
                yield f"Value null at '{inner}' failed to satisfy constraint: Member must not be null"


def _check_type(kind: str, value: Any) -> None:
    wanted, words = _WANTED.get(kind, ((int, float), "Double"))
    is_fine = isinstance(value, wanted) and (kind == "boolean" or not isinstance(value, bool))
    if not is_fine:
        given = _JSON_NAMES.get(type(value), "START_ARRAY" if isinstance(value, list) else "START_OBJECT")
        raise Failure("SerializationException", f"{given} can not be converted to {words}")


def _bounds(shape: Shape, value: Any, path: str) -> Iterator[str]:
    kind = shape["type"]
    start = f"Value '{_shown(value)}' at '{path}' failed to satisfy constraint: Member must"
    if kind == "string":
        if "enum" in shape and value not in shape["enum"]:
            yield f"{start} satisfy enum value set: [{', '.join(shape['enum'])}]"
        if "pattern" in shape and not compiled(shape["pattern"]).fullmatch(value):
            yield f"{start} satisfy regular expression pattern: {shape['pattern']}"
    if kind in ("string", "list", "map", "blob"):
        size, words = len(value), "length"
    elif kind in ("integer", "long", "float", "double"):
        size, words = value, "value"
    else:
        return
    if "max" in shape and size > shape["max"]:
        yield f"{start} have {words} less than or equal to {shape['max']}"
    if "min" in shape and size < shape["min"]:
        yield f"{start} have {words} greater than or equal to {shape['min']}"


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else text[:200] + "..."


def _lower(member: str) -> str:
    return member[:1].lower() + member[1:]
