"""Reads a definition in the shape of `description.py`, and finds what is misspelt, missing or of a wrong kind."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from sfs_core import (
    FeatureDefinition,
    FeatureGroupName,
    GlueTable,
    Message,
    NewFeatureGroup,
    OfflineStore,
    OnlineStore,
    SfsError,
    StorageType,
    TableFormat,
    Throughput,
    ThroughputMode,
    TtlDuration,
    UsageError,
    say,
)
from sfs_plugins.catalog.description import OBSERVED, OBSERVED_OFFLINE

E = TypeVar("E", bound=StrEnum)


class SchemaUnreadable(UsageError):
    """A schema file does not hold a definition."""

    sentence = "schema {source} cannot be used: {problem}; `sagemaker-fs describe GROUP --output yaml` shows the form"


def parse_schema(text: str, source: str, name: str) -> NewFeatureGroup:
    """Return the definition, for a group called `name`, that a JSON or YAML text holds. Raises SchemaUnreadable."""
    import yaml

    try:
        content = json.loads(text) if text.lstrip()[:1] in ("{", "[") else yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = say("line {line} is not YAML ({problem})", line=line, problem=error.problem)
        raise SchemaUnreadable(source=source, problem=problem) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = say("it is neither JSON nor YAML ({problem})", problem=" ".join(str(error).split()))
        raise SchemaUnreadable(source=source, problem=problem) from error
    return definition_of(content, source, name)


def definition_of(content: object, source: str, name: str) -> NewFeatureGroup:
    """Return the definition, for a group called `name`, that is written out in `content`. Raises SchemaUnreadable.

    Where an offline store lies (`resolved_uri`, `table`) is read too: it is known of a group that is there.
    """
    known = (
        "record_identifier",
        "event_time",
        "features",
        "online",
        "offline",
        "throughput",
        "role_arn",
        "description",
    )
    fields = _Fields.of(content, source, "", (*known, "tags", *OBSERVED))
    return NewFeatureGroup(
        name=FeatureGroupName(name),
        record_identifier=fields.needed_text("record_identifier"),
        event_time=fields.needed_text("event_time"),
        features=_features(fields),
        online=_online(fields),
        offline=_offline(fields),
        role_arn=fields.text("role_arn"),
        throughput=_throughput(fields),
        description=fields.text("description"),
        tags=_tags(fields),
    )


@dataclass(frozen=True, slots=True)
class _Fields:
    """One mapping of the file; `where` names it, as in `offline.`."""

    content: Mapping[str, Any]
    source: str
    where: str

    @classmethod
    def of(cls, content: object, source: str, where: str, known: Collection[str]) -> _Fields:
        fields = cls(content if isinstance(content, dict) else {}, source, where)
        if not isinstance(content, dict):
            place = where.rstrip(".") or say("it")
            raise fields.bad(say("{place} must be names and values, and is {value!r}", place=place, value=content))
        for key in content:
            if known and key not in known:
                settable = ", ".join(name for name in known if name not in (*OBSERVED, *OBSERVED_OFFLINE))
                raise fields.bad(say("it takes no {key!r}, but {known}", key=f"{where}{key}", known=settable))
        return fields

    def bad(self, problem: Message | SfsError) -> SchemaUnreadable:
        return SchemaUnreadable(source=self.source, problem=problem)

    def text(self, name: str) -> str | None:
        value = self.content.get(name)
        if value is not None and not isinstance(value, str):
            text = "{name} must be text, and is {value!r}: put it in quotes"
            raise self.bad(say(text, name=f"{self.where}{name}", value=value))
        return value

    def needed_text(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise self.bad(say("it lacks {name}", name=f"{self.where}{name}"))
        return value

    def truth(self, name: str) -> bool:
        value = self.content.get(name)
        if not isinstance(value, bool | None):
            text = "{name} must be true or false, and is {value!r}"
            raise self.bad(say(text, name=f"{self.where}{name}", value=value))
        return bool(value)

    def whole(self, name: str) -> int | None:
        value = self.content.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            text = "{name} must be a whole number, and is {value!r}"
            raise self.bad(say(text, name=f"{self.where}{name}", value=value))
        return value

    def choice(self, name: str, among: type[E], default: E) -> E:
        text = self.text(name)
        try:
            return default if text is None else among(text)
        except ValueError as error:
            known, place = ", ".join(among), f"{self.where}{name}"
            problem = say("{name} is {value!r}, and must be one of {known}", name=place, value=text, known=known)
            raise self.bad(problem) from error

    def inner(self, name: str, known: Collection[str]) -> _Fields | None:
        value = self.content.get(name)
        return None if value is None else _Fields.of(value, self.source, f"{self.where}{name}.", known)


def _features(fields: _Fields) -> tuple[FeatureDefinition, ...]:
    listed = fields.content.get("features")
    if not isinstance(listed, list) or not listed:
        raise fields.bad(say("it lacks features, a list of names and types"))
    try:
        return tuple(FeatureDefinition.parse(_feature_text(item, fields.source)) for item in listed)
    except SfsError as error:
        raise error if isinstance(error, SchemaUnreadable) else fields.bad(error) from error


def _feature_text(item: object, source: str) -> str:
    if isinstance(item, str):
        return item
    one = _Fields.of(item, source, "features.", ("name", "type"))
    return f"{one.needed_text('name')}:{one.needed_text('type')}"


def _online(fields: _Fields) -> OnlineStore | None:
    online = fields.inner("online", ("storage_type", "ttl", "kms_key_id"))
    if online is None:
        return None
    ttl = online.text("ttl")
    try:
        duration = TtlDuration.parse(ttl) if ttl else None
    except SfsError as error:
        raise fields.bad(error) from error
    storage_type = online.choice("storage_type", StorageType, StorageType.STANDARD)
    return OnlineStore(storage_type, duration, online.text("kms_key_id"))


def _offline(fields: _Fields) -> OfflineStore | None:
    known = ("s3_uri", "table_format", "disable_glue_table", "kms_key_id", *OBSERVED_OFFLINE)
    offline = fields.inner("offline", known)
    if offline is None:
        return None
    table = offline.inner("table", ("catalog", "database", "table"))
    return OfflineStore(
        s3_uri=offline.needed_text("s3_uri"),
        resolved_uri=offline.text("resolved_uri"),
        table_format=offline.choice("table_format", TableFormat, TableFormat.GLUE),
        table=None if table is None else _table(table),
        disable_glue_table=offline.truth("disable_glue_table"),
        kms_key_id=offline.text("kms_key_id"),
    )


def _table(table: _Fields) -> GlueTable:
    catalog = table.text("catalog") or "AwsDataCatalog"
    return GlueTable(table.needed_text("database"), table.needed_text("table"), catalog)


def _throughput(fields: _Fields) -> Throughput:
    given = fields.inner("throughput", ("mode", "read_units", "write_units"))
    if given is None:
        return Throughput()
    mode = given.choice("mode", ThroughputMode, ThroughputMode.ON_DEMAND)
    return Throughput(mode, given.whole("read_units"), given.whole("write_units"))


def _tags(fields: _Fields) -> tuple[tuple[str, str], ...]:
    tags = fields.inner("tags", ())
    return () if tags is None else tuple((key, tags.text(key) or "") for key in tags.content)
