"""What goes wrong with Iceberg tables, in the words of the user."""

from __future__ import annotations

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
