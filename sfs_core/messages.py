"""Every sentence shown to people: a template with named fields, looked up in one gettext catalogue."""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

DOMAIN: Final = "sagemaker-fs"
LOCALES: Final = Path(__file__).parent / "locale"
_LANGUAGE_VARIABLES: Final = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")

_catalogue: gettext.NullTranslations = gettext.NullTranslations()


def speak(environ: Mapping[str, str]) -> None:
    """Show sentences in the language of LANGUAGE, LC_ALL, LC_MESSAGES or LANG from now on, else in English.

    SFS_LOCALES names another folder of catalogues (`LANGUAGE/LC_MESSAGES/sagemaker-fs.mo`), for translators.
    """
    global _catalogue
    chosen = next((environ[name] for name in _LANGUAGE_VARIABLES if environ.get(name)), "")
    folder = environ.get("SFS_LOCALES") or LOCALES
    _catalogue = gettext.translation(DOMAIN, folder, chosen.split(":"), fallback=True)


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence and what it speaks of; `str()` gives it in the user's language, `english()` for machines.

    `template` is the English text and the catalogue's key; `fields` fill its `{named}` places and are what
    machine-readable logs carry. `plural` and `count` are set where the sentence counts something.
    """

    template: str
    fields: Mapping[str, object] = field(default_factory=dict, hash=False)
    plural: str | None = None
    count: int = 1

    def __str__(self) -> str:
        if self.plural is None:
            # the empty text is the key of a catalogue's own description
            text = _catalogue.gettext(self.template) if self.template else ""
            return text.format(**self.fields)
        return _catalogue.ngettext(self.template, self.plural, self.count).format(**self.fields)

    def english(self) -> str:
        """Return the sentence in English, whatever the user's language: what is kept, compared or parsed."""
        template = self.template if self.plural is None or self.count == 1 else self.plural
        return template.format(**{name: in_english(value) for name, value in self.fields.items()})


def in_english(value: object) -> object:
    """Return a value's text for machines where it is a sentence, or a failure; any other value as it is."""
    message = getattr(value, "message", value) if isinstance(value, Exception) else value
    return message.english() if isinstance(message, Message) else value


def say(template: str, /, **fields: object) -> Message:
    """Return the sentence `template` with its fields; nothing is looked up before it is shown."""
    return Message(template, fields)


def say_count(singular: str, plural: str, count: int, /, **fields: object) -> Message:
    """Return a sentence that counts: `{count}` is written with thousands separators."""
    return Message(singular, {"count": f"{count:,}", **fields}, plural, count)
