"""Answers on stdout: the same lines as a table, JSON, JSON lines, YAML or CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, TextIO

from sfs_core.messages import in_english


class Output(StrEnum):
    """The forms an answer comes in."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    YAML = "yaml"
    CSV = "csv"


def render(lines: Iterable[Mapping[str, Any]], columns: Sequence[str], output: Output, stream: TextIO) -> None:
    """Write lines of values by column to `stream`, nothing else.

    JSON lines, and CSV, are written as they come; the other forms take all lines first. An absent value is an empty
    cell, or null. Nested values are JSON in a table or CSV. Sentences are in the user's language in a table alone.
    """
    if output is Output.JSONL:
        for line in lines:
            stream.write(_json({column: line.get(column) for column in columns}) + "\n")
    elif output is Output.CSV:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(in_english(line.get(column))) for column in columns] for line in lines)
    elif output is Output.TABLE:
        from tabulate import tabulate

        rows = [[_cell(line.get(column)) for column in columns] for line in lines]
        stream.write(tabulate(rows, headers=list(columns), tablefmt="plain", disable_numparse=True) + "\n")
    else:
        _document([{column: line.get(column) for column in columns} for line in lines], output, stream)


def render_one(value: Mapping[str, Any], output: Output, stream: TextIO) -> None:
    """Write one thing: its names and values as a two-column table or CSV, or as one JSON or YAML object."""
    if output in (Output.TABLE, Output.CSV):
        lines = [{"name": name, "value": item} for name, item in value.items() if item is not None]
        render(lines, ("name", "value"), output, stream)
    elif output is Output.JSONL:
        stream.write(_json(value) + "\n")
    else:
        _document(value, output, stream)


def _document(value: object, output: Output, stream: TextIO) -> None:
    if output is Output.JSON:
        stream.write(json.dumps(value, ensure_ascii=False, indent=2, default=_plain) + "\n")
        return
    import yaml

    plain = json.loads(_json(value))
    yaml.safe_dump(plain, stream, allow_unicode=True, sort_keys=False)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _json(value) if isinstance(value, (list, tuple, dict)) else str(value)


def _plain(value: object) -> str:
    return str(in_english(value))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)
