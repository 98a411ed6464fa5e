"""`create`: from a schema file, like another group, and everything that is wrong with a definition."""

from __future__ import annotations

import pytest

IDS = 'record_identifier: id\nevent_time: at\nfeatures: ["id:String", "at:String"]\n'


def test_it_says_where_and_what_was_made(sfs):
    sfs.file("s.yaml", IDS)

    answer = sfs.ok("create orders --schema s.yaml --online --offline s3://bucket/prefix")

    assert answer.stdout == ""
    assert answer.stderr.splitlines()[0].startswith("in dev:orders: account 000000000000, Region local, as ")
    assert answer.stderr.splitlines()[1:] == ["made dev:orders: OnlineStore + OfflineStore, 2 features"]


def test_options_go_before_the_schema(orders):
    orders.ok(
        "create other --schema orders.yaml --storage-type Standard_V2 --ttl 2w --offline s3://elsewhere/x "
        "--table-format Glue --role-arn arn:aws:iam::000000000000:role/fs --kms-key key-1 "
        "--tag team=risk --tag stage=dev --event-time at --record-id id",
        "--description",
        "Orders, of all shops",
    )

    made = orders.ok("describe other --output json").json
    assert made["online"] == {"storage_type": "Standard_V2", "ttl": "2w", "kms_key_id": "key-1"}
    assert (made["offline"]["s3_uri"], made["offline"]["kms_key_id"]) == ("s3://elsewhere/x", "key-1")
    assert made["role_arn"] == "arn:aws:iam::000000000000:role/fs"
    assert made["tags"] == {"team": "risk", "stage": "dev"}
    assert made["description"] == "Orders, of all shops"


def test_like_copies_definition_stores_and_tags_and_options_change_them(orders):
    orders.ok("create copy --like orders --no-offline --no-ttl")

    made = orders.ok("describe copy --output json").json
    assert made["online"] == {"storage_type": "Standard", "ttl": None, "kms_key_id": None}
    assert made["offline"] is None
    assert made["tags"] == {"team": "ml"}
    assert [feature["name"] for feature in made["features"]] == ["id", "at", "items"]


def test_like_reaches_across_connections(orders):
    orders.configure(
        'default = "dev"\n'
        f'[connections.dev]\nstore = "local"\npath = "{orders.store}"\n'
        f'[connections.two]\nstore = "local"\npath = "{orders.folder / "two"}"\n'
    )

    orders.ok("create two:orders --like orders")

    assert orders.ok("describe two:orders --output json").json["offline"]["s3_uri"] == "s3://bucket/features"


def test_a_bucket_of_another_account_is_not_taken_along(orders):
    from sfs_core.testing import MemoryPlugin

    orders.plugins.append(("memory", MemoryPlugin()))
    orders.configure(
        'default = "dev"\n'
        f'[connections.dev]\nstore = "local"\npath = "{orders.store}"\n'
        '[connections.other]\nstore = "memory"\n'
    )

    refused = orders("create other:orders --like dev:orders")
    orders.ok("create other:orders --like dev:orders --offline s3://mine/x")

    assert refused.code == 2
    assert refused.stderr == (
        "error: dev:orders has its objects in s3://bucket/features, in another account or Region: "
        "give --offline S3URI or --no-offline\n"
    )
    assert orders.ok("describe other:orders --output json").json["offline"]["s3_uri"] == "s3://mine/x"


def test_print_schema_prints_the_definition_and_makes_nothing(orders):
    answer = orders.ok("create other --schema orders.yaml --no-online --print-schema")

    assert answer.stdout == (
        "record_identifier: id\nevent_time: at\nfeatures:\n"
        "- name: id\n  type: String\n- name: at\n  type: String\n- name: items\n  type: Integral\n"
        "offline:\n  s3_uri: s3://bucket/features\n  table_format: Glue\n  disable_glue_table: false\n"
        "throughput:\n  mode: OnDemand\ntags:\n  team: ml\n"
    )
    assert orders("describe other").code == 10


