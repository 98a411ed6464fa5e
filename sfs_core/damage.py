"""Reading a run's folder with distrust: a power cut, a full disk, an older version or a hand may have been in it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sfs_core.errors import Refused
from sfs_core.messages import say


class RunDamaged(Refused):
    """A file of a run's folder is not what the tool writes there."""

    sentence = (
        "{file} of run {run} is damaged or of another version ({problem}), so nothing more was done: look at what is "
        "left with --dry-run, and start anew"
    )


@contextlib.contextmanager
def understood(path: Path, run: str) -> Iterator[None]:
    """Turn whatever goes wrong as a file of a run is made sense of into RunDamaged."""
    try:
        yield
    except KeyError as error:
        raise RunDamaged(file=path.name, run=run, problem=say("it lacks {key}", key=error)) from error
    except (ValueError, TypeError, AttributeError, LookupError, OSError) as error:
        problem = str(error).partition("\n")[0] or type(error).__name__
        raise RunDamaged(file=path.name, run=run, problem=problem) from error


def read_object(path: Path, run: str, *keys: str) -> dict[str, Any]:
    """Return a file's JSON object, which has these keys. Raises RunDamaged, FileNotFoundError."""
    text = path.read_bytes()
    with understood(path, run):
        found = json.loads(text)
        if not isinstance(found, dict):
            raise TypeError(say("it holds no object"))
        for key in keys:
            found[key]
        return found
