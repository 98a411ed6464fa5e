"""Partitions of Hive tables: those that lie under the table's place as `name=value`, and those registered elsewhere."""

from __future__ import annotations

import json
import re

from sfs_core import SystemClock
from sfs_plugins.sandbox.athena.engine import Engine
from sfs_plugins.sandbox.athena.failures import QueryFailed, unsupported
from sfs_plugins.sandbox.athena.naming import pairs
from sfs_plugins.sandbox.glue.catalog import Table
from sfs_plugins.sandbox.json_service import wire_time

_ONE = re.compile(r"PARTITION\s*\((?P<values>[^)]*)\)\s*(?:LOCATION\s+'(?P<location>[^']*)')?\s*,?\s*", re.I)


def partition_names(engine: Engine, table: Table) -> list[str]:
    """Return the partitions of a table as `year=2025/month=06`, in order."""
    keys = [part["Name"] for part in table["PartitionKeys"]]
    root = engine.path(table["StorageDescriptor"]["Location"])
    lying = {file.relative_to(root).parent.as_posix() for file in engine.files(table["StorageDescriptor"]["Location"])}
    shape = re.compile("/".join(f"{re.escape(key)}=[^/]+" for key in keys))
    kept = engine.catalogue.partitions(table["DatabaseName"], table["Name"])
    registered = {_named(keys, one["Values"]) for one in kept if len(one["Values"]) == len(keys)}
    return sorted({one for one in lying if shape.fullmatch(one)} | registered)


def _named(keys: list[str], values: list[str]) -> str:
    return "/".join(f"{key}={value}" for key, value in zip(keys, values, strict=True))


def _taken_apart(table: Table, text: str) -> list[tuple[list[str], str]]:
    """Return the values and the place of each PARTITION (...) of a statement. Raises QueryFailed."""
    keys, found, at = [part["Name"] for part in table.get("PartitionKeys") or ()], [], 0
    root = table["StorageDescriptor"]["Location"].rstrip("/")
    while at < len(text):
        one = _ONE.match(text, at)
        given = {name.lower(): value for name, value in pairs(one["values"]).items()} if one else {}
        if one is None or set(given) != set(keys):
            raise QueryFailed(f"FAILED: SemanticException partition spec {text[at:][:60]} is not one of {keys}")
        values = [given[key] for key in keys]
        found.append((values, one["location"] or f"{root}/{_named(keys, values)}"))
        at = one.end()
    return found


def add(engine: Engine, table: Table, text: str, *, if_not_exists: bool) -> None:
    """Register partitions, wherever they lie. Raises QueryFailed."""
    kept = {tuple(one["Values"]) for one in engine.catalogue.partitions(table["DatabaseName"], table["Name"])}
    for values, location in _taken_apart(table, text):
        if tuple(values) not in kept:
            storage = {**table["StorageDescriptor"], "Location": location}
            engine.catalogue.put_partition(table, {
                "Values": values, "StorageDescriptor": storage, "CreationTime": wire_time(SystemClock().now()),
            })  # fmt: skip
        elif not if_not_exists:
            raise QueryFailed(f"FAILED: Execution Error: AlreadyExistsException: Partition {json.dumps(values)}")


def drop(engine: Engine, table: Table, text: str, *, if_exists: bool) -> None:
    """Strike registered partitions out. Raises QueryFailed for one whose files would still be read where they lie."""
    kept = {tuple(one["Values"]) for one in engine.catalogue.partitions(table["DatabaseName"], table["Name"])}
    names = [part["Name"] for part in table.get("PartitionKeys") or ()]
    root = table["StorageDescriptor"]["Location"].rstrip("/")
    for values, _ in _taken_apart(table, text):
        if engine.files(f"{root}/{_named(names, values)}"):
            raise unsupported("this sandbox reads what lies under a table's location: delete the partition's objects")
        if tuple(values) not in kept and not if_exists:
            raise QueryFailed(f"FAILED: SemanticException Partition not found ({_named(names, values)})")
        engine.catalogue.drop_partition(table, values)
