"""Listing and reading the online store while it changes, and expiry at the ends of time."""

from __future__ import annotations

from sfs_core import Batch, Put, SetClock, TargetStore, records_from
from sfs_core.testing import NOON, ONE, created, delete, expires, filled, ids_in, new_group, online, put, record
from sfs_plugins.local_store import LocalStore, online as online_table
