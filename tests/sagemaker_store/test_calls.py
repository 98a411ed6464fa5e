"""Every call to AWS: what is tried again, what is not, and what people are told in the end."""

from __future__ import annotations

import pytest

from sfs_core import (
    AccessDenied,
    Batch,
    FeatureGroupNotFound,
    GroupQuery,
    Put,
    RecordId,
    StorageType,
    StoreUnavailable,
    records_from,
)
from sfs_core.testing import ONE, TWO, delete, failed, filled, ids_in, new_group, online, put, record
from sfs_plugins.sagemaker_store.calls import ATTEMPTS
from sfs_plugins.sagemaker_store.errors import CredentialsRefused
from tests.sagemaker_store.conftest import Asked
from tests.sagemaker_store.served import Served, ServedStore

HUNDRED = [record(f"{number:03}", ONE) for number in range(100)]


def struck(served: Served, **rule: object) -> None:
    """Put one rule of faults in force."""
    served.faults.set({"seed": 7, "rules": [rule]})


def operations(served: Served) -> list[str]:
    return [line["operation"] for line in served.faults.log]


# throttles and passing faults


def test_a_throttled_call_is_sent_again_and_slows_its_operation_down(store: ServedStore, served: Served):
    struck(served, fault="throttle", operation="ListFeatureGroups", count=3)

    names = list(store.groups(GroupQuery()))

    assert names == []
    assert operations(served) == ["ListFeatureGroups"] * 3
    assert store.calls.pace_of("ListFeatureGroups").pace.throttles >= 1
    assert store.calls.pace_of("DescribeFeatureGroup").pace.throttles == 0


def test_pauses_between_tries_grow_and_differ(store: ServedStore, served: Served):
    struck(served, fault="error", operation="ListFeatureGroups", count=6)

    list(store.groups(GroupQuery()))

    assert len(store.paused) == 6
    assert all(longer > shorter / 2 for shorter, longer in zip(store.paused, store.paused[1:], strict=False))
    assert 0.05 <= store.paused[0] <= 0.1
    assert 1.6 <= store.paused[5] <= 3.2


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_fault_of_the_service_is_tried_again(store: ServedStore, served: Served, status: int):
    group = filled(store, new_group(), record("1", ONE))
    struck(served, fault="error", status=status, operation="BatchGetRecord", count=2)

    assert online(store, group, "1") == [record("1", ONE)]


def test_a_fault_that_stays_is_told_after_a_bounded_number_of_tries(store: ServedStore, served: Served):
    struck(served, fault="error", operation="ListFeatureGroups")

    with pytest.raises(StoreUnavailable, match="InternalFailure"):
        list(store.groups(GroupQuery()))

    assert len(operations(served)) == ATTEMPTS


def test_what_is_denied_is_not_tried_again_and_names_principal_and_action(store: ServedStore, served: Served):
    struck(served, fault="denied", operation="ListFeatureGroups")

    with pytest.raises(AccessDenied) as told:
        list(store.groups(GroupQuery()))

    assert operations(served) == ["ListFeatureGroups"]
    assert str(told.value) == (
        "arn:aws:sts::123456789012:assumed-role/sandbox/sandbox may not sagemaker:ListFeatureGroups on served: "
        "ask for the permission sagemaker:ListFeatureGroups"
    )


def test_the_action_is_named_as_iam_names_it(store: ServedStore, served: Served):
    """[13] UpdateRecord has no action of its own."""
    group = filled(store, new_group(storage_type=StorageType.STANDARD_V2), record("1", ONE))
    served.faults.set(
        {"rules": [{"fault": "denied", "service": "s3"}, {"fault": "denied", "operation": "UpdateRecord"}]}
    )

    with pytest.raises(AccessDenied, match=r"may not s3:ListBucket on feature-store: ask"):
        list(store.offline_objects(group))
    with pytest.raises(AccessDenied, match=r"may not sagemaker:PutRecord on orders: ask"):
        store.update_record(group, RecordId("1"), {"city": "Oslo"}, Put())


