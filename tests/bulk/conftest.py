"""The feature groups that tests of commands in bulk begin with."""

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
    """`sfs` with `orders` (both stores), `seconds` (online, Unix seconds) and `numbered` (online, Integral ids)."""
    sfs.file("orders.yaml", SCHEMA)
    sfs.file("seconds.yaml", SCHEMA.replace("at:String", "at:Fractional"))
    sfs.file("numbered.yaml", SCHEMA.replace("id:String", "id:Integral"))
    sfs.ok("create orders --schema orders.yaml")
    sfs.ok("create seconds --schema seconds.yaml --no-offline")
    sfs.ok("create numbered --schema numbered.yaml --no-offline")
    return sfs


@pytest.fixture
def three(orders):
    """`orders` holding the records 1, 2 and 3."""
    orders.file(
        "three.csv",
        "id,at,items,price,city\n"
        "1,2025-05-01T00:00:00Z,5,1.50,Oslo\n"
        "2,2025-05-02T00:00:00Z,,,Rome\n"
        "3,2025-05-03T00:00:00Z,-7,1e-7,\n",
    )
    orders.ok("bulk-put orders three.csv")
    return orders
