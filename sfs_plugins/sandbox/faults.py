"""Faults from a seed: which requests are struck, with what, and a log of every one.

A rule's decisions are drawn from the seed, the rule's place and how often it was asked: the same requests in the same
order are struck again.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from sfs_core import BadOption, say
from sfs_plugins.sandbox.actions import action_of, is_about
from sfs_plugins.sandbox.wire import Failure


class Fault(StrEnum):
    """What can go wrong with a request, or with one entry of it."""

    THROTTLE = "throttle"
    ERROR = "error"
    ERROR_AFTER = "error_after"
    UNPROCESSED = "unprocessed"
    ENTRY_ERROR = "entry_error"
    SLOW = "slow"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    EXPIRED = "expired"
    DENIED = "denied"
    EMPTY_PAGE = "empty_page"
    LATE_OFFLINE = "late_offline"


_THROTTLES = {"athena": "TooManyRequestsException", "iam": "Throttling", "sts": "Throttling"}
_NUMBERS = frozenset({"rate", "after", "count", "per_second", "seconds", "status"})
OF_ENTRIES = (Fault.UNPROCESSED, Fault.ENTRY_ERROR)


@dataclass(frozen=True)
class Rule:
    """One kind of fault, and what it strikes: requests (entries, for faults of entries) of a service and operation.

    `rate` is the chance of each; `after` so many are let pass first, `count` is the most that are struck (None: no
    end). `per_second` throttles what goes beyond so many a second, whatever the rate. `seconds` is how long a slow
    answer waits, or offline writes are held back; `status` is an error's.
    """

    fault: Fault
    service: str | None = None
    operation: str | None = None
    rate: float = 1.0
    after: int = 0
    count: int | None = None
    per_second: float | None = None
    seconds: float = 1.0
    status: int = 500

    @classmethod
    def parse(cls, given: dict[str, Any]) -> Self:
        """Return the rule of a JSON object. Raises ValueError."""
        names = [field.name for field in fields(cls)]
        unknown = given.keys() - names
        if unknown:
            raise ValueError(f"a rule takes no {', '.join(sorted(unknown))}, but {', '.join(names)}")
        if given.get("fault") not in list(Fault):
            raise ValueError(f"no fault is named {given.get('fault')!r}: there are {', '.join(Fault)}")
        for name in given.keys() & _NUMBERS:
            if given[name] is not None and (not isinstance(given[name], (int, float)) or given[name] < 0):
                raise ValueError(f"{name} takes a number from 0 on, not {given[name]!r}")
        return cls(**{**given, "fault": Fault(given["fault"])})

    def is_about(self, service: str, operation: str) -> bool:
        """Tell whether the rule strikes such requests."""
        return self.service in (None, service) and self.operation in (None, operation)


@dataclass
class Drawn:
    """A rule under way: how often it was asked, how often it struck, and its allowance by the second."""

    rule: Rule
    seed: str
    asked: int = 0
    struck: int = 0
    allowance: float = 0.0
    filled_at: float = 0.0

    def may_strike(self) -> bool:
        """Tell whether the next request may be struck, without counting as one."""
        rule = self.rule
        return self.asked >= rule.after and (rule.count is None or self.struck < rule.count) and rule.rate > 0

    def strikes(self) -> bool:
        """Decide about one request or entry."""
        self.asked += 1
        rule = self.rule
        if self.asked <= rule.after or (rule.count is not None and self.struck >= rule.count):
            return False
        if rule.per_second is not None:
            hit = not self._is_allowed(rule.per_second)
        else:
            hit = random.Random(f"{self.seed}:{self.asked}").random() < rule.rate  # noqa: S311  (not a secret)
        self.struck += hit
        return hit

    def _is_allowed(self, per_second: float) -> bool:
        now = time.monotonic()
        burst = max(per_second, 1.0)
        self.allowance = min(burst, self.allowance + (now - self.filled_at) * per_second) if self.filled_at else burst
        self.filled_at = now
        if self.allowance < 1.0:
            return False
        self.allowance -= 1.0
        return True


@dataclass
class Faults:
    """The rules in force, and the log of what they struck, in memory and as JSON lines in `log_file`."""

    log_file: Path
    log: list[dict[str, Any]] = field(default_factory=list)
    _drawn: list[Drawn] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, given: dict[str, Any]) -> None:
        """Put rules in force in place of those before: `{"seed": 7, "rules": [...]}`. Raises as `rules_of` does."""
        seed, rules = given.get("seed", 0), rules_of(given)
        with self._lock:
            self._drawn = [Drawn(rule, f"{seed}:{place}") for place, rule in enumerate(rules)]

    def in_force(self) -> bool:
        """Tell whether there is any rule: most sandboxes have none."""
        return bool(self._drawn)

    def denies(self, action: str) -> bool:
        """Tell whether a rule denies an IAM action as things stand; it is not asked for, so nothing is logged."""
        with self._lock:
            denials = [one for one in self._drawn if one.rule.fault is Fault.DENIED and one.may_strike()]
        return any(is_about(one.rule.service, one.rule.operation, action) for one in denials)

    def strike(self, service: str, operation: str, about: str, *, entries: bool = False) -> list[Rule]:
        """Return the rules that strike a request (or one entry of it), each logged with what it hit."""
        struck = []
        with self._lock:
            for place, drawn in enumerate(self._drawn):
                is_of_entries = drawn.rule.fault in OF_ENTRIES
                if drawn.rule.is_about(service, operation) and is_of_entries is entries and drawn.strikes():
                    struck.append(drawn.rule)
                    self._write(place, drawn.rule, service, operation, about)
        return struck

    def _write(self, place: int, rule: Rule, service: str, operation: str, about: str) -> None:
        line = {
            "at": time.time(), "rule": place, "fault": rule.fault.value, "service": service, "operation": operation,
            "what": about,
        }  # fmt: skip
        self.log.append(line)
        with self.log_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def rules_of(given: dict[str, Any]) -> list[Rule]:
    """Return the rules of the content of a faults file. Raises ValueError."""
    rules = given.get("rules", []) if isinstance(given, dict) else None
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise ValueError("it is not an object with a list of rules")
    unknown = given.keys() - {"seed", "rules"}
    if unknown:
        raise ValueError(f"it takes no {', '.join(sorted(unknown))}, but seed and rules")
    return [Rule.parse(rule) for rule in rules]


def read_rules(path: Path) -> dict[str, Any]:
    """Return the rules of a file. Raises BadOption."""
    try:
        given: dict[str, Any] = json.loads(path.read_text("utf-8"))
        rules_of(given)
    except (OSError, ValueError) as error:
        expected = say(
            'a JSON file, as {{"seed": 7, "rules": [{{"fault": "throttle", "rate": 0.1}}]}} ({error})', error=error
        )
        raise BadOption(option="--faults", value=str(path), expected=expected) from error
    return given


def failure_of(rules: Sequence[Rule], service: str, operation: str, principal: str) -> Failure | None:
    """Return the failure that rules answer a request with, in the words of its service; None if none does."""
    for rule in rules:
        match rule.fault:
            case Fault.THROTTLE if service == "s3":
                return Failure("SlowDown", "Please reduce your request rate.", 503)
            case Fault.THROTTLE:
                return Failure(_THROTTLES.get(service, "ThrottlingException"), "Rate exceeded")
            case Fault.ERROR | Fault.ERROR_AFTER:
                return _server_failure(service, rule.status)
            case Fault.EXPIRED:
                code = "ExpiredToken" if service in ("s3", "iam", "sts") else "ExpiredTokenException"
                message = "The security token included in the request is expired"
                return Failure(code, message, 400 if service == "s3" else 403)
            case Fault.DENIED:
                return _denied(service, operation, principal)
    return None


def _server_failure(service: str, status: int) -> Failure:
    if service == "s3":
        code = "ServiceUnavailable" if status == 503 else "InternalError"
        return Failure(code, "We encountered an internal error. Please try again.", status)
    code = "ServiceUnavailable" if status == 503 else "InternalFailure"
    return Failure(code, "Internal server error. Please try again later.", status)


def _denied(service: str, operation: str, principal: str) -> Failure:
    if service == "s3":
        return Failure("AccessDenied", "Access Denied", 403)
    action = action_of(service, operation)
    message = (
        f"User: {principal} is not authorized to perform: {action} with an explicit deny in an identity-based policy"
    )
    if service in ("iam", "sts"):
        return Failure("AccessDenied", message, 403)
    is_runtime = service == "sagemaker-featurestore-runtime"
    return Failure("AccessDeniedException", message, 403 if is_runtime else 400)
