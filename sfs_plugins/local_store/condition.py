"""The user's own condition in a query: one SQL expression over features, and nothing that reads elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sfs_core import BadOption, Message, say

_ALLOWED = frozenset(
    (
        "BETWEEN",
        "CASE",
        "CAST",
        "COLLATE",
        "COLUMN_REF",
        "COMPARISON",
        "CONJUNCTION",
        "CONSTANT",
        "FUNCTION",
        "OPERATOR",
        "TYPE",
    )
)
# functions that tell of the machine or change the session; DuckDB's settings forbid the rest of the outside
_FORBIDDEN_FUNCTIONS = frozenset(
    ("getenv", "current_setting", "set_config", "nextval", "currval", "query", "query_table")
)


def checked(condition: str) -> str:
    """Return a condition in parentheses, safe to put after WHERE. Raises BadOption unless it is one expression.

    The parser itself tells: the text must be the one item of a SELECT without anything else, and have no query in it.
    """
    statements = _parsed(f"SELECT {condition}\n")
    node: dict[str, Any] = statements[0]["node"] if len(statements) == 1 else {}
    if not _is_one_expression(node):
        raise bad_condition(condition, say("it is not one expression"))
    for part in _expressions(node["select_list"]):
        kind, name = part["class"], str(part.get("function_name", "")).lower()
        if kind not in _ALLOWED or name in _FORBIDDEN_FUNCTIONS:
            raise bad_condition(condition, say("it may not use {kind}", kind=name or kind.lower()))
    return f"({condition}\n)"


def bad_condition(condition: str, problem: object) -> BadOption:
    """Return the error for a condition that cannot be used."""
    expected: Message = say("an SQL condition over feature names ({problem})", problem=problem)
    return BadOption(option="--where", value=condition, expected=expected)


def _parsed(query: str) -> list[dict[str, Any]]:
    import duckdb

    with duckdb.connect() as connection:
        row = connection.execute("SELECT json_serialize_sql(?)", [query]).fetchone()
    answer: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    if answer["error"]:
        raise bad_condition(query.removeprefix("SELECT ").strip(), answer.get("error_message", ""))
    statements: list[dict[str, Any]] = answer["statements"]
    return statements


def _is_one_expression(node: dict[str, Any]) -> bool:
    """Tell whether a parsed query is `SELECT expression` and nothing more."""
    items = node.get("select_list", [])
    others = ("modifiers", "where_clause", "group_expressions", "group_sets", "having", "sample", "qualify")
    return (
        node.get("type") == "SELECT_NODE"
        and len(items) == 1
        and not items[0].get("alias")
        and node["from_table"]["type"] == "EMPTY"
        and not node["cte_map"]["map"]
        and not any(node.get(other) for other in others)
    )


def _expressions(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every expression in a parsed tree."""
    if isinstance(tree, dict):
        if "class" in tree:
            yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for part in tree:
            yield from _expressions(part)
