"""Versioned buckets on AWS: a plan says what stays of deleted objects, and `--purge-versions` leaves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sfs_core import Batch, FeatureGroup
from sfs_core.testing import (
    ONE,
    delete_objects,
    delete_versions,
    failed,
    filled,
    latest,
    new_group,
    objects_in,
    record,
)
from sfs_plugins.sagemaker_store.clients import Clients
from sfs_plugins.sandbox.wire import Request, Response
from tests.conftest import Sfs
from tests.sagemaker_store.conftest import Asked
from tests.sagemaker_store.served import Served, ServedStore, Server

BUCKET = "feature-store"


def versioning(clients: Clients, status: str) -> None:
    clients.get("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": status})


def versions_in(clients: Clients, prefix: str = "") -> list[tuple[str, str]]:
    """Return key and version id of every version and delete marker of the bucket."""
    found = []
    for page in clients.get("s3").get_paginator("list_object_versions").paginate(Bucket=BUCKET, Prefix=prefix):
        found += [(one["Key"], one["VersionId"]) for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))]
    return found


def root_key(group: FeatureGroup) -> str:
    assert group.offline is not None and group.offline.root is not None
    return group.offline.root.removeprefix(f"s3://{BUCKET}/")


def write(clients: Clients, key: str, *bodies: bytes) -> None:
    for body in bodies:
        clients.get("s3").put_object(Bucket=BUCKET, Key=key, Body=body)


@pytest.fixture
def group(store: ServedStore, clients: Clients) -> FeatureGroup:
    """A group in a versioned bucket: a live object, a replaced one, and one that is deleted but for its versions."""
    group = filled(store, new_group("fg-1"), record("1", ONE))
    store.settle(group)
    versioning(clients, "Enabled")
    write(clients, f"{root_key(group)}data/replaced.parquet", b"old", b"new")
    write(clients, f"{root_key(group)}data/gone.parquet", b"old")
    clients.get("s3").delete_object(Bucket=BUCKET, Key=f"{root_key(group)}data/gone.parquet")
    return group


@pytest.fixture
def one_a_page(clients: Clients) -> Iterator[None]:
    """Every page of a listing of versions ends after one: also between two versions of one key."""

    def shorten(params: dict[str, Any], **_: Any) -> None:
        params["MaxKeys"] = 1

    event = "provide-client-params.s3.ListObjectVersions"
    clients.get("s3").meta.events.register(event, shorten, unique_id="one a page")
    yield
    clients.get("s3").meta.events.unregister(event, unique_id="one a page")


# what a plan says


KEEPS = "keeps older versions: objects only get delete markers, and their bytes remain, and are paid for, unless "


@pytest.mark.parametrize("verb", ["clear fg-1 --offline-only", "delete fg-1 --with-offline-data"])
@pytest.mark.parametrize("status", ["Enabled", "Suspended"])
def test_a_plan_says_that_the_bytes_remain(aws: Sfs, group: FeatureGroup, clients: Clients, verb: str, status: str):
    versioning(clients, status)
    assert group.offline is not None

    answer = aws.ok(f"{verb} --dry-run")

    assert f"  ! the bucket of {group.offline.root} {KEEPS}--purge-versions is given\n" in answer.stderr


def test_of_a_bucket_that_keeps_nothing_a_plan_says_nothing(aws: Sfs, store: ServedStore):
    filled(store, new_group("fg-1"), record("1", ONE))

    assert "older versions" not in aws.ok("clear fg-1 --offline-only --dry-run").stderr


def test_a_plan_says_that_it_is_not_known_whether_bytes_remain(aws: Sfs, group: FeatureGroup, served: Served):
    served.faults.set({"rules": [{"fault": "denied", "operation": "GetBucketVersioning"}]})

    answer = aws.ok("clear fg-1 --offline-only --dry-run")

    assert "keeps older versions is not known: if it does, the bytes remain unless --purge-versions is" in answer.stderr


def test_without_purging_the_objects_go_and_their_versions_stay(aws: Sfs, store: ServedStore, group: FeatureGroup,
                                                               clients: Clients):  # fmt: skip
    before = set(versions_in(clients))

    aws.ok("clear fg-1 --offline-only --force --settle 0")

    assert objects_in(store, group) == []
    assert before < set(versions_in(clients))


# what is deleted


@pytest.mark.parametrize("verb", ["clear fg-1 --offline-only --settle 0", "delete fg-1 --with-offline-data"])
def test_purging_leaves_no_version_and_no_marker(aws: Sfs, group: FeatureGroup, clients: Clients, verb: str):
    """The live object (version `null`), both versions of the replaced one, the deleted one and its marker."""
    answer = aws.ok(f"{verb} --purge-versions --force")

    assert versions_in(clients) == []
    assert "5 from objects under" in answer.stderr
    assert "keeps older versions" not in answer.stderr


@pytest.mark.usefixtures("one_a_page")
def test_versions_are_found_over_pages_that_end_between_versions_of_one_key(
    store: ServedStore, group: FeatureGroup, clients: Clients, asked: Asked
):
    assert delete_versions(store, group) == []

    assert versions_in(clients) == []
    assert all(given["ExpectedBucketOwner"] == "123456789012" for given in asked.of("ListObjectVersions")[:2])


def test_versions_of_a_sibling_and_of_the_shared_prefix_are_left_alone(
    aws: Sfs, store: ServedStore, group: FeatureGroup, clients: Clients
):
    sibling = filled(store, new_group("fg-17"), record("1", ONE))
    store.settle(sibling)
    parent = root_key(group).rstrip("/").rpartition("/")[0]
    for key in (f"{root_key(group).rstrip('/')}", f"{root_key(group).rstrip('/')}7/x", f"{parent}/x", "x"):
        write(clients, key, b"old", b"new")
    before = [one for one in versions_in(clients) if not one[0].startswith(root_key(group))]

    aws.ok("clear fg-1 --offline-only --purge-versions --force --settle 0")

    assert versions_in(clients) == before
    assert latest(store, sibling) == [record("1", ONE)]


def test_markers_alone_are_deleted(aws: Sfs, store: ServedStore, group: FeatureGroup, clients: Clients):
    """What is left of a clear without --purge-versions and a rule that expires versions."""
    delete_versions(store, group)
    clients.get("s3").delete_object(Bucket=BUCKET, Key=f"{root_key(group)}data/marker.parquet")
    assert objects_in(store, group) == []

    aws.ok("clear fg-1 --offline-only --purge-versions --force --settle 0")

    assert versions_in(clients) == []


def test_versions_of_a_bucket_whose_versioning_is_suspended_are_deleted(
    store: ServedStore, group: FeatureGroup, clients: Clients
):
    versioning(clients, "Suspended")
    write(clients, f"{root_key(group)}data/replaced.parquet", b"newest")

    assert delete_versions(store, group) == []

    assert versions_in(clients) == []


def test_what_is_written_meanwhile_stays_until_it_is_listed_again(
    store: ServedStore, group: FeatureGroup, clients: Clients
):
    """A version is deleted, not whatever has its key by then: the plan counted it, and a backup may hold it."""
    key = f"{root_key(group)}data/replaced.parquet"
    listed = [Batch(number, found) for number, found in enumerate(store.object_versions(group))]
    write(clients, key, b"late")

    facts = list(store.delete_objects(group, listed))
    left = versions_in(clients)
    again = delete_versions(store, group)

    assert [fact.remarks for fact in facts] == [(), ()]
    assert [one for one, _ in left] == [key]
    assert again == []
    assert versions_in(clients) == []


# what cannot be deleted


def test_an_object_never_comes_back_in_an_older_version(store: ServedStore, group: FeatureGroup, clients: Clients):
    """However early it stops: what is not current goes first, and a delete marker last."""
    batches = list(store.object_versions(group))

    order = [one for batch in batches for one in batch.column("is_current").to_pylist()]

    assert order == [False, False, True, True, True]


def locked(key_end: str) -> Any:
    """Refuse to delete older versions of a key, as Object Lock does: the sandbox has none."""

    def answer(request: Request) -> Response | None:
        if request.method != "POST" or "delete" not in request.parameters:
            return None
        from xml.etree import ElementTree

        root = ElementTree.fromstring(request.body)
        space = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
        objects = root.findall(f"{space}Object")
        named = [(str(one.findtext(f"{space}Key")), one.findtext(f"{space}VersionId")) for one in objects]
        if not any(key.endswith(key_end) for key, _ in named):
            return None
        errors = "".join(
            f"<Error><Key>{key}</Key><VersionId>{version}</VersionId><Code>AccessDenied</Code>"
            "<Message>Access Denied because object protected by object lock.</Message></Error>"
            for key, version in named
            if key.endswith(key_end)
        )
        return Response(200, f"<DeleteResult>{errors}</DeleteResult>".encode(), [("content-type", "application/xml")])

    return answer


def test_a_version_that_is_locked_is_a_failure_that_says_so_and_keeps_its_marker(
    aws: Sfs, store: ServedStore, server: Server, group: FeatureGroup, clients: Clients
):
    gone = f"{root_key(group)}data/gone.parquet"
    before = versions_in(clients, gone)
    server.instead = locked("gone.parquet")

    answer = aws("clear fg-1 --offline-only --purge-versions --force --settle 0")

    server.instead = lambda request: None
    assert answer.code == 3
    assert versions_in(clients, gone) == before
    assert gone not in {one.removeprefix(f"s3://{BUCKET}/") for one in objects_in(store, group)}
    run = answer.stderr.rpartition("runs show ")[2].partition("`")[0].split()[0]
    shown = aws.ok(f"runs show {run}").stdout + aws.ok(f"runs show {run}").stderr
    assert "is kept (Access Denied because object protected by object lock.): Object Lock holds it" in shown
    assert "an older one could not be deleted and would come back in its place" in shown


def test_a_current_version_stays_though_the_older_one_was_of_an_earlier_batch(
    store: ServedStore, server: Server, group: FeatureGroup, clients: Clients
):
    gone = f"{root_key(group)}data/gone.parquet"
    listed = [Batch(number, found) for number, found in enumerate(store.object_versions(group))]
    server.instead = locked("gone.parquet")
    facts = store.delete_objects(group, listed)
    first = next(facts)
    server.instead = lambda request: None

    (second,) = facts

    assert [remark.code for remark in first.remarks] == ["VersionKept"]
    assert [remark.code for remark in second.remarks] == ["OlderVersionKept"]
    assert len(versions_in(clients, gone)) == 2


def test_an_error_that_names_a_version_nobody_asked_for_is_still_its_objects(
    store: ServedStore, server: Server, group: FeatureGroup
):
    keys = objects_in(store, group)
    server.instead = locked("replaced.parquet")

    remarks = delete_objects(store, group, *keys)

    server.instead = lambda request: None
    assert failed(remarks) == [(keys.index(next(key for key in keys if "replaced" in key)), "AccessDenied")]


def test_a_version_outside_the_root_is_refused(store: ServedStore, group: FeatureGroup, clients: Clients):
    write(clients, "tests/other.parquet", b"x")
    ((_, version),) = versions_in(clients, "tests/other.parquet")
    import pyarrow as pa

    columns = {"key": [f"s3://{BUCKET}/tests/other.parquet"], "version": [version], "is_current": [True]}

    (fact,) = store.delete_objects(group, [Batch(0, pa.record_batch(columns))])

    assert failed(fact.remarks) == [(0, "KeyOutsideRoot")]
    assert versions_in(clients, "tests/other.parquet")


def test_purging_is_idle_where_no_objects_are_deleted(aws: Sfs, group: FeatureGroup):
    clear = aws("clear fg-1 --online-only --purge-versions --force")
    delete = aws("delete fg-1 --purge-versions --force")

    assert (clear.code, clear.stderr) == (
        2,
        "error: --purge-versions is about the OfflineStore, which this does not clear: leave it out\n",
    )
    assert (delete.code, delete.stderr) == (
        2,
        "error: --purge-versions is about the offline objects: give --with-offline-data too, or leave it out\n",
    )


def test_the_deletion_cap_counts_versions(aws: Sfs, group: FeatureGroup, clients: Clients):
    before = versions_in(clients)

    answer = aws("clear fg-1 --offline-only --purge-versions --force --max-delete 4")

    assert answer.code == 7
    assert versions_in(clients) == before
