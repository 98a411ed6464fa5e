"""The target: made like the source, emptied first, and never the source itself nor anything beside it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from sfs_core import GlueTable, OfflineStore, TtlDuration
from sfs_core.testing import new_group

ONE, TWO = "2025-05-01T00:00:00Z", "2025-05-02T00:00:00Z"
CITY = "city:String"


def an_order(record_id: str, at: str = ONE, city: str = "Oslo") -> dict[str, str]:
    return {"id": record_id, "at": at, "city": city}


def old(dev, *records, **more):
    return dev.fill(new_group("old", CITY, online=False, **more), *(records or [an_order("1")]))


# made like the source


def test_a_new_target_is_like_the_source_and_has_an_online_store_besides(sfs, dev):
    source = old(dev, tags=(("team", "orders"),))

    sfs.ok("migrate old new --create-target")

    made = dev.open().describe("new")
    assert (made.features, made.record_identifier, made.event_time) == (source.features, "id", "at")
    assert [store.value for store in made.stores] == ["OnlineStore", "OfflineStore"]
    assert made.offline.s3_uri == source.offline.s3_uri
    assert made.offline.root != source.offline.root
    assert made.role_arn == source.role_arn
    assert dev.open().tags("new") == {"team": "orders"}


def test_a_new_target_keeps_an_online_store_like_the_sources(sfs, dev):
    dev.fill(new_group("old", CITY, ttl="30d"), an_order("1", "2025-05-31T00:00:00Z"))

    sfs.ok("migrate old new --create-target")

    assert dev.open().describe("new").online == dev.open().describe("old").online
    assert dev.open().describe("new").online.ttl == TtlDuration.parse("30d")


def test_a_new_target_has_the_features_that_are_left_after_mapping(sfs, dev):
    dev.fill(new_group("old", CITY, "size:Integral", online=False), {**an_order("1"), "size": "5"})

    sfs.ok("migrate old new --create-target --map id=order,city=town --drop size --default source=old,weight=1.5")

    made = dev.open().describe("new")
    assert [f"{feature.name}:{feature.type_text}" for feature in made.features] == [
        "order:String", "at:String", "town:String", "source:String", "weight:Fractional",
    ]  # fmt: skip
    assert made.record_identifier == "order"
    assert [(row["order"], row["town"], row["source"], row["weight"]) for row in dev.online("new")] == [
        ("1", "Oslo", "old", 1.5)
    ]


def test_a_target_that_is_there_is_used_if_it_fits(sfs, dev):
    old(dev)
    dev.fill(new_group("new", CITY), an_order("2"))

    answer = sfs.ok("migrate old new --create-target")

    assert "create" not in answer.stderr
    assert [row["id"] for row in dev.online("new")] == ["1", "2"]


def test_a_target_that_is_there_and_differs_is_refused(sfs, dev):
    old(dev)
    dev.fill(new_group("other", "town:String"))
    dev.fill(new_group("offline", CITY, online=False))

    differs, lacks = sfs("migrate old other --create-target"), sfs("migrate old offline --create-target")

    assert (differs.code, lacks.code) == (2, 4)
    assert lacks.stderr == (
        "error: dev:offline is there already and has no online store, so nothing was changed: "
        "leave out --create-target, or delete it\n"
    )


def test_a_bad_name_or_feature_is_told_before_anything_is_made(sfs, dev):
    old(dev)

    name, feature = sfs("migrate old -- -new- --create-target"), sfs("migrate old new --create-target --drop cyti")

    assert (name.code, feature.code) == (2, 2)
    assert feature.stderr == (
        "error: feature group 'dev:old' has no feature 'cyti': `sagemaker-fs describe dev:old` shows them all\n"
    )
    assert sfs.ok("list --output json").json[0]["name"] == "old"


# emptied first


def test_the_target_is_emptied_first_tombstones_too(sfs, dev):
    old(dev, an_order("1"), an_order("2"))
    dev.fill(new_group("new", CITY), an_order("1", TWO, "newer"), an_order("3"), an_order("2"))
    dev.delete("new", "2", TWO)

    answer = sfs.ok("migrate old new --clear-target --verify full", typed="new\n")

    assert dev.online("new") == dev.latest("old")
    assert dev.latest("new") == dev.latest("old")
    assert dev.history("new") == dev.history("old")
    assert "Type new to go on:" in answer.stderr


def test_the_targets_name_is_asked_for_and_without_it_nothing_changes(sfs, dev):
    old(dev)
    dev.fill(new_group("new", CITY), an_order("2"))
    before = dev.tree()

    wrong, nobody = sfs("migrate old new --clear-target", typed="old\n"), sfs("migrate old new --clear-target")

    assert (wrong.code, nobody.code) == (4, 4)
    assert dev.tree() == before


def test_the_cap_on_deletions_holds(sfs, dev):
    old(dev)
    dev.fill(new_group("new", CITY), an_order("2"), an_order("3"))

    answer = sfs("migrate old new --clear-target --force --max-delete 1")

    assert answer.code == 7
    assert [row["id"] for row in dev.online("new")] == ["2", "3"]


def test_a_protected_target_is_not_emptied(sfs, dev):
    old(dev)
    dev.fill(new_group("new", CITY), an_order("2"))
    sfs.configure(f'default = "dev"\n[connections.dev]\nstore = "local"\npath = {str(sfs.store)!r}\nprotected = true\n')

    assert sfs("migrate old new --clear-target --force").code == 4
    assert [row["id"] for row in dev.online("new")] == ["2"]


def test_emptying_touches_nothing_but_the_target(sfs, dev):
    """As an enemy: names that begin alike, one S3 URI, the source's own prefix as the target's."""
    root = old(dev, s3_uri="s3://bucket/shared").offline.root
    for name in ("new", "new-2", "ne", "new_"[:3] + "x"):
        dev.fill(new_group(name, CITY, s3_uri="s3://bucket/shared"), an_order(name))
    dev.fill(new_group("nested", CITY, s3_uri=root.rstrip("/")), an_order("nested"))
    others = ("old", "new-2", "ne", "newx", "nested")
    before = {name: dev.history(name) for name in others}

    sfs.ok("migrate old new --clear-target --force --verify full")

    assert {name: dev.history(name) for name in others} == before
    assert dev.history("new") == dev.history("old")


def test_a_target_within_the_sources_root_is_not_emptied(sfs, dev):
    root = old(dev).offline.root
    dev.fill(new_group("nested", CITY, s3_uri=root.rstrip("/")), an_order("2"))
    before = dev.tree()

    answer = sfs("migrate old nested --clear-target --force")

    assert answer.code == 4
    assert "overlap at" in answer.stderr
    assert dev.tree() == before


def test_without_a_way_to_clear_it_says_what_to_install(sfs, dev):
    old(dev)
    dev.fill(new_group("new", CITY), an_order("2"))
    sfs.environ["SFS_PLUGINS_BLOCK"] = "clear"

    answer = sfs("migrate old new --clear-target --force")

    assert answer.code == 4
    assert answer.stderr == (
        "error: --clear-target needs a way to empty dev:new, and no installed plugin gives one: install sfs-clear, "
        "or leave --clear-target out\n"
    )


def test_a_target_that_is_made_needs_no_emptying(sfs, dev):
    old(dev)

    answer = sfs.ok("migrate old new --create-target --clear-target")

    assert "delete" not in answer.stderr
    assert [row["id"] for row in dev.online("new")] == ["1"]


# never the source itself


@pytest.mark.parametrize("target", ["old", "OLD", "dev:old", "again:old", "linked:old", "{arn}", "renumbered:old"])
def test_the_source_is_not_its_own_target(sfs, dev, target):
    arn = old(dev).arn
    link = sfs.folder / "link"
    link.symlink_to(sfs.store)
    sfs.configure(
        f'default = "dev"\n[connections.dev]\nstore = "local"\npath = {str(sfs.store)!r}\n'
        f'[connections.again]\nstore = "local"\npath = {str(sfs.store / ".." / sfs.store.name)!r}\n'
        f'[connections.linked]\nstore = "local"\npath = {str(link)!r}\n'
        f'[connections.renumbered]\nstore = "local"\naccount = "111122223333"\npath = {str(sfs.store)!r}\n'
    )
    before = dev.tree()

    answer = sfs(f"migrate old {target.format(arn=arn)} --clear-target --force")

    assert answer.code == 4
    assert "are the same feature group, so nothing was changed" in answer.stderr
    assert dev.tree() == before


def test_a_group_of_the_same_name_in_another_store_is_another_group(sfs, dev):
    old(dev)
    elsewhere = sfs.folder / "elsewhere"
    sfs.configure(
        f'default = "dev"\n[connections.dev]\nstore = "local"\npath = {str(sfs.store)!r}\n'
        f'[connections.other]\nstore = "local"\npath = {str(elsewhere)!r}\n'
    )

    sfs.ok("migrate old other:old --create-target --verify full")
    answer = sfs.ok("verify old other:old --output json")

    assert (answer.json["compared"], answer.json["equal"]) == (1, 1)


def test_a_new_target_in_another_account_is_told_whose_place_it_would_write_to(sfs, dev):
    old(dev)
    sfs.configure(
        f'default = "dev"\n[connections.dev]\nstore = "local"\npath = {str(sfs.store)!r}\n'
        f'[connections.other]\nstore = "local"\naccount = "111122223333"\npath = {str(sfs.folder / "other")!r}\n'
    )

    answer = sfs.ok("migrate old other:new --create-target --dry-run")

    assert answer.stderr.splitlines()[-1] == (
        "  ! that is where dev:old has its objects, in another account or Region: for another place make the group "
        "first, with `sagemaker-fs create other:new --like dev:old --online --offline S3URI`"
    )


def test_a_new_target_never_takes_over_the_sources_table(sfs, dev):
    new = new_group("old", CITY, online=False)
    table = GlueTable("shop", "orders")
    dev.fill(replace(new, offline=OfflineStore("s3://bucket/p", table=table)), an_order("1"))

    sfs.ok("migrate old new --create-target")

    assert dev.open().describe("new").offline.table != table


def test_plans_are_data_that_repeats(sfs, dev):
    old(dev)

    plans = [sfs.ok("migrate old new --create-target --dry-run").stderr for _ in range(2)]

    assert plans[0] == plans[1]
    assert re.search(r"^  2\. 1 from the latest records", plans[0], re.MULTILINE)


def test_a_target_is_not_cleared_for_a_source_that_gives_nothing(sfs, dev):
    old(dev, an_order("1"))
    dev.fill(new_group("new", CITY), an_order("2"))

    answer = sfs("migrate old new --clear-target --force --where \"id = 'nobody'\"")

    assert answer.code == 4
    assert answer.stderr.splitlines()[-1] == (
        "error: nothing of old would be put, so dev:new is not cleared: look at the source, --where and --event-time, "
        "or empty it with `sagemaker-fs clear dev:new`"
    )
    assert [row["id"] for row in dev.online("new")] == ["2"]
