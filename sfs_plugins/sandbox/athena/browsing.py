"""Athena's own operations on the catalogue: consoles and drivers browse it by them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sfs_plugins.sandbox.athena.workgroups import invalid
from sfs_plugins.sandbox.glue.catalog import Catalogue, Table
from sfs_plugins.sandbox.json_service import present
from sfs_plugins.sandbox.tokens import BadToken, Tokens
from sfs_plugins.sandbox.wire import Failure

CATALOG = "AwsDataCatalog"
_PAGE = 50


class Browsing:
    """The operations, over the one catalogue there is."""

    def __init__(self, catalogue: Catalogue, tokens: Tokens) -> None:
        self._catalogue, self._tokens = catalogue, tokens

    def _check(self, name: str) -> None:
        if name.lower() != CATALOG.lower():
            raise invalid(f"Data catalog {name} was not found")

    def _page(self, about: str, given: dict[str, Any], found: Sequence[Any]) -> tuple[Sequence[Any], str | None]:
        try:
            start = int(self._tokens.read(about, given["NextToken"])) if given.get("NextToken") else 0
        except BadToken as error:
            raise invalid("NextToken is not valid") from error
        end = start + (given.get("MaxResults") or _PAGE)
        return found[start:end], self._tokens.make(about, end) if end < len(found) else None

    def catalogs(self, given: dict[str, Any]) -> dict[str, Any]:
        """ListDataCatalogs: Glue's, and no other."""
        return {"DataCatalogsSummary": [{"CatalogName": CATALOG, "Type": "GLUE"}]}

    def catalog(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetDataCatalog."""
        self._check(given["Name"])
        return {"DataCatalog": {"Name": CATALOG, "Type": "GLUE", "Parameters": {"catalog-id": self._catalogue.account}}}

    def database(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetDatabase."""
        self._check(given["CatalogName"])
        return {"Database": self._database(given["DatabaseName"])}

    def _database(self, name: str) -> dict[str, Any]:
        found = self._catalogue.databases().get(name.lower())
        if found is None:
            raise Failure("MetadataException", f"Database {name} not found.")
        return present(Name=found["Name"], Description=found.get("Description"), Parameters=found.get("Parameters"))

    def databases(self, given: dict[str, Any]) -> dict[str, Any]:
        """ListDatabases, by name."""
        self._check(given["CatalogName"])
        shown, token = self._page("athena databases", given, list(self._catalogue.databases()))
        return present(DatabaseList=[self._database(name) for name in shown], NextToken=token)

    def table(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetTableMetadata."""
        self._check(given["CatalogName"])
        name = self._database(given["DatabaseName"])["Name"]
        table = self._catalogue.table(name, given["TableName"])
        if table is None:
            raise Failure("MetadataException", f"Table {given['TableName']} not found.")
        return {"TableMetadata": table_metadata(table)}

    def tables(self, given: dict[str, Any]) -> dict[str, Any]:
        """ListTableMetadata, by name; the expression is a regular one."""
        self._check(given["CatalogName"])
        name = self._database(given["DatabaseName"])["Name"]
        try:
            expression = re.compile(given.get("Expression") or ".*", re.IGNORECASE)
        except re.error as error:
            raise invalid(f"Expression is not valid: {error}") from error
        found = [table for table in self._catalogue.tables(name) if expression.fullmatch(table["Name"])]
        shown, token = self._page(f"athena tables {name} {expression.pattern}", given, found)
        return present(TableMetadataList=[table_metadata(table) for table in shown], NextToken=token)


def table_metadata(table: Table) -> dict[str, Any]:
    """Return a table as Athena's operations describe it: how it is stored is among its parameters."""
    stored = table["StorageDescriptor"]
    serde = stored.get("SerdeInfo") or {}
    how = present(**{
        "inputformat": stored.get("InputFormat"), "outputformat": stored.get("OutputFormat"),
        "location": stored.get("Location"), "serde.serialization.lib": serde.get("SerializationLibrary"),
        **{f"serde.param.{name}": value for name, value in (serde.get("Parameters") or {}).items()},
    })  # fmt: skip
    return present(
        Name=table["Name"], CreateTime=table.get("CreateTime"), LastAccessTime=table.get("LastAccessTime"),
        TableType=table.get("TableType"), Columns=_columns(stored["Columns"]),
        PartitionKeys=_columns(table.get("PartitionKeys") or []), Parameters={**(table.get("Parameters") or {}), **how},
    )  # fmt: skip


def _columns(columns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [present(Name=one["Name"], Type=one.get("Type"), Comment=one.get("Comment")) for one in columns]
