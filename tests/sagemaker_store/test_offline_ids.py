"""Record ids from the offline store on AWS: by Athena, and from the Parquet files' own id column."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sfs_core import FeatureGroup, OfflineQuery, RecordIdSource, Session, SfsError, TableFormat
from sfs_core.testing import (
    ONE,
    TWO,
    RecordIdSourceContract,
    delete,
    filled,
    ids_in,
    memory_session,
    new_group,
    objects_in,
    online,
    put,
    record,
)
from sfs_plugins.record_ids import QueriedRecordIds, ScannedRecordIds
from sfs_plugins.record_ids.scanned import IcebergNotScanned
from sfs_plugins.sagemaker_store.athena import AnswerNotWhole
from sfs_plugins.sagemaker_store.clients import Clients
from sfs_plugins.sagemaker_store.results import AnswerUnreadable
from tests.conftest import Sfs
from tests.sagemaker_store.conftest import Asked
from tests.sagemaker_store.served import Served, ServedStore
from tests.sagemaker_store.test_tables import moved

BOTH = pytest.mark.parametrize("source", ["athena", "s3-scan"])


def orders(store: ServedStore, **options: Any) -> FeatureGroup:
    """A group of three ids, of which one is a delete marker's."""
    group = filled(store, new_group("orders", **options), record("1", ONE, city="Oslo"), record("2", TWO))
    delete(store, group, "3", at=TWO)
    store.settle(group)
    return group


def put_file(clients: Clients, group: FeatureGroup, name: str, body: bytes) -> str:
    """Put a file under a group's root, as another tool may; return its URI."""
    assert group.offline is not None and group.offline.root is not None
    uri = f"{group.offline.root}data/{name}"
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    clients.get("s3").put_object(Bucket=bucket, Key=key, Body=body)
    return uri


def parquet(**columns: Any) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def noise(count: int) -> list[str]:
    """Return texts that nothing compresses."""
    return [Random(number).randbytes(150).hex() for number in range(count)]


# what they give


@BOTH
@pytest.mark.parametrize("kind", ["id:String", "id:Integral"])
def test_the_ids_are_those_of_every_version_and_delete_marker(aws: Sfs, store: ServedStore, source: str, kind: str):
    orders(store, record_identifier=kind)

    answer = aws.ok(f"bulk-delete orders --ids {source} --hard --dry-run")

    assert "  1. 3 from record ids" in answer.stderr


@BOTH
def test_the_records_of_those_ids_are_deleted_online_and_no_others(aws: Sfs, store: ServedStore, source: str):
    group = orders(store)
    put(store, group, record("4", ONE))

    aws.ok(f"clear orders --online-only --ids {source} --force")

    assert online(store, group) == [record("4", ONE)]
    assert ids_in(store, group, soft_deleted=True) == ["4"]


@BOTH
def test_records_can_be_got_by_them(aws: Sfs, store: ServedStore, source: str):
    orders(store)

    answer = aws(f"bulk-get orders --ids {source}")

    assert answer.stderr == "2 of 3 records found\n"
    assert sorted(json.loads(line)["id"] for line in answer.stdout.splitlines()) == ["1", "2"]


def test_ids_can_be_bounded_by_event_time(aws: Sfs, store: ServedStore):
    group = filled(store, new_group("orders"), record("1", ONE), record("2", TWO))
    store.settle(group)

    answer = aws.ok(f"bulk-delete orders --ids athena --athena-event-time {TWO}.. --hard --dry-run")

    assert f"  1. 1 from record ids of the offline store with event times {TWO}.. " in answer.stderr


# what goes wrong


@BOTH
@pytest.mark.parametrize(("fault", "code"), [("denied", 11), ("expired", 12)])
def test_after_a_failed_question_for_ids_nothing_is_deleted(
    aws: Sfs, store: ServedStore, served: Served, source: str, fault: str, code: int
):
    group = orders(store)
    operation = {"athena": "StartQueryExecution", "s3-scan": "GetObject"}[source]
    served.faults.set({"rules": [{"fault": fault, "operation": operation}]})

    answer = aws(f"clear orders --online-only --ids {source} --force")

    assert answer.code == code
    assert "error:" in answer.stderr
    assert ids_in(store, group) == ["1", "2"]
    assert len(objects_in(store, group)) == 2


