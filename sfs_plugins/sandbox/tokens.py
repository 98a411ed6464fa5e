"""Opaque page tokens: they say where to go on, and are good only for the listing they were made for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

_DIGEST_BYTES = 12


class BadToken(Exception):
    """A token that this sandbox did not make for this listing."""


class Tokens:
    """Makes and reads page tokens, signed with the folder's own key."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, about: str, place: Any) -> str:
        """Return the token that goes on at `place` of the listing `about`."""
        content = json.dumps(place).encode()
        return base64.urlsafe_b64encode(self._digest(about, content) + content).decode()

    def read(self, about: str, token: str) -> Any:
        """Return the place of a token. Raises BadToken."""
        try:
            raw = base64.urlsafe_b64decode(token.encode())
        except ValueError as error:
            raise BadToken(token) from error
        digest, content = raw[:_DIGEST_BYTES], raw[_DIGEST_BYTES:]
        if not hmac.compare_digest(digest, self._digest(about, content)):
            raise BadToken(token)
        return json.loads(content)

    def _digest(self, about: str, content: bytes) -> bytes:
        return hmac.digest(self._secret, about.encode() + b"\0" + content, hashlib.sha256)[:_DIGEST_BYTES]
