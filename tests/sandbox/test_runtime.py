"""The runtime plane through boto3: the service's semantics, rule by rule."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import by_hand, offline, record, seen


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


def test_a_record_put_is_the_record_read_in_definition_order_and_as_it_was_written(runtime, group):
    """[43]."""
    name = group()

    runtime.put_record(FeatureGroupName=name, Record=record("a", price="1.50e3", count="+5"))

    assert seen(runtime, name, "a") == {"id": "a", "time": "2025-06-01T00:00:00Z", "count": "+5", "price": "1.50e3"}


def test_an_id_without_a_record_is_an_answer_without_the_member_record(runtime, group):
    """[10]."""
    answer = runtime.get_record(FeatureGroupName=group(), RecordIdentifierValueAsString="nobody")

    assert "Record" not in answer


def test_a_put_replaces_the_whole_record_if_its_event_time_is_strictly_later(runtime, group):
    """[1, 3, 8] Instants count, not texts; what does not count is acknowledged all the same."""
    name = group()
    runtime.put_record(FeatureGroupName=name, Record=record("a", "2025-06-01T00:00:00Z", count="1", price="1.0"))

    runtime.put_record(FeatureGroupName=name, Record=record("a", "2025-06-01T00:00:00.000Z", count="2"))
    tie = seen(runtime, name, "a")
    runtime.put_record(FeatureGroupName=name, Record=record("a", "2025-05-31T23:59:59Z", count="3"))
    older = seen(runtime, name, "a")
    runtime.put_record(FeatureGroupName=name, Record=record("a", "2025-06-01T00:00:00.000000001Z", count="4"))

    assert tie == older == {"id": "a", "time": "2025-06-01T00:00:00Z", "count": "1", "price": "1.0"}
    assert seen(runtime, name, "a") == {"id": "a", "time": "2025-06-01T00:00:00.000000001Z", "count": "4"}


def test_an_arn_names_a_group_in_one_percent_encoded_segment(runtime, sagemaker, group):
    """[17]."""
    name = group()
    arn = sagemaker.describe_feature_group(FeatureGroupName=name)["FeatureGroupArn"]

    runtime.put_record(FeatureGroupName=arn, Record=record("a/b c+ü"))

    assert seen(runtime, arn, "a/b c+ü") == {"id": "a/b c+ü", "time": "2025-06-01T00:00:00Z"}


def test_features_are_chosen_by_repeated_names_and_an_unknown_one_is_refused(runtime, sandbox, group):
    """[18] On the wire the name is `FeatureName`; commas part nothing, and a name the service has not is no matter."""
    name = group()
    runtime.put_record(FeatureGroupName=name, Record=record("a", count="1", price="2.5"))
    asked = {"FeatureGroupName": name, "RecordIdentifierValueAsString": "a"}

    answer = runtime.get_record(**asked, FeatureNames=["price", "count"])
    unknown = refused(runtime.get_record, **asked, FeatureNames=["colour"])
    joined = refused(runtime.get_record, **asked, FeatureNames=["price,count"])
    path = f"/FeatureGroup/{name}?RecordIdentifierValueAsString=a"
    repeated = by_hand(sandbox, "GET", f"{path}&FeatureName=price&FeatureName=count")
    misnamed = by_hand(sandbox, "GET", f"{path}&FeatureNames=price")

    assert [value["FeatureName"] for value in answer["Record"]] == ["count", "price"]
    assert unknown[:2] == joined[:2] == ("ValidationError", 400)
    assert repeated == (200, "", {"Record": record("a", count="1", price="2.5")[2:]})
    assert misnamed == (200, "", {"Record": record("a", count="1", price="2.5")})


def test_an_operation_is_told_by_its_path_and_those_of_the_control_plane_by_their_target(sandbox, group):
    """[19] Both are signed as `sagemaker`."""
    name = group()
    named = {"FeatureGroupName": name}

    by_path = by_hand(sandbox, "POST", "/DescribeFeatureGroup", named)
    by_target = by_hand(sandbox, "POST", "/", named, target="SageMaker.DescribeFeatureGroup")

    assert by_path[:2] == (404, "UnknownOperationException")
    assert (by_target[0], by_target[2]["FeatureGroupName"]) == (200, name)


INTEGRAL = {"0": True, "-0": True, "+5": True, "007": True, str(2**63 - 1): True, str(-(2**63)): True} | dict.fromkeys(
    ("1.0", "1e3", "", " 5", "5 ", "1_000", "0x10", "\u0663", str(2**63), str(-(2**63) - 1), "NaN", "None"), False
)
FRACTIONAL = dict.fromkeys(
    ("0", "-.5", "5.", "1e3", "1E-3", "+1", "1.7976931348623157e308", "5e-324"), True
) | dict.fromkeys(("NaN", "nan", "Infinity", "-inf", "1e309", " 1", "1_0", "0x1p3", "1f", "", "1,5", "None"), False)
DAY = "2025-06-01"
ISO = dict.fromkeys(
    (f"{DAY}T00:00:00Z", f"{DAY}T00:00:00.1Z", f"{DAY}T00:00:00.123456789Z", "2024-02-29T23:59:59.999Z",
     "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z"), True
) | dict.fromkeys(
    (DAY, f"{DAY}T00:00Z", f"{DAY}T00:00:00", f"{DAY}T00:00:00+00:00", f"{DAY} 00:00:00Z", f"{DAY}t00:00:00z",
     f"{DAY}T00:00:00.Z", f"{DAY}T00:00:00.1234567890Z", f"{DAY}T24:00:00Z", "2016-12-31T23:59:60Z",
     "2025-02-29T00:00:00Z", "10000-01-01T00:00:00Z", "1748736000", "", " "), False
)  # fmt: skip
SECONDS = dict.fromkeys(
    ("1748736000", "1748736000.123456789", "1e9", "-62167219200", "253402300799.9"), True
) | dict.fromkeys(("1748736000000", "253402300800", "-62167219201", f"{DAY}T00:00:00Z", "NaN", "", " 1"), False)


@pytest.mark.parametrize(
    ("feature", "forms"),
    [("count", INTEGRAL), ("price", FRACTIONAL), ("time", ISO), ("seconds", SECONDS)],
    ids=["Integral", "Fractional", "event time in ISO 8601", "event time in seconds"],
)
def test_of_the_forms_of_a_value_the_service_takes_its_own_and_no_other(runtime, group, feature, forms):
    """[22, 42] Nor does it change what it takes [43]."""
    kinds = {"id": "String", "time": "String", "count": "Integral", "price": "Fractional"}
    in_seconds = feature == "seconds"
    kinds |= {"time": "Fractional"} if in_seconds else {}
    name = group(FeatureDefinitions=[{"FeatureName": one, "FeatureType": kind} for one, kind in kinds.items()])
    given = [record(f"r{number}", **{"time" if in_seconds else feature: form}) for number, form in enumerate(forms)]

    entries = [{"FeatureGroupName": name, "Record": one} for one in given]
    answers = [runtime.batch_write_record(Entries=entries[start : start + 25]) for start in range(0, len(entries), 25)]

    refused = [error["Entry"]["Record"][0]["ValueAsString"] for answer in answers for error in answer["Errors"]]
    assert refused == [f"r{number}" for number, is_taken in enumerate(forms.values()) if not is_taken]
    ids = [{"FeatureGroupName": name, "RecordIdentifiersValueAsString": [f"r{number}" for number in range(len(forms))]}]
    read = runtime.batch_get_record(Identifiers=ids)["Records"]
    kept = {one["RecordIdentifierValueAsString"]: one["Record"] for one in read}
    assert kept == {
        one[0]["ValueAsString"]: one for one, is_taken in zip(given, forms.values(), strict=True) if is_taken
    }


def test_a_record_has_350_kilobytes_and_so_has_each_of_its_values(runtime, group):
    """[21]."""
    kinds = ("id", "time", "a", "b")
    name = group(FeatureDefinitions=[{"FeatureName": one, "FeatureType": "String"} for one in kinds])
    most = 358_400 - len("ididtimea") - len("2025-06-01T00:00:00Z")

    runtime.put_record(FeatureGroupName=name, Record=record("id", a="x" * most))
    value = refused(runtime.put_record, FeatureGroupName=name, Record=record("1", a="x" * 358_401))
    whole = refused(runtime.put_record, FeatureGroupName=name, Record=record("1", a="x" * 200_000, b="\u00e9" * 80_000))

    assert seen(runtime, name, "id") == {"id": "id", "time": "2025-06-01T00:00:00Z", "a": "x" * most}
    assert value[2].endswith("Member must have length less than or equal to 358400")
    assert whole == ("ValidationError", 400, "Validation Error: a record may have 358400 bytes, and this one has more")


def test_a_record_without_its_id_or_with_a_feature_twice_is_refused(runtime, group):
    name = group()

    without = refused(runtime.put_record, FeatureGroupName=name, Record=record("a")[1:])
    twice = refused(runtime.put_record, FeatureGroupName=name, Record=[*record("a", count="1"), record("b")[0]])

    assert without[:2] == twice[:2] == ("ValidationError", 400)


def test_a_feature_value_with_neither_form_is_a_feature_left_out(runtime, group):
    """[9]."""
    name = group()

    runtime.put_record(FeatureGroupName=name, Record=[*record("a"), {"FeatureName": "count"}])

    assert seen(runtime, name, "a") == {"id": "a", "time": "2025-06-01T00:00:00Z"}


def test_a_missing_group_is_not_found_where_the_model_says_so_and_a_validation_error_elsewhere(runtime):
    """[20] PutRecord and DeleteRecord have no ResourceNotFound; of a batch, each entry has its own error."""
    name, text = "nowhere", "Resource Not Found: Amazon SageMaker can't find a FeatureGroup with name nowhere"
    one = {"FeatureGroupName": name, "RecordIdentifierValueAsString": "a"}

    put = refused(runtime.put_record, FeatureGroupName=name, Record=record("a"))
    delete = refused(runtime.delete_record, **deletion(name, "a", "2025-06-01T00:00:00Z"))
    get = refused(runtime.get_record, **one)
    listing = refused(runtime.list_records, FeatureGroupName=name)
    update = refused(runtime.update_record, **one, Features=record("a")[1:])
    read = runtime.batch_get_record(Identifiers=[{"FeatureGroupName": name, "RecordIdentifiersValueAsString": ["a"]}])

    assert put == delete == ("ValidationError", 400, text)
    assert get == listing == update == ("ResourceNotFound", 404, text)
    assert [(error["ErrorCode"], error["ErrorMessage"]) for error in read["Errors"]] == [("ResourceNotFound", text)]


def test_the_server_checks_what_botocore_does_not(runtime, group):
    """[21]."""
    name = group()

    bad_name = refused(runtime.put_record, FeatureGroupName="a b", Record=record("a"))
    many = refused(
        runtime.batch_write_record, Entries=[{"FeatureGroupName": name, "Record": record(str(n))} for n in range(26)]
    )
    page = refused(runtime.list_records, FeatureGroupName=name, MaxResults=101)
    mode = refused(
        runtime.delete_record,
        FeatureGroupName=name, RecordIdentifierValueAsString="a", EventTime="2025-06-01T00:00:00Z", DeletionMode="Hard",
    )  # fmt: skip

    assert bad_name[2].startswith(
        "1 validation error detected: Value 'a b' at 'featureGroupName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: "
    )
    assert many[2].endswith(
        "at 'entries' failed to satisfy constraint: Member must have length less than or equal to 25"
    )
    assert page[2] == (
        "1 validation error detected: Value '101' at 'maxResults' failed to satisfy constraint: "
        "Member must have value less than or equal to 100"
    )
    assert mode[2].endswith("Member must satisfy enum value set: [SoftDelete, HardDelete]")
    assert {one[0] for one in (bad_name, many, page, mode)} == {"ValidationError"}


def test_a_batch_writes_what_is_good_and_names_what_failed(runtime, group):
    """[12]."""
    name = group()
    entries = [
        {"FeatureGroupName": name, "Record": record("a", count="1")},
        {"FeatureGroupName": name, "Record": record("b", count="x")},
        {"FeatureGroupName": "nowhere", "Record": record("c")},
        {"FeatureGroupName": name, "Record": record("d")[1:]},
        {"FeatureGroupName": name, "Record": record("e", count="5")},
    ]

    answer = runtime.batch_write_record(Entries=entries)

    assert [(error["Entry"], error["ErrorCode"]) for error in answer["Errors"]] == [
        (entries[1], "ValidationError"),
        (entries[2], "ResourceNotFound"),
        (entries[3], "ValidationError"),
    ]
    assert answer["UnprocessedEntries"] == []
    assert seen(runtime, name, "a") is not None
    assert seen(runtime, name, "e") is not None


def test_a_batch_read_has_no_order_and_leaves_out_what_is_not_there(runtime, group):
    """[11]."""
    first, second = group(), group()
    for name in (first, second):
        runtime.batch_write_record(
            Entries=[{"FeatureGroupName": name, "Record": record(str(n), count=str(n))} for n in range(20)]
        )

    answer = runtime.batch_get_record(
        Identifiers=[
            {"FeatureGroupName": first, "RecordIdentifiersValueAsString": ["1", "2", "77"], "FeatureNames": ["count"]},
            {"FeatureGroupName": second, "RecordIdentifiersValueAsString": ["3"]},
            {"FeatureGroupName": "nowhere", "RecordIdentifiersValueAsString": ["4"]},
        ]
    )

    asked = [str(number) for number in range(20)]
    many = runtime.batch_get_record(Identifiers=[{"FeatureGroupName": first, "RecordIdentifiersValueAsString": asked}])

    order = [one["RecordIdentifierValueAsString"] for one in many["Records"]]
    assert sorted(order) == sorted(asked)
    assert order != asked
    found = {
        (one["FeatureGroupName"], one["RecordIdentifierValueAsString"]): one["Record"] for one in answer["Records"]
    }
    assert found == {
        (first, "1"): [{"FeatureName": "count", "ValueAsString": "1"}],
        (first, "2"): [{"FeatureName": "count", "ValueAsString": "2"}],
        (second, "3"): record("3", count="3"),
    }
    assert [(e["RecordIdentifierValueAsString"], e["ErrorCode"]) for e in answer["Errors"]] == [
        ("4", "ResourceNotFound")
    ]
    assert answer["UnprocessedIdentifiers"] == []


def test_a_batch_read_asks_for_a_hundred_records_at_most(runtime, group):
    name = group()
    ids = [str(number) for number in range(51)]
    halves = [{"FeatureGroupName": name, "RecordIdentifiersValueAsString": ids} for _ in range(2)]

    code, status, _ = refused(runtime.batch_get_record, Identifiers=halves)

    assert (code, status) == ("ValidationError", 400)


def test_listing_gives_every_id_page_by_page_and_its_token_is_good_for_this_group_only(runtime, group):
    """[14]."""
    name, other = group(), group()
    for start in range(0, 60, 20):
        entries = [{"FeatureGroupName": name, "Record": record(f"{n}")} for n in range(start, start + 20)]
        runtime.batch_write_record(Entries=entries)

    pages = list(runtime.get_paginator("list_records").paginate(FeatureGroupName=name))
    first = runtime.list_records(FeatureGroupName=name)
    stolen = refused(runtime.list_records, FeatureGroupName=other, NextToken=first["NextToken"])
    again = [
        runtime.list_records(FeatureGroupName=name, NextToken=first["NextToken"])["RecordIdentifiers"] for _ in "12"
    ]

    assert len(first["RecordIdentifiers"]) == 10
    assert sorted(i for page in pages for i in page["RecordIdentifiers"]) == sorted(str(n) for n in range(60))
    # a page may be empty: only a missing token ends a listing
    assert pages[-1]["RecordIdentifiers"] == []
    assert stolen[:2] == ("ValidationError", 400)
    assert again[0] == again[1] != first["RecordIdentifiers"]


def test_clearing_page_by_page_leaves_nothing_out(runtime, group):
    name = group()
    for start in range(0, 75, 25):
        entries = [{"FeatureGroupName": name, "Record": record(f"{n}")} for n in range(start, start + 25)]
        runtime.batch_write_record(Entries=entries)

    for page in runtime.get_paginator("list_records").paginate(FeatureGroupName=name):
        for record_id in page["RecordIdentifiers"]:
            runtime.delete_record(
                FeatureGroupName=name, RecordIdentifierValueAsString=record_id, EventTime="2025-06-02T00:00:00Z",
                DeletionMode="HardDelete",
            )  # fmt: skip

    assert runtime.list_records(FeatureGroupName=name)["RecordIdentifiers"] == []


def deletion(name, record_id, time, **more):
    return {"FeatureGroupName": name, "RecordIdentifierValueAsString": record_id, "EventTime": time, **more}


def test_a_soft_delete_hides_if_later_and_is_silent_if_not(runtime, group):
    name = group()
    runtime.put_record(FeatureGroupName=name, Record=record("a"))

    runtime.delete_record(**deletion(name, "a", "2025-06-01T00:00:00Z"))
    not_later = seen(runtime, name, "a")
    runtime.delete_record(**deletion(name, "a", "2025-06-02T00:00:00Z"))

    assert not_later is not None
    assert seen(runtime, name, "a") is None
    assert runtime.list_records(FeatureGroupName=name)["RecordIdentifiers"] == []
    with_deleted = runtime.list_records(FeatureGroupName=name, IncludeSoftDeletedRecords=True)
    assert with_deleted["RecordIdentifiers"] == ["a"]
    # the tombstone keeps out what is not later than it
    runtime.put_record(FeatureGroupName=name, Record=record("a", "2025-06-02T00:00:00Z"))
    assert seen(runtime, name, "a") is None
    runtime.put_record(FeatureGroupName=name, Record=record("a", "2025-06-03T00:00:00Z"))
    assert seen(runtime, name, "a") is not None


def test_a_hard_delete_forgets_if_later_and_is_refused_if_not(runtime, group):
    """[5, 7]."""
    name = group()
    runtime.put_record(FeatureGroupName=name, Record=record("a"))

    code, status, message = refused(
        runtime.delete_record, **deletion(name, "a", "2025-06-01T00:00:00Z", DeletionMode="HardDelete")
    )
    runtime.delete_record(**deletion(name, "a", "2025-06-02T00:00:00Z", DeletionMode="HardDelete"))
    gone = seen(runtime, name, "a")
    runtime.put_record(FeatureGroupName=name, Record=record("a", "2020-01-01T00:00:00Z"))

    assert (code, status) == ("ValidationError", 400)
    assert "EventTime" in message
    assert gone is None
    assert seen(runtime, name, "a") == {"id": "a", "time": "2020-01-01T00:00:00Z"}


def test_single_features_change_in_standard_v2_by_the_event_time_among_them(runtime, sandbox, group):
    """[2, 16]."""
    name = group(OnlineStoreConfig={"EnableOnlineStore": True, "StorageType": "Standard_V2"})
    runtime.put_record(FeatureGroupName=name, Record=record("a", count="1", price="1.0"))

    def update(**values):
        features = [{"FeatureName": feature, "ValueAsString": value} for feature, value in values.items()]
        return {"FeatureGroupName": name, "RecordIdentifierValueAsString": "a", "Features": features}

    runtime.update_record(**update(count="2"))
    runtime.update_record(**update(price="3.0", time="2025-06-01T00:00:00Z"))
    older = refused(runtime.update_record, **update(price="4.0", time="2025-05-01T00:00:00Z"))
    of_nobody = {**update(count="1"), "RecordIdentifierValueAsString": "nobody"}
    missing = refused(runtime.update_record, **of_nobody)
    identifier = refused(runtime.update_record, **update(id="b"))
    day = {"Unit": "Days", "Value": 1}
    ttl = refused(runtime.update_record, **update(count="1"), TtlDuration=day)
    nothing = refused(runtime.update_record, **{**update(), "Features": [{"FeatureName": "count"}]})
    parameter = {**update(count="7"), "EventTime": "2025-05-01T00:00:00Z"}
    beside = by_hand(sandbox, "POST", f"/FeatureGroup/{name}/Record", parameter)

    assert seen(runtime, name, "a") == {"id": "a", "time": "2025-06-01T00:00:00Z", "count": "7", "price": "3.0"}
    assert older[:2] == ("ConflictException", 409)
    assert missing[:2] == ("ResourceNotFound", 404)
    assert identifier[:2] == ttl[:2] == nothing[:2] == ("ValidationError", 400)
    assert beside == (200, "", None)


def test_a_delete_with_an_old_event_time_leaves_its_marker_in_the_partition_of_that_time(
    runtime, sagemaker, s3, sandbox, group, bucket
):
    """[4, 27] Silent as it is; and the record stays."""
    name = group(**offline(bucket))
    root = sagemaker.describe_feature_group(FeatureGroupName=name)["OfflineStoreConfig"]["S3StorageConfig"]
    prefix = root["ResolvedOutputS3Uri"].partition(f"{bucket}/")[2]

    runtime.put_record(FeatureGroupName=name, Record=record("a"))
    runtime.delete_record(**deletion(name, "a", "2024-02-29T03:59:59Z"))
    sandbox.settle()

    assert seen(runtime, name, "a") is not None
    keys = [one["Key"].removeprefix(prefix) for one in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]]
    assert [key.rpartition("/")[0] for key in keys] == [
        "/year=2024/month=02/day=29/hour=03",
        "/year=2025/month=06/day=01/hour=00",
    ]


def test_a_standard_store_has_no_update_record(runtime, group):
    name = group()
    runtime.put_record(FeatureGroupName=name, Record=record("a"))

    code, status, _ = refused(
        runtime.update_record,
        FeatureGroupName=name,
        RecordIdentifierValueAsString="a",
        Features=record("a", count="1")[2:],
    )

    assert (code, status) == ("ValidationError", 400)


def test_collections_live_in_memory_stores(runtime, sagemaker, group):
    features = [
        {"FeatureName": "id", "FeatureType": "String"},
        {"FeatureName": "time", "FeatureType": "String"},
        {"FeatureName": "tags", "FeatureType": "String", "CollectionType": "Set"},
        {
            "FeatureName": "place", "FeatureType": "Fractional", "CollectionType": "Vector",
            "CollectionConfig": {"VectorConfig": {"Dimension": 2}},
        },
    ]  # fmt: skip
    name = group(FeatureDefinitions=features, OnlineStoreConfig={"EnableOnlineStore": True, "StorageType": "InMemory"})

    runtime.put_record(FeatureGroupName=name, Record=record("a", tags=["x", ""], place=["1.5", "2"]))
    answer = runtime.batch_write_record(Entries=[{"FeatureGroupName": name, "Record": record("b", place=["1.5"])}])

    assert seen(runtime, name, "a") == {
        "id": "a", "time": "2025-06-01T00:00:00Z", "tags": ["x", ""], "place": ["1.5", "2"],
    }  # fmt: skip
    assert [error["ErrorCode"] for error in answer["Errors"]] == ["ValidationError"]
    described = sagemaker.describe_feature_group(FeatureGroupName=name)
    assert described["FeatureDefinitions"] == features
    assert described["OnlineStoreConfig"] == {"EnableOnlineStore": True, "StorageType": "InMemory"}


def test_a_time_to_live_counts_from_the_event_time_and_an_entrys_own_comes_first(runtime, group):
    """[24]."""
    name = group(OnlineStoreConfig={"EnableOnlineStore": True, "TtlDuration": {"Unit": "Weeks", "Value": 5000}})
    day, long = {"Unit": "Days", "Value": 1}, {"Unit": "Days", "Value": 30_000}

    runtime.batch_write_record(
        TtlDuration=day,
        Entries=[
            {"FeatureGroupName": name, "Record": record("request's")},
            {"FeatureGroupName": name, "Record": record("its own"), "TtlDuration": long},
        ],
    )
    runtime.put_record(FeatureGroupName=name, Record=record("group's"))

    def expiry(record_id):
        return runtime.get_record(
            FeatureGroupName=name, RecordIdentifierValueAsString=record_id, ExpirationTimeResponse="Enabled"
        ).get("ExpiresAt")

    # a day after an event time of last year: born expired
    assert seen(runtime, name, "request's") is None
    assert expiry("its own") == "2107-07-22T00:00:00Z"
    assert expiry("group's") == "2121-03-30T00:00:00Z"
    unasked = runtime.get_record(FeatureGroupName=name, RecordIdentifierValueAsString="its own")
    assert "ExpiresAt" not in unasked


def test_target_stores_must_be_there_and_each_is_named_once(runtime, group):
    name = group()

    absent = refused(runtime.put_record, FeatureGroupName=name, Record=record("a"), TargetStores=["OfflineStore"])
    twice = refused(
        runtime.put_record, FeatureGroupName=name, Record=record("a"), TargetStores=["OnlineStore", "OnlineStore"]
    )

    assert absent[:2] == twice[:2] == ("ValidationError", 400)


def test_an_offline_only_group_takes_records_and_gives_none(runtime, group, bucket):
    name = group(OnlineStoreConfig={"EnableOnlineStore": False}, **offline(bucket))

    runtime.put_record(FeatureGroupName=name, Record=record("a"))
    get = refused(runtime.get_record, FeatureGroupName=name, RecordIdentifierValueAsString="a")
    listing = refused(runtime.list_records, FeatureGroupName=name)
    ttl = refused(
        runtime.put_record, FeatureGroupName=name, Record=record("a"), TtlDuration={"Unit": "Days", "Value": 1}
    )

    assert get[:2] == listing[:2] == ttl[:2] == ("ValidationError", 400)


def test_a_batch_of_which_nothing_can_be_written_is_a_server_error_and_not_unprocessed_for_ever(
    sandbox, runtime, group
):
    name = group()
    runtime.put_record(FeatureGroupName=name, Record=record("a"))
    (file,) = sandbox.folder.glob(f"groups/{name}-*.sqlite")
    with closing(sqlite3.connect(file)) as connection:
        for (table,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall():
            connection.execute(f'DROP TABLE "{table}"')

    code, status, message = refused(
        runtime.batch_write_record, Entries=[{"FeatureGroupName": name, "Record": record("a")}]
    )

    assert (code, status) == ("ServiceUnavailable", 503)
    assert message.startswith("Service unavailable: the embedded store in ")
