"""Whether the records of one feature group fit another: every difference at once, and the flags that would mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sfs_core import (
    FeatureDefinition,
    FeatureGroup,
    FeatureType,
    Message,
    SfsError,
    UsageError,
    check_value,
    say,
)
from sfs_plugins.migrate.mapping import MappingOptions, MapRecords, fits


class SchemaDiffers(UsageError):
    """The features of two groups do not fit."""

    sentence = "the records of {source} do not fit {target}:{differences}{proposal}"


def fitted(source: FeatureGroup, target: FeatureGroup, options: MappingOptions) -> MapRecords:
    """Return what makes records of the source fit the target. Raises SchemaDiffers with every difference."""
    check = _Check(source, target, options)
    differences = [f"\n  - {difference}" for difference in check.differences()]
    if differences:
        flags = " ".join(dict.fromkeys(check.flags))
        proposal = str(say("\ntry {flags}", flags=flags)) if flags else ""
        raise SchemaDiffers(
            source=source.address, target=target.address, differences="".join(differences), proposal=proposal
        )
    defaults = tuple((name, text) for name, text in check.defaults.items() if text)
    return MapRecords(source, target, tuple(check.names.items()), defaults)


def notes(mapping: MapRecords) -> Iterator[Message]:
    """Yield what the user should know of a mapping before it is done."""
    source, target = mapping.source, mapping.target
    if mapping.is_needed:
        yield say("features are mapped: {changes}", changes="; ".join(str(change) for change in mapping.changes()))
    for old, new in mapping.names:
        pair = source.feature(old), target.feature(new)
        if tuple(feature.type for feature in pair) == (FeatureType.INTEGRAL, FeatureType.FRACTIONAL):
            yield say("{feature} becomes Fractional: whole numbers beyond 2^53 lose digits", feature=new)
        elif pair[0].type is not pair[1].type and not _is_event_time(mapping, new):
            yield say("{feature} becomes {type}: {old} values are kept as text", feature=new, type=pair[1].type,
                      old=pair[0].type)  # fmt: skip
    if mapping.rewrites_event_times:
        form = say("Unix seconds") if target.event_time_in_seconds else say("ISO 8601")
        yield say("event times are written anew as {form}, each the same instant", form=form)


def _is_event_time(mapping: MapRecords, name: str) -> bool:
    return name == mapping.target.event_time


@dataclass
class _Check:
    """The comparison of two schemas under way; `flags` gathers what would mend the differences found so far."""

    source: FeatureGroup
    target: FeatureGroup
    options: MappingOptions
    flags: list[str] = field(default_factory=list)

    @cached_property
    def defaults(self) -> Mapping[str, str]:
        """Texts by feature of the target."""
        return self.options.defaults()

    @cached_property
    def names(self) -> dict[str, str]:
        """New name by old name, of the features taken."""
        renames = self.options.renames()
        return {
            feature.name: renames.get(feature.name, feature.name)
            for feature in self.source.features
            if feature.name not in self.options.drop
        }

    def differences(self) -> Iterator[Message]:
        """Yield every difference, in a lasting order."""
        yield from self._misnamed()
        yield from self._keys()
        yield from self._types()
        yield from self._missing_and_extra()

    def _misnamed(self) -> Iterator[Message]:
        """Yield what options speak of and is not there."""
        known = {feature.name for feature in self.source.features}
        for flag, names in (("--map", self.options.renames()), ("--drop", self.options.drop)):
            for name in names:
                if name not in known:
                    yield say("{flag} names {feature!r}, which the source has not", flag=flag, feature=name)
        for name in self.options.renames():
            if name in self.options.drop:
                yield say("{feature!r} is both mapped and dropped", feature=name)
        new = list(self.names.values())
        for name in dict.fromkeys(name for name in new if new.count(name) > 1):
            yield say("two features become {feature!r}", feature=name)
        for name, text in self.defaults.items():
            yield from self._bad_default(name, text)

    def _bad_default(self, name: str, text: str) -> Iterator[Message]:
        if name not in self._targets:
            yield say("--default names {feature!r}, which the target has not", feature=name)
        elif name in (self.target.record_identifier, self.target.event_time):
            yield say("--default cannot set {feature!r}: every record has its own", feature=name)
        elif text:
            try:
                check_value(self._targets[name], text)
            except SfsError as error:
                yield error.message

    def _keys(self) -> Iterator[Message]:
        for role, mine, theirs in (
            (say("record identifier"), self.source.record_identifier, self.target.record_identifier),
            (say("event time"), self.source.event_time, self.target.event_time),
        ):
            if mine not in self.names:
                yield say("{feature!r} is the {role} and cannot be dropped", feature=mine, role=role)
            elif self.names[mine] != theirs:
                self.flags.append(f"--map {mine}={theirs}")
                yield say("the {role} is {mine!r} there and {theirs!r} here", role=role, mine=mine, theirs=theirs)

    def _types(self) -> Iterator[Message]:
        for old, new in self.names.items():
            feature, other = self.source.feature(old), self._targets.get(new)
            if other is None or fits(feature, other) or self._are_event_times(old, new):
                continue
            if new not in (self.target.record_identifier, self.target.event_time):
                self.flags += [f"--drop {old}", f"--default {new}="]
            yield say("{feature!r} is {mine} and would have to be {theirs}", feature=old, mine=feature.type_text,
                      theirs=other.type_text)  # fmt: skip

    def _are_event_times(self, old: str, new: str) -> bool:
        return old == self.source.event_time and new == self.target.event_time

    def _missing_and_extra(self) -> Iterator[Message]:
        keys = (self.target.record_identifier, self.target.event_time)
        mine = (self.source.record_identifier, self.source.event_time)
        given = {*self.names.values(), *self.defaults}
        missing = [feature for feature in self.target.features if feature.name not in (*given, *keys)]
        extra = [old for old, new in self.names.items() if new not in self._targets and old not in mine]
        for feature in missing:
            yield say("{feature!r} ({type}) is missing", feature=feature.name, type=feature.type_text)
        for old in extra:
            yield say("{feature!r} ({type}) is not a feature of the target", feature=old,
                      type=self.source.feature(old).type_text)  # fmt: skip
        self._propose(missing, extra)

    def _propose(self, missing: list[FeatureDefinition], extra: list[str]) -> None:
        """Propose a flag for each feature: a like name and type is the same feature, what is left is dropped or set."""
        open_names = {feature.name.lower(): feature for feature in missing}
        for old in extra:
            fitting = [name for name, feature in open_names.items() if fits(self.source.feature(old), feature)]
            alike = difflib.get_close_matches(old.lower(), fitting, 1)
            if alike:
                self.flags.append(f"--map {old}={open_names.pop(alike[0]).name}")
            else:
                self.flags.append(f"--drop {old}")
        self.flags += [f"--default {feature.name}=" for feature in open_names.values()]

    @cached_property
    def _targets(self) -> dict[str, FeatureDefinition]:
        return {feature.name: feature for feature in self.target.features}
