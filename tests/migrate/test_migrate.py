"""`migrate`: what arrives in the target, and what does not."""

from __future__ import annotations

import re

from sfs_core.testing import new_group

ONE, TWO, THREE = (f"2025-05-0{day}T00:00:00Z" for day in (1, 2, 3))
CITY = "city:String"


def an_order(record_id: str, at: str = ONE, city: str = "Oslo") -> dict[str, str]:
    return {"id": record_id, "at": at, "city": city}


def offline_only(dev, *records, name="old"):
    return dev.fill(new_group(name, CITY, online=False), *records)


def both(dev, *records, name="new", **more):
    return dev.fill(new_group(name, CITY, **more), *records)


def test_an_offline_only_group_becomes_one_with_an_online_store(sfs, dev):
    offline_only(dev, an_order("1", ONE, "old"), an_order("1", TWO, "new"), an_order("2"))

    answer = sfs.ok("migrate old new --create-target")

    assert answer.stdout == ""
    assert [row["city"] for row in dev.online("new")] == ["new", "Oslo"]
    assert dev.latest("new") == dev.latest("old")
    lines = re.sub(r"Run .*|s3://\S*|in \d.*? s\b", "*", answer.stderr).splitlines()
    assert lines == [
        "Migrate dev:old to dev:new",
        f"  {sfs_where(sfs)}",
        "  1. 1 from definition -> create dev:new unless it is there",
        "  2. 2 from the latest records in the offline store of dev:old -> put into dev:new"
        " (OnlineStore, OfflineStore)",
        "  ! the offline store of dev:new gets a root of its own under *",
        "*",
        "  1. 1 from definition -> create dev:new unless it is there: 1 done",
        "  2. 2 from the latest records in the offline store of dev:old -> put into dev:new"
        " (OnlineStore, OfflineStore): 2 done",
        "Compared 2 records read with the OnlineStore of dev:new, every record: 2 records, 2 equal",
    ]


def sfs_where(sfs):
    import getpass

    return f"in dev:new: account 000000000000, Region local, as {getpass.getuser()}"


def test_the_newest_version_is_found_by_instant_not_by_text(sfs, dev):
    whole, half = "2025-05-01T00:00:00Z", "2025-05-01T00:00:00.500Z"
    offline_only(dev, an_order("1", half, "later"), an_order("1", whole, "earlier"))

    sfs.ok("migrate old new --create-target")

    assert [row["city"] for row in dev.online("new")] == ["later"]


def test_of_versions_that_tie_the_one_put_last_is_taken(sfs, dev):
    offline_only(dev, an_order("1", ONE, "first"))
    sfs.clock.instant = sfs.clock.instant.plus(10**9)
    store = dev.open()
    from sfs_core.testing import put

    put(store, store.describe("old"), an_order("1", ONE, "second"))
    store.close()

    sfs.ok("migrate old new --create-target --what latest")
    sfs.ok("migrate old newer --create-target --what history --verify full")

    assert [row["city"] for row in dev.online("new")] == ["second"]
    assert [row["city"] for row in dev.online("newer")] == ["second"]
    assert [row["city"] for row in dev.history("newer")] == ["first", "second"]


def test_a_deleted_record_is_not_brought_back(sfs, dev):
    offline_only(dev, an_order("1", ONE), an_order("2", ONE))
    dev.delete("old", "1", TWO)

    sfs.ok("migrate old new --create-target")

    assert [row["id"] for row in dev.online("new")] == ["2"]


def test_a_stale_delete_marker_hides_nothing(sfs, dev):
    offline_only(dev, an_order("1", TWO))
    dev.delete("old", "1", ONE)

    sfs.ok("migrate old new --create-target")
    sfs.ok("migrate old newer --create-target --what history --verify full")

    assert [row["id"] for row in dev.online("new")] == ["1"]
    assert [row["id"] for row in dev.online("newer")] == ["1"]


def test_the_history_is_replayed_with_its_delete_markers(sfs, dev):
    offline_only(dev, an_order("1", ONE, "a"), an_order("1", THREE, "c"), an_order("2", ONE), an_order("3", TWO))
    dev.delete("old", "1", TWO)
    dev.delete("old", "2", TWO)

    answer = sfs.ok("migrate old new --create-target --what history --verify full")

    assert dev.history("new") == dev.history("old")
    assert [(row["id"], row["city"]) for row in dev.online("new")] == [("1", "c"), ("3", "Oslo")]
    assert answer.stderr.splitlines()[-1] == "Compared every version with the history of dev:new: 6 versions, 6 equal"


