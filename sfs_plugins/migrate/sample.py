"""How much is compared, and what a comparison of some records says about all of them."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from sfs_core import BadOption, Message, say

if TYPE_CHECKING:
    import pyarrow as pa

QUICK_RECORDS: Final = 1000
_Z: Final = 1.959964
_CERTAIN_BELOW: Final = 0.05


@dataclass(frozen=True, slots=True)
class Sample:
    """The records whose ids hash below a share of all hashes: the same ones wherever they are met."""

    share: float = 1.0

    @classmethod
    def parse(cls, flag: str, text: str) -> Self:
        """Return the sample that `1%` names. Raises BadOption."""
        try:
            percent = float(text.removesuffix("%")) if text.endswith("%") else math.nan
        except ValueError:
            percent = math.nan
        if not 0 < percent <= 100:
            raise BadOption(option=flag, value=text, expected=say("a share over 0% and up to 100%, as 1%"))
        return cls(percent / 100)

    @property
    def is_all(self) -> bool:
        """Whether every record is in it."""
        return self.share >= 1

    def of(self, records: pa.RecordBatch, identifier: str) -> pa.RecordBatch:
        """Return the records of a batch that are in the sample."""
        if self.is_all:
            return records
        import pyarrow as pa

        bound = int(self.share * 2**64)
        ids = records.column(identifier).to_pylist()
        rows = [row for row, record_id in enumerate(ids) if _hash(record_id) < bound]
        return records.take(pa.array(rows, pa.int64()))


def _hash(record_id: str) -> int:
    return int.from_bytes(hashlib.blake2b(record_id.encode(), digest_size=8).digest())


def bound(compared: int, different: int) -> Message:
    """Return what a sample says about all records, at 95 % confidence: the rule of three, or Wilson's interval."""
    if compared == 0:
        return say("no record was in the sample, which says nothing")
    if different == 0:
        # the exact bound 1 - 0.05^(1/n), which the rule of three approaches
        most = 1 - _CERTAIN_BELOW ** (1 / compared)
        return say("with 95 % confidence fewer than {most} of all records differ", most=_percent(most))
    low, high = wilson(compared, different)
    return say("with 95 % confidence {low} to {high} of all records differ", low=_percent(low), high=_percent(high))


def wilson(compared: int, different: int) -> tuple[float, float]:
    """Return Wilson's score interval at 95 % for a share seen `different` times in `compared`."""
    share, square = different / compared, _Z**2
    middle = (share + square / (2 * compared)) / (1 + square / compared)
    reach = _Z * math.sqrt(share * (1 - share) / compared + square / (4 * compared**2)) / (1 + square / compared)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _percent(share: float) -> str:
    return f"{share * 100:.2g} %"


@dataclass(frozen=True, slots=True)
class Verification:
    """What `--verify` asks for: `sample` None means quick, which takes about a thousand records."""

    is_on: bool = True
    is_full: bool = False
    sample: Sample | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what `quick`, `full`, `sample:1%` or `none` names. Raises BadOption."""
        if text.startswith("sample:"):
            return cls(sample=Sample.parse("--verify", text.removeprefix("sample:")))
        if text not in ("quick", "full", "none"):
            raise BadOption(option="--verify", value=text, expected=say("quick, full, sample:P% or none"))
        return cls(is_on=text != "none", is_full=text == "full")

    def sample_of(self, records: int) -> Sample:
        """Return the sample to take of so many records."""
        if self.is_full:
            return Sample()
        return self.sample or Sample(min(1.0, QUICK_RECORDS / max(1, records)))
