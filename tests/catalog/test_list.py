"""`list`: every group, the filters, and a word when there is nothing."""

from __future__ import annotations

import json

import pytest

HEADER = "name,stores,storage_type,table_format,status,offline_status,features,created\n"


@pytest.fixture
def three(orders):
    orders.ok("create archive --like orders --no-online")
    orders.ok("create cache --like orders --no-offline --storage-type InMemory")
    return orders


def names(answer):
    return [line.split(",")[0] for line in answer.stdout.splitlines()[1:]]


def test_a_line_a_group_offline_only_ones_too(three):
    answer = three.ok("list --output csv")

    assert answer.stdout == (
        HEADER
        + "archive,Offline,,Glue,Created,Active,3,2025-06-01T00:00:00Z\n"
        + "cache,Online,InMemory,,Created,,3,2025-06-01T00:00:00Z\n"
        + "orders,Online+Offline,Standard,Glue,Created,Active,3,2025-06-01T00:00:00Z\n"
    )
    assert answer.stderr == ""


def test_details_add_keys_time_to_live_size_root_and_table(orders):
    lines = orders.ok("list --details --output json").json

    assert lines == [
        {
            "name": "orders",
            "stores": "Online+Offline",
            "storage_type": "Standard",
            "table_format": "Glue",
            "status": "Created",
            "offline_status": "Active",
            "features": 3,
            "created": "2025-06-01T00:00:00Z",
            "record_identifier": "id",
            "event_time": "at",
            "ttl": "30d",
            "online_bytes": 0,
            "root": "s3://bucket/features/000000000000/sagemaker/local/offline-store/orders-1748736000/",
            "table": "sagemaker_featurestore.orders_1748736000",
        }
    ]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("--stores online", ["cache"]),
        ("--stores offline", ["archive"]),
        ("--stores both", ["orders"]),
        ("--name-contains r", ["archive", "orders"]),
        ("--status Created --offline-status Active", ["archive", "orders"]),
        ("--status Deleting", []),
        ("--created-after 2025-05-31 --created-before 2025-06-02", ["archive", "cache", "orders"]),
        ("--created-before 2025-06-01", []),
        ("--descending", ["orders", "cache", "archive"]),
    ],
)
def test_filters_narrow_the_list(three, filters, found):
    assert names(three.ok(f"list --output csv {filters}")) == found


def test_the_list_is_sorted_by_the_time_groups_were_made(orders):
    orders.clock.instant = orders.clock.instant.plus(10**9)
    orders.ok("create archive --like orders")

    assert names(orders.ok("list --sort created --output csv")) == ["orders", "archive"]


def test_many_groups_keep_their_order_though_described_in_parallel(orders):
    for number in range(20):
        orders.ok(f"create g{number:02} --like orders --no-offline")

    assert names(orders.ok("list --output csv")) == [*(f"g{number:02}" for number in range(20)), "orders"]


def test_nothing_there_is_said_and_machines_get_an_empty_list(sfs):
    assert sfs.ok("list").stdout == ""
    assert sfs.ok("list").stderr == f"there is no feature group in {sfs.store}\n"
    assert json.loads(sfs.ok("list --output json").stdout) == []
    assert sfs.ok("list --output csv").stdout == HEADER
    assert not sfs.store.exists()


def test_nothing_like_that_is_told_from_nothing_at_all(orders):
    assert orders.ok("list --name-contains zzz").stderr == f"no feature group in {orders.store} is like that\n"


def test_a_status_that_there_is_not_is_named_with_those_there_are(sfs):
    answer = sfs("list --status Made")

    assert (answer.code, answer.stdout) == (2, "")
    assert answer.stderr == (
        "error: --status does not take 'Made': give Creating, Created, CreateFailed, Deleting, DeleteFailed\n"
    )


def test_a_broken_configuration_file_is_named(sfs):
    sfs.configure("default = ")

    answer = sfs("list")

    assert answer.code == 2
    assert answer.stderr.startswith(f"error: configuration file {sfs.folder / 'config.toml'} cannot be used: ")


def test_a_connection_that_there_is_not_is_named_with_those_there_are(sfs):
    answer = sfs("list --connection nowhere")

    assert answer.code == 2
    assert answer.stderr == (
        "error: no connection is named 'nowhere': there are dev, local, sagemaker; "
        f"add [connections.nowhere] to {sfs.folder / 'config.toml'} to make one\n"
    )
