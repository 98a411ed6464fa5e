"""The catalogue's table of a feature group: dropped or changed only where it is the group's own beyond doubt."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from sfs_core import FeatureGroup, GlueTable, Message, Refused, say
from sfs_plugins.sagemaker_store.errors import NotCatalogued
from sfs_plugins.sagemaker_store.objects import own_root

if TYPE_CHECKING:
    from sfs_plugins.sagemaker_store.calls import Calls


class TableNotOwn(Refused):
    """A table cannot be told to be this group's alone."""

    sentence = "table {table} is not that of feature group {group!r} alone ({problem}), so it is left as it is"


def drop(calls: Calls, client: Any, group: FeatureGroup) -> None:
    """Drop the group's own table; one that is not there is dropped already. Raises TableNotOwn, RootNotOwn.

    Source: Glue API GetTable, DeleteTable; the catalogue's names are in lower case, whatever Describe says.
    """
    table = group.offline.own_table if group.offline else None
    if table is None:
        own_root(group)
        return
    with contextlib.suppress(NotCatalogued):
        found = own(calls, client, group, table)
        name = f"{table.database}.{table.table}"
        calls(client, "DeleteTable", name, DatabaseName=found["DatabaseName"], Name=found["Name"])


def own(calls: Calls, client: Any, group: FeatureGroup, table: GlueTable) -> dict[str, Any]:
    """Return what the catalogue has of a table, which must lie at the group's own root.

    Raises TableNotOwn, RootNotOwn, NotCatalogued. Source: Glue API GetTable.
    """
    bucket, prefix = own_root(group)
    name = f"{table.database}.{table.table}"
    if table.catalog.lower() != "awsdatacatalog":
        raise TableNotOwn(table=name, group=group.name, problem=say("it is in catalogue {name}", name=table.catalog))
    found: dict[str, Any] = calls(client, "GetTable", name, DatabaseName=table.database, Name=table.table)["Table"]
    problem = _problem(found, name, f"s3://{bucket}/{prefix}")
    if problem is not None:
        raise TableNotOwn(table=name, group=group.name, problem=problem)
    return found


def _problem(found: dict[str, Any], name: str, root: str) -> Message | None:
    """Return why a table is not the one that lies at a group's root."""
    answered = f"{found.get('DatabaseName')}.{found.get('Name')}"
    if answered.lower() != name.lower():
        return say("the catalogue answers with {name}", name=answered)
    location = str(found.get("StorageDescriptor", {}).get("Location") or "")
    # Glue format lies in data/, an Iceberg table in the root itself
    if location.rstrip("/") not in (root.rstrip("/"), f"{root}data"):
        return say("it lies at {location!r}, not at {root}", location=location, root=root)
    return None
