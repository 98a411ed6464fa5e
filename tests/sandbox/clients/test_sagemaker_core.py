"""sagemaker-core's FeatureGroup resource against the sandbox: the object-oriented client of the SageMaker SDK."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import ROLE

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def life(core, s3):
    """What the resource said from a group's creation to its end."""
    s3.create_bucket(Bucket="core")
    return core("life", ROLE, "s3://core/fs")


def values(answer):
    return {one["feature_name"]: one["value_as_string"] for one in answer["record"]}


def test_a_group_is_made_waited_for_and_described(life):
    made = life["created"]

    resolved = made["offline_store_config"]["s3_storage_config"]["resolved_output_s3_uri"]
    assert made["feature_group_arn"] == "arn:aws:sagemaker:us-east-1:123456789012:feature-group/core-made"
    assert (made["feature_group_status"], made["offline_store_status"]) == ("Created", {"status": "Active"})
    assert [(one["feature_name"], one["feature_type"]) for one in made["feature_definitions"]] == [
        ("id", "String"), ("time", "String"), ("count", "Integral"),
    ]  # fmt: skip
    assert resolved.startswith("s3://core/fs/123456789012/sagemaker/us-east-1/offline-store/core-made-")
    assert made["role_arn"] == ROLE
    assert "last_update_status" not in made


def test_records_are_put_got_listed_and_deleted(life):
    assert life["written"] == {"errors": [], "unprocessed_entries": []}
    assert values(life["got"]) == {"id": "a", "time": "2025-06-01T00:00:00Z", "count": "1"}
    assert life["deleted"] == {}
    assert life["batch"] == ["a", "c"]
    assert life["ids"] == ["a", "c"]


def test_a_feature_is_added_and_the_update_is_told(life):
    assert life["updated"]["last_update_status"] == {"status": "Successful"}
    assert [one["feature_name"] for one in life["updated"]["feature_definitions"]] == ["id", "time", "count", "colour"]
    assert life["all"] == ["core-made"]


def test_a_group_is_deleted_waited_for_and_gone(life):
    assert life["left"] == []
    assert "can't find a FeatureGroup with name core-made" in life["gone"]