def test_expired_credentials_say_how_to_renew_them(store: ServedStore, served: Served):
    struck(served, fault="expired")

    with pytest.raises(CredentialsRefused, match="aws sso login"):
        list(store.groups(GroupQuery()))

    assert len(operations(served)) == 1


# writes of which nobody knows whether they took effect


def test_a_write_whose_answer_was_lost_is_sent_again_and_done(store: ServedStore, served: Served):
    group = filled(store, new_group())
    struck(served, fault="drop_after", operation="BatchWriteRecord", count=1)

    remarks = put(store, group, *HUNDRED)

    assert remarks == []
    assert online(store, group) == HUNDRED


def test_a_write_that_is_never_answered_is_failed_as_unknown_and_never_done(store: ServedStore, served: Served):
    group = filled(store, new_group())
    struck(served, fault="drop_after", operation="BatchWriteRecord", after=1)

    remarks = put(store, group, *HUNDRED[:30])

    assert failed(remarks) == [(row, "OutcomeUnknown") for row in range(25, 30)]
    assert len(operations(served)) == ATTEMPTS


def test_a_write_that_was_dropped_and_then_throttled_is_unknown_too(store: ServedStore, served: Served):
    """The first try may have taken effect, whatever became of the others."""
    group = filled(store, new_group())
    dropped = {"fault": "drop_after", "operation": "BatchWriteRecord", "count": 1}
    served.faults.set({"rules": [dropped, {"fault": "throttle", "operation": "BatchWriteRecord", "after": 1}]})

    remarks = put(store, group, record("1", ONE))

    assert failed(remarks) == [(0, "OutcomeUnknown")]


def test_a_delete_that_is_never_answered_is_failed_as_unknown(store: ServedStore, served: Served):
    group = filled(store, new_group(), record("1", ONE))
    struck(served, fault="drop_before", operation="DeleteRecord")

    remarks = delete(store, group, "1", at=TWO)

    assert failed(remarks) == [(0, "OutcomeUnknown")]
    assert online(store, group, "1") == [record("1", ONE)]


def test_a_group_that_is_made_without_an_answer_is_not_made_twice(store: ServedStore, served: Served):
    struck(served, fault="drop_after", operation="CreateFeatureGroup")

    with pytest.raises(StoreUnavailable, match="outcome is unknown"):
        store.create(new_group("orders"))

    assert operations(served) == ["CreateFeatureGroup"]
    assert list(store.groups(GroupQuery())) == ["orders"]


# writing in batches


def test_records_are_written_25_a_call(store: ServedStore, asked: Asked):
    group = filled(store, new_group())

    put(store, group, *HUNDRED)

    assert [len(call["Entries"]) for call in asked.of("BatchWriteRecord")] == [25] * 4


def test_entries_that_come_back_unprocessed_are_sent_again_and_no_others(
    store: ServedStore, served: Served, asked: Asked
):
    """[12] Inside an answer of 200."""
    group = filled(store, new_group())
    struck(served, fault="unprocessed", operation="BatchWriteRecord", count=3)

    remarks = put(store, group, *HUNDRED[:25])

    assert remarks == []
    assert [len(call["Entries"]) for call in asked.of("BatchWriteRecord")] == [25, 3]
    assert online(store, group) == HUNDRED[:25]


def test_throttled_entries_inside_an_answer_slow_down_once_and_are_sent_again(store: ServedStore, served: Served):
    group = filled(store, new_group())
    struck(served, fault="entry_error", operation="BatchWriteRecord", rate=0.3, count=20)

    remarks = put(store, group, *HUNDRED)

    assert remarks == []
    assert 1 <= store.calls.pace_of("BatchWriteRecord").pace.throttles < 20
    assert online(store, group) == HUNDRED