@BOTH
def test_ids_of_the_offline_store_never_lead_to_the_offline_delete(aws: Sfs, store: ServedStore, source: str):
    """They need not be all there are, and the offline store can only be emptied whole."""
    group = orders(store)

    answer = aws(f"clear orders --ids {source} --force")

    assert answer.code == 4
    assert answer.stderr == (
        f"error: --ids {source} names some of the records of aws:orders, and the offline store is emptied whole, so "
        "nothing was changed: give --online-only, or leave --ids out\n"
    )
    assert ids_in(store, group) == ["1", "2"]
    assert len(objects_in(store, group)) == 2


@BOTH
def test_no_ids_are_an_error_because_writes_may_not_have_landed_yet(aws: Sfs, store: ServedStore, source: str):
    group = filled(store, new_group("orders"), record("1", ONE))

    answer = aws(f"clear orders --online-only --ids {source} --force")

    assert answer.code == 4
    assert answer.stderr == (
        "error: the offline store of aws:orders shows no record ids, so nothing was done: what was put lately lands "
        "there up to 15 minutes late; try again then, or give --ids online\n"
    )
    assert ids_in(store, group) == ["1"]


def test_a_scan_that_fails_in_the_middle_of_a_file_deletes_nothing(
    aws: Sfs, store: ServedStore, served: Served, clients: Clients
):
    """The error is that of the service, though another library asked for the bytes."""
    group = filled(store, new_group("orders"), record("1", ONE))
    body = parquet(id=[f"r{number}" for number in range(3_000)], city=noise(3_000))
    put_file(clients, group, "big.parquet", body)
    served.faults.set({"rules": [{"fault": "denied", "operation": "GetObject", "after": 1}]})

    answer = aws("clear orders --online-only --ids s3-scan --force")

    assert answer.code == 11
    assert "ask for the permission s3:GetObject" in answer.stderr
    assert ids_in(store, group) == ["1"]


# a scan reads little, and only what is the group's


def scanned(store: ServedStore, group: FeatureGroup, folder: Path) -> list[str]:
    """Return the ids that a scan gives, in its order."""
    batches = ScannedRecordIds(group).batches(session_on(store, folder))
    return [one for batch in batches for one in batch.column("record_id").to_pylist()]


def session_on(store: ServedStore, folder: Path) -> Session:
    session = memory_session(folder)
    session._opened |= {"memory": store, "served": store}
    return session


def ranges(asked: Asked) -> list[tuple[str, int]]:
    """Return what was got: the range, and its length in bytes."""
    got = []
    for given in asked.of("GetObject"):
        start, _, end = given["Range"].removeprefix("bytes=").partition("-")
        got.append((given["Range"], int(end) - int(start) + 1 if start else int(end)))
    return got


def test_of_a_large_file_a_scan_reads_the_footer_and_the_id_column(
    store: ServedStore, clients: Clients, asked: Asked, tmp_path: Path
):
    group, count = filled(store, new_group("orders", "city:String")), 3_000
    ids = [f"r{number}" for number in range(count)]
    body = parquet(id=ids, at=[ONE] * count, city=noise(count))
    put_file(clients, group, "big.parquet", body)

    found = scanned(store, group, tmp_path)

    assert found == ids
    got = ranges(asked)
    assert got[0][0] == "bytes=-65536"
    assert sum(length for _, length in got) < 65_536 + 40_000 < len(body) / 5
    assert {given["ExpectedBucketOwner"] for given in asked.of("GetObject")} == {"123456789012"}
    assert all(given["IfMatch"] for given in asked.of("GetObject")[1:])


def test_a_small_file_is_read_with_one_request(store: ServedStore, asked: Asked, tmp_path: Path):
    group = orders(store)

    scanned(store, group, tmp_path)

    assert [one for one, _ in ranges(asked)] == ["bytes=-65536"] * len(objects_in(store, group))


