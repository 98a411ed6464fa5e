"""`bulk-put`: records of a file into a feature group."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from cleo.io.inputs.argument import Argument

from sfs_core import (
    CheckRecords,
    FeatureGroup,
    FileFormat,
    MaxErrors,
    OnError,
    OptionsConflict,
    Plan,
    PlanCommand,
    Put,
    PutRecords,
    Source,
    Step,
    Targets,
    TtlDuration,
    UsageError,
    argument,
    file_format,
    option,
    say,
)
from sfs_plugins.bulk.limits import check_at_least_one, targets_of
from sfs_plugins.bulk.normalise import Nan, NormaliseRecords
from sfs_plugins.bulk.record_file import EmptyString, RecordFile, RejectedRecords


class NoRecords(UsageError):
    """It is not said which records are meant."""

    sentence = "which records? give a FILE, or --rejected RUN"


@dataclass(frozen=True)
class BulkPutOptions:
    """How a file is read and its records are written."""

    format: FileFormat | None = option("Format of FILE where its name does not tell.", default=None)
    rejected: str | None = option("Put the records that an earlier run rejected.", default=None, value="RUN")
    batch_size: int = option("Records a batch, the unit of journal and retry.", default=5000, value="N")
    max_workers: int = option("Requests in flight at once.", default=4, value="N")
    ttl: TtlDuration | None = option("Time to live of each record, as 30d.", default=None)
    to: Targets | None = option("Stores to write to: online, offline or online,offline.", default=None, value="STORES")
    on_error: OnError = option("What a bad record does to the others.", default=OnError.STOP)
    max_errors: str | None = option("End the run after so many bad records, N or P%.", default=None, value="N|P%")
    nan: Nan = option("What becomes of a NaN.", default=Nan.REFUSE)
    empty_string: EmptyString | None = option(
        "What an empty string means: in CSV a missing feature, elsewhere itself.", default=None
    )
    assume_utc: bool = option("Take event times without a zone as UTC.", default=False)
    replay: bool = option("Take delete markers (is_deleted) of an exported history as soft deletes.", default=False)


class BulkPutCommand(PlanCommand):
    """Puts the records of a file; all of them are checked before the first is written."""

    name = "bulk-put"
    description = "Put the records of a CSV, JSON, JSON lines or Parquet file into a feature group."
    arguments: ClassVar[list[Argument]] = [
        argument("group", "Feature group to write to."),
        argument("file", "File of records, perhaps .gz or .zst; - is standard input.", optional=True),
    ]
    declares = (BulkPutOptions,)

    def plan(self) -> Plan:
        """Return the one step from the file into the group."""
        given = self.given(BulkPutOptions)
        check_at_least_one(batch_size=given.batch_size, max_workers=given.max_workers)
        group = self.session.group(self.argument("group"))
        how = Put(targets_of(group, given.to), given.ttl, given.max_workers)
        through = (NormaliseRecords(group, given.nan, given.assume_utc, given.replay), CheckRecords(group))
        into = PutRecords(group, how, replay=given.replay)
        return Plan(
            say("Put records into {group}", group=group.address),
            (Step(self._records(group, given), into, through, batch_records=given.batch_size),),
            changes=(group,),
            on_error=given.on_error,
            max_errors=MaxErrors.parse(given.max_errors) if given.max_errors else None,
        )

    def _records(self, group: FeatureGroup, given: BulkPutOptions) -> Source:
        file = self.argument("file")
        if file and given.rejected:
            raise OptionsConflict(first=file, second="--rejected")
        if given.rejected:
            return RejectedRecords(group, given.rejected)
        if not file:
            raise NoRecords
        path = Path(file).expanduser()
        format = file_format(path, given.format)
        default = EmptyString.ABSENT if format is FileFormat.CSV else EmptyString.KEEP
        return RecordFile(group, path, format, given.empty_string or default)
