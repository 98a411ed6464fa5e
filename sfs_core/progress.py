"""Progress over the facts, on stderr: a bar for a terminal, else a line every ten seconds, though nothing may come."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sfs_core.messages import Message, say

if TYPE_CHECKING:
    from sfs_core.console import Console

LINE_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 1.0


@dataclass
class Progress:
    """How far a step is. `total` None means that the end is not known."""

    console: Console
    title: Message
    total: int | None = None
    done: int = 0
    failed: int = 0
    throttles: int = 0
    _bar: Any = None
    _began: float = field(default_factory=time.monotonic)
    _said: float = field(default_factory=time.monotonic)
    _over: threading.Event = field(default_factory=threading.Event)
    _teller: threading.Thread | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Progress:
        if self.console.is_terminal and not self.console.quiet and not self.console.json_lines:
            from tqdm import tqdm

            self._bar = tqdm(
                total=self.total,
                desc=str(self.title),
                unit="rec",
                unit_scale=True,
                file=self.console.stream,
                leave=False,
            )
        elif not self.console.quiet:
            self._teller = threading.Thread(target=self._tell_on, name="progress", daemon=True)
            self._teller.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
        if self._teller is not None:
            self._over.set()
            self._teller.join()

    def add(self, records: int, failed: int = 0, throttles: int = 0) -> None:
        """Count so many more records; `throttles` is how many there were altogether."""
        self.done += records
        self.failed += failed
        self.throttles = throttles
        if self._bar is not None:
            if self.failed or throttles:
                self._bar.set_postfix(failed=self.failed, throttles=throttles, refresh=False)
            self._bar.update(records)
        elif not self.console.quiet:
            self._tell()

    def _tell_on(self) -> None:
        """Tell of a step that is at a batch for long: whoever reads a log sees that it is alive."""
        while not self._over.wait(_LOOK_SECONDS):
            self._tell()

    def _tell(self) -> None:
        with self._lock:
            if time.monotonic() - self._said >= LINE_SECONDS:
                self._said = time.monotonic()
                self.console.note(self._line())

    def _line(self) -> Message:
        rate = self.done / max(0.001, time.monotonic() - self._began)
        fields = {
            "title": self.title, "done": self.done, "rate": rate, "failed": self.failed, "throttles": self.throttles,
        }  # fmt: skip
        if self.total is None or not rate:
            return say("{title}: {done:,} at {rate:,.0f}/s, {failed:,} failed, {throttles:,} throttles", **fields)
        left = (self.total - self.done) / rate
        text = (
            "{title}: {done:,} of {total:,} at {rate:,.0f}/s, {left:,.0f} s left, {failed:,} failed, "
            "{throttles:,} throttles"
        )
        return say(text, total=self.total, left=left, **fields)
