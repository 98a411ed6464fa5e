"""The embedded store: a folder with SQLite for the online stores and Parquet, read by DuckDB, for the offline ones."""

from __future__ import annotations

from sfs_core import Store, hookimpl
from sfs_plugins.local_store.store import LocalStore

__all__ = ["LocalStore", "sfs_stores"]


@hookimpl
def sfs_stores() -> tuple[type[Store], ...]:
    """Return the embedded store, named `local`."""
    return (LocalStore,)
