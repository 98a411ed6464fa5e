"""`sagemaker-fs get`: one record of the online store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sfs_core import (
    ExitCode,
    Output,
    OutputOptions,
    RecordId,
    RecordNotFound,
    SfsCommand,
    StoreNotEnabled,
    TargetStore,
    argument,
    option,
    render_one,
    rows_of,
    say,
)
from sfs_plugins.records.values import json_values


@dataclass(frozen=True)
class GetOptions:
    """What is shown of a record."""

    features: tuple[str, ...] = option("Only these features, separated by commas.", default=(), value="NAMES")


class GetCommand(SfsCommand):
    """Answers with one record: JSON and YAML with typed values, a table and CSV with the texts as they are stored."""

    name = "get"
    description = "Show one record of the online store."
    arguments: ClassVar = [
        argument("group", "Feature group, as [CONNECTION:]NAME or ARN."),
        argument("id", "Record id."),
    ]
    declares = (GetOptions, OutputOptions)

    def answer(self) -> ExitCode:
        """Write the record. Raises RecordNotFound, UnknownFeature, StoreNotEnabled."""
        group, record_id = self.session.group(self.argument("group")), RecordId(self.argument("id"))
        features = self.given(GetOptions).features
        names = [group.feature(name).name for name in features] or [feature.name for feature in group.features]
        if group.online is None:
            raise StoreNotEnabled(group=group.address, store=TargetStore.ONLINE)
        found = self.session.store_of(group).read(group, [record_id], tuple(names) if features else None)
        if not found.records.num_rows:
            raise RecordNotFound(record_id=record_id, group=group.address)
        stored = rows_of(found.records)[0]
        record = {name: stored[name] for name in dict.fromkeys(names) if name in stored}
        output = self.given(OutputOptions).output
        as_text = output in (Output.TABLE, Output.CSV)
        render_one(record if as_text else json_values(group, record), output, self.stdout)
        expires_at = found.expires_at[0].as_py()
        if expires_at is not None:
            self.session.console.note(say("expires at {expires_at}", expires_at=expires_at))
        return ExitCode.DONE
