"""A catalog of one table whose only state is a pointer to the current metadata file."""

from __future__ import annotations

import re
from typing import Protocol

from pyiceberg.catalog.noop import NoopCatalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.serializers import FromInputFile, ToOutputFile
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.locations import load_location_provider
from pyiceberg.table.metadata import TableMetadata, new_table_metadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
from pyiceberg.table.update import TableRequirement, TableUpdate, update_table_metadata
from pyiceberg.typedef import Identifier, Properties

from sfs_plugins.iceberg.errors import told_of_damage
from sfs_plugins.iceberg.file_io import FolderIO

_NAME = ("feature_group", "table")


class Pointer(Protocol):
    """The one thing about an Iceberg table that is not in its files: which metadata file is the current one."""

    def location(self) -> str | None:
        """Return the location of the current metadata file, an s3:// URI; None before there is a table."""
        ...

    def swap(self, old: str | None, new: str) -> bool:
        """Point to `new` if it pointed to `old`, and tell whether it did: atomic, and durable when it returns."""
        ...


class OneTable(NoopCatalog):
    """The catalog of a table: a commit writes the new metadata file, syncs every file, and swaps the pointer.

    A commit that is built on metadata that is no longer current raises pyiceberg's CommitFailedException.
    """

    def __init__(self, pointer: Pointer, files: FolderIO) -> None:
        super().__init__("sagemaker-fs")
        self._pointer, self._files = pointer, files

    def load_table(self, identifier: str | Identifier = _NAME) -> Table:
        """Return the table as it is now. Raises NoSuchTableError before it is made."""
        location = self._pointer.location()
        if location is None:
            raise NoSuchTableError("there is no table yet")
        with told_of_damage(location):
            metadata = FromInputFile.table_metadata(self._files.new_input(location))
        return Table(_NAME, metadata, location, self._files, self)

    def make(self, schema: Schema, spec: PartitionSpec, location: str, properties: Properties) -> None:
        """Make the table, unless it is there already: of two at once, one is made."""
        metadata = new_table_metadata(schema, spec, UNSORTED_SORT_ORDER, location, properties)
        place = self._write(metadata, 0)
        if not self._pointer.swap(None, place):
            self._files.delete(place)

    def _write(self, metadata: TableMetadata, version: int) -> str:
        """Write a metadata file, and sync it and all that it leads to; return where it is."""
        provider = load_location_provider(metadata.location, metadata.properties)
        place = provider.new_table_metadata_file_location(version)
        ToOutputFile.table_metadata(metadata, self._files.new_output(place))
        self._files.sync()
        return place

    def commit_table(
        self, table: Table, requirements: tuple[TableRequirement, ...], updates: tuple[TableUpdate, ...]
    ) -> CommitTableResponse:
        """Commit changes to the table as the caller knows it."""
        for requirement in requirements:
            requirement.validate(table.metadata)
        metadata = update_table_metadata(table.metadata, updates, metadata_location=table.metadata_location)
        if metadata == table.metadata:
            return _answer(metadata, table.metadata_location)
        place = self._write(metadata, _version(table.metadata_location) + 1)
        if not self._pointer.swap(table.metadata_location, place):
            self._files.delete(place)
            raise CommitFailedException(f"{table.location()} was changed by others")
        return _answer(metadata, place)


def _answer(metadata: TableMetadata, location: str) -> CommitTableResponse:
    return CommitTableResponse.model_validate({"metadata": metadata, "metadata-location": location})


def _version(metadata_location: str) -> int:
    """Return the number that a metadata file's name begins with, -1 if another tool named it in another way."""
    match = re.match(r"(\d+)-", metadata_location.rpartition("/")[2])
    return int(match[1]) if match else -1
