"""Kills a migrate at random moments, resumes it, and compares the end with that of an uninterrupted run.

    uv run python benchmarks/killed_runs.py --trials 50 --seed 1

Prints a line a trial and a summary; exits 1 where an end state differs.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sfs_core import EventTime, SetClock, SystemClock
from sfs_core.testing import delete, filled, history, new_group, online, put, typed_rows
from sfs_plugins.local_store.store import LocalStore

START = EventTime.parse("2025-01-01T00:00:00Z", seconds=False)
WAYS = {
    "latest": ["old", "new", "--create-target"],
    "history": ["old", "new", "--create-target", "--what", "history"],
    "cleared": ["old", "full", "--clear-target", "--force"],
}
CODE = "import sys; from sfs_core.application import main; sys.exit(main())"


def prepare(folder: Path, ids: int, seed: int) -> None:
    """Fill a store: an offline-only group with versions out of order, ties, deletions; a target that is full."""
    chance = random.Random(seed)
    clock = SetClock(START)
    store = LocalStore("dev", clock, folder)
    features = ("city:String", "size:Integral", "amount:Fractional")
    group = filled(store, new_group("old", *features, online=False))
    for number in range(6):
        clock.instant = START.plus((number + 1) * 3600 * 10**9)
        records = [a_record(chance, one) for one in chance.sample(range(ids), ids * 2 // 3)]
        assert not put(store, group, *records, *records[: ids // 20])
        gone = [str(one) for one in chance.sample(range(ids), ids // 30)]
        assert not delete(store, group, *gone, at=an_event_time(chance))
    full = filled(store, new_group("full", *features))
    assert not put(store, full, *(a_record(chance, one) for one in range(0, ids * 2, 3)))
    assert not delete(store, full, *(str(one) for one in range(0, ids, 9)), at="2026-01-01T00:00:00Z")
    store.settle(full)
    store.settle(group)
    store.close()


def a_record(chance: random.Random, number: int) -> dict[str, str | list[str]]:
    """Return a record; some features are absent, and few event times make many ties."""
    record: dict[str, str | list[str]] = {"id": str(number), "at": an_event_time(chance)}
    record["city"] = chance.choice(["Oslo", "Rome", "Seoul"])
    if chance.random() < 0.8:
        record |= {"size": str(chance.randrange(10**6)), "amount": str(chance.random())}
    return record


def an_event_time(chance: random.Random) -> str:
    """Return one of few instants, written with or without decimals."""
    return f"2025-05-01T0{chance.randrange(4)}:00:00{chance.choice(['', '.000', '.500', '.000000001'])}Z"


@dataclass(frozen=True)
class State:
    """What a group holds in the end: online texts, and offline versions as often as they are there."""

    online: tuple[str, ...]
    offline: Counter[str]

    def beside(self, other: State) -> str:
        """Return what another state has and this one has not, and the other way round."""
        online = set(self.online) ^ set(other.online)
        return f"lost {other.offline - self.offline}, gained {self.offline - other.offline}, online {online}"


def state_of(folder: Path, name: str) -> State:
    """Return the end state of a group, read by a process that took no part."""
    store = LocalStore("dev", SystemClock(), folder)
    try:
        group = store.describe(name)
        rows = typed_rows(group, history(store, group), without=["api_invocation_time", "write_time"])
        live = tuple(repr(sorted(row.items())) for row in online(store, group))
        return State(live, Counter(repr(sorted(row.items())) for row in rows))
    finally:
        store.close()


@dataclass(frozen=True)
class Moment:
    """When a process is killed: after so many seconds, or a little after its journal has so many lines."""

    seconds: float
    lines: int
    delay: float

    @classmethod
    def at_random(cls, chance: random.Random, seconds: float, lines: int) -> Moment:
        """Return a moment: one in five anywhere in a run of `seconds`, the others while it writes its journal."""
        if chance.random() < 0.2:
            return cls(chance.uniform(0, seconds), sys.maxsize, 0)
        return cls(60 + 10 * seconds, chance.randrange(1, lines), chance.uniform(0, 0.02))


@dataclass
class Migration:
    """A migrate as a process of its own, on a copy of a store."""

    folder: Path
    argv: list[str]

    @classmethod
    def on_copy(cls, store: Path, folder: Path, way: str) -> Migration:
        """Return a migration on a fresh copy."""
        shutil.copytree(store, folder / "store")
        more = ["--batch-size", "20", "--verify", "none"]
        return cls(folder, ["migrate", *WAYS[way], *more])

    def start(self, argv: list[str]) -> subprocess.Popen[bytes]:
        """Start a command line of the tool."""
        environ = {**os.environ, "SFS_STATE_DIR": str(self.folder / "state")}
        with (self.folder / "log.txt").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", CODE, *argv, "--path", str(self.folder / "store")],
                env=environ, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def run(self) -> tuple[float, int]:
        """Run it to its end, and return the seconds it took and the lines of its journal."""
        began = time.monotonic()
        process = self.start(self.argv)
        assert process.wait() == 0, (self.folder / "log.txt").read_text()
        return time.monotonic() - began, self._journaled()

    def killed_and_resumed(self, moments: Iterator[Moment]) -> str:
        """Run it, kill each attempt at its moment, and then let it come to its end; return what was interrupted."""
        story = []
        argv = self.argv
        for moment in moments:
            process = self.start(argv)
            began = time.monotonic()
            while process.poll() is None and time.monotonic() - began < moment.seconds:
                if self._journaled() >= moment.lines:
                    time.sleep(moment.delay)
                    break
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
            process.wait()
            story.append(self._stage())
            argv = self._next(argv)
            if argv is self.argv and story[-1] == "ended":
                return " ".join(story)
        process = self.start(argv)
        assert process.wait() == 0, (self.folder / "log.txt").read_text()
        return " ".join(story)

    def _run_folder(self) -> Path | None:
        folders = sorted((self.folder / "state" / "runs").glob("*"))
        confirmed = [folder for folder in folders if (folder / "plan.json").exists()]
        return confirmed[-1] if confirmed else None

    def _stage(self) -> str:
        run = self._run_folder()
        if run is None:
            return "planning"
        return "ended" if (run / "report.json").exists() else f"after-{self._journaled()}"

    def _journaled(self) -> int:
        """Return how many lines the journal has."""
        run = self._run_folder()
        return (run / "journal.jsonl").read_bytes().count(b"\n") if run else 0

    def _next(self, argv: list[str]) -> list[str]:
        run = self._run_folder()
        if run is None or self._stage() == "ended":
            return self.argv
        return ["runs", "resume", run.name, "--force"]


def trials(folder: Path, ways: list[str], count: int, seed: int, ids: int) -> Iterator[tuple[str, str, bool]]:
    """Yield, trial after trial, the way, what was interrupted, and whether the end state is the uninterrupted one's."""
    chance = random.Random(seed)
    prepare(folder / "base", ids, seed)
    expected, measured = {}, {}
    for way in ways:
        (folder / way).mkdir()
        whole = Migration.on_copy(folder / "base", folder / way, way)
        measured[way] = whole.run()
        expected[way] = state_of(folder / way / "store", WAYS[way][1])
    for number in range(count):
        way = ways[number % len(ways)]
        place = folder / f"trial-{number}"
        place.mkdir()
        kills = 1 + (chance.random() < 0.3)
        moments = iter([Moment.at_random(chance, *measured[way]) for _ in range(kills)])
        killed = Migration.on_copy(folder / "base", place, way)
        story = killed.killed_and_resumed(moments)
        end, source = state_of(place / "store", WAYS[way][1]), state_of_source(place)
        same = end == expected[way] and source == state_of_source(folder / way)
        yield way, story if same else f"{story} {end.beside(expected[way])}", same
        shutil.rmtree(place)


def state_of_source(folder: Path) -> Counter[str]:
    """Return the versions of the source, which a migration leaves as they are."""
    store = LocalStore("dev", SystemClock(), folder / "store")
    try:
        return Counter(repr(sorted(row.items())) for row in history(store, store.describe("old")))
    finally:
        store.close()


def main() -> int:
    """Run the trials and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ids", type=int, default=600)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    given = parser.parse_args()
    failed, stages = 0, Counter[str]()
    with tempfile.TemporaryDirectory(prefix="killed-runs-") as folder:
        for number, (way, story, same) in enumerate(
            trials(Path(folder), given.ways, given.trials, given.seed, given.ids), 1
        ):
            print(f"{number:3} {way:8} killed {story}: {'same' if same else 'DIFFERENT'}", flush=True)
            failed += not same
            stages.update(stage.partition("-")[0] for stage in story.split())
    print(f"{given.trials} runs killed ({dict(stages)}), {given.trials - failed} ended as an uninterrupted one")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
