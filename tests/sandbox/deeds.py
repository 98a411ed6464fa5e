"""Things done to a sandbox through boto3, one of each kind that changes something, and how to see that it was kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.sandbox.conftest import definition, offline, record, seen

Check = Callable[[], None]
BUCKET, GROUP, NEWER = "kept", "kept", "kept-v2"


class Deeds:
    """The deeds, by clients that stay the same while the sandbox behind them is killed and started again."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self.s3, self.sagemaker = client("s3"), client("sagemaker")
        self.runtime = client("sagemaker-featurestore-runtime")
        self.glue, self.athena = client("glue"), client("athena")
        self.offline_ids: list[str] = []
        """Every id that was put, and every id that was deleted, once each: what the offline store must hold."""

    def prepare(self) -> None:
        """Make what the deeds are done to."""
        self.s3.create_bucket(Bucket=BUCKET)
        self.sagemaker.create_feature_group(**definition(GROUP, **offline(BUCKET)))
        newer = {"OnlineStoreConfig": {"EnableOnlineStore": True, "StorageType": "Standard_V2"}}
        self.sagemaker.create_feature_group(**definition(NEWER, **newer))
        self.glue.create_database(DatabaseInput={"Name": "kept"})

    def all(self) -> list[Callable[[int], Check]]:
        """Return the deeds: each is done under a number of its own, and gives the check that it was kept."""
        return [
            self.put_record, self.put_object, self.batch_write_record, self.create_feature_group, self.delete_record,
            self.delete_object, self.add_tags, self.update_record, self.complete_multipart_upload,
            self.update_feature_group, self.create_table, self.start_query_execution, self.hard_delete_record,
        ]  # fmt: skip

    def put_record(self, number: int) -> Check:
        one = f"put-{number}"
        self.runtime.put_record(FeatureGroupName=GROUP, Record=record(one, count=str(number)))
        self.offline_ids.append(one)
        return lambda: self._is_record(one, count=str(number))

    def batch_write_record(self, number: int) -> Check:
        some = [f"batch-{number}-{line}" for line in range(3)]
        entries = [{"FeatureGroupName": GROUP, "Record": record(one, count="1")} for one in some]
        assert self.runtime.batch_write_record(Entries=entries)["Errors"] == []
        self.offline_ids += some
        return lambda: self._are_records(some)

    def delete_record(self, number: int, **mode: str) -> Check:
        one = f"deleted-{number}"
        self.put_record_of(one)
        about = {"FeatureGroupName": GROUP, "RecordIdentifierValueAsString": one}
        self.runtime.delete_record(**about, EventTime="2025-06-02T00:00:00Z", **mode)
        self.offline_ids.append(one)
        return lambda: self._is_gone(one)

    def hard_delete_record(self, number: int) -> Check:
        return self.delete_record(number, DeletionMode="HardDelete")

    def update_record(self, number: int) -> Check:
        one, change = f"changed-{number}", [{"FeatureName": "count", "ValueAsString": str(number)}]
        self.runtime.put_record(FeatureGroupName=NEWER, Record=record(one, count="0", price="1.5"))
        self.runtime.update_record(FeatureGroupName=NEWER, RecordIdentifierValueAsString=one, Features=change)
        return lambda: self._is_record(one, NEWER, count=str(number), price="1.5")

    def put_record_of(self, one: str) -> None:
        self.runtime.put_record(FeatureGroupName=GROUP, Record=record(one))
        self.offline_ids.append(one)

    def _is_record(self, one: str, group: str = GROUP, **values: str) -> None:
        assert seen(self.runtime, group, one) == {"id": one, "time": "2025-06-01T00:00:00Z", **values}

    def _are_records(self, some: list[str]) -> None:
        for one in some:
            self._is_record(one, count="1")

    def _is_gone(self, one: str) -> None:
        assert seen(self.runtime, GROUP, one) is None

    def put_object(self, number: int) -> Check:
        about = {"Bucket": BUCKET, "Key": f"put/{number}"}
        self.s3.put_object(**about, Body=b"%d" % number)
        return lambda: self._is_object(about, b"%d" % number)

    def delete_object(self, number: int) -> Check:
        about = {"Bucket": BUCKET, "Key": f"deleted/{number}"}
        self.s3.put_object(**about, Body=b"1")
        self.s3.delete_object(**about)
        return lambda: self._is_no_object(about["Key"])

    def complete_multipart_upload(self, number: int) -> Check:
        about = {"Bucket": BUCKET, "Key": f"parts/{number}"}
        upload = {**about, "UploadId": self.s3.create_multipart_upload(**about)["UploadId"]}
        part = self.s3.upload_part(**upload, PartNumber=1, Body=b"%d" % number)
        self.s3.complete_multipart_upload(
            **upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        )
        return lambda: self._is_object(about, b"%d" % number)

    def _is_object(self, about: dict[str, str], body: bytes) -> None:
        assert self.s3.get_object(**about)["Body"].read() == body

    def _is_no_object(self, key: str) -> None:
        assert self.s3.list_objects_v2(Bucket=BUCKET, Prefix=key)["KeyCount"] == 0

    def create_feature_group(self, number: int) -> Check:
        name = f"made-{number}"
        arn = self.sagemaker.create_feature_group(**definition(name, **offline(BUCKET)))["FeatureGroupArn"]
        return lambda: self._describes(name, FeatureGroupArn=arn, FeatureGroupStatus="Created")

    def update_feature_group(self, number: int) -> Check:
        added = {"FeatureName": f"added-{number}", "FeatureType": "String"}
        self.sagemaker.update_feature_group(FeatureGroupName=GROUP, FeatureAdditions=[added])
        return lambda: self._has_feature(added)

    def add_tags(self, number: int) -> Check:
        arn = self.sagemaker.describe_feature_group(FeatureGroupName=GROUP)["FeatureGroupArn"]
        tag = {"Key": f"tag-{number}", "Value": str(number)}
        self.sagemaker.add_tags(ResourceArn=arn, Tags=[tag])
        return lambda: self._has_tag(arn, tag)

    def _describes(self, name: str, **members: str) -> None:
        described = self.sagemaker.describe_feature_group(FeatureGroupName=name)
        assert {member: described[member] for member in members} == members

    def _has_feature(self, added: dict[str, str]) -> None:
        assert added in self.sagemaker.describe_feature_group(FeatureGroupName=GROUP)["FeatureDefinitions"]

    def _has_tag(self, arn: str, tag: dict[str, str]) -> None:
        assert tag in self.sagemaker.list_tags(ResourceArn=arn)["Tags"]

    def create_table(self, number: int) -> Check:
        columns = [{"Name": "n", "Type": "bigint"}]
        made = {"Name": f"t{number}", "StorageDescriptor": {"Columns": columns, "Location": f"s3://{BUCKET}/t"}}
        self.glue.create_table(DatabaseName="kept", TableInput=made)
        return lambda: self._has_table(made["Name"])

    def _has_table(self, name: Any) -> None:
        assert self.glue.get_table(DatabaseName="kept", Name=name)["Table"]["Name"] == name

    def start_query_execution(self, number: int) -> Check:
        where = {"ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/results/"}}
        started = self.athena.start_query_execution(QueryString=f"SELECT {number}", **where)["QueryExecutionId"]
        return lambda: self._has_execution(started, f"SELECT {number}")

    def _has_execution(self, started: str, query: str) -> None:
        execution = self.athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]
        assert execution["Query"] == query
        # killed while it ran, it has failed and says so: no client waits for ever
        assert execution["Status"]["State"] in ("SUCCEEDED", "FAILED")
