"""Promises that every part chosen by name keeps, whatever it does."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from sfs_core.options import declared

HEAVY = ("boto3", "botocore", "duckdb", "numpy", "pandas", "pyarrow")
_ASKED = """
import importlib, sys
sys.path[:] = {path!r}
importlib.import_module({module!r})
print(*(name for name in {heavy!r} if name in sys.modules))
"""


def check_part(part: type[Any], fields: Sequence[str]) -> None:
    """Assert that a class is a named, frozen dataclass with these first fields and options after them."""
    assert re.fullmatch(r"[a-z][a-z0-9-]*", part.name), "a name is what an option takes: lower case, digits, hyphens"
    assert dataclasses.is_dataclass(part)
    assert part.__dataclass_params__.frozen, "a part is printed and compared with the plan: freeze it"  # type: ignore[attr-defined]
    assert part.__doc__, "the first line of its docstring is what people read of it"
    names = [field.name for field in dataclasses.fields(part)]
    assert names[: len(fields)] == list(fields)
    options = declared(part)
    assert names[len(fields) :] == [option.field for option in options], "fields are options: declare them so"
    assert all(option.help.endswith(".") for option in options), "an option's help is a sentence"


def check_light(part: type[Any]) -> None:
    """Assert that the module of a part, imported by itself, imports nothing heavy: plugins load on every `--help`."""
    code = _ASKED.format(path=sys.path, module=part.__module__, heavy=HEAVY)
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split() == [], "import it inside the function that needs it"
