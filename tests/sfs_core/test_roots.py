"""The guard of an offline store's root, in every bucket layout."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sfs_core import (
    FeatureGroup,
    FeatureGroupName,
    FeatureGroupNotFound,
    OfflineStore,
    UnsafeRoot,
    check_root,
    other_groups,
)
from sfs_core.testing import MemoryStore, filled, new_group
from tests.memory_session import MemorySession, memory_session


@pytest.fixture
def session(tmp_path: Path) -> MemorySession:
    return memory_session(tmp_path)


GROUP = FeatureGroup("prod", "fg-1", "id", "at", (), None, None)  # type: ignore[arg-type]
ROOT = "s3://b/p/1111/sagemaker/eu-west-1/offline-store/fg-1-1700000000"


def rooted(resolved: str | None, s3_uri: str = "s3://b/p", name: str = "fg-1") -> FeatureGroup:
    return replace(GROUP, name=FeatureGroupName(name), offline=OfflineStore(s3_uri, resolved))


def test_a_root_of_the_service_is_fine_beside_its_neighbours():
    neighbours = [
        rooted(f"s3://b/p/1111/sagemaker/eu-west-1/offline-store/{name}/data", name=name)
        for name in ("fg-17-1700000000", "fg-1-17000000001", "fg-1", "fg")
    ]

    check_root(rooted(f"{ROOT}/data"), [*neighbours, GROUP])


def test_a_configured_uri_that_ends_in_a_slash_is_fine():
    check_root(rooted("s3://b/p//1111/fg-1/data", "s3://b/p/"), [rooted("s3://b/p/1111/fg-1/data", name="other")])


@pytest.mark.parametrize(
    ("resolved", "problem"),
    [
        ("s3://b/data", "'s3://b/', which is a whole bucket"),
        ("s3://b", "'s3://b/', which is a whole bucket"),
        ("s3://b/", "'s3://b/', which is a whole bucket"),
        ("s3://b//data", "'s3://b//', which is a whole bucket"),
        ("s3:///p/data", "'s3:///p/', which is a whole bucket"),
        ("s3://", "'s3:/', which is not an S3 prefix"),
        ("", "'/', which is not an S3 prefix"),
        ("https://b/p/x/data", "'https://b/p/x/', which is not an S3 prefix"),
        (None, "'', which is not an S3 prefix"),
        ("s3://b/p/../x/data", "'s3://b/p/../x/', which is not a plain prefix"),
        ("s3://b/p/data", "'s3://b/p/', which is not below its configured 's3://b/p': other groups may share that"),
        ("s3://b/p", "'s3://b/p/', which is not below its configured 's3://b/p': other groups may share that"),
    ],
)
def test_a_root_that_may_hold_more_than_the_group_is_refused(resolved: str | None, problem: str):
    with pytest.raises(UnsafeRoot) as refused:
        check_root(rooted(resolved), [])

    assert str(refused.value) == f"the offline store of prod:fg-1 lies at {problem}, so nothing was changed"


def test_a_root_above_its_configured_uri_is_refused():
    with pytest.raises(UnsafeRoot, match="which is not below its configured 's3://b/p/deeper/'"):
        check_root(rooted("s3://b/p/data", "s3://b/p/deeper/"), [])


@pytest.mark.parametrize(
    ("theirs", "problem"),
    [
        (f"{ROOT}/data", "which is the root of prod:other too"),
        (ROOT, "which is the root of prod:other too"),
        (f"{ROOT}/other/data", "which holds the root of prod:other"),
        (f"{ROOT}/data/other", "which holds the root of prod:other"),
        ("s3://b/p/1111/sagemaker/data", "which lies within the root of prod:other"),
        ("s3://b/", "which lies within the root of prod:other"),
    ],
)
def test_a_root_shared_with_another_group_is_refused(theirs: str, problem: str):
    with pytest.raises(UnsafeRoot) as refused:
        check_root(rooted(f"{ROOT}/data"), [rooted(theirs, name="other")])

    assert str(refused.value) == f"the offline store of prod:fg-1 lies at '{ROOT}/', {problem}, so nothing was changed"


def test_other_groups_are_all_but_the_group_itself(session: MemorySession):
    groups = [filled(session.memory, new_group(name)) for name in ("a", "b", "c")]

    assert list(other_groups(session.memory, groups[1])) == [groups[0], groups[2]]


def test_a_group_that_goes_while_others_are_described_is_left_out(session: MemorySession):
    class Vanishing(MemoryStore):
        def describe(self, name: str) -> FeatureGroup:
            if name == "a":
                raise FeatureGroupNotFound(name=name, place="memory")
            return super().describe(name)

    groups = [filled(session.memory, new_group(name)) for name in ("a", "b", "c")]
    store = Vanishing("memory", session.clock, session.memory.state)

    assert list(other_groups(store, groups[1])) == [groups[2]]
