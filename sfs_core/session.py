"""What a run carries: opened stores, described groups, the clock, the stop flag."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from sfs_core.clock import Clock, SystemClock
from sfs_core.connections import Connection, Connections, split_address
from sfs_core.console import Console
from sfs_core.errors import (
    BadOption,
    ConfigUnreadable,
    ConnectionProtected,
    FeatureGroupNotFound,
    GroupNotReady,
    OptionsConflict,
    SfsError,
    StoreMissing,
)
from sfs_core.event_time import EventTime
from sfs_core.messages import Message, say
from sfs_core.model import FeatureGroup, GroupStatus
from sfs_core.options import OptionSpec, convert, declared
from sfs_core.store import Store


@dataclass
class Session:
    """One command's stores and surroundings; close it when the command ends.

    `store_flags` are store options given as flags (`--path`), which go to that store's built-in connection.
    `stdin` is what a part that is told to read `-` reads, `folder` what relative paths start from.
    `started` is the run's own instant: `now()` gives it throughout, and a resumed run gets the first run's.
    """

    connections: Connections
    stores: Mapping[str, type[Store]]
    console: Console
    state: Path
    clock: Clock = field(default_factory=SystemClock)
    connection_flag: str | None = None
    store_flags: Mapping[str, Any] = field(default_factory=dict)
    stdin: TextIO | None = None
    folder: Path = Path()
    stop: threading.Event = field(default_factory=threading.Event)
    started: EventTime | None = None
    _opened: dict[str, Store] = field(default_factory=dict)
    _described: dict[str, FeatureGroup | None] = field(default_factory=dict)

    def now(self) -> EventTime:
        """Return the run's instant, read from the clock once."""
        if self.started is None:
            self.started = self.clock.now()
        return self.started

    @property
    def default_connection(self) -> str:
        """`--connection`, else the store that a flag such as `--path` belongs to, else the configured default."""
        if self.connection_flag:
            return self.connection_flag
        for name, store in self.stores.items():
            if any(spec.is_fixed and spec.flag in self.store_flags for spec in declared(store)):
                return name
        return self.connections.default

    def address(self, address: str) -> tuple[str, str]:
        """Return connection and group of `[CONNECTION:]GROUP`."""
        connection, group = split_address(address)
        return connection or self.default_connection, group

    def connection(self, name: str) -> Connection:
        """Return a connection. Raises ConnectionUnknown."""
        return self.connections.get(name)

    def store(self, connection: str) -> Store:
        """Return the store of a connection, opened once. Raises ConnectionUnknown, StoreMissing, ConfigUnreadable."""
        if connection not in self._opened:
            self._opened[connection] = self._open(self.connection(connection))
        return self._opened[connection]

    @property
    def throttles(self) -> int:
        """How often the stores opened so far were asked to go slower."""
        return sum(store.throttles for store in self._opened.values())

    def _open(self, connection: Connection) -> Store:
        store = self.stores.get(connection.store)
        if store is None:
            known = ", ".join(sorted(self.stores)) or "-"
            raise StoreMissing(connection=connection.name, store=connection.store, known=known)
        specs = {spec.field: spec for spec in declared(store)}
        for key in connection.settings.keys() - specs.keys():
            problem = say("connection {name!r} has no setting {key!r}", name=connection.name, key=key)
            raise ConfigUnreadable(path=self.connections.path, problem=problem)
        values = {key: self._setting(specs[key], value, connection) for key, value in connection.settings.items()}
        for spec in specs.values():
            # a setting of this store may be called like the flag of another one
            if spec.is_fixed and spec.flag in self.store_flags:
                if connection.origin is not None:
                    raise OptionsConflict(first=f"--{spec.flag}", second=f"connection {connection.name!r}")
                values[spec.field] = convert(spec, self.store_flags[spec.flag])
        return store(connection=connection.name, clock=self.clock, **values)  # type: ignore[call-arg]

    def _setting(self, spec: OptionSpec, value: object, connection: Connection) -> Any:
        try:
            return convert(spec, value)
        except BadOption as error:
            text = "{key} of {name!r} does not take {value!r}: give {expected}"
            problem = say(
                text, key=spec.field, name=connection.name, value=value, expected=error.message.fields["expected"]
            )
            raise ConfigUnreadable(path=self.connections.path, problem=problem) from error

    def where(self, connection: str, name: str) -> Message:
        """Return where a change of a group goes, for people to see before it is made: account, Region, principal."""
        identity = self.store(connection).identity()
        return say(
            "in {group}: account {account}, Region {region}, as {principal}",
            group=f"{connection}:{name}",
            account=identity.account,
            region=identity.region,
            principal=identity.principal,
        )

    def check_protection(self, connection: str, *, unprotected: bool) -> None:
        """Raise ConnectionProtected where a connection is protected and the user has not lifted that."""
        named = self.connection(connection)
        if named.protected and not unprotected:
            raise ConnectionProtected(connection=named.name, path=named.origin)

    def find_group(self, address: str) -> FeatureGroup | None:
        """Return a feature group, or None if there is none; what was seen is remembered for `changed_groups`."""
        if address not in self._described:
            self._described[address] = self.look_up(address)
        return self._described[address]

    def look_up(self, address: str) -> FeatureGroup | None:
        """Return a feature group as it is now, or None if there is none."""
        connection, name = self.address(address)
        try:
            return self.store(connection).describe(name)
        except FeatureGroupNotFound:
            return None

    def group(self, address: str) -> FeatureGroup:
        """Return a feature group that can be used. Raises FeatureGroupNotFound, GroupNotReady."""
        group = self.find_group(address)
        if group is None:
            connection, name = self.address(address)
            raise FeatureGroupNotFound(name=name, place=self.store(connection).place())
        if group.status is not GroupStatus.CREATED:
            reason = f" ({group.failure_reason})" if group.failure_reason else ""
            raise GroupNotReady(group=group.address, status=group.status, reason=reason)
        return group

    def store_of(self, group: FeatureGroup) -> Store:
        """Return the store that holds a group."""
        return self.store(group.connection)

    def described(self) -> Mapping[str, FeatureGroup | None]:
        """Return every group described so far, by the address it was asked for."""
        return dict(self._described)

    def forget(self) -> None:
        """Forget described groups, so that the next look is a fresh one."""
        self._described.clear()

    def close(self) -> None:
        """Close the stores; a failure to close one is said and does not hide another."""
        for store in self._opened.values():
            try:
                store.close()
            except SfsError as error:
                self.console.error(error)
        self._opened.clear()
