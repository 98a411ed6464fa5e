"""`clear`: delete every record of a feature group, phase by phase, each only where the one before came to its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sfs_core import (
    BadOption,
    Choice,
    ClearRequest,
    DeleteRecords,
    DeletionMode,
    FeatureGroup,
    Message,
    OptionsConflict,
    Plan,
    PlanCommand,
    Refused,
    Source,
    Step,
    StoreNotEnabled,
    TargetStore,
    UsageError,
    argument,
    check_root,
    option,
    other_groups,
    say,
    spool,
)

LISTING = "online"
RECORD_IDS = Choice(
    "ids",
    "sfs_record_id_sources",
    "Where the online record ids come from: all that the online store lists, or those of another source and no more.",
    LISTING,
)
ONLINE_BY = Choice(
    "online-by",
    "sfs_clear_strategies",
    "How the online store is emptied.",
    "hard",
    lambda part: getattr(part, "clears", None) is TargetStore.ONLINE,
)
OFFLINE_BY = Choice(
    "offline-by",
    "sfs_clear_strategies",
    "How the offline store is emptied.",
    "objects",
    lambda part: getattr(part, "clears", None) is TargetStore.OFFLINE,
    for_iceberg="rows",
)


class IdleOption(UsageError):
    """An option is given that this command line leaves nothing to do for."""

    sentence = "--{option} is about the {store}, which this does not clear: leave it out"


class IdsAreNotAll(Refused):
    """Record ids that need not be all are given, and the offline store can only be emptied whole."""

    sentence = (
        "--ids {ids} names some of the records of {group}, and the offline store is emptied whole, so nothing was "
        "changed: give --online-only, or leave --ids out"
    )


@dataclass(frozen=True)
class ClearOptions:
    """What is cleared, and how fast."""

    online_only: bool = option("Clear the online store, and leave the offline store as it is.", default=False)
    offline_only: bool = option("Clear the offline store, and leave the online store as it is.", default=False)
    settle: float | None = option(
        "Minutes to wait before the offline store is listed for the last time (default: the store's own offline lag).",
        default=None,
        value="MINUTES",
    )
    batch_size: int = option("Records or objects that are journaled and retried together.", default=1000)
    max_workers: int = option("Requests in flight.", default=4)

    def check(self) -> None:
        """Raise OptionsConflict or BadOption."""
        if self.online_only and self.offline_only:
            raise OptionsConflict(first="--online-only", second="--offline-only")
        for flag, value, least, most in (
            ("batch-size", self.batch_size, 1, 1_000_000),
            ("max-workers", self.max_workers, 1, 1_000),
            ("settle", self.settle or 0, 0, 100_000),
        ):
            if not least <= value <= most:
                expected = say("a number from {least} to {most:,}", least=least, most=most)
                raise BadOption(option=f"--{flag}", value=value, expected=expected)


class ClearCommand(PlanCommand):
    """Delete every record of a feature group."""

    name = "clear"
    description = "Delete every record of a feature group."
    arguments = [argument("group", "Feature group to clear, as [CONNECTION:]NAME or ARN.")]  # noqa: RUF012  (Cleo's)
    declares = (ClearOptions,)
    chooses = (RECORD_IDS, ONLINE_BY, OFFLINE_BY)

    def plan(self) -> Plan:
        """Return the phases: online, then offline. Raises OptionsConflict, StoreNotEnabled, Refused."""
        options = self.given(ClearOptions)
        options.check()
        group = self.session.group(self.argument("group"))
        targets = _targets(group, options)
        self._refuse_idle(targets, options)
        if TargetStore.OFFLINE in targets:
            check_root(group, other_groups(self.session.store_of(group), group))
        request = self._request(group, options, targets)
        plans = []
        if TargetStore.ONLINE in targets:
            plans.append(self.chosen(ONLINE_BY).plan(request))
        if TargetStore.OFFLINE in targets:
            default = OFFLINE_BY.default_of(group)
            self.refuse_unread(OFFLINE_BY, default)
            plans.append(self.chosen(OFFLINE_BY, default).plan(request))
        return Plan(
            _title(group, targets),
            tuple(step for plan in plans for step in plan.steps),
            (*(note for plan in plans for note in plan.notes), *self._notes(request, targets)),
            confirm=group,
            changes=(group,),
        )

    def _refuse_idle(self, targets: tuple[TargetStore, ...], options: ClearOptions) -> None:
        """Raise IdleOption for an option that nothing would read: who gives it expects something else to happen."""
        readers = {
            TargetStore.ONLINE: {"ids": self.option("ids"), "online-by": self.option("online-by")},
            TargetStore.OFFLINE: {
                "offline-by": self.option("offline-by"),
                "settle": options.settle,
                "purge-versions": self.option("purge-versions") or None,
            },
        }
        for store, flags in readers.items():
            for flag, value in flags.items():
                if value is not None and store not in targets:
                    raise IdleOption(option=flag, store=store)

    def _request(self, group: FeatureGroup, options: ClearOptions, targets: tuple[TargetStore, ...]) -> ClearRequest:
        store = self.session.store_of(group)
        settle = store.offline_lag
        if options.settle is not None:
            settle = timedelta(minutes=options.settle)
        ids = self._ids(group, targets)
        keeps = self.keeps_versions(group) if TargetStore.OFFLINE in targets else False
        return ClearRequest(group, ids, self.session.now(), options.max_workers, options.batch_size, settle, keeps)

    def _ids(self, group: FeatureGroup, targets: tuple[TargetStore, ...]) -> Source | None:
        """Return the record ids given, None for all that are listed.

        They are written down at once, because they are read several times: a file may change, a pipe comes but once.
        """
        name = self.option("ids") or LISTING
        if name == LISTING:
            return None
        source = self.chosen(RECORD_IDS, group=group)
        if TargetStore.OFFLINE in targets:
            raise IdsAreNotAll(ids=name, group=group.address)
        # only the source of this step is used, and only to be read
        step = Step(source, DeleteRecords(group, DeletionMode.HARD, self.session.now()))
        path = self.run_folder.folder / "spool" / "ids.parquet"
        return spool(step, path, self.session, Plan(_title(group, targets), (step,)))

    def _notes(self, request: ClearRequest, targets: tuple[TargetStore, ...]) -> Iterator[Message]:
        """Yield what stays, and what may go besides."""
        group = request.group
        if request.ids is not None:
            yield say("records with other record ids stay")
        if group.offline is not None and TargetStore.OFFLINE not in targets:
            yield say("the offline store keeps all it holds, and no delete markers are written to it")
        if group.online is not None and TargetStore.ONLINE not in targets:
            yield say("the online store keeps its records")
        if request.ids is None:
            yield say("what others put into the group meanwhile is deleted too: stop them first")


def _targets(group: FeatureGroup, options: ClearOptions) -> tuple[TargetStore, ...]:
    """Return the stores to clear. Raises StoreNotEnabled."""
    only = TargetStore.ONLINE if options.online_only else TargetStore.OFFLINE if options.offline_only else None
    if only is None:
        return group.stores
    if only not in group.stores:
        raise StoreNotEnabled(group=group.address, store=only)
    return (only,)


def _title(group: FeatureGroup, targets: tuple[TargetStore, ...]) -> Message:
    if len(targets) > 1:
        return say("Clear the online store and the offline store of {group}", group=group.address)
    if TargetStore.ONLINE in targets:
        return say("Clear the online store of {group}", group=group.address)
    return say("Clear the offline store of {group}", group=group.address)
