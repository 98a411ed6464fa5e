"""The command `clear` on the local store."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest

from sfs_core import ClearRequest, Plan, Step, TargetStore, say
from sfs_core.testing import delete, new_group, put, record
from tests.clear.local import EMPTY, held, make, store_of
from tests.conftest import Sfs
from tests.memory_session import ids
from tests.parts import Drop, plugin, source

AT = "2025-06-01T00:00:00Z"
ASIDE = "Region local, as"


def without_identity(stderr: str) -> str:
    """Return what was said, less the line that names account and user."""
    return "".join(line for line in stderr.splitlines(keepends=True) if ASIDE not in line)


# what goes


def test_both_stores_are_emptied(sfs: Sfs):
    group = make(sfs)

    answer = sfs.ok("clear orders --force")

    assert held(sfs, group) == EMPTY
    assert answer.stdout == ""


def test_nothing_of_any_other_group_is_touched(sfs: Sfs):
    make(sfs)
    others = [make(sfs, name) for name in ("orders-1", "orders1", "order")]
    before = [held(sfs, other) for other in others]

    sfs.ok("clear orders --force")

    assert [held(sfs, other) for other in others] == before


def test_online_only_leaves_the_offline_store(sfs: Sfs):
    group = make(sfs)
    before = held(sfs, group)

    sfs.ok("clear orders --online-only --force")

    assert held(sfs, group) == replace(before, ids=[])


def test_offline_only_leaves_the_online_store(sfs: Sfs):
    group = make(sfs)

    sfs.ok("clear orders --offline-only --force")

    assert held(sfs, group) == replace(EMPTY, ids=["r0", "r1", "r2"])


@pytest.mark.parametrize(("online", "offline"), [(True, False), (False, True)])
def test_a_group_with_one_store_is_emptied(sfs: Sfs, online: bool, offline: bool):
    group = make(sfs, online=online, offline=offline)

    sfs.ok("clear orders --force")

    assert held(sfs, group) == EMPTY


def test_a_hard_clear_takes_tombstones_that_would_hide_a_migration(sfs: Sfs):
    group = make(sfs)
    with store_of(sfs) as store:
        delete(store, group, "r1", at="2025-05-02T00:00:00Z")

    sfs.ok("clear orders --online-only --force")

    assert held(sfs, group).tombstones == []


def test_a_soft_clear_leaves_tombstones_and_no_delete_markers(sfs: Sfs):
    group = make(sfs)
    before = held(sfs, group)

    sfs.ok("clear orders --online-only --online-by soft --force")

    assert held(sfs, group) == replace(before, ids=[], tombstones=["r0", "r1", "r2"])


def test_records_of_the_future_go_as_well(sfs: Sfs):
    group = make(sfs)
    with store_of(sfs) as store:
        put(store, group, record("r9", "2999-01-01T00:00:00Z", city="Oslo"))

    sfs.ok("clear orders --force")

    assert held(sfs, group) == EMPTY


def test_an_empty_group_is_cleared_again(sfs: Sfs):
    group = make(sfs, records=0)

    sfs.ok("clear orders --force")

    assert held(sfs, group) == EMPTY


def test_a_group_can_be_named_in_any_way(sfs: Sfs):
    group = make(sfs)

    sfs.ok(f"clear {group.arn} --online-only --force")
    sfs.ok("clear dev:ORDERS --force")

    assert held(sfs, group) == EMPTY


# what is said


def test_the_plan_is_shown_before_and_the_counts_after(sfs: Sfs):
    group = make(sfs)
    assert group.offline is not None
    root = group.offline.root

    answer = sfs.ok("clear orders", typed="orders\n")

    size = re.search(r"\((.*) bytes\)", answer.stderr)
    seconds = re.search(r"Run (\S+) took ([0-9.]+) s", answer.stderr)
    assert size and seconds
    online = "record ids of the online store, soft-deleted ones too"
    steps = [
        f"1. 3 from {online} -> hard-delete from dev:orders at {AT}",
        f"2. list again: {online} -> hard-delete from dev:orders at {AT}, until nothing is left",
        f"3. 3 from objects under {root} ({size[1]} bytes) -> delete",
        f"4. list again: objects under {root} -> delete, until nothing is left",
    ]
    assert without_identity(answer.stderr).splitlines() == [
        "Clear the online store and the offline store of dev:orders",
        *(f"  {step}" for step in steps),
        "  ! online records are removed for good: nothing of them can be brought back, and nothing stops an older "
        "version that is put again later",
        f"  ! offline objects are deleted for good, all of them and only those under {root}",
        "  ! what others put into the group meanwhile is deleted too: stop them first",
        f"Type orders to go on: Run {seconds[1]} took {seconds[2]} s",
        f"  {steps[0]}: 3 done",
        f"  {steps[1]}: 0 done",
        f"  {steps[2]}: 3 done",
        f"  {steps[3]}: 0 done",
    ]


def test_the_plan_says_what_stays(sfs: Sfs):
    make(sfs)

    online, offline = sfs("clear orders --online-only --dry-run"), sfs("clear orders --offline-only --dry-run")

    assert "  ! the offline store keeps all it holds, and no delete markers are written to it\n" in online.stderr
    assert "  ! the online store keeps its records\n" in offline.stderr


def test_a_dry_run_shows_the_plan_and_changes_nothing(sfs: Sfs):
    group = make(sfs)
    before = held(sfs, group)

    answer = sfs.ok("clear orders --dry-run")

    assert "  1. 3 from record ids of the online store, soft-deleted ones too -> hard-delete" in answer.stderr
    assert held(sfs, group) == before
    assert sfs.ok("runs list --output json").json == []


# what is refused


def test_without_a_terminal_it_is_refused(sfs: Sfs):
    group = make(sfs)
    before = held(sfs, group)

    answer = sfs("clear orders", stdin="orders\n")

    assert (answer.code, answer.stdout, answer.stderr) == (
        4,
        "",
        "error: this asks for 'orders' to be typed, and there is no terminal to ask on: look at the plan with "
        "--dry-run, then give --force\n",
    )
    assert held(sfs, group) == before


@pytest.mark.parametrize("typed", ["", "\n", "order\n", "dev:orders\n", "Orders\n", "yes\n"])
def test_anything_but_the_name_is_no(sfs: Sfs, typed: str):
    group = make(sfs)
    before = held(sfs, group)

    answer = sfs("clear orders", typed=typed)

    assert answer.code == 4
    assert answer.stderr.endswith(
        "error: not confirmed, so nothing was changed: type 'orders' when asked, or give --force\n"
    )
    assert held(sfs, group) == before


def test_a_protected_connection_needs_unprotect(sfs: Sfs):
    group = make(sfs)
    sfs.configure(f'default = "dev"\n[connections.dev]\nstore = "local"\npath = "{sfs.store}"\nprotected = true\n')

    refused, allowed = sfs("clear orders --force"), sfs("clear orders --force --unprotect")

    assert (refused.code, refused.stderr) == (
        4,
        f"error: connection 'dev' is protected in {sfs.folder}/config.toml, so nothing was changed: give --unprotect "
        "if you mean it\n",
    )
    assert (allowed.code, held(sfs, group)) == (0, EMPTY)


@pytest.mark.parametrize("cap", ["--max-delete 2", ""])
def test_more_than_the_cap_is_refused_before_anything_is_deleted(sfs: Sfs, cap: str):
    group = make(sfs)
    before = held(sfs, group)
    settings = 'default = "dev"\n[connections.dev]\nstore = "local"\n'
    sfs.configure(f'{settings}path = "{sfs.store}"\nmax_delete = {3 if cap else 2}\n')

    answer = sfs(f"clear orders --force {cap}")

    assert answer.code == 7
    assert answer.stderr.splitlines()[-1] == (
        "error: dev:orders would lose 3 record ids of the online store, soft-deleted ones too, and the cap is "
        "2: give --max-delete 3 if you mean it"
    )
    assert held(sfs, group) == before


def test_the_flag_lifts_the_configured_cap(sfs: Sfs):
    group = make(sfs)
    sfs.configure(f'default = "dev"\n[connections.dev]\nstore = "local"\npath = "{sfs.store}"\nmax_delete = 2\n')

    sfs.ok("clear orders --force --max-delete 3")

    assert held(sfs, group) == EMPTY


@pytest.mark.parametrize(
    ("line", "code", "sentence"),
    [
        (
            "clear nothing --force",
            10,
            "no feature group 'nothing' in {store}: `sagemaker-fs list` shows them",
        ),
        (
            "clear orders --online-only --offline-only",
            2,
            "--online-only and --offline-only contradict each other: give one of them",
        ),
        (
            "clear orders --online-only --settle 1",
            2,
            "--settle is about the OfflineStore, which this does not clear: leave it out",
        ),
        (
            "clear orders --offline-only --ids file",
            2,
            "--ids is about the OnlineStore, which this does not clear: leave it out",
        ),
        (
            "clear orders --offline-only --online-by soft",
            2,
            "--online-by is about the OnlineStore, which this does not clear: leave it out",
        ),
        (
            "clear orders --online-only --offline-by objects",
            2,
            "--offline-by is about the OfflineStore, which this does not clear: leave it out",
        ),
        ("clear orders --batch-size 0", 2, "--batch-size does not take 0: give a number from 1 to 1,000,000"),
        ("clear orders --max-workers 0", 2, "--max-workers does not take 0: give a number from 1 to 1,000"),
        ("clear orders --settle=-1", 2, "--settle does not take -1.0: give a number from 0 to 100,000"),
        ("clear orders --settle nan", 2, "--settle does not take nan: give a number from 0 to 100,000"),
        ("clear orders --settle inf", 2, "--settle does not take inf: give a number from 0 to 100,000"),
        (
            "clear orders --online-by objects",
            2,
            "no clear strategy is named 'objects': there are hard, soft; `sagemaker-fs plugins` shows what each plugin "
            "provides",
        ),
        (
            "clear alone --offline-only",
            2,
            "feature group 'dev:alone' has no OfflineStore: `sagemaker-fs describe dev:alone` shows its stores",
        ),
        (
            "clear orders --ids given --force",
            4,
            "--ids given names some of the records of dev:orders, and the offline store is emptied whole, so nothing "
            "was changed: give --online-only, or leave --ids out",
        ),
    ],
)
def test_what_cannot_be_done_is_one_sentence(sfs: Sfs, line: str, code: int, sentence: str):
    groups = [make(sfs), make(sfs, "alone", offline=False)]
    before = [held(sfs, group) for group in groups]
    sfs.plugins.append(("ids-plugin", plugin(sfs_record_id_sources=[source("given")])))

    answer = sfs(line)

    assert (answer.code, answer.stdout, answer.stderr) == (code, "", f"error: {sentence.format(store=sfs.store)}\n")
    assert [held(sfs, group) for group in groups] == before


def test_a_root_that_holds_another_group_is_refused_while_planning(sfs: Sfs):
    group = make(sfs)
    assert group.offline is not None and group.offline.resolved_uri is not None
    inner = group.offline.resolved_uri + "/inner"
    before = sorted(sfs.store.rglob("*.parquet"))
    # the service's own layout never does this; who makes a group by hand may
    with store_of(sfs) as store:
        store.create(new_group("inner", s3_uri=inner))

    answer = sfs("clear orders --force")

    assert (answer.code, answer.stderr) == (
        4,
        f"error: the offline store of dev:orders lies at '{group.offline.root}', which holds the root of dev:inner, so "
        "nothing was changed\n",
    )
    assert sorted(sfs.store.rglob("*.parquet")) == before
    assert held(sfs, replace(group, offline=None)).ids == ["r0", "r1", "r2"]


# ids of another source


def test_only_the_ids_of_a_file_go_and_the_plan_says_so(sfs: Sfs):
    group = make(sfs, offline=False, records=4)
    file = sfs.file("ids.csv", "id\nr1\nr3\nr1\nnot-there\n")

    answer = sfs.ok("clear orders --ids file --file-path", str(file), "--force")

    assert held(sfs, group).ids == ["r0", "r2"]
    assert "  ! records with other record ids stay\n" in answer.stderr
    assert f"  1. 3 from record ids in {file} (duplicates left out: 1) -> hard-delete" in answer.stderr


def test_a_third_partys_ids_are_taken_when_named(sfs: Sfs):
    group = make(sfs)
    sfs.plugins.append(("ids-plugin", plugin(sfs_record_id_sources=[source("given")])))

    sfs.ok("clear orders --online-only --ids given --force")

    assert held(sfs, group).ids == ["r0"]


# strategies of third parties


@dataclass(frozen=True)
class PretendToDelete:
    """A strategy that deletes nothing."""

    name: ClassVar[str] = "pretend"
    clears: ClassVar[TargetStore] = TargetStore.ONLINE

    def plan(self, request: ClearRequest) -> Plan:
        return Plan(say("Pretend"), (Step(ids("r0"), Drop()),), (say("nothing is deleted"),))


def pretending(name: str) -> Any:
    return type("Pretend", (PretendToDelete,), {"name": name})


def test_a_third_partys_strategy_is_never_chosen_silently(sfs: Sfs):
    group = make(sfs)
    sfs.plugins += [
        (f"plugin-{name}", plugin(sfs_clear_strategies=[pretending(name)])) for name in ("aaa", "hard", "online", "")
    ]

    sfs.ok("clear orders --force")

    assert held(sfs, group) == EMPTY


def test_a_third_partys_strategy_is_chosen_by_name(sfs: Sfs):
    group = make(sfs)
    sfs.plugins.append(("pretender", plugin(sfs_clear_strategies=[PretendToDelete])))

    answer = sfs.ok("clear orders --online-only --online-by pretend --force")

    assert held(sfs, group).ids == ["r0", "r1", "r2"]
    assert "  ! nothing is deleted\n" in answer.stderr


def test_a_strategy_that_does_not_say_what_it_clears_is_not_offered(sfs: Sfs):
    make(sfs)
    nothing = type("Nothing", (), {"name": "nothing"})
    sfs.plugins.append(("vague", plugin(sfs_clear_strategies=[nothing])))

    answer = sfs("clear orders --online-by nothing --force")

    assert answer.code == 2


def test_the_help_names_every_option(sfs: Sfs):
    answer = sfs.ok("clear --help")

    own = answer.stdout[: answer.stdout.index("--help")]
    assert re.findall(r"^ +--([a-z-]+)", own, re.MULTILINE) == [
        "online-only",
        "offline-only",
        "settle",
        "batch-size",
        "max-workers",
        "ids",
        "athena-event-time",
        "file-path",
        "file-format",
        "file-column",
        "online-by",
        "offline-by",
        "purge-versions",
        "dry-run",
        "force",
        "unprotect",
        "max-delete",
        "resume",
    ]
