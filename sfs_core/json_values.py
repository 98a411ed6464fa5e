"""JSON values one by one: numbers keep their digits, and a file of any size keeps memory flat."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from sfs_core.errors import FileUnreadable
from sfs_core.messages import Message, say

MAX_VALUE_BYTES: Final = 16 * 2**20
_BLANKS: Final = " \t\r\n"
_ENDS: Final = (*_BLANKS, ",", "]")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for a value that is not JSON."""

    problem: Message


class _NamedTwice(ValueError):
    """An object has a key twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _NamedTwice(next(name for name in names if names.count(name) > 1))
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=str, parse_float=str, parse_constant=str)


def parse_json(text: str) -> Any:
    """Return a JSON value with every number as its own text. Raises ValueError, also where a key comes twice."""
    try:
        return _DECODER.decode(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def json_lines(name: Message, file: BinaryIO) -> Iterator[tuple[Any, int]]:
    """Yield the value of each line and its size; a line that is not JSON gives Unreadable. Blank lines are left out.

    Raises FileUnreadable for a line longer than 16 MiB.
    """
    number = 0
    while line := file.readline(MAX_VALUE_BYTES):
        number += 1
        if len(line) == MAX_VALUE_BYTES and not line.endswith(b"\n"):
            raise FileUnreadable(path=name, problem=say("line {number:,} is longer than 16 MiB", number=number))
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if not line.strip():
            continue
        try:
            yield parse_json(line.rstrip().decode()), len(line)
        except ValueError as error:
            yield Unreadable(say("line {number:,} {problem}", number=number, problem=_reason(error))), len(line)


def _reason(error: ValueError) -> Message:
    if isinstance(error, UnicodeDecodeError):
        return say("is not UTF-8")
    if isinstance(error, _NamedTwice):
        return say("names {name!r} twice", name=str(error))
    if isinstance(error, json.JSONDecodeError):
        return say("is not JSON (at character {place:,}: {problem})", place=error.colno, problem=error.msg)
    return say("is not JSON ({problem})", problem=error)


def json_array(name: Message, file: BinaryIO) -> Iterator[tuple[Any, int]]:
    """Yield each value of one JSON array and its size in characters. Raises FileUnreadable with the line."""
    yield from _Array(name, file).values()


class _Array:
    """A JSON array being read: a window of text moves over the file, and values are decoded as they become whole."""

    def __init__(self, name: Message, file: BinaryIO) -> None:
        self.name, self.file = name, file
        self.decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self.text, self.at, self.lines, self.is_whole = "", 0, 1, False

    def values(self) -> Iterator[tuple[Any, int]]:
        first = self._next()
        if first == "{":
            hint = "it holds one object, not an array: give --format jsonl if it has a record a line"
            raise FileUnreadable(path=self.name, problem=say(hint))
        if first != "[":
            if first:
                raise self._unreadable(say("an array must begin with ["))
            return
        self.at += 1
        if self._next() == "]":
            self.at += 1
        else:
            yield from self._elements()
        if self._next():
            raise self._unreadable(say("something follows the array"))

    def _elements(self) -> Iterator[tuple[Any, int]]:
        while True:
            value, size = self._value()
            yield value, size
            mark = self._next()
            if mark not in (",", "]") or not mark:
                raise self._unreadable(say("the array is cut off") if not mark else say("there is no comma"))
            self.at += 1
            if mark == "]":
                return

    def _value(self) -> tuple[Any, int]:
        self._next()
        while True:
            try:
                value, end = _DECODER.raw_decode(self.text, self.at)
                # the start of a number is a number too, so one counts only when it is seen to have ended
                if self.text[end : end + 1] in _ENDS or self.is_whole or self._is_long():
                    size, self.at = end - self.at, end
                    return value, size
            except (ValueError, RecursionError) as error:
                if self.is_whole or isinstance(error, (_NamedTwice, RecursionError)) or self._is_long():
                    raise self._unreadable(_value_problem(error), error) from error
            self._more()

    def _is_long(self) -> bool:
        return len(self.text) - self.at > MAX_VALUE_BYTES

    def _next(self) -> str:
        """Return the next character that is not a blank, without taking it; empty at the end."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in _BLANKS:
                self.at += 1
            if self.at < len(self.text) or self.is_whole:
                return self.text[self.at : self.at + 1]
            self._more()

    def _more(self) -> None:
        """Move the window: drop what is done, add the next block."""
        self.lines += self.text.count("\n", 0, self.at)
        block = self.file.read(2**20)
        self.is_whole = not block
        try:
            more = self.decode(block, final=self.is_whole)
        except UnicodeDecodeError as error:
            self.lines += block.count(b"\n", 0, max(0, error.start))
            raise self._unreadable(say("it is not UTF-8 there")) from error
        self.text, self.at = self.text[self.at :] + more, 0

    def _unreadable(self, problem: Message, error: Exception | None = None) -> FileUnreadable:
        place = error.pos if isinstance(error, json.JSONDecodeError) else self.at
        line = self.lines + self.text.count("\n", 0, place)
        text = "line {line:,}: {problem}"
        return FileUnreadable(path=self.name, problem=say(text, line=line, problem=problem))


def _value_problem(error: Exception) -> Message:
    if isinstance(error, _NamedTwice):
        return say("an object names {name!r} twice", name=str(error))
    return say("it is not JSON there ({problem})", problem=getattr(error, "msg", error))
