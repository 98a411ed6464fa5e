"""An Iceberg table of the catalogue, opened: its metadata file is found in the catalogue and swapped there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfs_plugins.sandbox.athena.failures import QueryFailed
from sfs_plugins.sandbox.athena.quoting import quoted
from sfs_plugins.sandbox.glue.catalog import Catalogue, Table
from sfs_plugins.sandbox.glue.iceberg import metadata_location

if TYPE_CHECKING:
    from pyiceberg.table import Table as IcebergTable
    from pyiceberg.types import IcebergType


@dataclass(frozen=True)
class CataloguePointer:
    """Where a table's metadata file is, as the catalogue says."""

    catalogue: Catalogue
    database: str
    name: str

    def location(self) -> str | None:
        """Return where the current metadata file is."""
        table = self.catalogue.table(self.database, self.name)
        return None if table is None else metadata_location(table)

    def swap(self, old: str | None, new: str) -> bool:
        """Point to `new` if it pointed to `old`; tell whether it did."""
        return self.catalogue.swap_metadata(self.database, self.name, old, new)


def opened(catalogue: Catalogue, table: Table) -> IcebergTable:
    """Return an Iceberg table as it is now. Raises QueryFailed for one whose metadata cannot be read."""
    from pyiceberg.exceptions import NoSuchTableError

    from sfs_core import SfsError
    from sfs_plugins.iceberg.file_io import FolderIO
    from sfs_plugins.iceberg.tables import open_table

    pointer = CataloguePointer(catalogue, table["DatabaseName"], table["Name"])
    try:
        return open_table(pointer, FolderIO(catalogue.state.folder))
    except (NoSuchTableError, SfsError, OSError, ValueError) as error:
        named = f"{table['DatabaseName']}.{table['Name']}"
        raise QueryFailed(f"ICEBERG_INVALID_METADATA: Metadata of {named} cannot be read: {error}") from error


def holding_microseconds(table: IcebergTable) -> dict[str, bool]:
    """Return the columns that hold times to the microsecond, by their names in lower case."""
    fields = table.schema().fields
    return {field.name.lower(): True for field in fields if str(field.field_type) in ("timestamp", "timestamptz")}


_DUCKDB_TYPES = {
    "boolean": "BOOLEAN", "int": "INTEGER", "long": "BIGINT", "float": "FLOAT", "double": "DOUBLE", "date": "DATE",
    "time": "TIME", "timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMPTZ", "string": "VARCHAR", "uuid": "UUID",
    "binary": "BLOB",
}  # fmt: skip


def duckdb_type(kind: IcebergType) -> str:
    """Return DuckDB's type for an Iceberg type. Raises QueryFailed."""
    from pyiceberg.types import ListType, MapType, StructType

    if isinstance(kind, ListType):
        return f"{duckdb_type(kind.element_type)}[]"
    if isinstance(kind, MapType):
        return f"MAP({duckdb_type(kind.key_type)}, {duckdb_type(kind.value_type)})"
    if isinstance(kind, StructType):
        fields = [f"{quoted(one.name)} {duckdb_type(one.field_type)}" for one in kind.fields]
        return f"STRUCT({', '.join(fields)})"
    name = str(kind)
    if name.startswith("fixed"):
        return "BLOB"
    if name.startswith("decimal"):
        return name.upper()
    if name not in _DUCKDB_TYPES:
        raise QueryFailed(f"NOT_SUPPORTED: this sandbox does not read columns of type {name}")
    return _DUCKDB_TYPES[name]
