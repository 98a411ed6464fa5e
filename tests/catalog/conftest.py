"""The feature group that tests of the catalogue begin with."""

from __future__ import annotations

import pytest

SCHEMA = """\
record_identifier: id
event_time: at
features:
  - {name: id, type: String}
  - {name: at, type: String}
  - {name: items, type: Integral}
online: {ttl: 30d}
offline: {s3_uri: "s3://bucket/features"}
tags: {team: ml}
"""


@pytest.fixture
def orders(sfs):
    """`sfs` with the feature group `orders`, which has both stores."""
    sfs.file("orders.yaml", SCHEMA)
    sfs.ok("create orders --schema orders.yaml")
    return sfs
