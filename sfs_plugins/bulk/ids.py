"""Which records a command is about: record ids of a file, or of any source by `--ids`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sfs_core import Choice, FeatureGroup, OptionsConflict, RecordIdSource, SfsCommand, UsageError, argument

IDS: Final = Choice("ids", "sfs_record_id_sources", "Source of the record ids.")
FILE: Final = argument("file", "File of record ids; - is standard input. Needs no --ids.", optional=True)


class NoRecordIds(UsageError):
    """It is not said which records are meant."""

    sentence = "which records? give a FILE of record ids, or --ids with one of {known}"


def record_ids_of(command: SfsCommand, group: FeatureGroup) -> RecordIdSource:
    """Return the source of ids that the command line names. Raises NoRecordIds, OptionsConflict, UnknownPart."""
    file, name = command.argument("file"), command.option(IDS.flag)
    if not file and not name:
        raise NoRecordIds(known=", ".join(IDS.parts(command.environment.plugins)) or "-")
    if file and name not in (None, "file"):
        raise OptionsConflict(first=file, second=f"--{IDS.flag} {name}")
    path: dict[str, object] = {"path": Path(file).expanduser()} if file else {}
    source: RecordIdSource = command.chosen(IDS, "file", group=group, **path)
    return source
