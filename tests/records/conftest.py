"""The feature groups that tests of records begin with."""

from __future__ import annotations

import pytest

SCHEMA = """\
record_identifier: id
event_time: at
features: ["id:String", "at:String", "items:Integral", "price:Fractional", "city:String"]
online: {}
offline: {s3_uri: "s3://bucket/features"}
"""


@pytest.fixture
def orders(sfs):
    """`sfs` with `orders` (both stores), `seconds` (online, Unix seconds) and `cache` (InMemory, with collections)."""
    sfs.file("orders.yaml", SCHEMA)
    sfs.file("seconds.yaml", SCHEMA.replace("at:String", "at:Fractional"))
    sfs.ok("create orders --schema orders.yaml")
    sfs.ok("create seconds --schema seconds.yaml --no-offline")
    sfs.ok("create cache --schema orders.yaml --no-offline --storage-type InMemory")
    sfs.ok("update cache --add-feature tags:String:List --add-feature", "embedding:Fractional:Vector(2)")
    return sfs
