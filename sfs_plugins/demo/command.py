"""`demo`: an offline-only group of real flights, migrated to one with an online store, by the commands anyone has."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from sfs_core import ExitCode, FileUnwritable, SfsCommand, say
from sfs_plugins.demo.flights import EVENT_TIME, PACKAGE, RECORD_ID, Flights, write_flights

OFFLINE: Final = "flights"
ONLINE: Final = "flights-online"
AIRCRAFT: Final = "N14228"
"""The aircraft of the first flight of the year."""


class DemoCommand(SfsCommand):
    """Run the main job on real data, each step a command line that is shown and can be typed again."""

    name = "demo"
    description = "Migrate 334,264 real flights from an offline-only group to an online one, on this machine."
    help = (
        "A tutorial that runs itself: it shows each command line, then runs it, on the embedded store in a new folder, "
        "or in the folder of --path. No AWS account is needed."
    )

    def answer(self) -> ExitCode:
        """Prepare the data, run one command after another, and say what to try next."""
        folder = self._folder()
        self._say("The demo keeps everything in {folder}", folder=folder)
        flights = self._flights(folder)
        for explanation, argv in _steps(flights, folder):
            self._say("")
            self._say(explanation)
            code = self._run(argv)
            if code != ExitCode.DONE:
                return ExitCode(code)
        self._say("")
        self._say("Try next:")
        for argv in _next(folder):
            self._say("  {line}", line=_line(argv))
        return ExitCode.DONE

    def _folder(self) -> Path:
        """Return the folder of --path, or a new one."""
        given = self.session.store_flags.get("path")
        if given is None:
            return Path(tempfile.mkdtemp(prefix="sagemaker-fs-demo-"))
        folder = Path(given).expanduser()
        folder = folder if folder.is_absolute() else self.environment.folder / folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileUnwritable(path=folder, problem=error.strerror) from error
        return folder

    def _flights(self, folder: Path) -> Flights:
        try:
            flights = write_flights(folder)
        except OSError as error:
            raise FileUnwritable(path=folder, problem=error.strerror) from error
        self._say(
            "{path}: {records:,} flights that left New York City in 2013 ({package}); {unknown:,} more have no tail "
            "number and are left out",
            path=flights.path, records=flights.records, unknown=flights.unknown, package=PACKAGE,
        )  # fmt: skip
        return flights

    def _run(self, argv: Sequence[str]) -> int:
        self._say("$ {line}", line=_line(argv))
        assert self.environment.again is not None  # noqa: S101  (the application sets it)
        return self.environment.again(replace(self.environment, argv=argv))

    def _say(self, text: str, **fields: object) -> None:
        self.session.console.note(say(text, **fields))


def _line(argv: Sequence[str]) -> str:
    return shlex.join(["sagemaker-fs", *argv])


def _steps(flights: Flights, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield what each step is for, and its command line."""
    here = ["--path", str(folder)]
    keys = ["--record-id", RECORD_ID, "--event-time", EVENT_TIME]
    stores = ["--no-online", "--offline", "s3://demo/feature-store"]
    file = str(flights.path)
    yield (
        "1. Make a feature group for the file: a record is an aircraft, by tail number; offline store only.",
        ["create", OFFLINE, "--infer", file, *keys, *stores, *here],
    )
    yield "2. Put the flights into it: every one stays in the offline store.", ["bulk-put", OFFLINE, file, *here]
    yield (
        "3. The main job: the latest flight of each aircraft into a new group with an online store besides.",
        ["migrate", OFFLINE, ONLINE, "--create-target", *here],
    )
    yield "4. Compare every record.", ["verify", OFFLINE, ONLINE, *here]
    yield "5. Read one record online.", ["get", ONLINE, AIRCRAFT, *here]


def _next(folder: Path) -> Iterator[list[str]]:
    """Yield command lines to try."""
    here = ["--path", str(folder)]
    yield ["list", *here]
    yield ["describe", ONLINE, *here]
    yield ["export", ONLINE, "-", "--format", "csv", "--limit", "5", *here]
    yield ["migrate", OFFLINE, "flights-history", "--what", "history", "--create-target", "--dry-run", *here]
    yield ["clear", ONLINE, "--dry-run", *here]
    yield ["runs", "list"]
