"""Nothing outside a group's own root is ever touched, however the request is spelt and whatever links lie about."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from sfs_core import FeatureGroup, Refused, SetClock
from sfs_core.testing import (
    ONE,
    TWO,
    created,
    delete_objects,
    failed,
    filled,
    history,
    latest,
    new_group,
    objects_in,
    record,
)
from sfs_plugins.local_store import LocalStore

ROOT = "s3://feature-store/tests/000000000000/sagemaker/local/offline-store/orders-1748779200/"


def on_disk(folder: Path) -> list[str]:
    """Return every file under the bucket folder, relative to it."""
    return sorted(path.relative_to(folder / "s3").as_posix() for path in (folder / "s3").rglob("*") if path.is_file())


def rooted(group: FeatureGroup, uri: str) -> FeatureGroup:
    assert group.offline is not None
    return dataclasses.replace(group, offline=dataclasses.replace(group.offline, resolved_uri=uri))


def test_objects_lie_in_the_services_layout(store: LocalStore) -> None:
    group = filled(store, new_group(), record("1", ONE), record("2", "2025-06-01T01:59:59.9Z"), record("3", TWO))

    first, second = objects_in(store, group)

    assert first.startswith(f"{ROOT}data/year=2025/month=06/day=01/hour=01/20250601T015959Z_")
    assert second.startswith(f"{ROOT}data/year=2025/month=06/day=01/hour=02/20250601T020000Z_")
    assert all(len(key.rpartition("_")[2]) == 16 + len(".parquet") for key in (first, second))


@pytest.mark.parametrize(
    "s3_uri", ["s3://feature-store/tests", "s3://feature-store/tests/", "https://feature-store/tests//"]
)
def test_a_slash_at_the_end_of_the_uri_makes_no_difference(store: LocalStore, s3_uri: str) -> None:
    group = created(store, new_group(s3_uri=s3_uri))

    assert group.offline is not None
    assert group.offline.root == ROOT


@pytest.mark.parametrize(
    "at, partition",
    [
        ("0000-01-01T00:00:00Z", "year=0000/month=01/day=01/hour=00"),
        ("1969-12-31T23:59:59.999999999Z", "year=1969/month=12/day=31/hour=23"),
        ("9999-12-31T23:59:59.999999999Z", "year=9999/month=12/day=31/hour=23"),
    ],
)
def test_every_event_time_has_its_partition(store: LocalStore, at: str, partition: str) -> None:
    group = filled(store, new_group(), record("1", at))

    [key] = objects_in(store, group)

    assert key.startswith(f"{ROOT}data/{partition}/{at[:19].replace('-', '').replace(':', '')}Z_")
    assert latest(store, group) == [record("1", at)]


@pytest.mark.parametrize(
    "key",
    [
        ROOT,
        ROOT + "data/../../orders-17/data/x.parquet",
        ROOT + "data//x.parquet",
        ROOT + "./x.parquet",
        ROOT + "..",
        ROOT + "data/..\\..\\x.parquet",
        ROOT + "data/x\0.parquet",
        ROOT.removesuffix("/") + "7/data/x.parquet",
        "s3://feature-store/tests/x.parquet",
        "/etc/passwd",
        "",
    ],
)
def test_a_key_that_is_not_strictly_under_the_root_is_refused(store: LocalStore, folder: Path, key: str) -> None:
    group = filled(store, new_group(), record("1", ONE))
    before = on_disk(folder)

    remarks = delete_objects(store, group, key)

    assert failed(remarks) == [(0, "OutsideRoot")]
    assert on_disk(folder) == before


def test_a_link_that_leads_to_another_groups_objects_is_not_followed(store: LocalStore, folder: Path) -> None:
    group = filled(store, new_group(), record("1", ONE))
    other = filled(store, new_group("others"), record("2", ONE))
    root, others = folder / "s3" / ROOT[5:], folder / "s3" / ROOT[5:].replace("orders", "others")
    (root / "data" / "year=2026").symlink_to(others / "data" / "year=2025")
    [victim] = (others / "data").rglob("*.parquet")
    (root / "data" / "link.parquet").symlink_to(victim)

    listed = objects_in(store, group)
    remarks = delete_objects(
        store,
        group,
        f"{ROOT}data/year=2026/month=06/day=01/hour=01/{victim.name}",
        f"{ROOT}data/link.parquet",
    )

    assert len(listed) == 1
    assert failed(remarks) == [(0, "OutsideRoot"), (1, "OutsideRoot")]
    assert latest(store, group) == [record("1", ONE)]
    assert latest(store, other) == [record("2", ONE)]


def test_a_root_that_is_itself_a_link_is_refused(store: LocalStore, folder: Path) -> None:
    group = filled(store, new_group(), record("1", ONE))
    filled(store, new_group("others"), record("2", ONE))
    root = folder / "s3" / ROOT[5:].rstrip("/")
    root.rename(root.with_name("elsewhere"))
    root.symlink_to(root.with_name("others-1748779200"))

    with pytest.raises(Refused, match="is not the root of local:orders"):
        objects_in(store, group)


def test_a_group_within_another_groups_root_keeps_both_from_being_listed_or_emptied(store: LocalStore) -> None:
    outer = filled(store, new_group(), record("1", ONE))
    inner = filled(store, new_group("inner", s3_uri=ROOT + "data/year=2025"), record("2", ONE))

    for group in (outer, inner):
        with pytest.raises(Refused, match=r"is not the root of .* alone"):
            objects_in(store, group)
        with pytest.raises(Refused):
            delete_objects(store, group, ROOT + "data/x.parquet")

    assert latest(store, outer) == [record("1", ONE)]
    assert latest(store, inner) == [record("2", ONE)]


@pytest.mark.parametrize(
    "uri",
    [
        "s3://feature-store/data",
        "s3:///data",
        "s3://feature-store/tests/000000000000/sagemaker/local/offline-store/data",
        "s3://feature-store/tests/000000000000/sagemaker/local/offline-store/others-1748779200/data",
        "s3://feature-store/tests/../x/000000000000/sagemaker/local/offline-store/orders-1748779200/data",
    ],
)
def test_a_root_that_could_not_be_the_groups_is_refused(store: LocalStore, folder: Path, uri: str) -> None:
    group = filled(store, new_group(), record("1", ONE))
    before = on_disk(folder)

    with pytest.raises(Refused):
        delete_objects(store, rooted(group, uri), uri.removesuffix("data") + "x.parquet")

    assert on_disk(folder) == before


@pytest.mark.parametrize(
    "s3_uri",
    [
        "s3://../x",
        "s3://bucket/../../x",
        "s3://bucket/a//b",
        "s3://./x",
        "s3://bucket/a\\b",
        "s3://bucket/" + "x" * 250,
    ],
)
def test_a_uri_that_is_no_plain_folder_makes_no_group(store: LocalStore, folder: Path, s3_uri: str) -> None:
    with pytest.raises(Exception, match="cannot be a folder of the embedded store"):
        store.create(new_group(s3_uri=s3_uri))

    assert not folder.exists()


def test_a_group_made_anew_within_the_same_second_adopts_nothing(store: LocalStore) -> None:
    first = filled(store, new_group(), record("1", ONE))
    store.delete("orders")
    second = filled(store, new_group(), record("2", TWO))

    assert second.created_at == first.created_at
    assert second.offline is not None
    assert second.offline.root == ROOT.replace("1748779200", "1748779201")
    assert [version["id"] for version in history(store, second)] == ["2"]
    assert len(objects_in(store, first)) == 1


def test_a_name_in_another_case_adopts_nothing_either(store: LocalStore) -> None:
    filled(store, new_group("Orders"), record("1", ONE))
    store.delete("orders")
    second = filled(store, new_group("orders"), record("2", TWO))

    assert [version["id"] for version in history(store, second)] == ["2"]


def test_objects_that_lie_where_a_root_would_be_are_not_adopted(store: LocalStore, folder: Path) -> None:
    stray = folder / "s3" / ROOT[5:] / "data" / "year=2025" / "month=06" / "day=01" / "hour=01" / "stray.parquet"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"no parquet")

    group = filled(store, new_group(), record("1", ONE))

    assert latest(store, group) == [record("1", ONE)]
    assert stray.exists()


def test_empty_folders_go_with_their_last_object_and_the_root_stays(store: LocalStore, folder: Path) -> None:
    group = filled(store, new_group(), record("1", ONE), record("2", TWO))
    one, two = objects_in(store, group)
    root = folder / "s3" / ROOT[5:]

    assert delete_objects(store, group, one) == []
    assert [f.name for f in (root / "data/year=2025/month=06/day=01").iterdir()] == ["hour=02"]
    assert delete_objects(store, group, two) == []
    assert list(root.iterdir()) == []


def test_two_groups_that_share_a_uri_and_a_beginning_are_told_apart(store: LocalStore, clock: SetClock) -> None:
    one = filled(store, new_group("fg-1"), record("1", ONE))
    seventeen = filled(store, new_group("fg-17"), record("17", ONE))

    delete_objects(store, one, *objects_in(store, one))

    assert latest(store, one) == []
    assert latest(store, seventeen) == [record("17", ONE)]
