"""What goes wrong with Iceberg tables, in the words of the user."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from sfs_core import Refused, StoreUnavailable


class OutsideFolder(Refused):
    """A location in an Iceberg table's metadata that is no object of the folder that holds the table."""

    sentence = "{location} is not an object in {folder}, so it was neither read nor changed"


class ForeignPartitions(Refused):
    """Files of an Iceberg table that are not partitioned by the day of the event time: another tool changed that."""

    sentence = (
        "{location} holds files that are not partitioned by the day of the event time, so nothing was changed: "
        "delete their records with SQL"
    )


class TableBusy(StoreUnavailable):
    """An Iceberg table that others changed every time this change was about to be committed."""

    sentence = "{location} was changed by others {attempts} times in a row: try again"


class EqualityDeletes(StoreUnavailable):
    """Delete files that name records by their values: only some engines write them, and they cannot be read here."""

    sentence = (
        "{location} has equality delete files, which cannot be read here: compact it with the engine that wrote them"
    )


class DamagedTable(StoreUnavailable):
    """An Iceberg table with a file that is not there, or cannot be read for what it is: what it names is not known."""

    sentence = (
        "{location}, a file of an Iceberg table, is damaged or missing ({problem}), so nothing of the table was "
        "changed: put a copy back"
    )


@contextmanager
def told_of_damage(location: str) -> Iterator[None]:
    """Turn what reading a damaged or missing file of a table raises into DamagedTable. Nothing else is to be in it."""
    from pyiceberg.exceptions import ResolveError, ValidationError

    try:
        yield
    # bytes that are not what their format asks for: JSON and Parquet raise ValueError, Avro whatever comes of reading
    # on: lengths and places that are none, types that are none, compressed blocks that are none
    except (
        ValueError, ResolveError, ValidationError, EOFError, LookupError, TypeError, AttributeError, OverflowError,
        MemoryError, SystemError, FileNotFoundError, zlib.error, struct.error,
    ) as error:  # fmt: skip
        reason = (str(error).splitlines() or [""])[0]
        problem = reason if " " in reason else type(error).__name__
        raise DamagedTable(location=location, problem=problem) from error
