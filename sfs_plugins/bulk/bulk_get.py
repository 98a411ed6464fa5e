"""`bulk-get`: the online records of many record ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from cleo.io.inputs.argument import Argument

from sfs_core import (
    STANDARD_STREAM,
    DistinctIds,
    ExitCode,
    FeatureGroup,
    FileFormat,
    LookUpRecords,
    NotFound,
    Progress,
    RecordIdSource,
    SfsCommand,
    StoreNotEnabled,
    TargetStore,
    argument,
    file_format,
    option,
    say,
)
from sfs_plugins.bulk.ids import FILE, IDS, record_ids_of
from sfs_plugins.bulk.output_file import check_output, written
from sfs_plugins.bulk.record_writer import Columns, record_writer

if TYPE_CHECKING:
    import pyarrow as pa

LOOK_UP_RECORDS: Final = 1_000
"""How many records are asked for at once."""


class NoneFound(NotFound):
    """None of the record ids has a record."""

    sentence = "none of {count:,} record ids has a record in the online store of {group!r}"


@dataclass(frozen=True)
class BulkGetOptions:
    """What is read and where it goes."""

    features: tuple[str, ...] = option("Features to read; all when left out.", default=())
    output_file: Path = option("File to write; - is standard output.", default=STANDARD_STREAM, value="FILE")
    format: FileFormat | None = option(
        "Format to write where the name does not tell; jsonl on standard output.", default=None
    )
    force: bool = option("Write over a file that is there.", default=False)


class BulkGetCommand(SfsCommand):
    """Looks up records as their ids come, and writes them as they are found."""

    name = "bulk-get"
    description = "Read the online records of many record ids."
    arguments: ClassVar[list[Argument]] = [argument("group", "Feature group to read."), FILE]
    declares = (BulkGetOptions,)
    chooses = (IDS,)

    def answer(self) -> ExitCode:
        """Write what is found, and say how much that is. Raises NoneFound, StoreNotEnabled."""
        given = self.given(BulkGetOptions)
        group = self.session.group(self.argument("group"))
        if group.online is None:
            raise StoreNotEnabled(group=group.address, store=TargetStore.ONLINE)
        wanted = [group.feature(name).name for name in given.features]
        path = given.output_file
        default = FileFormat.JSONL if path == STANDARD_STREAM else None
        format = file_format(path, given.format or default)
        check_output(path, self.session, force=given.force)
        ids = record_ids_of(self, group)
        features = [f for f in group.features if not wanted or f.name in (group.record_identifier, *wanted)]
        with written(path, self.session, self.stdout) as stream:
            writer = record_writer(format, stream, Columns(tuple(features)))
            asked = found = 0
            for count, records in self._found(group, ids, tuple(wanted) or None):
                asked, found = asked + count, found + records.num_rows
                writer.write(records)
            if asked and not found:
                raise NoneFound(count=asked, group=group.name)
            writer.close()
        self.session.console.note(say("{found:,} of {asked:,} records found", found=found, asked=asked))
        return ExitCode.DONE

    def _found(
        self, group: FeatureGroup, ids: RecordIdSource, features: tuple[str, ...] | None
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield how many ids were looked up, each once, and the records found, in the order of the ids."""
        look_up = LookUpRecords(group, features)
        with Progress(self.session.console, look_up.describe()) as progress:
            for batch in DistinctIds(ids).batches(self.session):
                for start in range(0, batch.num_rows, LOOK_UP_RECORDS):
                    some = batch.slice(start, LOOK_UP_RECORDS)
                    records, _ = look_up.apply(some, self.session)
                    yield some.num_rows, records
                    progress.add(some.num_rows)
