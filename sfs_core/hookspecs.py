"""The hooks a plugin may implement. They take nothing and return classes; none is called during a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from sfs_core.command import SfsCommand
    from sfs_core.ports import ClearStrategy, MigrateStrategy, RecordIdSource
    from sfs_core.store import Store

PROJECT = "sagemaker_fs"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def sfs_commands() -> Iterable[type[SfsCommand]]:  # type: ignore[empty-body]
    """Commands of the application.

    Asked once, at start-up: return classes, import nothing heavy. A name that two plugins provide sets both aside, but
    for a built-in one. Since 0.1. Example: docs/tutorial/your-first-plugin.md
    """


@hookspec
def sfs_stores() -> Iterable[type[Store]]:  # type: ignore[empty-body]
    """Stores, named by a connection's `store = "NAME"`.

    Asked once, at start-up: return classes, open nothing. Kept by `StoreContract`. Since 0.1.
    Example: docs/how-to/add-a-store.md
    """


@hookspec
def sfs_record_id_sources() -> Iterable[type[RecordIdSource]]:  # type: ignore[empty-body]
    """Record-id sources, chosen with `--ids NAME`.

    Asked once, at start-up, before options are read: return classes, import nothing heavy, open nothing.
    A name that two plugins provide sets both aside, but for a built-in one. Kept by `RecordIdSourceContract`.
    Since 0.1. Example: docs/how-to/add-a-record-id-source.md
    """


@hookspec
def sfs_clear_strategies() -> Iterable[type[ClearStrategy]]:  # type: ignore[empty-body]
    """Ways to empty a store, chosen with `--online-by NAME` and `--offline-by NAME`.

    Asked once, at start-up: return classes, import nothing heavy. Never chosen silently: the default is always a
    built-in one. A name that two plugins provide sets both aside, but for a built-in one.
    Kept by `ClearStrategyContract`. Since 0.1. Example: docs/how-to/add-a-clear-strategy.md
    """


@hookspec
def sfs_migrate_strategies() -> Iterable[type[MigrateStrategy]]:  # type: ignore[empty-body]
    """Ways to read a feature group for a migration, chosen with `--what NAME`.

    Asked once, at start-up: return classes, import nothing heavy. A name that two plugins provide sets both aside, but
    for a built-in one. Kept by `MigrateStrategyContract`. Since 0.1. Example: docs/how-to/add-a-migrate-strategy.md
    """
