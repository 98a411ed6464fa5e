"""`describe`: all of a group for people, and for machines a schema that makes it again."""

from __future__ import annotations


def test_a_person_sees_the_group_then_its_features(orders):
    answer = orders.ok("describe orders")

    root = "s3://bucket/features/000000000000/sagemaker/local/offline-store/orders-1748736000/"
    assert answer.stdout.splitlines() == [
        "name                        value",
        "group                       dev:orders",
        "arn                         arn:aws:sagemaker:local:000000000000:feature-group/orders",
        "status                      Created",
        "created                     2025-06-01T00:00:00Z",
        "last_modified               2025-06-01T00:00:00Z",
        "online_bytes                0",
        "record_identifier           id",
        "event_time                  at",
        "online.storage_type         Standard",
        "online.ttl                  30d",
        "offline.s3_uri              s3://bucket/features",
        "offline.table_format        Glue",
        "offline.disable_glue_table  false",
        f"offline.resolved_uri        {root}data",
        f"offline.root                {root}",
        "offline.table.catalog       AwsDataCatalog",
        "offline.table.database      sagemaker_featurestore",
        "offline.table.table         orders_1748736000",
        "offline.status              Active",
        "throughput.mode             OnDemand",
        "tags                        team=ml",
        "",
        "feature    type      role",
        "id         String    record identifier",
        "at         String    event time",
        "items      Integral",
    ]


def test_a_group_is_found_by_its_arn(orders):
    answer = orders.ok("describe arn:aws:sagemaker:local:000000000000:feature-group/orders --output json")

    assert answer.json["group"] == "dev:orders"


def test_json_and_yaml_make_the_group_again(orders):
    described = orders.ok("describe orders --output json")
    orders.file("again.yaml", orders.ok("describe orders --output yaml").stdout)

    orders.ok("create piped --schema -", stdin=described.stdout)
    orders.ok("create again --schema again.yaml")

    observed = {"group", "name", "arn", "offline"}
    wanted = {key: value for key, value in described.json.items() if key not in observed}
    for name in ("piped", "again"):
        made = orders.ok(f"describe {name} --output json").json
        assert {key: value for key, value in made.items() if key not in observed} == wanted
        assert made["offline"]["s3_uri"] == "s3://bucket/features"
        assert made["offline"]["root"].endswith(f"/{name}-1748736000/")


def test_a_group_that_is_not_there_is_exit_10(sfs):
    answer = sfs("describe nope")

    assert (answer.code, answer.stdout) == (10, "")
    assert answer.stderr == f"error: no feature group 'nope' in {sfs.store}: `sagemaker-fs list` shows them\n"
