"""What goes wrong with Iceberg tables, in the words of the user."""

from __future__ import annotations

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
    """An Iceberg table with a file that cannot be read for what it is: what that file names is not known."""

    sentence = (
        "a file of the Iceberg table in {location} is damaged ({problem}), so nothing of it is removed: put a copy back"
    )


@contextmanager
def told_of_damage(location: str) -> Iterator[None]:
    """Turn what a damaged metadata file, manifest or data file raises into DamagedTable, naming the table's place."""
    from pyiceberg.exceptions import ValidationError

    try:
        yield
    # one made of other bytes than its format asks for: JSON and Parquet (ValueError), Avro (the others)
    except (ValueError, ValidationError, EOFError, SystemError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise DamagedTable(location=location, problem=reason or type(error).__name__) from error
