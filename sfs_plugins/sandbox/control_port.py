"""The second loopback port: the sandbox's own affairs, for tests and for people, never for AWS's clients."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import orjson

from sfs_plugins.sandbox.faults import Faults
from sfs_plugins.sandbox.settling import Settler
from sfs_plugins.sandbox.wire import Request, Response


class ControlPort:
    """Answers `GET /health`, `POST /settle`, `POST /stop`, `GET`, `PUT` and `DELETE /faults`.

    The answer to `/health` tells whether moto has been needed, and so imported; that to `/faults` is the log of what
    was struck; PUT takes the content of a faults file.
    """

    def __init__(self, settler: Settler, pool: Executor, faults: Faults) -> None:
        self._settler, self._pool, self._faults = settler, pool, faults
        self.on_stop: Callable[[], None] = lambda: None

    async def answer(self, request: Request) -> Response:
        """Answer a request in JSON; unknown ones with 404."""
        loop = asyncio.get_running_loop()
        match request.method, request.path:
            case "GET", "/health":
                return _json({"status": "running", "moto": "moto" in sys.modules})
            case "POST", "/settle":
                settled = await loop.run_in_executor(self._pool, self._settler.settle)
                return _json({"settled": settled}, 200 if settled else 503)
            case "GET", "/faults":
                return _json({"log": self._faults.log})
            case "PUT" | "DELETE", "/faults":
                return self._set_faults(request.body or b"{}")
            case "POST", "/stop":
                self.on_stop()
                return _json({"stopping": True})
        return _json({"error": f"there is no {request.method} {request.path}"}, 404)

    def _set_faults(self, body: bytes) -> Response:
        try:
            self._faults.set(orjson.loads(body))
        except ValueError as error:
            return _json({"error": f"these rules are not understood: {error}"}, 400)
        return _json({"log": self._faults.log})


def _json(content: Any, status: int = 200) -> Response:
    return Response(status, orjson.dumps(content), [("content-type", "application/json")])
