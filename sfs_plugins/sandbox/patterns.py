"""The service models' patterns are Java regular expressions; this makes Python ones that accept the same texts."""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache
from itertools import groupby

# beyond the Basic Multilingual Plane, Java's classes are written with surrogate pairs, which Python cannot read
_SURROGATE_RANGE = re.compile(r"\\uD800\\uDC00-\\uDBFF\\uDFFF", re.IGNORECASE)
_PROPERTY = re.compile(r"\\p\{(\w+)\}")
_POSIX = {"Alnum": "a-zA-Z0-9", "Alpha": "a-zA-Z", "Digit": "0-9"}
# values and descriptions may hold line breaks, though the models say `.*`: "any Unicode" (feature-store-quotas)
_ANYTHING = (".*", ".+")


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Return the pattern of a service model, to be used with `fullmatch`: Java's `matches` is anchored at both ends."""
    if pattern in _ANYTHING:
        return re.compile(pattern, re.DOTALL)
    text = _SURROGATE_RANGE.sub(lambda found: r"\U00010000-\U0010FFFF", pattern)
    text = _PROPERTY.sub(lambda found: _POSIX.get(found[1]) or _category(found[1]), text)
    # a repeated anchor says nothing, and Python refuses it
    text = re.sub(r"\$\{\d+,\d+\}$", "", text)
    return re.compile(text, re.ASCII)


@cache
def _category(name: str) -> str:
    """Return the characters of a Unicode category such as `L`, as ranges of a character class."""
    ranges = []
    codes = (code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)).startswith(name))
    for _, run in groupby(enumerate(codes), key=lambda pair: pair[1] - pair[0]):
        members = [code for _, code in run]
        ranges.append(f"\\U{members[0]:08x}-\\U{members[-1]:08x}")
    return "".join(ranges)
