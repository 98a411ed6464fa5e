"""`bulk-delete`: shown, confirmed, capped."""

from __future__ import annotations

import json


def ids_of(sfs, what="online"):
    answer = sfs.ok(f"export orders - --what {what} --format jsonl --columns id")
    return sorted(json.loads(line)["id"] for line in answer.stdout.splitlines())


def test_the_plan_is_shown_and_the_name_is_asked_for(three):
    three.file("ids.txt", "1\n3\n1\n")

    answer = three.ok("bulk-delete orders ids.txt", typed="orders\n")

    said = answer.stderr.splitlines()
    assert said[0] == "Delete records of dev:orders"
    assert said[2].startswith("  1. 2 from record ids in ids.txt (")
    assert said[2].endswith(" -> soft-delete from dev:orders at 2025-06-01T00:00:00Z")
    assert said[3] == "  ! a soft-deleted record comes back only with a later event time"
    assert ids_of(three) == ["2"]
    assert ids_of(three, "latest") == ["2"]


def test_another_name_changes_nothing(three):
    answer = three("bulk-delete orders --ids online", typed="order\n")

    assert answer.code == 4
    assert ids_of(three) == ["1", "2", "3"]


def test_without_a_terminal_it_needs_force(three):
    assert three("bulk-delete orders --ids online").code == 4

    three.ok("bulk-delete orders --ids online --force")

    assert ids_of(three) == []


def test_a_hard_delete_leaves_no_tombstone(three):
    three.ok("bulk-delete orders - --hard --force", stdin="1\n")

    three.ok("put orders id=1 at=2020-01-01T00:00:00Z")

    assert ids_of(three) == ["1", "2", "3"]


def test_a_soft_delete_hides_older_records(three):
    three.ok("bulk-delete orders - --force", stdin="1\n")

    three("put orders id=1 at=2020-01-01T00:00:00Z")

    assert ids_of(three) == ["2", "3"]


def test_records_of_the_future_are_deleted_too(three):
    three.ok("put orders id=1 at=2030-01-01T00:00:00Z")

    three.ok("bulk-delete orders - --force", stdin="1\n")

    assert ids_of(three) == ["2", "3"]


def test_one_store_can_be_chosen(three):
    three.ok("bulk-delete orders --ids online --to online --force")

    assert ids_of(three) == []
    assert ids_of(three, "latest") == ["1", "2", "3"]


def test_a_dry_run_counts_and_deletes_nothing(three):
    answer = three.ok("bulk-delete orders --ids online --hard --dry-run")

    assert "  1. 3 from record ids of the online store -> hard-delete from dev:orders" in answer.stderr
    assert ids_of(three) == ["1", "2", "3"]


def test_the_cap_stops_it_before_the_question(three):
    answer = three("bulk-delete orders --ids online --max-delete 2", typed="orders\n")

    assert answer.code == 7
    assert ids_of(three) == ["1", "2", "3"]


def test_it_is_never_every_record_because_nothing_was_said(three):
    answer = three("bulk-delete orders --force")

    assert (answer.code, answer.stderr) == (
        2,
        "error: which records? give a FILE of record ids, or --ids with one of athena, file, online, s3-scan\n",
    )
    assert ids_of(three) == ["1", "2", "3"]
