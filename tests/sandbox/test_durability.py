"""A reply means that it is on disk: the sandbox is killed at once after replies, many times over."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import boto, definition, offline, record, running

KILLS = 25


@pytest.mark.slow
def test_a_kill_after_a_reply_loses_nothing(tmp_path):
    folder, written, objects = tmp_path / "killed", [], {}

    for number in range(KILLS):
        with running(folder) as sandbox:
            sagemaker, s3 = boto(sandbox, "sagemaker"), boto(sandbox, "s3")
            runtime = boto(sandbox, "sagemaker-featurestore-runtime")
            if number == 0:
                s3.create_bucket(Bucket="kept")
                s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
                sagemaker.create_feature_group(**definition("kept", **offline("kept")))
            some = [f"{number}-{line}" for line in range(5)]
            entries = [{"FeatureGroupName": "kept", "Record": record(one, count=str(number))} for one in some]
            objects[f"k{number % 3}"] = s3.put_object(
                Bucket="kept", Key=f"k{number % 3}", Body=str(number).encode(), Metadata={"n": str(number)}
            )["VersionId"]
            runtime.batch_write_record(Entries=entries)
            written += some
            sandbox.kill()

    with running(folder) as sandbox:
        runtime, s3 = boto(sandbox, "sagemaker-featurestore-runtime"), boto(sandbox, "s3")
        pages = runtime.get_paginator("list_records").paginate(FeatureGroupName="kept")
        listed = sorted(one for page in pages for one in page["RecordIdentifiers"])
        heads = {key: s3.head_object(Bucket="kept", Key=key) for key in objects}
        sandbox.settle()

    assert listed == sorted(written)
    assert {key: head["VersionId"] for key, head in heads.items()} == objects
    assert {head["Metadata"]["n"] for head in heads.values()} == {str(KILLS - n) for n in (1, 2, 3)}
    assert offline_ids(folder) == sorted(written)


def offline_ids(folder):
    import pyarrow.parquet as pq

    files = (folder / "s3" / "kept" / "fs").rglob("*.parquet")
    return sorted(one for file in files for one in pq.read_table(file, columns=["id"]).column("id").to_pylist())
