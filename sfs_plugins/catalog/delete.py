"""`sagemaker-fs delete`: a feature group and, if asked, its own offline objects and table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from sfs_core import (
    DeleteOfflineObjects,
    DeletionCapReached,
    EventTime,
    FeatureGroup,
    Given,
    GroupNotReady,
    GroupStatus,
    Message,
    OfflineObjects,
    Plan,
    PlanCommand,
    Refused,
    RunOptions,
    Step,
    StoreNotEnabled,
    TableFormat,
    TargetStore,
    UsageError,
    argument,
    check_root,
    option,
    other_groups,
    say,
    versions_note,
)
from sfs_plugins.catalog.delete_group import DeleteFeatureGroup
from sfs_plugins.catalog.description import description, existing
from sfs_plugins.catalog.drop_table import DropTable, own_table, table_name
from sfs_plugins.catalog.found import found_group
from sfs_plugins.catalog.schema_file import definition_of

_DELETABLE: Final = (GroupStatus.CREATED, GroupStatus.CREATE_FAILED, GroupStatus.DELETE_FAILED)


@dataclass(frozen=True)
class DeleteOptions:
    """How far a deletion goes."""

    with_offline_data: bool = option("Delete the group's own offline objects and table too.", default=False)
    purge_versions: bool = option(
        "Delete older versions of the objects too, and the delete markers of a versioned bucket.", default=False
    )


class VersionsWithoutData(UsageError):
    """Older versions are to go while the objects stay."""

    sentence = "--purge-versions is about the offline objects: give --with-offline-data too, or leave it out"


class TableLeft(Refused):
    """An Iceberg table would stay in the catalogue without the files that it is made of."""

    sentence = (
        "the files under the root of {group} are an Iceberg table that could not be dropped ({reason}), so nothing was "
        "deleted: leave out --with-offline-data"
    )


class DeleteCommand(PlanCommand):
    """Deletes a feature group; the objects to go with it are written down while it is still there."""

    name = "delete"
    description = "Delete a feature group, its online records and, if asked, its offline objects and table."
    arguments: ClassVar = [argument("group", "Feature group to delete, as [CONNECTION:]NAME or ARN.")]
    declares = (DeleteOptions,)

    def plan(self) -> Plan:
        """Return the plan: the group first, so that nothing writes to its root any more, then objects and table.

        An Iceberg table goes before its objects.
        """
        group, options = self._group(), self.given(DeleteOptions)
        if options.with_offline_data and group.offline is None:
            raise StoreNotEnabled(group=group.address, store=TargetStore.OFFLINE)
        if options.purge_versions and not options.with_offline_data:
            raise VersionsWithoutData
        data = self._offline_data(group, options) if options.with_offline_data else Plan(say("-"), ())
        self._check_online_cap(group)
        steps = (Step(_itself(group), DeleteFeatureGroup(group), destroys=True), *data.steps)
        notes = (*_notes(group, options), *data.notes)
        return Plan(say("Delete {group}", group=group.address), steps, notes, confirm=group, changes=(group,))

    def _offline_data(self, group: FeatureGroup, options: DeleteOptions) -> Plan:
        """Return the steps that delete a group's objects and drop its table, and what stays. Raises UnsafeRoot."""
        store = self.session.store_of(group)
        others = tuple(other_groups(store, group))
        check_root(group, others)
        objects, delete = OfflineObjects(group, versions=options.purge_versions), DeleteOfflineObjects(group)
        steps = [
            Step(objects, delete, destroys=True),
            Step(objects, delete, until_empty=True, destroys=True, after=store.offline_lag),
        ]
        table, reason = own_table(group, others)
        is_iceberg = group.offline is not None and group.offline.table_format is TableFormat.ICEBERG
        if is_iceberg and reason:
            raise TableLeft(group=group.address, reason=reason[0])
        if table is not None:
            # an Iceberg table without its files is broken, so that it goes before them; files without it are litter
            steps.insert(0 if is_iceberg else len(steps), Step(table, DropTable(group), destroys=True))
        versions = () if options.purge_versions else versions_note(group, self.keeps_versions(group))
        return Plan(say("-"), tuple(steps), (*reason, *versions))

    def _group(self) -> FeatureGroup:
        """Return the group; for a run that is gone on with, as it was when the run began: it may be gone by now."""
        content = self.run_folder.remember("group", self._described)
        group = existing(definition_of(content, self.run_folder.name, content["name"]), content["connection"])
        created_at = content["created"] and EventTime.parse(content["created"], seconds=False)
        return replace(group, arn=content["arn"] or "", status=GroupStatus(content["status"]), created_at=created_at)

    def _described(self) -> dict[str, Any]:
        group = found_group(self.session, self.argument("group"))
        if group.status not in _DELETABLE:
            raise GroupNotReady(group=group.address, status=group.status, reason="")
        return description(group, None)

    def _check_online_cap(self, group: FeatureGroup) -> None:
        """Hold the deletion cap over the online records, which the service deletes without counting them."""
        given, configured = self.given(RunOptions).max_delete, self.session.connection(group.connection).max_delete
        cap = configured if given is None else given
        is_counted = group.online is not None and group.status is GroupStatus.CREATED
        if cap is None or not is_counted or self.environment.resuming is not None:
            return
        # all are counted, so that the number it names is the one that --max-delete needs
        count = sum(ids.num_rows for ids in self.session.store_of(group).list_record_ids(group))
        if count > cap:
            raise DeletionCapReached(group=group.address, count=count, things=say("online records"), cap=cap)


def _itself(group: FeatureGroup) -> Given:
    import pyarrow as pa

    return Given(say("feature group, by name"), pa.record_batch({"name": pa.array([group.name], pa.string())}))


def _notes(group: FeatureGroup, options: DeleteOptions) -> Iterator[Message]:
    """Yield what cannot be undone, and what stays behind."""
    if group.online is not None:
        yield say("its online records go with it and cannot be brought back")
    if group.offline is None:
        return
    if options.with_offline_data:
        yield say("the objects under {root} are deleted and cannot be brought back", root=group.offline.root)
        return
    yield say("its offline objects stay under {root}: --with-offline-data deletes them", root=group.offline.root)
    if group.offline.table is not None:
        yield say("its table {table} stays in the catalogue", table=table_name(group.offline.table))
