"""The feature groups of an embedded store: made, found, changed and deleted in `groups.sqlite`."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sfs_core import (
    HIGHEST,
    BadDefinition,
    BadOption,
    Clock,
    EventTime,
    FeatureGroupName,
    FeatureGroupNotFound,
    GroupChange,
    GroupExists,
    GroupNotReady,
    GroupQuery,
    GroupStatus,
    NewFeatureGroup,
    SfsError,
    check_change,
)
from sfs_plugins.local_store.database import Database
from sfs_plugins.local_store.definitions import StoredGroup, case_problem, check_makeable, epoch_of, placed

_SCHEMA = """
CREATE TABLE IF NOT EXISTS groups (
    number INTEGER PRIMARY KEY AUTOINCREMENT, folded_name TEXT NOT NULL UNIQUE, definition TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS roots (folded_root TEXT PRIMARY KEY);
"""
_ARN = re.compile(r"(arn:[^:]*:sagemaker:[^:]*:[^:]*:feature-group/)(.+)", re.IGNORECASE)
_SORTS: dict[str, Callable[[StoredGroup, EventTime], tuple[str | int, str]]] = {
    "Name": lambda group, now: (group.new.name, ""),
    "CreationTime": lambda group, now: (group.created, group.new.name),
    "FeatureGroupStatus": lambda group, now: (group.status(now).value, group.new.name),
    "OfflineStoreStatus": lambda group, now: (group.offline_status or "", group.new.name),
}


@dataclass
class Catalogue:
    """The feature groups in `folder`; reading it makes no file."""

    folder: Path
    clock: Clock
    account: str
    region: str
    delay_seconds: float
    timeout_seconds: float

    def __post_init__(self) -> None:
        self._making: set[int] = set()
        self._database = Database(self.folder, self.folder / "groups.sqlite", _SCHEMA, self.timeout_seconds)

    @property
    def arn_prefix(self) -> str:
        """What the ARN of every group begins with."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:feature-group/"

    def all(self) -> list[StoredGroup]:
        """Return every group that is not gone, in the order made."""
        if not self._database.exists():
            return []
        now = self.clock.now()
        with self._database.reading() as connection:
            rows = connection.execute("SELECT number, definition FROM groups ORDER BY number").fetchall()
        groups = (self._told(StoredGroup.from_json(text, number)) for number, text in rows)
        return [group for group in groups if not group.is_gone(now)]

    def _told(self, group: StoredGroup) -> StoredGroup:
        """Return a group that this process is making as one that is not ready."""
        return replace(group, ready=HIGHEST.nanoseconds) if group.number in self._making else group

    def names(self, query: GroupQuery) -> Iterator[FeatureGroupName]:
        """Yield the names of the groups a query asks for. Raises BadOption for an unknown order."""
        if query.sort_by not in _SORTS:
            raise BadOption(option="--sort", value=query.sort_by, expected=", ".join(_SORTS))
        now = self.clock.now()
        found = [group for group in self.all() if _matches(group, query, now)]
        found.sort(key=lambda group: _SORTS[query.sort_by](group, now), reverse=query.descending)
        yield from (group.new.name for group in found)

    def find(self, name: str) -> StoredGroup:
        """Return a group by name (in any case) or ARN. Raises FeatureGroupNotFound."""
        folded = self._folded_name(name)
        if folded is not None and self._database.exists():
            with self._database.reading() as connection:
                group = _found(connection, folded)
            if group is not None and not group.is_gone(self.clock.now()):
                return self._told(group)
        raise FeatureGroupNotFound(name=name, place=self.folder)

    def of_number(self, number: int) -> StoredGroup | None:
        """Return a group by its number, whatever became of it, unless it is struck out."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT definition FROM groups WHERE number = ?", (number,)).fetchone()
        return None if row is None else StoredGroup.from_json(row[0], number)

    def ready(self, name: str) -> StoredGroup:
        """Return a group that records can be written to and read from. Raises FeatureGroupNotFound, GroupNotReady."""
        group = self.find(name)
        status = group.status(self.clock.now())
        if status is not GroupStatus.CREATED:
            raise GroupNotReady(group=group.new.name, status=status, reason="")
        return group

    def _folded_name(self, name: str) -> str | None:
        arn = _ARN.fullmatch(name)
        if arn is None:
            return name.lower()
        return arn[2].lower() if arn[1].lower() == self.arn_prefix.lower() else None

    def _later(self, now: EventTime) -> int:
        return now.nanoseconds + round(self.delay_seconds * 1_000_000_000)

    def create(self, new: NewFeatureGroup) -> StoredGroup:
        """Write a new group down and return it: one that is Creating until `making` ends.

        Raises GroupExists, BadDefinition.
        """
        check_makeable(new)
        now = self.clock.now()
        with ExitStack() as unless_made:
            with self._database.writing() as connection:
                if _found(connection, new.name.lower()) is not None:
                    raise GroupExists(name=new.name)
                new = self._placed(connection, new, epoch_of(now))
                group = StoredGroup(0, new, f"{self.arn_prefix}{new.name}", now.nanoseconds, self._later(now))
                cursor = connection.execute(
                    "INSERT INTO groups (folded_name, definition) VALUES (?, ?)", (new.name.lower(), group.to_json())
                )
                made = replace(group, number=cursor.lastrowid or 0)
                # before it is committed: nobody sees it in another state
                self._making.add(made.number)
                unless_made.callback(self._making.discard, made.number)
            unless_made.pop_all()
        return made

    def _placed(self, connection: sqlite3.Connection, new: NewFeatureGroup, epoch: int) -> NewFeatureGroup:
        """Return the definition with a root that no group has had and no objects lie under: nothing is adopted."""
        if new.offline is None:
            return new
        while True:
            offline = placed(new.offline, new.name, self.account, self.region, epoch)
            root = offline.root or ""
            taken = connection.execute("SELECT 1 FROM roots WHERE folded_root = ?", (root.lower(),)).fetchone()
            if taken is None and not (self.folder / "s3" / root.removeprefix("s3://")).exists():
                connection.execute("INSERT INTO roots VALUES (?)", (root.lower(),))
                return replace(new, offline=offline)
            epoch += 1

    def change(self, name: str, change: GroupChange) -> None:
        """Apply a change. Raises FeatureGroupNotFound, GroupNotReady, BadDefinition."""
        number = self.made(name).number
        now = self.clock.now()
        with self._changing(number, name) as (connection, group):
            self._check_idle(group, now)
            check_change(group.described("", now, None), change)
            problem = case_problem(group.new.features + change.add_features) if group.new.offline else None
            problem = problem or group.partition_problem(change.add_features)
            if problem is not None:
                raise BadDefinition(name=group.new.name, problem=problem)
            changed = replace(group.changed(change), updated=now.nanoseconds, update_ready=self._later(now))
            _write(connection, changed)

    @contextmanager
    def making(self, new: StoredGroup) -> Iterator[None]:
        """Make a new group in the block; when that fails, mark it as one that could not be made, and go on."""
        try:
            yield
        except SfsError as error:
            self._fail(new, str(error))
        except Exception as error:
            # a defect: it is to be seen, and the group is not to pass for one that was made
            self._fail(new, f"{type(error).__name__}: {error}")
            raise
        finally:
            self._making.discard(new.number)

    def _fail(self, new: StoredGroup, reason: str) -> None:
        with self._changing(new.number, new.new.name) as (connection, found):
            _write(connection, replace(found, failure=reason))

    def made(self, name: str) -> StoredGroup:
        """Return a group that may be changed or deleted. Raises FeatureGroupNotFound, GroupNotReady for a new one."""
        group = self.find(name)
        if group.number in self._making:
            raise GroupNotReady(group=group.new.name, status=GroupStatus.CREATING, reason="")
        return group

    def begin_deletion(self, name: str) -> StoredGroup:
        """Mark a group as being deleted and return it. Raises FeatureGroupNotFound, GroupNotReady."""
        number = self.made(name).number
        now = self.clock.now()
        with self._changing(number, name) as (connection, group):
            if group.status(now) is not GroupStatus.CREATE_FAILED:
                self._check_idle(group, now)
            deleted = replace(group, gone=self._later(now))
            _write(connection, deleted)
            return deleted

    @contextmanager
    def _changing(self, number: int, name: str) -> Iterator[tuple[sqlite3.Connection, StoredGroup]]:
        """Lend a transaction and the group as it is in it: another process may have been faster."""
        with self._database.writing() as connection:
            row = connection.execute("SELECT definition FROM groups WHERE number = ?", (number,)).fetchone()
            if row is None:
                raise FeatureGroupNotFound(name=name, place=self.folder)
            yield connection, StoredGroup.from_json(row[0], number)

    def _check_idle(self, group: StoredGroup, now: EventTime) -> None:
        status = str(group.status(now))
        if status == GroupStatus.CREATED and group.is_updating(now):
            status = "being updated"
        if status != GroupStatus.CREATED:
            raise GroupNotReady(group=group.new.name, status=status, reason="")

    def gone(self) -> list[StoredGroup]:
        """Return the groups whose deletion is due, and which are still written down."""
        if not self._database.exists():
            return []
        now = self.clock.now()
        with self._database.reading() as connection:
            rows = connection.execute("SELECT number, definition FROM groups").fetchall()
        return [group for number, text in rows if (group := StoredGroup.from_json(text, number)).is_gone(now)]

    def forget(self, group: StoredGroup) -> None:
        """Strike a group out; its name is free again, its root is not."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM groups WHERE number = ?", (group.number,))

    def has_table_at(self, root: str) -> bool:
        """Tell whether a group that is not gone has its Iceberg table at a root."""
        return any(group.root == root and group.is_iceberg for group in self.all())

    def other_roots(self, root: str) -> list[str]:
        """Return the roots of the groups there are, but for `root` itself."""
        return [group.root for group in self.all() if group.root is not None and group.root != root]

    def close(self) -> None:
        """Close the database."""
        self._database.close()


def _found(connection: sqlite3.Connection, folded_name: str) -> StoredGroup | None:
    row = connection.execute("SELECT number, definition FROM groups WHERE folded_name = ?", (folded_name,)).fetchone()
    return None if row is None else StoredGroup.from_json(row[1], row[0])


def _write(connection: sqlite3.Connection, group: StoredGroup) -> None:
    connection.execute("UPDATE groups SET definition = ? WHERE number = ?", (group.to_json(), group.number))


def _matches(group: StoredGroup, query: GroupQuery, now: EventTime) -> bool:
    created = EventTime(group.created)
    return (
        (query.name_contains is None or query.name_contains in group.new.name)
        and (query.status is None or group.status(now) is query.status)
        and (query.offline_status is None or group.offline_status == query.offline_status)
        and (query.created_after is None or created > query.created_after)
        and (query.created_before is None or created < query.created_before)
    )
