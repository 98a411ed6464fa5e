"""`verify`: compare the records of two feature groups, or those of one group's two stores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sfs_core import (
    DifferencesFound,
    ExitCode,
    FeatureGroup,
    Output,
    OutputOptions,
    Session,
    SfsCommand,
    StoreNotEnabled,
    TargetStore,
    TtlDuration,
    argument,
    option,
    render_one,
    say,
)
from sfs_plugins.migrate.comparison import Tally
from sfs_plugins.migrate.mapping import MappingOptions, MapRecords
from sfs_plugins.migrate.sample import Sample
from sfs_plugins.migrate.schema import fitted
from sfs_plugins.migrate.target import refuse_same
from sfs_plugins.migrate.verification import Comparing, latest, lines, listed, summary

if TYPE_CHECKING:
    import pyarrow as pa

_LONG: Final = (Output.JSON, Output.JSONL, Output.YAML)


@dataclass(frozen=True)
class VerifyOptions:
    """How much is compared."""

    sample: str = option(
        "Compare a sample of the records, and say what it tells about all.", default="100%", value="P%"
    )
    ttl: TtlDuration | None = option(
        "Time to live that the records were put with (default: the target's own).", default=None
    )


class VerifyCommand(SfsCommand):
    """Compare the records of two feature groups, or of one group's stores."""

    name = "verify"
    description = "Compare the records of two feature groups, or one group's online store with its offline store."
    arguments = [  # noqa: RUF012  (Cleo's)
        argument("source", "Feature group whose records are expected, as [CONNECTION:]NAME or ARN."),
        argument("target", "Feature group that should have them (default: the online store of SOURCE).", optional=True),
    ]
    declares = (VerifyOptions, MappingOptions, OutputOptions)

    def answer(self) -> ExitCode:
        """Compare, write the counts to stdout, and return 6 where there are differences."""
        given, sample = self.given(VerifyOptions), Sample.parse("--sample", self.given(VerifyOptions).sample)
        source = self.session.group(self.argument("source"))
        target, store = self._target(source)
        ttl = given.ttl or (target.online.ttl if target.online else None)
        mapping = fitted(source, target, self.given(MappingOptions))
        comparing = Comparing(target, store, sample, ttl, newer_is_fine=False, extra=True)
        self._warn_of_lag(source, target, store)
        tally = comparing.run(_expected(source, mapping, self.session), self.session)
        return self._told(source, comparing, tally)

    def _target(self, source: FeatureGroup) -> tuple[FeatureGroup, TargetStore]:
        """Return what is compared with the source. Raises StoreNotEnabled, SameGroup."""
        if self.argument("target") is None:
            for store in TargetStore:
                if store not in source.stores:
                    raise StoreNotEnabled(group=source.address, store=store)
            return source, TargetStore.ONLINE
        target = self.session.group(self.argument("target"))
        refuse_same(self.session, source, target)
        return target, target.stores[0]

    def _warn_of_lag(self, source: FeatureGroup, target: FeatureGroup, store: TargetStore) -> None:
        for group, is_read in ((source, source.offline is not None), (target, store is TargetStore.OFFLINE)):
            lag = self.session.store_of(group).offline_lag if is_read else None
            if lag:
                text = "what was put into {group} in the last {minutes:g} minutes may not be in its offline store yet"
                self.session.console.warn(say(text, group=group.address, minutes=lag.total_seconds() / 60))

    def _told(self, source: FeatureGroup, comparing: Comparing, tally: Tally) -> ExitCode:
        output = self.given(OutputOptions).output
        told = summary(source.address, comparing, tally)
        if output in _LONG:
            told["examples"] = [example.to_json() for example in tally.examples]
        else:
            self.session.console.show("comparison", lines(source.address, comparing, tally), {"comparison": told})
        render_one(told, output, self.stdout)
        if not tally.different:
            return ExitCode.DONE
        compared: tuple[object, object] = (source.address, comparing.target.address)
        if self.argument("target") is None:
            compared = say("the offline store of {group}", group=source.address), say("its online store")
        self.session.console.error(DifferencesFound(source=compared[0], target=compared[1], count=tally.different))
        return ExitCode.DIFFERENCES


def _expected(source: FeatureGroup, mapping: MapRecords, session: Session) -> Iterator[pa.RecordBatch]:
    """Yield the records of the source as the target should have them: the latest offline ones, else the online ones."""
    batches = latest(source, session) if source.offline is not None else listed(source, session)
    for records in batches:
        yield mapping.apply(records, session)[0] if mapping.is_needed else records
