"""What goes wrong in the embedded store: its own errors, and those of SQLite and the disk in the words of the user."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sfs_core import AccessDenied, DiskFull, Message, Refused, SfsError, StoreUnavailable, say

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class OutsideRoot(Refused):
    """An object that does not lie under the feature group's own root."""

    sentence = "{uri} is not under {root}, the root of feature group {group!r}, so it was not touched"


class TableElsewhere(Refused):
    """An Iceberg table that another tool has given another place: what lies there may be others'."""

    sentence = (
        "the Iceberg table of {group} is said to lie at {location}, not at {root}, so no file of it was brought in "
        "order: set its location back"
    )


@contextmanager
def told_of(folder: Path) -> Iterator[None]:
    """Turn failures of SQLite and the disk into DiskFull, AccessDenied or StoreUnavailable, naming `folder`."""
    try:
        yield
    except sqlite3.Error as error:
        raise _of_sqlite(error, folder) from error
    except OSError as error:
        raise of_disk(error, folder) from error


def of_disk(error: OSError, folder: Path) -> SfsError:
    """Return the user's error for one of the operating system."""
    if error.errno in _NO_SPACE:
        return DiskFull(folder=folder)
    if isinstance(error, PermissionError):
        return AccessDenied(principal=say("this user"), action=say("read and write"), resource=error.filename or folder)
    return _unavailable(folder, say("{reason} ({file})", reason=error.strerror or error, file=error.filename or folder))


def _of_sqlite(error: sqlite3.Error, folder: Path) -> SfsError:
    # the low byte is the primary code; ProgrammingError and the like carry none and are bugs, to be seen as such
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return DiskFull(folder=folder)
    problem = _PROBLEMS.get(code)
    if problem is None and not isinstance(error, sqlite3.OperationalError):
        raise error
    return _unavailable(folder, problem or say("{reason}", reason=error))


_PROBLEMS = {
    sqlite3.SQLITE_BUSY: say("another process has kept it locked for too long; wait for it, then try again"),
    sqlite3.SQLITE_LOCKED: say("another process has kept it locked for too long; wait for it, then try again"),
    sqlite3.SQLITE_CORRUPT: say("a database file in it is damaged; put a copy back, or begin with another folder"),
    sqlite3.SQLITE_NOTADB: say("a file in it is not a database; put a copy back, or begin with another folder"),
    sqlite3.SQLITE_READONLY: say("it may not be written to; check the owner and mode of the folder"),
    sqlite3.SQLITE_CANTOPEN: say("a database file in it cannot be opened; check the owner and mode of the folder"),
    sqlite3.SQLITE_PERM: say("it may not be read; check the owner and mode of the folder"),
    sqlite3.SQLITE_IOERR: say("the disk reports an error, or a file has reached the size allowed"),
}


def _unavailable(folder: Path, problem: Message) -> StoreUnavailable:
    return StoreUnavailable(store=say("the embedded store in {folder}", folder=folder), problem=problem)
