"""Deleting a group that another account shares: it stays, and so does all that belongs to it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sfs_core import Batch, FeatureGroup, FeatureGroupNotFound, record_ids
from sfs_core.testing import MemoryStore, filled, new_group
from sfs_plugins.catalog.delete_group import DeleteFeatureGroup
from sfs_plugins.sagemaker_store.errors import NotOwnGroup
from sfs_plugins.sandbox.wire import Request, Response
from tests.memory_session import memory_session
from tests.sagemaker_store.served import ServedStore, Server


def test_a_group_that_another_account_shares_is_not_taken_for_one_that_is_gone(
    store: ServedStore, server: Server, tmp_path: Path
):
    """By its name alone it is not there, and what is gone already would count as deleted: its objects would be next.

    An ARN may have the name in small letters.
    """
    own = filled(store, new_group("Orders"))
    session = memory_session(tmp_path)
    session._opened["served"] = store
    theirs = replace(own, arn=own.arn.replace(":123456789012:", ":999900009999:").lower())
    body = described(store, theirs.arn)

    def shared(request: Request) -> Response | None:
        if not request.headers.get("x-amz-target", "").endswith(".DescribeFeatureGroup"):
            return None
        if json.loads(request.body)["FeatureGroupName"] == theirs.arn:
            return Response(200, body)
        return Response(400, b'{"__type": "ResourceNotFound", "message": "Resource Not Found"}')

    server.instead = shared

    with pytest.raises(NotOwnGroup):
        list(DeleteFeatureGroup(theirs).into(iter([Batch(0, record_ids(["Orders"]))]), session))


class Nameless(MemoryStore):
    """A store that finds groups by their names alone."""

    def describe(self, name: str) -> FeatureGroup:
        if name.startswith("arn:"):
            raise FeatureGroupNotFound(name=name, place=self.place())
        return super().describe(name)


def test_a_store_that_knows_no_arns_deletes_a_group_all_the_same(tmp_path: Path):
    """Not found by its ARN, it would be taken for one that is gone, and lose its objects alone."""
    session = memory_session(tmp_path, Nameless)
    group = filled(session.memory, new_group("orders"))

    list(DeleteFeatureGroup(group).into(iter([Batch(0, record_ids(["orders"]))]), session))

    with pytest.raises(FeatureGroupNotFound):
        session.memory.describe("orders")


def described(store: ServedStore, arn: str) -> bytes:
    """Return what DescribeFeatureGroup answers of the group `Orders`, under another ARN."""
    bodies: list[bytes] = []

    def note(response_dict: dict[str, Any], **_: Any) -> None:
        bodies.append(response_dict["body"])

    events = store.shared.get("sagemaker").meta.events
    events.register("before-parse.sagemaker.DescribeFeatureGroup", note)
    store.describe("Orders")
    events.unregister("before-parse.sagemaker.DescribeFeatureGroup", note)
    return json.dumps({**json.loads(bodies[0]), "FeatureGroupArn": arn}).encode()
