"""The life of feature groups, written out: made, described, listed, changed, deleted, each at once.

Numbers in brackets are lines of docs/explanation/known-ways-to-be-wrong.md,
`§` the sections of the facts that the model was written from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from sfs_core.errors import BadOption, GroupExists, Refused, StoreNotEnabled
from sfs_core.event_time import NANOS, EventTime
from sfs_core.messages import say
from sfs_core.model import (
    FeatureGroup,
    FeatureGroupName,
    GlueTable,
    NewFeatureGroup,
    OfflineStore,
    StorageType,
    TargetStore,
)
from sfs_core.rules import check_change, check_new_group
from sfs_core.store import GroupChange, GroupQuery
from sfs_core.testing.online_model import OnlineModel

ACCOUNT: Final = "000000000000"
REGION: Final = "memory-1"
ARN: Final = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:feature-group/"
_BEGINNING: Final = EventTime(0)

_SORT_KEYS: Final[Mapping[str, Callable[[FeatureGroup], tuple[object, ...]]]] = {
    "Name": lambda group: (group.name,),
    "FeatureGroupStatus": lambda group: (group.status, group.name),
    "OfflineStoreStatus": lambda group: ((group.offline and group.offline.status) or "", group.name),
    "CreationTime": lambda group: (group.created_at, group.name),
}


@dataclass
class ModelGroup:
    """A feature group: what is known of it, and its online store. Its offline objects are not its own to hold."""

    group: FeatureGroup
    tags: Mapping[str, str]
    online: OnlineModel = field(default_factory=OnlineModel)


@dataclass
class Catalogue:
    """Every feature group, by name; to whom every root was ever given; and the root of every table (§4.3)."""

    models: dict[str, ModelGroup] = field(default_factory=dict)
    roots: dict[str, FeatureGroupName] = field(default_factory=dict)
    tables: dict[tuple[str, str], str] = field(default_factory=dict)

    def find(self, name: str) -> ModelGroup | None:
        """Return a group by its name or ARN (§1.2)."""
        return self.models.get(name.removeprefix(ARN))

    def own_root(self, group: FeatureGroup) -> str:
        """Return the prefix that is this group's alone, deleted groups' too. Raises StoreNotEnabled, Refused."""
        if group.offline is None or group.offline.root is None:
            raise StoreNotEnabled(group=group.name, store=TargetStore.OFFLINE)
        if self.roots.get(group.offline.root) != group.name:
            problem = say("{root} is not the root of {group} alone", root=group.offline.root, group=group.address)
            raise Refused(problem=problem)
        return group.offline.root

    def owner_of(self, root: str) -> FeatureGroupName | None:
        """Return the group whose root it is now; None for one that no longer is."""
        groups = (model.group for model in self.models.values())
        return next((group.name for group in groups if group.offline and group.offline.root == root), None)

    def names(self, query: GroupQuery) -> list[FeatureGroupName]:
        """Return the names a query asks for, sorted (§1.6)."""
        key = _SORT_KEYS.get(query.sort_by)
        if key is None:
            raise BadOption(option="--sort", value=query.sort_by, expected=", ".join(_SORT_KEYS))
        groups = [model.group for model in self.models.values() if _matches(model.group, query)]
        return [group.name for group in sorted(groups, key=key, reverse=query.descending)]

    def create(self, new: NewFeatureGroup, now: EventTime) -> None:
        """Make a group, at once. A name used again shares nothing with the group that had it before [28, 38]."""
        check_new_group(new)
        if new.name in self.models:
            raise GroupExists(name=new.name)
        offline = self._resolved(new, now)
        group = FeatureGroup(
            connection="",
            name=new.name,
            record_identifier=new.record_identifier,
            event_time=new.event_time,
            features=new.features,
            online=new.online,
            offline=offline,
            arn=f"{ARN}{new.name}",
            created_at=now,
            last_modified_at=now,
            description=new.description,
            role_arn=new.role_arn,
            throughput=new.throughput,
        )
        self.models[new.name] = ModelGroup(group, dict(new.tags))

    def _resolved(self, new: NewFeatureGroup, now: EventTime) -> OfflineStore | None:
        """Return the offline store with a root and a table named for the group and for the second it is made (§1.5)."""
        if new.offline is None:
            return None
        second = now.nanoseconds // NANOS
        place = f"{new.offline.s3_uri.rstrip('/')}/{ACCOUNT}/sagemaker/{REGION}/offline-store"
        while f"{place}/{new.name}-{second}/" in self.roots:
            second += 1
        self.roots[f"{place}/{new.name}-{second}/"] = new.name
        table = new.offline.table
        if table is None and not new.offline.disable_glue_table:
            table = GlueTable("sagemaker_featurestore", f"{new.name.replace('-', '_')}_{second}")
        if table is not None and not new.offline.disable_glue_table:
            self.tables.setdefault(_table_name(table), f"{place}/{new.name}-{second}/")
        resolved = f"{place}/{new.name}-{second}/data"
        return replace(new.offline, resolved_uri=resolved, table=table, status="Active")

    def change(self, model: ModelGroup, change: GroupChange, now: EventTime) -> None:
        """Change a group, one kind of change at a time; records already there keep what they had [24, 40]."""
        check_change(model.group, change)
        group = model.group
        online = group.online
        if online is not None:
            ttl = None if change.remove_ttl else change.ttl or online.ttl
            storage = StorageType(change.storage_type) if change.storage_type else online.storage_type
            online = replace(online, ttl=ttl, storage_type=storage)
        model.group = replace(
            group,
            features=group.features + change.add_features,
            online=online,
            throughput=change.throughput or group.throughput,
            last_modified_at=now,
            last_update_status="Successful",
        )

    def delete(self, name: FeatureGroupName) -> None:
        """Forget a group and its online records; its offline objects stay where they are [38]."""
        del self.models[name]

    def drop_table(self, group: FeatureGroup, root: str) -> None:
        """Forget the table that was made for a group; one that lies at another root is not the group's [29]."""
        table = group.offline.own_table if group.offline else None
        if table is None or _table_name(table) not in self.tables:
            return
        if self.tables[_table_name(table)] != root:
            raise Refused(problem=say("table {table} is not at {root}", table=table.table, root=root))
        del self.tables[_table_name(table)]


def _table_name(table: GlueTable) -> tuple[str, str]:
    return table.database.lower(), table.table.lower()


def _matches(group: FeatureGroup, query: GroupQuery) -> bool:
    created = group.created_at or _BEGINNING
    offline_status = group.offline.status if group.offline else None
    return (
        (query.name_contains is None or query.name_contains in group.name)
        and (query.status is None or group.status is query.status)
        and (query.offline_status is None or offline_status == query.offline_status)
        and (query.created_after is None or created > query.created_after)
        and (query.created_before is None or created < query.created_before)
    )
