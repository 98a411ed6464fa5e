"""What S3 answers to a deletion: nothing is deleted, and nothing believed, that was not asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sfs_core import Batch, FeatureGroup, StoreUnavailable
from sfs_core.testing import ONE, delete_objects, delete_versions, failed, filled, latest, new_group, objects_in, record
from sfs_plugins.sagemaker_store.clients import Clients
from sfs_plugins.sandbox.wire import Request, Response
from tests.sagemaker_store.served import ServedStore, Server

BUCKET = "feature-store"


@pytest.fixture
def groups(store: ServedStore) -> tuple[FeatureGroup, FeatureGroup]:
    """A group and its sibling, an object each."""
    mine, other = (filled(store, new_group(name), record("1", ONE)) for name in ("fg-1", "fg-17"))
    store.settle(mine)
    return mine, other


def once(*errors: tuple[str | None, str | None, str]) -> Callable[[Request], Response | None]:
    """Answer the first deletion with errors of key, version and code, and leave the others to the sandbox."""
    answers = [errors]

    def answer(request: Request) -> Response | None:
        if request.method != "POST" or "delete" not in request.parameters or not answers:
            return None
        texts = []
        for key, version, code in answers.pop():
            named = f"<Key>{key}</Key>" if key is not None else ""
            named += f"<VersionId>{version}</VersionId>" if version is not None else ""
            texts.append(f"<Error>{named}<Code>{code}</Code><Message>why</Message></Error>")
        body = f"<DeleteResult>{''.join(texts)}</DeleteResult>"
        return Response(200, body.encode(), [("content-type", "application/xml")])

    return answer


@pytest.mark.parametrize("code", ["SlowDown", "InternalError", "AccessDenied"])
def test_an_object_that_only_the_answer_names_is_never_deleted(
    store: ServedStore, server: Server, groups: tuple[FeatureGroup, FeatureGroup], code: str
):
    """Trying again what an answer names would delete it, and no guard of the group's root would have seen it."""
    mine, other = groups
    (theirs,) = objects_in(store, other)
    server.instead = once((theirs.removeprefix(f"s3://{BUCKET}/"), None, code))

    with pytest.raises(StoreUnavailable) as raised:
        delete_objects(store, mine, *objects_in(store, mine))

    assert "which was not asked for" in str(raised.value)
    assert objects_in(store, other) == [theirs]
    assert latest(store, other) == [record("1", ONE)]


def test_an_error_that_names_nothing_is_an_error(
    store: ServedStore, server: Server, groups: tuple[FeatureGroup, FeatureGroup]
):
    mine, _ = groups
    server.instead = once((None, None, "InternalError"))

    with pytest.raises(StoreUnavailable):
        delete_objects(store, mine, *objects_in(store, mine))

    assert len(objects_in(store, mine)) == 1


@pytest.mark.parametrize("code", ["SlowDown", "AccessDenied"])
def test_an_error_that_leaves_out_the_version_is_that_of_every_version_asked_for(
    store: ServedStore, server: Server, clients: Clients, groups: tuple[FeatureGroup, FeatureGroup], code: str
):
    mine, _ = groups
    s3 = clients.get("s3")
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    (key,) = (uri.removeprefix(f"s3://{BUCKET}/") for uri in objects_in(store, mine))
    for body in (b"old", b"older", b"new"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    server.instead = once((key, None, code))
    listed = [Batch(number, found) for number, found in enumerate(store.object_versions(mine))]

    facts = list(store.delete_objects(mine, listed))

    codes = [[code for _, code in failed(fact.remarks)] for fact in facts]
    left = sum(found.num_rows for found in store.object_versions(mine))
    assert (codes, left) == (([[], []], 0) if code == "SlowDown" else ([["VersionKept"] * 3, ["OlderVersionKept"]], 4))
    assert delete_versions(store, mine) == []
