"""A session: stores opened once, addresses, one instant, and guards."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sfs_core import (
    ConfigUnreadable,
    Connection,
    ConnectionProtected,
    Connections,
    ConnectionUnknown,
    Console,
    EventTime,
    FeatureGroupNotFound,
    GroupNotReady,
    GroupStatus,
    OptionsConflict,
    Session,
    SetClock,
    StoreMissing,
    StoreUnavailable,
    option,
)
from sfs_core.testing import MemoryStore, created, new_group

NOON = EventTime.parse("2025-06-01T12:00:00Z", seconds=False)


@dataclass
class Shelf(MemoryStore):
    """The memory store with settings, so that a connection can have some."""

    name: ClassVar[str] = "shelf"
    path: Path = option("Folder.", default=Path("shelf"), flag="path")
    region: str = option("Region.", default="here")
    shelf_height: float = option("Height in metres.", default=2.0)
    closed: ClassVar[list[str]] = []

    def place(self) -> str:
        return f"shelf {self.path}"

    def close(self) -> None:
        self.closed.append(self.connection)


@dataclass
class Stuck(MemoryStore):
    """A store that cannot be closed."""

    name: ClassVar[str] = "stuck"

    def close(self) -> None:
        raise StoreUnavailable(store="stuck", problem="it does not close")


def session(
    tmp_path: Path, flags: Mapping[str, Any] | None = None, flag: str | None = None, **settings: Any
) -> Session:
    named = {
        "dev": Connection("dev", "shelf", settings, origin=tmp_path / "config.toml"),
        "prod": Connection("prod", "shelf", {}, protected=True, origin=tmp_path / "config.toml"),
        "aws": Connection("aws", "sagemaker", {}, origin=tmp_path / "config.toml"),
        "stuck": Connection("stuck", "stuck", {}, origin=tmp_path / "config.toml"),
    }
    Shelf.closed.clear()
    return Session(
        connections=Connections(tmp_path / "config.toml", named, "dev"),
        stores={"shelf": Shelf, "stuck": Stuck, "local": Shelf},
        console=Console(io.StringIO()),
        state=tmp_path,
        clock=SetClock(NOON),
        connection_flag=flag,
        store_flags=flags or {},
    )


def test_a_store_is_opened_once_with_its_connections_settings(tmp_path):
    opened = session(tmp_path, path="./there", region="there")

    store = opened.store("dev")

    assert isinstance(store, Shelf)
    assert (store.path, store.region, store.connection) == (Path("there"), "there", "dev")
    assert opened.store("dev") is store


def test_a_setting_the_store_does_not_have_is_named(tmp_path):
    with pytest.raises(ConfigUnreadable, match="connection 'dev' has no setting 'regoin'"):
        session(tmp_path, regoin="there").store("dev")


def test_a_setting_of_another_type_is_named_as_the_file_has_it(tmp_path):
    with pytest.raises(
        ConfigUnreadable, match=r"config\.toml cannot be used: shelf_height of 'dev' does not take 'high'"
    ):
        session(tmp_path, shelf_height="high").store("dev")


def test_an_unknown_connection_and_a_store_nobody_provides_are_two_things(tmp_path):
    with pytest.raises(ConnectionUnknown):
        session(tmp_path).store("none")
    with pytest.raises(StoreMissing, match="there are local, shelf, stuck"):
        session(tmp_path).store("aws")


def test_a_group_without_a_connection_is_looked_for_in_the_default_one(tmp_path):
    assert session(tmp_path).address("orders") == ("dev", "orders")
    assert session(tmp_path).address("prod:orders") == ("prod", "orders")
    assert session(tmp_path, flag="prod").address("orders") == ("prod", "orders")


def test_a_stores_own_flag_means_that_stores_built_in_connection(tmp_path):
    opened = session(tmp_path, flags={"path": "elsewhere"})

    with_flag = opened.store("local")

    assert opened.default_connection == "shelf"
    assert isinstance(with_flag, Shelf)
    assert with_flag.path == Path("elsewhere")


def test_the_flag_of_another_store_is_not_taken_for_a_setting_of_the_same_name(tmp_path):
    opened = session(tmp_path, flags={"region": "elsewhere"})

    store = opened.store("local")

    assert opened.default_connection == "dev"
    assert isinstance(store, Shelf)
    assert store.region == "here"


def test_a_stores_own_flag_does_not_change_a_configured_connection(tmp_path):
    with pytest.raises(OptionsConflict, match="--path and connection 'dev' contradict each other"):
        session(tmp_path, flags={"path": "elsewhere"}, flag="dev").store("dev")


def test_the_clock_is_read_once(tmp_path):
    opened = session(tmp_path)
    first = opened.now()

    opened.clock = SetClock(NOON.plus(1))

    assert opened.now() == first == NOON


def test_a_group_is_described_once_and_looked_at_again_on_demand(tmp_path):
    opened = session(tmp_path)
    created(opened.store("dev"), new_group("orders"))
    before = opened.group("orders")

    opened.store("dev").delete("orders")

    assert opened.group("orders") is before
    assert opened.described() == {"orders": before}
    opened.forget()
    assert opened.find_group("orders") is None


def test_a_group_that_is_not_there_is_an_error_that_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(FeatureGroupNotFound, match="no feature group 'orders' in shelf shelf"):
        session(tmp_path).group("orders")


def test_a_group_that_is_not_ready_cannot_be_used(tmp_path):
    opened = session(tmp_path)
    group = created(opened.store("dev"), new_group("orders"))
    opened._described["orders"] = replace(group, status=GroupStatus.CREATE_FAILED, failure_reason="no bucket")

    with pytest.raises(GroupNotReady) as refused:
        opened.group("orders")

    assert str(refused.value).startswith("feature group 'dev:orders' is CreateFailed (no bucket): wait until")


def test_a_protected_connection_may_be_changed_only_by_who_says_so(tmp_path):
    opened = session(tmp_path)

    with pytest.raises(ConnectionProtected, match="connection 'prod' is protected"):
        opened.check_protection("prod", unprotected=False)
    opened.check_protection("prod", unprotected=True)
    opened.check_protection("dev", unprotected=False)


def test_where_a_change_goes_is_said_with_account_region_and_principal(tmp_path):
    identity = Shelf().identity()

    said = session(tmp_path).where("dev", "orders")

    assert str(said) == f"in dev:orders: account {identity.account}, Region {identity.region}, as memory"


def test_closing_closes_every_store_even_where_one_fails(tmp_path):
    opened = session(tmp_path)
    said = opened.console.stream = io.StringIO()
    for name in ("stuck", "dev", "prod"):
        opened.store(name)

    opened.close()

    assert Shelf.closed == ["dev", "prod"]
    assert said.getvalue() == "error: stuck cannot be used: it does not close\n"
