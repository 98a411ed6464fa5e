"""Files brought to disk, whole or not there, so that they survive a power cut; and those found under a folder."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

_MOVES: Final = 20
_MANY_FILES: Final = 50


def move_into_place(made: Path, place: Path) -> None:
    """Give a file that is whole its name, on the same disk; the folder is made. Another file of that name is gone."""
    for attempt in range(_MOVES):
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            made.replace(place)
        except FileNotFoundError:
            # the folder was empty for a moment, and a deletion of objects has tidied it away
            if attempt == _MOVES - 1:
                raise
        else:
            return


def sync_files(files: Collection[Path], root: Path) -> None:
    """See to it that files, and the folders they are in from `root` on, survive a power cut; returns when they do."""
    if len(files) > _MANY_FILES and hasattr(os, "sync"):
        # one call for the whole disk: thousands one by one take minutes where others write too
        os.sync()
        return
    folders = {root / parent for file in files for parent in file.relative_to(root).parents}
    for path in (*files, *folders):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def files_under(root: Path) -> Iterator[Path]:
    """Yield every file under a folder, none if it is not there. Links are left alone, and are not followed.

    A folder that is there and cannot be read raises OSError: what is in it is not to be taken for nothing.
    """

    def unless_gone(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    for folder, _, names in os.walk(root, onerror=unless_gone):
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                yield path