def test_many_files_are_read_at_once_and_none_is_left_out(store: ServedStore, clients: Clients, tmp_path: Path):
    group = filled(store, new_group("orders"))
    for number in range(30):
        put_file(clients, group, f"{number}.parquet", parquet(id=[f"r{number}", "same"], at=[ONE] * 2))

    found = scanned(store, group, tmp_path)

    assert sorted({*found}) == sorted({f"r{number}" for number in range(30)} | {"same"})


def test_the_catalogues_spelling_of_the_id_column_is_known(store: ServedStore, clients: Clients, tmp_path: Path):
    """Athena, Glue and Spark write names in lower case."""
    group = filled(store, new_group("orders", record_identifier="OrderId:Integral"))
    put_file(clients, group, "a.parquet", parquet(OrderId=[1, 2], at=[ONE] * 2))
    put_file(clients, group, "b.parquet", parquet(orderid=[2, 9223372036854775807], at=[ONE] * 2))

    assert sorted({*scanned(store, group, tmp_path)}) == ["1", "2", "9223372036854775807"]


def test_a_sibling_whose_name_begins_alike_is_not_read(store: ServedStore, tmp_path: Path):
    short, long = (filled(store, new_group(name), record(name, ONE)) for name in ("fg-1", "fg-17"))
    store.settle(long)

    assert scanned(store, short, tmp_path) == ["fg-1"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "Parquet file size is 0 bytes"),
        (b"id,at\n1,2\n", "Parquet magic bytes not found in footer. Either the file is corrupted or this is not a "
         "parquet file."),
        (parquet(other=["1"]), "it has no column 'id'"),
        (parquet(id=[["1"]]), "its column 'id' is of type list<element: string>"),
        (parquet(id=[1]), "its column 'id' is of type int64"),
        (parquet(id=["1", None]), "a record in it has no record id"),
        (parquet(id=["1"])[:-20] + b"PAR1" * 5, None),
        (b"PAR1" + bytes(200) + parquet(id=[f"r{number}" for number in range(99)])[204:], None),
    ],
    ids=["empty", "CSV", "another column", "a list", "a number", "no id", "cut off", "damaged"],
)  # fmt: skip
def test_a_file_that_is_not_the_groups_is_an_error_and_nothing_is_deleted(
    aws: Sfs, store: ServedStore, clients: Clients, body: bytes, problem: str | None
):
    group = orders(store)
    uri = put_file(clients, group, "foreign.parquet", body)

    answer = aws("clear orders --online-only --ids s3-scan --force")

    assert answer.code == 4
    assert answer.stderr.startswith(f"error: {uri} is not a Parquet file of aws:orders ({problem or ''}")
    assert answer.stderr.endswith(
        "), and the record ids in it would be missing, so nothing was done: move it away, or give --ids athena or "
        "--ids online\n"
    )
    assert ids_in(store, group) == ["1", "2"]


def test_a_mark_that_a_console_makes_of_a_folder_is_no_file(store: ServedStore, clients: Clients, tmp_path: Path):
    group = orders(store)
    put_file(clients, group, "empty/", b"")

    assert sorted(scanned(store, group, tmp_path)) == ["1", "2", "3"]


def test_an_object_that_was_replaced_while_it_is_read_is_an_error(store: ServedStore, clients: Clients):
    group, count = filled(store, new_group("orders", "city:String")), 3_000
    uri = put_file(clients, group, "big.parquet", parquet(city=noise(count)))

    with store.open_object(group, uri) as file:
        assert file.read(4) == b"PAR1"
        put_file(clients, group, "big.parquet", b"other")
        file.seek(0)
        with pytest.raises(SfsError):
            file.read(4)


