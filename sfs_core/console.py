"""What is said beside the answer: notes, plans, questions and errors, always on stderr."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TextIO

from sfs_core.answer_stream import give_up
from sfs_core.errors import SfsError
from sfs_core.messages import Message, in_english


class Console:
    """The stderr side of a command.

    Text for people in their language, or with `json_lines` one JSON object a line, which carries the English sentence,
    its template and its fields, so that a log can be searched without parsing prose.
    """

    def __init__(
        self, stream: TextIO, *, json_lines: bool = False, quiet: bool = False, answers: TextIO | None = None
    ) -> None:
        self.stream = stream
        self.json_lines = json_lines
        self.quiet = quiet
        self.verbose = False
        self._answers = answers

    @property
    def is_terminal(self) -> bool:
        """Whether a person sees what is written here."""
        return self.stream.isatty()

    @property
    def can_ask(self) -> bool:
        """Whether there is somebody to answer a question."""
        return self._answers is not None and self._answers.isatty()

    def note(self, message: Message) -> None:
        """Say something that is good to know; `--quiet` leaves it out."""
        if not self.quiet:
            self._write("note", message)

    def warn(self, message: Message) -> None:
        """Say something that the user should look into."""
        self._write("warning", message)

    def error(self, error: SfsError) -> None:
        """Say why the command ends here."""
        self._write("error", error.message, {"error": error.code, "exit_code": int(error.exit_code)})

    def show(self, kind: str, lines: list[str], content: Mapping[str, object]) -> None:
        """Show a block that has a form for people (`lines`) and one for machines (`content`), such as a plan."""
        if self.json_lines:
            self._line(json.dumps({"level": "note", "kind": kind, **content}, ensure_ascii=False, default=_plain))
            return
        for line in lines:
            self._line(line)

    def ask(self, question: Message) -> str:
        """Return the user's answer to a question, blanks cut off; empty where the input ends."""
        self.stream.write(f"{question} ")
        self.stream.flush()
        return (self._answers.readline() if self._answers else "").strip()

    def _write(self, level: str, message: Message, more: Mapping[str, object] | None = None) -> None:
        if self.json_lines:
            entry = {"level": level, **(more or {}), "message": message.english(), "template": message.template}
            entry["fields"] = dict(message.fields)
            self._line(json.dumps(entry, ensure_ascii=False, default=_plain))
        else:
            self._line(f"{level}: {message}" if level != "note" else str(message))

    def _line(self, text: str) -> None:
        try:
            self.stream.write(text + "\n")
            self.stream.flush()
        except BrokenPipeError:
            # whoever read along has gone, as `tee` goes at Ctrl-C: that ends nothing halfway
            give_up(self.stream)


def _plain(value: object) -> str:
    return str(in_english(value))
