"""Facts folded into counts and an exit code."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sfs_core.ended import Ended
from sfs_core.errors import ExitCode, SfsError
from sfs_core.messages import Message, say


@dataclass
class StepReport:
    """What became of one step's records: `records` = `done` + skipped + failed + `left` (no outcome)."""

    line: Message
    records: int = 0
    deletes: int = 0
    """How much the step counts towards the deletion cap."""
    done: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    finished: bool = False
    begun: int = 0
    """How many of those left had begun when a failure ended the run: they may have been done."""

    def add(self, ended: Ended) -> None:
        """Count a batch that ended."""
        self.done += ended.done
        self.skipped.update(ended.skipped)
        self.failed.update(ended.failed)

    @property
    def tried(self) -> int:
        """How many records have an outcome."""
        return self.done + self.skipped.total() + self.failed.total()

    @property
    def left(self) -> int:
        """How many records have none, because the run stopped before them."""
        return self.records - self.tried

    def summary(self) -> str:
        """Return the counts in words."""
        parts = [say("{count:,} done", count=self.done)]
        parts += [say("{count:,} skipped ({code})", count=count, code=code) for code, count in self.skipped.items()]
        parts += [say("{count:,} failed ({code})", count=count, code=code) for code, count in self.failed.items()]
        if self.begun:
            parts.append(say("{count:,} perhaps done", count=self.begun))
        if self.left > self.begun:
            parts.append(say("{count:,} not tried", count=self.left - self.begun))
        return ", ".join(str(part) for part in parts)


@dataclass
class Report:
    """What a run did. `error` is why it stopped early, None if it came to its end.

    `throttles` is how often its stores were asked to go slower since the command began, planning included.
    """

    run: str
    steps: list[StepReport] = field(default_factory=list)
    seconds: float = 0.0
    throttles: int = 0
    error: SfsError | None = None

    @property
    def exit_code(self) -> ExitCode:
        """0 only where every record is done or skipped and the run came to its end."""
        if self.error is not None:
            return self.error.exit_code
        return ExitCode.RECORDS_FAILED if any(step.failed or step.left for step in self.steps) else ExitCode.DONE

    @property
    def is_ended(self) -> bool:
        """Whether every step came to its end, with or without failed records."""
        return self.error is None and all(step.finished and not step.left for step in self.steps)

    def lines(self) -> list[str]:
        """Return the report as text, a line a step, and one more where the stores were asked to go slower."""
        texts = [f"  {number}. {step.line}: {step.summary()}" for number, step in enumerate(self.steps, 1)]
        if self.throttles:
            texts.append(f"  {say('throttles: {count:,}', count=self.throttles)}")
        return [str(self._title()), *texts]

    def _title(self) -> Message:
        text = "Run {run} took {seconds:.1f} s" if self.is_ended else "Run {run} stopped after {seconds:.1f} s"
        return say(text, run=self.run, seconds=self.seconds)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        steps = [
            {
                "step": step.line.english(),
                "records": step.records,
                "done": step.done,
                "skipped": dict(step.skipped),
                "failed": dict(step.failed),
                "left": step.left,
                "begun": step.begun,
                "finished": step.finished,
            }
            for step in self.steps
        ]
        error = None if self.error is None else {"error": self.error.code, "message": self.error.message.english()}
        return {
            "run": self.run,
            "exit_code": int(self.exit_code),
            "seconds": round(self.seconds, 3),
            "throttles": self.throttles,
            "steps": steps,
            "error": error,
        }
