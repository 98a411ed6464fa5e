"""Iceberg tables as the catalogue tells of them: all it keeps is where the metadata is; the rest is read from there."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any, Final

ICEBERG: Final = {"EXTERNAL": "TRUE", "table_type": "ICEBERG"}
LEFT_AT: Final = "LeftAt"
"""The member of a kept table that says where a deleted group leaves it, until its last metadata file is known."""
_HIVE_TYPES = {
    "long": "bigint", "timestamptz": "timestamp", "timestamptz_ns": "timestamp", "timestamp_ns": "timestamp",
    "uuid": "string", "time": "string",
}  # fmt: skip


def is_iceberg(table: dict[str, Any]) -> bool:
    """Tell whether a catalogued table is an Iceberg table."""
    return str((table.get("Parameters") or {}).get("table_type", "")).upper() == "ICEBERG"


def metadata_location(table: dict[str, Any]) -> str | None:
    """Return where an Iceberg table's current metadata file is, None for any other table."""
    location = (table.get("Parameters") or {}).get("metadata_location")
    return str(location) if location and is_iceberg(table) else None


def last_metadata(table: dict[str, Any], folder: Path) -> str | None:
    """Return the metadata file that a group has left as its last, None for any other table, or while it leaves."""
    if LEFT_AT not in table:
        return None
    metadata = f"{table[LEFT_AT].rstrip('/')}/metadata"
    try:
        name = (folder / "s3" / metadata.partition("://")[2] / "version-hint.text").read_text("utf-8").strip()
    except FileNotFoundError:
        return None
    return f"{metadata}/{name}"


def kept_in(folder: Path, location: str) -> dict[str, Any]:
    """Return what the catalogue tells of a table by its metadata file: columns with field ids, place, file before.

    Empty where there is no such file, or it is none: the table is catalogued all the same.
    """
    try:
        return _read(folder / "s3" / location.partition("://")[2])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return {}


@functools.lru_cache(512)
def _read(path: Path) -> dict[str, Any]:
    """Metadata files never change: each is read once."""
    content = json.loads(path.read_bytes())
    current = content.get("current-schema-id", 0)
    schema = next(one for one in content["schemas"] if one["schema-id"] == current)
    log = content.get("metadata-log") or []
    return {
        "location": content["location"],
        "previous": log[-1]["metadata-file"] if log else None,
        "columns": [_column(field) for field in schema["fields"]],
        "properties": content.get("properties") or {},
    }


def _column(field: dict[str, Any]) -> dict[str, Any]:
    told = {"iceberg.field.current": "true", "iceberg.field.id": str(field["id"]),
            "iceberg.field.optional": str(not field["required"]).lower()}  # fmt: skip
    made = {"Name": field["name"].lower(), "Type": _hive_type(field["type"]), "Parameters": told}
    return made | ({"Comment": field["doc"]} if field.get("doc") else {})


def _hive_type(kind: Any) -> str:
    if isinstance(kind, str):
        return "binary" if kind.startswith("fixed") else _HIVE_TYPES.get(kind, kind.replace(" ", ""))
    if kind["type"] == "list":
        return f"array<{_hive_type(kind['element'])}>"
    if kind["type"] == "map":
        return f"map<{_hive_type(kind['key'])},{_hive_type(kind['value'])}>"
    fields = [f"{one['name']}:{_hive_type(one['type'])}" for one in kind["fields"]]
    return f"struct<{','.join(fields)}>"


def described(table: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return an Iceberg table with what its metadata file says of it."""
    table = {name: value for name, value in table.items() if name != LEFT_AT}
    location = metadata_location(table)
    kept = {} if location is None else kept_in(folder, location)
    if not kept:
        return table
    parameters = {**table["Parameters"]}
    if kept["previous"]:
        parameters["previous_metadata_location"] = kept["previous"]
    storage = {**(table.get("StorageDescriptor") or {}), "Columns": kept["columns"], "Location": kept["location"]}
    return {**table, "Parameters": parameters, "StorageDescriptor": storage, "PartitionKeys": []}


def catalogued(database: str, name: str, location: str, metadata: str, now: float | None) -> dict[str, Any]:
    """Return an Iceberg table as the catalogue keeps it."""
    return {
        "Name": name, "DatabaseName": database, "CreateTime": now, "UpdateTime": now, "Retention": 0,
        "TableType": "EXTERNAL_TABLE", "Parameters": {**ICEBERG, "metadata_location": metadata}, "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": [], "Location": location, "Compressed": False, "NumberOfBuckets": 0, "SortColumns": [],
            "StoredAsSubDirectories": False,
        },
    }  # fmt: skip
