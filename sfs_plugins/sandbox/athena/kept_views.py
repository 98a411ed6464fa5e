"""How a view lies in the catalogue: a table without a place, its query as base64 of JSON in a comment."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Final

from sfs_plugins.sandbox.athena.failures import QueryFailed
from sfs_plugins.sandbox.athena.output import Column
from sfs_plugins.sandbox.glue.catalog import Table

VIEW: Final = "VIRTUAL_VIEW"
_KEPT = re.compile(r"/\* Presto View: (\S+) \*/")


def is_view(table: Table) -> bool:
    """Tell whether a catalogued table is a view."""
    return table.get("TableType") == VIEW


def kept(query: str, database: str, columns: list[Column]) -> str:
    """Return the text in which a view's query is kept."""
    typed = [{"name": column.name, "type": column.type} for column in columns]
    content = {"originalSql": query.strip(), "catalog": "awsdatacatalog", "schema": database, "columns": typed}
    return f"/* Presto View: {base64.b64encode(json.dumps(content).encode()).decode()} */"


def query_of(table: Table) -> tuple[str, str]:
    """Return a view's query, and the database its bare names are of. Raises QueryFailed for another engine's view."""
    found = _KEPT.fullmatch((table.get("ViewOriginalText") or "").strip())
    try:
        content = json.loads(base64.b64decode(found[1])) if found else {}
        return content["originalSql"], content.get("schema") or table["DatabaseName"]
    except (KeyError, ValueError, binascii.Error) as error:
        raise QueryFailed(f"INVALID_VIEW: {table['DatabaseName']}.{table['Name']} is not a view of Athena") from error
