"""`migrate`: the records of one feature group into another, planned, written, and compared afterwards."""

from __future__ import annotations

from collections.abc import Iterator

from sfs_core import (
    CheckRecords,
    ClearRequest,
    CreateFeatureGroup,
    DifferencesFound,
    ExitCode,
    FeatureGroup,
    Given,
    MaxErrors,
    Message,
    MigrateRequest,
    MigrateRoute,
    Plan,
    PlanCommand,
    Put,
    PutRecords,
    Report,
    Spooled,
    Step,
    StoreNotEnabled,
    TargetStore,
    Transform,
    UsageError,
    argument,
    check_root,
    declared,
    other_groups,
    record_ids,
    say,
)
from sfs_plugins.migrate.aftermath import compared
from sfs_plugins.migrate.clearing import NothingToPut, clearing
from sfs_plugins.migrate.history import MarkTies
from sfs_plugins.migrate.mapping import MappingOptions, MapRecords
from sfs_plugins.migrate.options import OFFLINE_BY, ONLINE_BY, RECORD_IDS, WHAT, MigrateOptions
from sfs_plugins.migrate.sample import Verification
from sfs_plugins.migrate.schema import fitted, notes
from sfs_plugins.migrate.target import (
    Target,
    existing,
    refuse_another,
    refuse_missing_online,
    refuse_same,
    to_be_made,
)


class IdleOption(UsageError):
    """An option is given that nothing reads."""

    sentence = "--{option} is about emptying the target: give --clear-target with it, or leave it out"


