"""Glue's SearchTables: tables of every database by a text in them, by filters, in an order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from operator import eq, ge, gt, le, lt
from typing import Any

from sfs_plugins.sandbox.glue.catalog import Table
from sfs_plugins.sandbox.wire import Failure

_TIMES = {"createtime": "CreateTime", "updatetime": "UpdateTime", "lastaccesstime": "LastAccessTime"}
_TEXTS = {
    "name": "Name", "databasename": "DatabaseName", "description": "Description", "owner": "Owner",
    "tabletype": "TableType",
}  # fmt: skip
_COMPARATORS: dict[str, Callable[[float, float], bool]] = {
    "EQUALS": eq, "GREATER_THAN": gt, "LESS_THAN": lt, "GREATER_THAN_EQUALS": ge, "LESS_THAN_EQUALS": le,
}  # fmt: skip
_BETWEEN_TOKENS = re.compile(r"[^0-9a-z]+")


def searched(tables: Iterable[Table], given: dict[str, Any]) -> list[Table]:
    """Return the tables that a request asks for, in the order that it asks for. Raises Failure.

    A text is looked for in names, descriptions, columns and parameters; one in quotes is all of one of these. A
    filter's value is all of what it names or one of its words; only times are compared. Source: Glue API, SearchTables.
    """
    text = (given.get("SearchText") or "").lower()
    found = [table for table in tables if _has(table, text)]
    for one in given.get("Filters") or ():
        found = [table for table in found if _passes(table, one)]
    for order in reversed(given.get("SortCriteria") or ()):
        name = order.get("FieldName") or "Name"
        found.sort(key=lambda table: _order(table, name), reverse=order.get("Sort") == "DESC")
    return found


def _has(table: Table, text: str) -> bool:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1] in _texts(table)
    return any(text in one for one in _texts(table))


def _texts(table: Table) -> Iterator[str]:
    """Yield every text that a table has, in lower case."""
    columns = [*((table.get("StorageDescriptor") or {}).get("Columns") or ()), *(table.get("PartitionKeys") or ())]
    parameters = table.get("Parameters") or {}
    told = [table.get(name) for name in _TEXTS.values()]
    told += [column.get(name) for column in columns for name in ("Name", "Comment")]
    yield from (str(one).lower() for one in (*told, *parameters, *parameters.values()) if one)


def _value(table: Table, name: str) -> Any:
    """Return what a field or parameter of a table says, by its name in any case."""
    known = _TEXTS | _TIMES
    if name.lower() in known:
        return table.get(known[name.lower()])
    parameters = {key.lower(): value for key, value in (table.get("Parameters") or {}).items()}
    return parameters.get(name.lower())


def _order(table: Table, name: str) -> tuple[bool, Any]:
    value = _value(table, name)
    return value is not None, (value if name.lower() in _TIMES else str(value).lower()) if value is not None else 0


def _passes(table: Table, one: dict[str, Any]) -> bool:
    name, wanted = one.get("Key") or "Name", str(one.get("Value") or "")
    found = _value(table, name)
    if found is None:
        return False
    if name.lower() in _TIMES:
        if not re.fullmatch(r"\d+(\.\d+)?", wanted):
            raise Failure("InvalidInputException", f"{name} is compared with Unix seconds, not with {wanted!r}")
        return _COMPARATORS[one.get("Comparator") or "EQUALS"](float(found), float(wanted))
    text = str(found).lower()
    return wanted.lower() == text or wanted.lower() in _BETWEEN_TOKENS.split(text)
