"""A process whose command answers without end, for a test of who stops reading."""

from __future__ import annotations

import os
import sys

from sfs_core import SfsCommand
from sfs_core.application import run
from tests.parts import command, plugin


def answer(asked: SfsCommand) -> None:
    while True:
        asked.stdout.write("a line\n")


if __name__ == "__main__":
    endless = ("endless", plugin(sfs_commands=[command("endless", answer)]))
    sys.exit(
        run(["endless"], environ=os.environ, stdin=sys.stdin, stdout=sys.stdout, stderr=sys.stderr, plugins=[endless])
    )
