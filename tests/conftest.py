"""What every test may use: the command line in process, a store folder of its own, a clock that stands still."""

from __future__ import annotations

import io
import json
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sfs_core import EventTime, SetClock
from sfs_core.application import run

# awscrt is here for S3's checksums; botocore signs by itself, as it does for most people
os.environ["BOTO_DISABLE_CRT"] = "true"


@dataclass(frozen=True)
class Answer:
    """What a command line gave back."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


class Terminal(io.StringIO):
    """Input that claims to be a terminal, so that questions are asked."""

    def isatty(self) -> bool:
        return True


class Sfs:
    """`sfs("list --output json")` runs `sagemaker-fs` in this process, on a local store and state folder of its own.

    Arguments are split as a shell does, further ones are passed whole. `typed` is what a person at a terminal types;
    without it there is no terminal. `stdin` is piped text.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"
        self.clock = SetClock(EventTime.parse("2025-06-01T00:00:00Z", seconds=False))
        self.environ = {"SFS_STATE_DIR": str(folder / "state"), "SFS_CONFIG": str(folder / "config.toml")}
        self.plugins: list[tuple[str, object]] = []
        self.configure(f'default = "dev"\n[connections.dev]\nstore = "local"\npath = {str(self.store)!r}\n')

    def configure(self, toml: str) -> None:
        (self.folder / "config.toml").write_text(toml, "utf-8")

    def __call__(self, line: str, *more: str, typed: str | None = None, stdin: str = "") -> Answer:
        given = Terminal(typed) if typed is not None else io.StringIO(stdin)
        stdout, stderr = io.StringIO(), io.StringIO()
        code = run(
            [*shlex.split(line), *more],
            environ=self.environ,
            stdin=given,
            stdout=stdout,
            stderr=stderr,
            folder=self.folder,
            clock=self.clock,
            plugins=self.plugins,
        )
        return Answer(code, stdout.getvalue(), stderr.getvalue())

    def ok(self, line: str, *more: str, typed: str | None = None, stdin: str = "") -> Answer:
        answer = self(line, *more, typed=typed, stdin=stdin)
        assert answer.code == 0, answer
        return answer

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


@pytest.fixture
def sfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sfs:
    for name in [name for name in os.environ if name.startswith(("SFS_", "AWS_"))]:
        monkeypatch.delenv(name)
    return Sfs(tmp_path)
