"""Waiting for what a store does in its own time, such as making a feature group."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from sfs_core.errors import Interrupted, StoreUnavailable
from sfs_core.messages import Message, say
from sfs_core.progress import LINE_SECONDS

if TYPE_CHECKING:
    from sfs_core.session import Session

T = TypeVar("T")
_FIRST_PAUSE_SECONDS: Final = 0.2
_LONGEST_PAUSE_SECONDS: Final = 5.0


class NotDoneYet(StoreUnavailable):
    """The store has not come to the end of what was asked of it; it may still do so."""

    sentence = "{title}: not done after {seconds:.0f} s; the store may still be at it, `sagemaker-fs describe` tells"


def wait_until(look: Callable[[], T | None], session: Session, title: Message, timeout_seconds: float = 1800) -> T:
    """Return what `look` finds as soon as it finds something; every ten seconds the user hears that it goes on.

    Looked for at once, then ever less often, every five seconds at last. Raises NotDoneYet, Interrupted, and whatever
    `look` raises.
    """
    began = said = time.monotonic()
    pause = _FIRST_PAUSE_SECONDS
    while (found := look()) is None:
        now = time.monotonic()
        if now - began > timeout_seconds:
            raise NotDoneYet(title=title, seconds=now - began)
        if now - said >= LINE_SECONDS:
            said = now
            session.console.note(say("{title}: {seconds:.0f} s", title=title, seconds=now - began))
        if session.stop.wait(pause):
            raise Interrupted
        pause = min(_LONGEST_PAUSE_SECONDS, pause * 1.5)
    return found