def test_a_file_reads_alike_wherever_it_is_read_from(store: ServedStore, clients: Clients):
    """Before the bytes that came with its size, across their beginning, in them, and beyond the end."""
    group, body = filled(store, new_group("orders")), bytes(range(256)) * 300
    uri = put_file(clients, group, "a.bin", body)
    places = [(0, 10), (len(body) - 65_536 - 5, 10), (len(body) - 65_536, 10), (len(body) - 5, 10), (len(body), 10)]

    with store.open_object(group, uri) as file:
        for start, count in places:
            assert file.seek(start) == start
            assert file.read(count) == body[start : start + count]
        file.seek(0)
        assert file.read() == body


def test_an_iceberg_table_is_not_scanned(store: ServedStore, tmp_path: Path):
    group = orders(store)
    assert group.offline is not None
    iceberg = replace(group, offline=replace(group.offline, table_format=TableFormat.ICEBERG))

    with pytest.raises(IcebergNotScanned) as raised:
        scanned(store, iceberg, tmp_path)

    assert str(raised.value) == (
        "the offline store of served:orders is an Iceberg table, and files of its old snapshots lie beside the current "
        "ones, so its files are not scanned: give --ids athena"
    )


# the contract


class _OnAws(RecordIdSourceContract):
    @pytest.fixture
    def session(self, store: ServedStore, tmp_path: Path) -> Session:
        return session_on(store, tmp_path)

    @pytest.fixture
    def group(self, store: ServedStore) -> FeatureGroup:
        group = filled(store, new_group("orders"), *(record(record_id, ONE) for record_id in self.ids))
        store.settle(group)
        return group


class TestQueriedOnAws(_OnAws):
    @pytest.fixture
    def source(self, group: FeatureGroup) -> RecordIdSource:
        return QueriedRecordIds(group)


class TestScannedOnAws(_OnAws):
    @pytest.fixture
    def source(self, group: FeatureGroup) -> RecordIdSource:
        return ScannedRecordIds(group)


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        (None, AnswerNotWhole, "is not whole: 1 of its 1 files under s3://results/athena/sagemaker-fs-"),
        (b"PAR1", AnswerUnreadable, "which holds an answer of Athena, cannot be read (Parquet file size is 4 bytes"),
    ],
)
def test_an_answer_of_which_a_file_is_gone_or_spoilt_is_no_smaller_answer(
    store: ServedStore, clients: Clients, body: bytes | None, error: type[SfsError], said: str
):
    group, s3 = orders(store), clients.get("s3")

    def disturb(parsed: dict[str, Any], **_: Any) -> None:
        found = s3.list_objects_v2(Bucket="results", Prefix="athena/sagemaker-fs-").get("Contents", ())
        for entry in found if parsed["QueryExecution"]["Status"]["State"] == "SUCCEEDED" else ():
            s3.delete_object(Bucket="results", Key=entry["Key"])
            if body is not None:
                s3.put_object(Bucket="results", Key=entry["Key"], Body=body)

    events = clients.get("athena").meta.events
    events.register("after-call.athena.GetQueryExecution", disturb)
    try:
        with pytest.raises(error) as refused:
            list(store.offline_record_ids(group))
    finally:
        events.unregister("after-call.athena.GetQueryExecution", disturb)

    assert said in str(refused.value)


def test_of_a_table_that_groups_share_the_ids_are_the_groups_own(store: ServedStore, clients: Clients):
    """What it holds of others may be the id of a record of this group too, which would be deleted."""
    theirs = filled(store, new_group("fg-1"), record("1", ONE), record("3", ONE))
    new = new_group("fg-17")
    assert theirs.offline is not None and theirs.offline.root is not None and new.offline is not None
    table = theirs.offline.table
    own = filled(
        store, replace(new, offline=replace(new.offline, table=table, disable_glue_table=True)), record("2", ONE)
    )
    store.settle(own)
    moved(clients, theirs, theirs.offline.root.rpartition("fg-1-")[0])

    held = [one for batch in store.versions(own, OfflineQuery()) for one in batch.column("id").to_pylist()]
    found = [one for batch in store.offline_record_ids(own) for one in batch.column(0).to_pylist()]

    assert (sorted(held), found) == (["1", "2", "3"], ["2"])
