"""`export`: a feature group's records into a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from cleo.io.inputs.argument import Argument

from sfs_core import (
    DistinctIds,
    EventTimeRange,
    ExitCode,
    FeatureGroup,
    FileFormat,
    LookUpRecords,
    OfflineQuery,
    OfflineRecords,
    OnlineRecordIds,
    OptionsConflict,
    Progress,
    SfsCommand,
    StoreNotEnabled,
    TargetStore,
    Versions,
    argument,
    file_format,
    option,
    say,
    say_count,
)
from sfs_plugins.bulk.limits import check_at_least_one
from sfs_plugins.bulk.output_file import check_output, written
from sfs_plugins.bulk.record_writer import Columns, record_writer

if TYPE_CHECKING:
    import pyarrow as pa


class What(StrEnum):
    """Which records are exported."""

    LATEST = "latest"
    HISTORY = "history"
    ONLINE = "online"


@dataclass(frozen=True)
class ExportOptions:
    """What is exported and how."""

    what: What | None = option(
        "The newest version of each record, every version, or the online store; "
        "latest where there is an offline store.",
        default=None,
    )
    columns: tuple[str, ...] = option("Features to write, in this order; all when left out.", default=())
    where: str | None = option("SQL condition over feature names.", default=None, value="SQL")
    event_time: EventTimeRange | None = option("Event times from A on, before B.", default=None, value="A..B")
    limit: int | None = option("Write no more records than this.", default=None, value="N")
    format: FileFormat | None = option("Format of FILE where its name does not tell.", default=None)
    force: bool = option("Write over a file that is there.", default=False)


class ExportCommand(SfsCommand):
    """Writes records as they are read; the file has its name only when it is whole."""

    name = "export"
    description = "Write a feature group's records to a CSV, JSON, JSON lines or Parquet file."
    arguments: ClassVar[list[Argument]] = [
        argument("group", "Feature group to read."),
        argument("file", "File to write, perhaps .gz or .zst; - is standard output."),
    ]
    declares = (ExportOptions,)

    def answer(self) -> ExitCode:
        """Write the file and say how many records it has. Raises StoreNotEnabled, OptionsConflict."""
        given = self.given(ExportOptions)
        check_at_least_one(limit=given.limit)
        path = Path(self.argument("file")).expanduser()
        format = file_format(path, given.format)
        check_output(path, self.session, force=given.force)
        group = self.session.group(self.argument("group"))
        what = given.what or (What.LATEST if group.offline else What.ONLINE)
        for name in given.columns:
            group.feature(name)
        columns = Columns.of(group.features, given.columns, with_system=what is What.HISTORY)
        title = say("read {what} records of {group}", what=what, group=group.address)
        count = 0
        with written(path, self.session, self.stdout) as stream, Progress(self.session.console, title) as progress:
            writer = record_writer(format, stream, columns)
            for records in self._records(group, what, given):
                writer.write(records)
                count += records.num_rows
                progress.add(records.num_rows)
            writer.close()
        self.session.console.note(say_count("1 record written", "{count} records written", count))
        return ExitCode.DONE

    def _records(self, group: FeatureGroup, what: What, given: ExportOptions) -> Iterator[pa.RecordBatch]:
        if what is What.ONLINE:
            return self._online(group, given)
        if group.offline is None:
            raise StoreNotEnabled(group=group.address, store=TargetStore.OFFLINE)
        versions = Versions.HISTORY if what is What.HISTORY else Versions.LATEST
        query = OfflineQuery(
            versions, given.columns or None, given.event_time, given.where, written_by=None, limit=given.limit
        )
        return OfflineRecords(group, query).batches(self.session)

    def _online(self, group: FeatureGroup, given: ExportOptions) -> Iterator[pa.RecordBatch]:
        """Yield the online store's records, each once; it cannot be asked conditions."""
        for flag, value in (("--where", given.where), ("--event-time", given.event_time)):
            if value is not None:
                raise OptionsConflict(first=flag, second="--what online")
        if group.online is None:
            raise StoreNotEnabled(group=group.address, store=TargetStore.ONLINE)
        look_up = LookUpRecords(group, given.columns or None)
        left = given.limit
        for ids in DistinctIds(OnlineRecordIds(group)).batches(self.session):
            for start in range(0, ids.num_rows, 1_000):
                records, _ = look_up.apply(ids.slice(start, 1_000), self.session)
                if left is not None:
                    records = records.slice(0, left)
                    left -= records.num_rows
                yield records
                if left == 0:
                    return
