"""Names in DDL that the parser leaves opaque: `db`.`table`, lists of 'name'='value', patterns of names."""

from __future__ import annotations

import re
from typing import Final

TABLE: Final = r"(?:[`\"]?(?P<database>\w+)[`\"]?\.)?[`\"]?(?P<name>[\w$]+)[`\"]?"
"""A table's name, in groups `database` (perhaps none) and `name`."""
_PAIR = re.compile(r"'((?:[^']|'')*)'\s*=\s*'((?:[^']|'')*)'|[`\"]?(\w+)[`\"]?\s*=\s*(?:'((?:[^']|'')*)'|(-?[\w.]+))")


def pairs(text: str) -> dict[str, str]:
    """Return the pairs of `'name'='value'` and `name = value`, in order."""
    found: dict[str, str] = {}
    for one in _PAIR.finditer(text):
        name = one[1] if one[1] is not None else one[3]
        value = next(part for part in (one[2], one[4], one[5]) if part is not None)
        found[name.replace("''", "'")] = value.replace("''", "'")
    return found


def names_like(pattern: str | None) -> re.Pattern[str]:
    """Return Hive's pattern of names: `*` for anything, `|` for either."""
    return re.compile(".*" if pattern is None else "|".join(
        ".*".join(re.escape(part) for part in one.split("*")) for one in pattern.split("|")
    ), re.IGNORECASE)  # fmt: skip
