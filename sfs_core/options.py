"""One declaration an option: a field of the class it configures becomes flag, help, default and JSON key.

    workgroup: str = option("Athena workgroup that runs the query.", default="primary")

in the source named `athena` is the flag `--athena-workgroup`; in a command it is `--workgroup`.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Final

from sfs_core.errors import BadOption, SfsError
from sfs_core.event_time import EventTime
from sfs_core.messages import say
from sfs_core.model import TargetStore, TtlDuration
from sfs_core.store import EventTimeRange

_DECLARED: Final = "sagemaker_fs.option"


@dataclasses.dataclass(frozen=True, slots=True)
class OptionSpec:
    """An option as declared and as it is shown."""

    field: str
    flag: str
    type: Any
    help: str
    default: Any
    value_name: str
    choices: tuple[str, ...] = ()
    is_fixed: bool = False
    """Whether the declaration names the flag itself: such a store option is a flag of the whole application."""

    @property
    def is_flag(self) -> bool:
        """Whether it is given without a value."""
        return self.type is bool

    @property
    def is_list(self) -> bool:
        """Whether it may be given several times."""
        return typing.get_origin(_plain(self.type)) is tuple


def option(
    help: str,
    *,
    default: Any = dataclasses.MISSING,
    flag: str | None = None,
    value: str | None = None,
    choices: Sequence[str] = (),
) -> Any:
    """Declare a dataclass field as an option.

    `help` is a sentence; `flag` overrides the name made from the field's; `value` names the value in help texts.
    Types: str, int, float, bool (a switch), Path, an Enum, TtlDuration, EventTime, EventTimeRange, Targets, any of
    them `| None`, and `tuple[str, ...]` (comma-separated, or given again). A field with no default must be given
    once its part is chosen.
    """
    metadata = {_DECLARED: {"help": help, "flag": flag, "value": value, "choices": tuple(choices)}}
    return dataclasses.field(default=default, metadata=metadata)


def declared(part: type, prefix: str = "") -> tuple[OptionSpec, ...]:
    """Return the options a dataclass declares, in order; `prefix` goes before every flag that is not fixed."""
    hints = typing.get_type_hints(part)
    specs = []
    for field in dataclasses.fields(part):
        declaration = field.metadata.get(_DECLARED)
        if declaration is None:
            continue
        flag = declaration["flag"] or f"{prefix}{field.name.replace('_', '-')}"
        value = declaration["value"] or field.name.upper()
        choices = declaration["choices"] or _choices_of(hints[field.name])
        is_fixed = declaration["flag"] is not None
        specs.append(
            OptionSpec(
                field.name, flag, hints[field.name], declaration["help"], field.default, value, choices, is_fixed
            )
        )
    return tuple(specs)


def _choices_of(kind: Any) -> tuple[str, ...]:
    plain = _plain(kind)
    return tuple(str(member.value) for member in plain) if isinstance(plain, type) and issubclass(plain, Enum) else ()


def read(specs: Sequence[OptionSpec], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return field values from texts by flag; options not given (None, False or empty) keep their default.

    Raises BadOption, also where an option without a default is missing.
    """
    values = {}
    for spec in specs:
        text = given.get(spec.flag)
        if text is None or text is False or text == []:
            if spec.default is dataclasses.MISSING:
                raise BadOption(option=f"--{spec.flag}", value="", expected=spec.help)
            continue
        values[spec.field] = convert(spec, text)
    return values


def convert(spec: OptionSpec, given: Any) -> Any:
    """Return an option's value from what was given: a text, a list of texts, or a TOML value. Raises BadOption."""
    try:
        if spec.is_list:
            texts = given if isinstance(given, list) else [given]
            return tuple(item for text in texts for item in str(text).split(",") if item)
        if isinstance(given, bool) and spec.is_flag:
            return given
        value = _converter(_plain(spec.type))(str(given))
    except (SfsError, ValueError, KeyError) as error:
        expected = ", ".join(spec.choices) if spec.choices else _EXPECTED.get(_plain(spec.type), error)
        raise BadOption(option=f"--{spec.flag}", value=given, expected=expected) from error
    if spec.choices and str(value) not in spec.choices:
        raise BadOption(option=f"--{spec.flag}", value=given, expected=", ".join(spec.choices))
    return value


def _plain(kind: Any) -> Any:
    """Return `X` of `X | None`."""
    if isinstance(kind, types.UnionType):
        return next(member for member in typing.get_args(kind) if member is not types.NoneType)
    return kind


def parse_range(text: str) -> EventTimeRange:
    """Return the range that `A..B` names; either side may be empty, each is ISO 8601 UTC or Unix seconds."""
    start, dots, end = text.partition("..")
    if not dots or not (start or end):
        raise ValueError(text)
    return EventTimeRange(parse_instant(start) if start else None, parse_instant(end) if end else None)


def parse_instant(text: str) -> EventTime:
    """Return the instant of an ISO 8601 UTC text (a date alone is its midnight) or of Unix seconds."""
    if len(text) == len("2025-06-01") and text[4] == text[7] == "-":
        text += "T00:00:00Z"
    return EventTime.parse(text, seconds="T" not in text)


def parse_targets(text: str) -> tuple[TargetStore, ...]:
    """Return the stores of `online`, `offline` or `online,offline`."""
    stores = {"online": TargetStore.ONLINE, "offline": TargetStore.OFFLINE}
    return tuple(dict.fromkeys(stores[name.strip()] for name in text.split(",")))


@dataclasses.dataclass(frozen=True, slots=True)
class Targets:
    """The stores of `--to`."""

    stores: tuple[TargetStore, ...]


_EXPECTED: Final[dict[Any, Any]] = {
    int: say("a whole number"),
    float: say("a number"),
    EventTimeRange: say("A..B, each ISO 8601 UTC as 2025-06-01T00:00:00Z, or empty"),
    EventTime: say("ISO 8601 UTC as 2025-06-01T00:00:00Z"),
    Targets: say("online, offline or online,offline"),
    TtlDuration: say("a whole number and a unit, s, m, h, d or w, as in 30d"),
}


def _converter(kind: Any) -> Callable[[str], Any]:
    converters: dict[Any, Callable[[str], Any]] = {
        str: str,
        int: int,
        float: float,
        Path: lambda text: Path(text).expanduser(),
        TtlDuration: TtlDuration.parse,
        EventTime: parse_instant,
        EventTimeRange: parse_range,
        Targets: lambda text: Targets(parse_targets(text)),
    }
    converter: Callable[[str], Any] = converters.get(kind, kind)
    return converter
