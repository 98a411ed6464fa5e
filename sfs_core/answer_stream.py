"""Standard output as commands see it: what goes wrong there is told apart from what goes wrong elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from sfs_core.errors import StoreUnavailable


class AnswerUnwritable(StoreUnavailable):
    """The answer has nowhere to go."""

    sentence = "the answer cannot be written to stdout ({problem}), so it is not whole"


class _AnswerStream:
    """A stream that raises AnswerUnwritable, but BrokenPipeError as it is: whoever read the answer has gone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._told():
            return self._stream.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        with self._told():
            self._stream.flush()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            raise AnswerUnwritable(problem=error.strerror or error) from error


def answer_stream(stream: TextIO) -> TextIO:
    """Return a stream of text whose failures are AnswerUnwritable; its bytes are reached as before."""
    return cast(TextIO, _AnswerStream(stream))


def give_up(stream: TextIO) -> None:
    """Let go of what was not written: Python would complain of it once more as it closes the stream."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
