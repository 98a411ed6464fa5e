"""Every sentence shown to people: a template with named fields, looked up in one gettext catalogue."""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

DOMAIN = "sagemaker-fs"
LOCALES = Path(__file__).parent / "locale"


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence and what it speaks of; `str()` gives it in the user's language.

    `template` is the English text and the catalogue's key; `fields` fill its `{named}` places and are what
    machine-readable logs carry. `plural` and `count` are set where the sentence counts something.
    """

    template: str
    fields: Mapping[str, object] = field(default_factory=dict, hash=False)
    plural: str | None = None
    count: int = 1

    def __str__(self) -> str:
        catalogue = _catalogue()
        if self.plural is None:
            return catalogue.gettext(self.template).format(**self.fields)
        return catalogue.ngettext(self.template, self.plural, self.count).format(**self.fields)


def say(template: str, /, **fields: object) -> Message:
    """Return the sentence `template` with its fields; nothing is looked up before it is shown."""
    return Message(template, fields)


def say_count(singular: str, plural: str, count: int, /, **fields: object) -> Message:
    """Return a sentence that counts: `{count}` is written with thousands separators."""
    return Message(singular, {"count": f"{count:,}", **fields}, plural, count)


@cache
def _catalogue() -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALES, fallback=True)
