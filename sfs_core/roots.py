"""The guard of an offline store's root: what is deleted must be this group's own, in any bucket layout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from sfs_core.errors import FeatureGroupNotFound, Refused
from sfs_core.messages import Message, say
from sfs_core.model import FeatureGroup, FeatureGroupName
from sfs_core.store import GroupQuery, Store

_DESCRIBES_IN_FLIGHT = 8


class UnsafeRoot(Refused):
    """A group's root holds, or may hold, objects that are not the group's."""

    sentence = "the offline store of {group} lies at {root!r}, {problem}, so nothing was changed"


def check_root(group: FeatureGroup, others: Iterable[FeatureGroup]) -> None:
    """Raise UnsafeRoot unless all that lies under a group's root is the group's own. Raises nothing else.

    `others` are the store's other groups. A root ends in `/`, so a sibling whose name begins alike is not under it.
    """
    problem = _own_problem(group) or next(filter(None, (_shared_problem(group, other) for other in others)), None)
    if problem is not None:
        root = group.offline.root if group.offline else None
        raise UnsafeRoot(group=group.address, root=root or "", problem=problem)


def versions_note(group: FeatureGroup, keeps_versions: bool | None) -> tuple[Message, ...]:
    """Return what a plan says of bytes that remain where objects are deleted and `keeps_versions`; None is unknown."""
    root = group.offline.root if group.offline else None
    if keeps_versions is None:
        return (
            say(
                "whether the bucket of {root} keeps older versions is not known: if it does, the bytes remain unless "
                "--purge-versions is given",
                root=root,
            ),
        )
    if keeps_versions:
        return (
            say(
                "the bucket of {root} keeps older versions: objects only get delete markers, and their bytes remain, "
                "and are paid for, unless --purge-versions is given",
                root=root,
            ),
        )
    return ()


def other_groups(store: Store, group: FeatureGroup) -> Iterator[FeatureGroup]:
    """Yield every other group of a store as described now; one that goes meanwhile is left out.

    A group of the same name that was made anew is another one.
    """

    def described(name: FeatureGroupName) -> FeatureGroup | None:
        try:
            return store.describe(name)
        except FeatureGroupNotFound:
            return None

    with ThreadPoolExecutor(_DESCRIBES_IN_FLIGHT) as pool:
        for found in pool.map(described, store.groups(GroupQuery())):
            if found is not None and _birth(found) != _birth(group):
                yield found


def _birth(group: FeatureGroup) -> tuple[object, ...]:
    return (group.name, group.created_at, group.offline and group.offline.root)


def _own_problem(group: FeatureGroup) -> Message | None:
    """Return what is wrong with a root by itself."""
    offline = group.offline
    if offline is None or offline.root is None or not offline.root.startswith("s3://"):
        return say("which is not an S3 prefix")
    bucket, _, prefix = offline.root.removeprefix("s3://").partition("/")
    if not bucket or not prefix.strip("/"):
        return say("which is a whole bucket")
    # an empty part is a part like any other: an S3 URI that ends in a slash gives `//`
    if {".", ".."} & set(prefix.split("/")):
        return say("which is not a plain prefix")
    configured = offline.s3_uri.rstrip("/") + "/"
    if configured.startswith("s3://") and configured.startswith(offline.root):
        return say("which is not below its configured {uri!r}: other groups may share that", uri=offline.s3_uri)
    return None


def _shared_problem(group: FeatureGroup, other: FeatureGroup) -> Message | None:
    """Return what is wrong with a root beside another group's."""
    mine = group.offline.root if group.offline else None
    theirs = other.offline.root if other.offline else None
    if mine is None or theirs is None:
        return None
    if mine == theirs:
        return say("which is the root of {other} too", other=other.address)
    if theirs.startswith(mine):
        return say("which holds the root of {other}", other=other.address)
    if mine.startswith(theirs):
        return say("which lies within the root of {other}", other=other.address)
    return None