class MigrateCommand(PlanCommand):
    """Move the records of a feature group into another one."""

    name = "migrate"
    description = "Copy the records of one feature group into another, and compare the two."
    arguments = [  # noqa: RUF012  (Cleo's)
        argument("source", "Feature group to read, as [CONNECTION:]NAME or ARN."),
        argument("target", "Feature group to write to."),
    ]
    declares = (MigrateOptions, MappingOptions)
    chooses = (WHAT, RECORD_IDS, ONLINE_BY, OFFLINE_BY)

    def plan(self) -> Plan:
        """Return the steps: make or empty the target, then put the records. Raises whatever stands in the way."""
        options = self.given(MigrateOptions)
        options.check()
        self._refuse_idle(options)
        Verification.parse(options.verify)
        source = self.session.group(self.argument("source"))
        target = self._target(source, options)
        refuse_same(self.session, source, target.group)
        self._check_stores(target.group, options)
        mapping = fitted(source, target.group, self.given(MappingOptions))
        route = self._route(source, target.group, options)
        cleared = self._clearing(target, options)
        return Plan(
            say("Migrate {source} to {target}", source=source.address, target=target.group.address),
            (*_making(target), *(step for plan in cleared for step in plan.steps),
             self._putting(target.group, mapping, route, options)),
            (*(note for plan in cleared for note in plan.notes), *notes(mapping),
             *self._notes(source, target, route, options)),
            confirm=target.group if cleared else None,
            changes=(target.group,),
            on_error=options.on_error,
            max_errors=MaxErrors.parse(options.max_errors) if options.max_errors else None,
        )  # fmt: skip

    def _refuse_idle(self, options: MigrateOptions) -> None:
        """Raise IdleOption for a choice that nothing would read."""
        flags = []
        for choice in (ONLINE_BY, OFFLINE_BY):
            parts = choice.parts(self.environment.plugins).items()
            flags += [choice.flag, *(spec.flag for name, part in parts for spec in declared(part, f"{name}-"))]
        for flag in flags:
            if not options.clear_target and self.option(flag) not in (None, False, []):
                raise IdleOption(option=flag)

    def _target(self, source: FeatureGroup, options: MigrateOptions) -> Target:
        """Return the target as it is, or as this run makes it; on resume it must be what was to be made."""
        address = self.argument("target")
        if not options.create_target:
            return existing(self.session, address)
        found = self.session.find_group(address)
        if not self.run_folder.remember("makes target", lambda: found is None):
            target = existing(self.session, address)
            refuse_missing_online(target.group)
            return target
        target = to_be_made(self.session, address, source, self.given(MappingOptions))
        if found is not None:
            refuse_another(found, target.group)
        return target

    def _check_stores(self, target: FeatureGroup, options: MigrateOptions) -> None:
        for store in options.targets or ():
            if store not in target.stores:
                raise StoreNotEnabled(group=target.address, store=store)
        if options.ttl is not None and TargetStore.ONLINE not in (options.targets or target.stores):
            raise StoreNotEnabled(group=target.address, store=TargetStore.ONLINE)

    def _route(self, source: FeatureGroup, target: FeatureGroup, options: MigrateOptions) -> MigrateRoute:
        ids = self.chosen(RECORD_IDS, group=source) if self.option(RECORD_IDS.flag) else None
        request = MigrateRequest(source, target, options.event_time, options.where, ids, self.session.now())
        route: MigrateRoute = self.chosen(WHAT, self._what(source)).route(request)
        return route

    def _what(self, source: FeatureGroup) -> str:
        """Return which strategy reads the source; record ids are looked up in the online store."""
        default = "latest" if source.offline is not None and not self.option(RECORD_IDS.flag) else "online"
        return self.option(WHAT.flag) or default

    def _clearing(self, target: Target, options: MigrateOptions) -> list[Plan]:
        """Return the plans that empty a target that is there."""
        if not options.clear_target or target.new is not None:
            return []
        group, plugins = target.group, self.environment.plugins
        keeps: bool | None = False
        store = self.session.store_of(group)
        if group.offline is not None:
            check_root(group, other_groups(store, group))
            keeps = self.keeps_versions(group)
        request = ClearRequest(group, None, self.session.now(), options.max_workers, 1000, store.offline_lag, keeps)
        strategies = []
        for choice in (ONLINE_BY, OFFLINE_BY):
            default = choice.default_of(group)
            self.refuse_unread(choice, default)
            strategies.append(self.chosen(choice, default) if choice.parts(plugins) else None)
        return clearing(request, *strategies)

    def _putting(self, target: FeatureGroup, mapping: MapRecords, route: MigrateRoute, options: MigrateOptions) -> Step:
        through: list[Transform] = [*route.through]
        if mapping.is_needed:
            through.append(mapping)
        through.append(CheckRecords(target))
        if route.replay:
            through.append(MarkTies(target))
        put = Put(options.targets, options.ttl, options.max_workers)
        into = PutRecords(target, put, route.skip_newer, route.replay, options.max_tps)
        return Step(route.records, into, tuple(through), batch_records=options.batch_size)

    def _notes(
        self, source: FeatureGroup, target: Target, route: MigrateRoute, options: MigrateOptions
    ) -> Iterator[Message]:
        lag = self.session.store_of(source).offline_lag
        if lag and self._what(source) in ("latest", "history"):
            text = "what was put into {group} in the last {minutes:g} minutes may not be in its offline store yet"
            yield say(text, group=source.address, minutes=lag.total_seconds() / 60)
        ttl = options.ttl or (target.group.online.ttl if target.group.online else None)
        if ttl is not None:
            yield say("records whose event time is more than {ttl} ago do not show in the online store", ttl=ttl)
        offline = target.new.offline if target.new else None
        if offline is not None:
            yield say("the offline store of {group} gets a root of its own under {uri}", group=target.group.address,
                      uri=offline.s3_uri)  # fmt: skip
            yield from self._foreign(source, target.group)
        if route.skip_newer and not options.clear_target and target.new is None:
            yield say("a record that the target has with the same or a newer event time is left as it is")

    def _foreign(self, source: FeatureGroup, target: FeatureGroup) -> Iterator[Message]:
        """Yield a warning where a target that is made would write to the place of another account or Region."""
        here, there = (self.session.store_of(group).identity() for group in (source, target))
        if (here.account, here.region) != (there.account, there.region):
            text = (
                "that is where {source} has its objects, in another account or Region: for another place make the "
                "group first, with `sagemaker-fs create {target} --like {source} --online --offline S3URI`"
            )
            yield say(text, source=source.address, target=target.address)

    def check_written_down(self, plan: Plan) -> None:
        """Refuse to empty a target for nothing: an empty answer may be a mistake. Raises NothingToPut."""
        records = plan.steps[-1].source
        if plan.confirm is not None and isinstance(records, Spooled) and records.count == 0:
            raise NothingToPut(source=self.argument("source"), target=plan.confirm.address)

    def verify(self, plan: Plan, report: Report) -> ExitCode:
        """Compare what was read with what the target holds now, and return 6 where they differ."""
        options = self.given(MigrateOptions)
        asked = Verification.parse(options.verify)
        if not asked.is_on:
            return ExitCode.DONE
        is_fresh = plan.confirm is not None or self.run_folder.facts.get("makes target") is True
        different = compared(plan, asked, self.session, is_fresh=is_fresh)
        if not different:
            return ExitCode.DONE
        self.session.console.error(
            DifferencesFound(
                source=self.session.group(self.argument("source")).address,
                target=plan.changes[0].address,
                count=different,
            )
        )
        return ExitCode.DIFFERENCES


def _making(target: Target) -> Iterator[Step]:
    if target.new is not None:
        definition = Given(say("definition"), record_ids([target.new.name]))
        yield Step(definition, CreateFeatureGroup(target.group, target.new))