def test_a_delete_marker_that_ties_with_a_version_and_came_last_deletes(sfs, dev):
    offline_only(dev, an_order("1", ONE))
    sfs.clock.instant = sfs.clock.instant.plus(10**9)
    dev.delete("old", "1", ONE)

    sfs.ok("migrate old new --create-target --what history --verify full")

    assert dev.online("new") == []
    assert dev.history("new") == dev.history("old")


def test_ties_that_batches_part_are_replayed_in_order(sfs, dev):
    offline_only(dev, *(an_order("1", ONE, str(number)) for number in range(7)), an_order("2", ONE))

    sfs.ok("migrate old new --create-target --what history --batch-size 2 --verify full")

    assert [row["city"] for row in dev.history("new")] == [*"0123456", "Oslo"]
    assert [row["city"] for row in dev.online("new")] == ["6", "Oslo"]


def test_without_an_offline_store_versions_that_tie_are_left_out_and_counted(sfs, dev):
    offline_only(dev, an_order("1", ONE, "first"), an_order("1", ONE, "second"), an_order("1", TWO, "third"))
    dev.fill(new_group("new", CITY, offline=False))

    answer = sfs.ok("migrate old new --what history --verify full")

    assert [row["city"] for row in dev.online("new")] == ["third"]
    assert "2 done, 1 skipped (NewerVersion)" in answer.stderr


def test_the_records_of_an_online_store_are_listed_and_looked_up(sfs, dev):
    both(dev, an_order("1"), an_order("2"), name="old")
    dev.delete("old", "2", TWO)

    sfs.ok("migrate old new --create-target --what online")

    assert dev.online("new") == dev.online("old")


def test_an_online_only_group_is_read_online(sfs, dev):
    dev.fill(new_group("old", CITY, offline=False), an_order("1"), an_order("2"))
    both(dev)

    sfs.ok("migrate old new")

    assert dev.online("new") == dev.online("old")
    assert dev.latest("new") == dev.online("old")


def test_record_ids_choose_what_is_read(sfs, dev):
    both(dev, an_order("1"), an_order("2"), an_order("3"), name="old")
    ids = sfs.file("ids.txt", "1\n3\n9\n1\n")

    answer = sfs.ok(f"migrate old new --create-target --ids file --file-path {ids}")

    assert [row["id"] for row in dev.online("new")] == ["1", "3"]
    assert len(dev.history("new")) == 2
    assert "1 skipped (NotFound)" in answer.stderr


def test_a_record_that_the_target_has_newer_is_left_and_counted(sfs, dev):
    offline_only(dev, an_order("1", TWO, "old"), an_order("2", TWO, "old"), an_order("3", TWO, "old"))
    both(dev, an_order("1", THREE, "newer"), an_order("2", TWO, "old"), an_order("4"))

    answer = sfs.ok("migrate old new")

    assert [row["city"] for row in dev.online("new")] == ["newer", "old", "old", "Oslo"]
    assert "1 done, 1 skipped (NewerInTarget), 1 skipped (SameInTarget)" in answer.stderr
    assert "1 newer in the target, left as they are" in answer.stderr
    assert len(dev.history("new")) == 4


def test_a_tie_with_another_value_is_found_afterwards(sfs, dev):
    offline_only(dev, an_order("1", TWO, "mine"))
    both(dev, an_order("1", TWO, "theirs"))

    answer = sfs("migrate old new")

    assert answer.code == 6
    assert "    different value: 1 city: 'mine' -> 'theirs'" in answer.stderr.splitlines()
    assert answer.stderr.splitlines()[-1] == "error: dev:old and dev:new differ, in records: 1"


def test_conditions_and_event_times_bound_what_is_read(sfs, dev):
    offline_only(dev, an_order("1", ONE, "Oslo"), an_order("2", TWO, "Oslo"), an_order("3", TWO, "Rome"))

    sfs.ok("migrate old new --create-target --event-time 2025-05-02..2025-05-03", "--where", "city = 'Oslo'")

    assert [row["id"] for row in dev.online("new")] == ["2"]


def test_a_condition_on_the_history_is_refused_since_delete_markers_have_no_values(sfs, dev):
    offline_only(dev, an_order("1"))

    answer = sfs("migrate old new --create-target --what history", "--where", "city = 'Oslo'")

    assert answer.code == 2
    assert answer.stderr == "error: --where and --what history contradict each other: give one of them\n"


def test_records_go_to_the_stores_asked_for(sfs, dev):
    offline_only(dev, an_order("1"))
    both(dev)

    sfs.ok("migrate old new --to online")

    assert [row["id"] for row in dev.online("new")] == ["1"]
    assert dev.history("new") == []


def test_a_store_that_the_target_has_not_is_refused_before_anything(sfs, dev):
    offline_only(dev, an_order("1"))
    offline_only(dev, name="new")

    assert sfs("migrate old new --to online").code == 2
    assert sfs("migrate old new --ttl 30d").code == 2
    assert dev.history("new") == []


