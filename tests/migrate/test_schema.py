"""Whether two groups fit: every difference at once, what is proposed, and what a mapping does to the records."""

from __future__ import annotations

import shlex

from sfs_core.testing import new_group

ONE = "2025-05-01T00:00:00Z"


def fill_old(dev, *features, **more):
    record = {"id": "1", "at": ONE, **{name.partition(":")[0]: "5" for name in features}}
    return dev.fill(new_group("old", *features, online=False, **more), record)


def test_every_difference_is_told_at_once_with_flags_that_mend_it(sfs, dev):
    old = new_group("old", "citi:String", "count:String", "note:String", record_identifier="order:String", online=False)
    dev.fill(old, {"order": "1", "at": ONE, "citi": "Oslo"})
    dev.fill(new_group("new", "city:String", "count:Integral", "size:Fractional"))

    answer = sfs("migrate old new")

    assert answer.code == 2
    assert answer.stderr.splitlines() == [
        "error: the records of dev:old do not fit dev:new:",
        "  - the record identifier is 'order' there and 'id' here",
        "  - 'count' is String and would have to be Integral",
        "  - 'city' (String) is missing",
        "  - 'size' (Fractional) is missing",
        "  - 'citi' (String) is not a feature of the target",
        "  - 'note' (String) is not a feature of the target",
        "try --map order=id --drop count --default count= --map citi=city --drop note --default size=",
    ]
    flags = answer.stderr.splitlines()[-1].removeprefix("try ")
    sfs.ok(f"migrate old new {flags}")
    assert dev.online("new") == [{"id": "1", "at": dev.online("new")[0]["at"], "city": "Oslo"}]


def test_types_widen_and_never_narrow(sfs, dev):
    fill_old(dev, "a:Integral", "b:Integral", "c:Fractional", "d:String")
    dev.fill(new_group("new", "a:Fractional", "b:String", "c:String", "d:String"))
    dev.fill(new_group("narrow", "a:Integral", "b:Integral", "c:Integral", "d:Fractional"))

    sfs.ok("migrate old new --verify full")
    refused = sfs("migrate old narrow")

    assert [(row["a"], row["b"], row["c"], row["d"]) for row in dev.online("new")] == [(5.0, "5", "5.0", "5")]
    assert [line for line in refused.stderr.splitlines() if line.startswith("  - ")] == [
        "  - 'c' is Fractional and would have to be Integral",
        "  - 'd' is String and would have to be Fractional",
    ]


def test_whole_numbers_that_become_fractional_are_noted(sfs, dev):
    fill_old(dev, "a:Integral")
    dev.fill(new_group("new", "a:Fractional"))

    answer = sfs.ok("migrate old new --dry-run")

    assert "  ! a becomes Fractional: whole numbers beyond 2^53 lose digits" in answer.stderr.splitlines()


def test_event_times_are_written_anew_where_the_types_differ(sfs, dev):
    old = new_group("old", "city:String", online=False)
    dev.fill(old, {"id": "1", "at": "2025-05-01T00:00:00.250Z"}, {"id": "2", "at": "2025-05-01T00:00:00Z"})
    dev.fill(new_group("seconds", "city:String", event_time="at:Fractional"))
    dev.fill(new_group("back", "city:String"))

    answer = sfs.ok("migrate old seconds --verify full")
    sfs.ok("migrate seconds back --verify full")

    assert "  ! event times are written anew as Unix seconds, each the same instant" in answer.stderr.splitlines()
    assert dev.online("back") == dev.latest("old")
    with_texts = sfs.ok("get seconds 1 --output json").json
    assert with_texts["at"] in ("1746057600.25", 1746057600.25)


def test_an_event_time_that_seconds_cannot_hold_exactly_fails(sfs, dev):
    dev.fill(new_group("old", "city:String", online=False), {"id": "1", "at": "2025-05-01T00:00:00.123456789Z"})
    dev.fill(new_group("seconds", "city:String", event_time="at:Fractional"))
    dev.fill(new_group("fast", "city:String", event_time="at:Fractional", offline=False))

    refused = sfs("migrate old seconds")
    sfs.ok("migrate old fast")

    assert refused.code == 2
    assert "event time '2025-05-01T00:00:00.123456789Z' has more digits than Unix seconds" in refused.stderr
    assert dev.online("seconds") == []
    assert [row["id"] for row in dev.online("fast")] == ["1"]


def test_renamed_keys_are_followed(sfs, dev):
    old = new_group("old", "city:String", record_identifier="order:String", event_time="time:String", online=False)
    dev.fill(old, {"order": "1", "time": ONE, "city": "Oslo"})
    dev.fill(new_group("new", "town:String"))

    answer = sfs.ok("migrate old new --map order=id,time=at --map city=town")

    assert "  ! features are mapped: order to id; time to at; city to town" in answer.stderr.splitlines()
    assert [(row["id"], row["town"]) for row in dev.online("new")] == [("1", "Oslo")]


def test_a_default_fills_what_a_record_lacks(sfs, dev):
    old = new_group("old", "city:String", online=False)
    dev.fill(old, {"id": "1", "at": ONE}, {"id": "2", "at": ONE, "city": "Oslo"})
    dev.fill(new_group("new", "city:String", "size:Integral"))

    sfs.ok("migrate old new --default city=nowhere,size=3")

    assert [(row["city"], row["size"]) for row in dev.online("new")] == [("nowhere", 3), ("Oslo", 3)]


def test_mappings_that_speak_of_nothing_are_differences_too(sfs, dev):
    fill_old(dev, "a:Integral", "b:Integral")
    dev.fill(new_group("new", "a:Integral", "b:Integral"))

    answer = sfs("migrate old new --map x=a,b=a --drop y,at,b --default z=1,id=2,a=none")

    assert [line for line in answer.stderr.splitlines() if line.startswith("  - ")] == [
        "  - --map names 'x', which the source has not",
        "  - --drop names 'y', which the source has not",
        "  - 'b' is both mapped and dropped",
        "  - --default names 'z', which the target has not",
        "  - --default cannot set 'id': every record has its own",
        "  - feature 'a' is Integral, and 'none' is not: give a whole number from -9223372036854775808 to"
        " 9223372036854775807",
        "  - 'at' is the event time and cannot be dropped",
        "  - 'b' (Integral) is missing",
    ]


def test_collections_fit_only_their_like(sfs, dev):
    from sfs_core import StorageType

    tags = new_group("old", "tags:String:List", storage_type=StorageType.IN_MEMORY)
    dev.fill(tags, {"id": "1", "at": ONE, "tags": ["a", "b"]})
    dev.fill(new_group("same", "tags:String:List", storage_type=StorageType.IN_MEMORY))
    dev.fill(new_group("set", "tags:String:Set", storage_type=StorageType.IN_MEMORY))

    sfs.ok("migrate old same --verify full")
    refused = sfs("migrate old set")

    assert [row["tags"] for row in dev.online_texts("same")] == [["a", "b"]]
    assert "  - 'tags' is String:List and would have to be String:Set" in refused.stderr.splitlines()


def test_features_that_are_not_alike_are_dropped_and_left_absent(sfs, dev):
    fill_old(dev, "amount:Integral")
    dev.fill(new_group("new", "weather:Integral"))

    flags = sfs("migrate old new").stderr.splitlines()[-1].removeprefix("try ")

    assert shlex.split(flags) == ["--drop", "amount", "--default", "weather="]
