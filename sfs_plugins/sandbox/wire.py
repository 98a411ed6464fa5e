"""Requests and responses as the services see them: no framework, raw paths, lower-case header names."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote

JSON_1_1: Final = "application/x-amz-json-1.1"


@dataclass
class Request:
    """One HTTP request, whole. `path` is as it came, percent-encoded: an ARN is one segment of it."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    strike: Callable[[str], Failure | None] = field(default=lambda about: None)
    """Asked about each entry of a batch: a failure, if a fault strikes it; with status 503, it goes unprocessed."""
    is_page_empty: bool = False
    """Whether a listing's page is to be empty, though more follows."""

    @cached_property
    def parameters(self) -> dict[str, list[str]]:
        """The query's parameters, each with all its values in order; one without a value has the value ''."""
        found: dict[str, list[str]] = {}
        for name, value in parse_qsl(self.query, keep_blank_values=True):
            found.setdefault(name, []).append(value)
        return found

    @cached_property
    def segments(self) -> list[str]:
        """The parts of the path between slashes, each decoded on its own."""
        return [unquote(part) for part in self.path.strip("/").split("/")]

    @cached_property
    def scope(self) -> tuple[str, str, str]:
        """Access key, Region and service that the request is signed for; empty texts where it is not signed."""
        credential = self.headers.get("authorization", "").partition("Credential=")[2].partition(",")[0]
        if not credential:
            credential = self.parameters.get("X-Amz-Credential", [""])[0]
        parts = credential.split("/")
        return (parts[0], parts[2], parts[3]) if len(parts) >= 5 else ("", "", "")


@dataclass(frozen=True, slots=True)
class FilePart:
    """A part of a file as a response's body."""

    path: Path
    start: int
    length: int


@dataclass
class Response:
    """One HTTP response; the length and the request's id are added on the way out."""

    status: int = 200
    body: bytes | FilePart = b""
    headers: list[tuple[str, str]] = field(default_factory=list)


class Failure(Exception):
    """A refusal in AWS's words: code, message and HTTP status, written by each protocol in its own form.

    `fields` are further members of the error's body.
    """

    def __init__(self, code: str, message: str, status: int = 400, **fields: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.fields = code, message, status, fields


class Dropped(Exception):
    """The connection is to be cut off without an answer."""