def test_records_born_expired_are_expected_to_be_absent(sfs, dev):
    offline_only(dev, an_order("1", "2025-01-01T00:00:00Z"), an_order("2", "2025-05-31T00:00:00Z"))

    answer = sfs.ok("migrate old new --create-target --ttl 30d --verify full")

    assert [row["id"] for row in dev.online("new")] == ["2"]
    assert len(dev.history("new")) == 2
    assert "! records whose event time is more than 30d ago do not show in the online store" in answer.stderr
    assert "1 not there because their time to live is over" in answer.stderr


def test_a_record_that_the_target_cannot_take_stops_everything_or_is_counted(sfs, dev):
    dev.fill(
        new_group("old", CITY, online=False),
        *(an_order(str(number)) for number in range(9)),
        an_order("odd", "2025-05-01T00:00:00.123456789Z"),
    )
    dev.fill(new_group("new", CITY, event_time="at:Fractional"))

    stopped = sfs("migrate old new")
    held = dev.history("new")
    skipped = sfs("migrate old new --on-error skip")
    bounded = sfs("migrate old new --on-error skip --max-errors 0")

    assert (stopped.code, held) == (2, [])
    assert (skipped.code, len(dev.online("new"))) == (3, 9)
    assert "put into dev:new (OnlineStore, OfflineStore): 9 done, 1 failed (EventTimeNotExact)" in skipped.stderr
    assert bounded.code == 2


def test_a_dry_run_changes_nothing(sfs, dev):
    offline_only(dev, an_order("1"), an_order("2"))
    both(dev, an_order("3"))
    before = dev.tree()

    plain = sfs.ok("migrate old new --dry-run")
    cleared = sfs.ok("migrate old new --clear-target --dry-run")
    made = sfs.ok("migrate old other --create-target --dry-run")

    assert dev.tree() == before
    for answer in (plain, cleared, made):
        assert "2 from the latest records in the offline store of dev:old -> " in answer.stderr
    assert list((sfs.folder / "state" / "runs").iterdir()) == []


def test_without_verification_nothing_is_compared(sfs, dev):
    offline_only(dev, an_order("1"))

    answer = sfs.ok("migrate old new --create-target --verify none")

    assert "Compared" not in answer.stderr


def test_a_sample_says_what_it_tells_about_all(sfs, dev):
    offline_only(dev, *(an_order(str(number)) for number in range(1000)))

    answer = sfs.ok("migrate old new --create-target --verify sample:10%")

    told = re.search(r"a sample: (\d+) records, (\d+) equal\n  with 95 % confidence fewer than (\S+) %", answer.stderr)
    assert told is not None
    assert told[1] == told[2]
    assert 60 < int(told[1]) < 140
    assert 2 < float(told[3]) < 5


def test_bad_options_are_one_sentence_each(sfs, dev):
    offline_only(dev, an_order("1"))
    both(dev)

    told = {
        line: sfs(f"migrate old new {line}").stderr
        for line in (
            "--verify some",
            "--verify sample:0%",
            "--batch-size 0",
            "--max-tps 0",
            "--map a",
            "--online-by hard",
        )
    }

    assert told == {
        "--verify some": "error: --verify does not take 'some': give quick, full, sample:P% or none\n",
        "--verify sample:0%": "error: --verify does not take '0%': give a share over 0% and up to 100%, as 1%\n",
        "--batch-size 0": "error: --batch-size does not take 0: give 1 or more\n",
        "--max-tps 0": "error: --max-tps does not take 0.0: give more than 0\n",
        "--map a": "error: --map does not take 'a': give NAME=VALUE, several with commas between them\n",
        "--online-by hard": "error: --online-by is about emptying the target: give --clear-target with it, "
        "or leave it out\n",
    }


def test_a_source_without_the_store_that_is_to_be_read_is_refused(sfs, dev):
    offline_only(dev, an_order("1"))
    dev.fill(new_group("fast", CITY, offline=False))

    online, latest = sfs("migrate old fast --what online"), sfs("migrate fast old --what latest")

    assert (online.code, latest.code) == (4, 4)
    assert online.stderr == "error: dev:old has no OnlineStore to read online from: give --what latest\n"
    assert latest.stderr == "error: dev:fast has no OfflineStore to read latest from: give --what online\n"


def test_unknown_groups_are_not_found(sfs, dev):
    offline_only(dev, an_order("1"))

    assert sfs("migrate nothing old").code == 10
    assert sfs("migrate old nothing").code == 10
    assert sfs("migrate old elsewhere:new").code == 2