def test_a_name_that_is_taken_is_refused(orders):
    answer = orders("create orders --schema orders.yaml")

    assert answer.code == 4
    assert answer.stderr.splitlines()[1:] == [
        "error: a feature group named 'orders' is there already: choose another name, or delete it first"
    ]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("", "a feature group is made from one thing: give --schema FILE, --like GROUP or --infer FILE"),
        (
            "--schema s.yaml --like orders",
            "a feature group is made from one thing: give --schema FILE, --like GROUP or --infer FILE",
        ),
        (
            "--schema s.yaml",
            "feature group 'new' cannot be made or changed so: "
            "it needs a store: give --online, --offline S3URI, or both",
        ),
        ("--schema s.yaml --online --no-online", "--online and --no-online contradict each other: give one of them"),
        ("--schema s.yaml --ttl 1d", "--ttl speaks of a store that the group would not have: give --online too"),
        (
            "--schema s.yaml --online --table-format Glue",
            "--table-format speaks of a store that the group would not have: give --offline S3URI too",
        ),
        ("--schema s.yaml --online --tag x", "--tag does not take 'x': give key=value, as team=ml"),
        (
            "--schema s.yaml --online --ttl soon",
            "--ttl does not take 'soon': give a whole number and a unit, s, m, h, d or w, as in 30d",
        ),
        (
            "--schema s.yaml --online --event-time nope",
            "feature group 'new' cannot be made or changed so: "
            "the event time 'nope' must be a String or Fractional feature",
        ),
        ("--schema nope.yaml", "nope.yaml cannot be read: No such file or directory"),
    ],
)
def test_what_cannot_be_made_is_one_sentence_and_exit_2(sfs, options, sentence):
    sfs.file("s.yaml", IDS)

    answer = sfs(f"create new {options}")

    assert (answer.code, answer.stdout, answer.stderr) == (2, "", f"error: {sentence}\n")
    assert not sfs.store.exists()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "line 1 is not YAML (expected the node content, but found '<stream end>')"),
        ('{"a": ', "it is neither JSON nor YAML (Expecting value: line 1 column 7 (char 6))"),
        ("- 1", "it must be names and values, and is [1]"),
        ("", "it must be names and values, and is None"),
        ("event_time: at", "it lacks record_identifier"),
        ("record_identifier: id\nevent_time: at", "it lacks features, a list of names and types"),
        (
            "feature: []",
            "it takes no 'feature', but record_identifier, event_time, features, online, offline, throughput, "
            "role_arn, description, tags",
        ),
        (IDS + "online: {ttl: 30}", "online.ttl must be text, and is 30: put it in quotes"),
        (
            IDS + "online: {ttl: 30x}",
            "'30x' is not a time to live: give a whole number and a unit, s, m, h, d or w, as in 30d",
        ),
        (
            IDS + "online: {storage_type: Fast}",
            "online.storage_type is 'Fast', and must be one of Standard, Standard_V2, InMemory",
        ),
        (IDS + "offline: {}", "it lacks offline.s3_uri"),
        (
            IDS + "offline: {s3_uri: 's3://b', disable_glue_table: 1}",
            "offline.disable_glue_table must be true or false, and is 1",
        ),
        (IDS + "throughput: {read_units: many}", "throughput.read_units must be a whole number, and is 'many'"),
        (IDS + "tags: {2025: x, y: 1}", "tags.y must be text, and is 1: put it in quotes"),
        (
            "record_identifier: id\nevent_time: at\nfeatures: [{name: no, type: String}]",
            "features.name must be text, and is False: put it in quotes",
        ),
        (
            "record_identifier: id\nevent_time: at\nfeatures: [{name: n, type: Text}]",
            "'n:Text' is not a feature type: give String, Integral or Fractional, "
            "and if it is a collection :List, :Set or :Vector(n)",
        ),
    ],
)
def test_what_is_wrong_with_a_schema_file_is_named(sfs, text, problem):
    sfs.file("s.yaml", text)

    answer = sfs("create new --schema s.yaml --online")

    assert answer.code == 2
    assert answer.stderr == (
        f"error: schema s.yaml cannot be used: {problem}; `sagemaker-fs describe GROUP --output yaml` shows the form\n"
    )