def test_entries_that_stay_unprocessed_have_failed(store: ServedStore, served: Served):
    group = filled(store, new_group())
    struck(served, fault="unprocessed", operation="BatchWriteRecord")

    remarks = put(store, group, *HUNDRED[:3])

    assert failed(remarks) == [(0, "StoreUnavailable"), (1, "StoreUnavailable"), (2, "StoreUnavailable")]


def test_records_are_put_one_by_one_where_batches_are_not_permitted(store: ServedStore, served: Served, asked: Asked):
    """[13] It is found out once a group, not once a call."""
    group = filled(store, new_group())
    struck(served, fault="denied", operation="BatchWriteRecord")

    remarks = put(store, group, *HUNDRED[:60])
    put(store, group, record("x", ONE))

    assert remarks == []
    assert len(ids_in(store, group)) == 61
    assert asked.operations("BatchWriteRecord", "PutRecord") == ["BatchWriteRecord"] + ["PutRecord"] * 61


def test_where_not_even_one_record_may_be_put_the_permission_is_named(store: ServedStore, served: Served):
    group = filled(store, new_group())
    served.faults.set({"rules": [{"fault": "denied", "operation": name} for name in ("BatchWriteRecord", "PutRecord")]})

    with pytest.raises(AccessDenied, match="ask for the permission sagemaker:PutRecord"):
        put(store, group, *HUNDRED[:3])


# groups that are not found


def test_a_group_that_is_not_there_is_not_waited_for(store: ServedStore, asked: Asked):
    group = filled(store, new_group("orders"))
    store.delete("orders")

    with pytest.raises(FeatureGroupNotFound):
        store.read(group, [RecordId("1")])
    with pytest.raises(FeatureGroupNotFound):
        put(store, group, record("1", ONE))

    assert store.paused == []


# reading


def test_ids_that_come_back_unprocessed_are_asked_for_again(store: ServedStore, served: Served):
    """[11]."""
    group = filled(store, new_group(), *HUNDRED)
    struck(served, fault="unprocessed", operation="BatchGetRecord", rate=0.5, count=40)

    found = online(store, group, *(str(one["id"]) for one in HUNDRED))

    assert found == HUNDRED


def test_an_empty_page_is_not_the_last_one(store: ServedStore, served: Served):
    """[14] Only a missing token ends a listing."""
    group = filled(store, new_group(), *HUNDRED)
    struck(served, fault="empty_page", operation="ListRecords", count=1)

    assert ids_in(store, group) == [one["id"] for one in HUNDRED]


# everything at once


@pytest.mark.parametrize("seed", range(4))
def test_under_every_kind_of_fault_each_record_is_accounted_for_and_what_is_done_is_there(
    store: ServedStore, served: Served, seed: int
):
    """n in, n out; done is done, whatever happened on the way."""
    group = filled(store, new_group())
    kinds = {"throttle": 0.1, "error": 0.1, "error_after": 0.05, "drop_before": 0.1, "drop_after": 0.1}
    of_entries = {"unprocessed": 0.05, "entry_error": 0.05}
    writes = [{"fault": fault, "rate": rate} for fault, rate in {**kinds, **of_entries}.items()]
    served.faults.set({"seed": seed, "rules": writes})
    records = [record(f"{number:04}", ONE, city=f"city {number}") for number in range(600)]
    batches = [Batch(n, records_from(group.features, records[n * 100 : n * 100 + 100])) for n in range(6)]

    facts = list(store.put(group, batches, Put(max_workers=3)))

    served.faults.set({})
    failures = {fact.batch.number * 100 + remark.row for fact in facts for remark in fact.remarks}
    assert sorted(fact.batch.number for fact in facts) == list(range(6))
    assert sum(fact.done for fact in facts) + len(failures) == 600
    done = [one for number, one in enumerate(records) if number not in failures]
    assert online(store, group, *(str(one["id"]) for one in done)) == done
    assert len(served.faults.log) > 20
