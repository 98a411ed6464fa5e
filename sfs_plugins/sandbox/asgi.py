"""The ASGI side: bytes of HTTP in, a `Request` whole; a `Response` out, files a piece at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from sfs_plugins.sandbox.wire import Dropped, FilePart, Request, Response

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Answer = Callable[[Request], Awaitable[Response]]

_PIECE = 1024 * 1024


class Application:
    """An ASGI application of two ports: `served` speaks AWS, `control` is the sandbox's own."""

    def __init__(self, served: Answer, control: Answer, control_port: int) -> None:
        self._served, self._control, self._control_port = served, control, control_port

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = await _read(scope, receive)
        answer = self._control if scope["server"][1] == self._control_port else self._served
        try:
            await _write(await answer(request), request, send)
        except Dropped:
            _cut_off(send)


async def _read(scope: Event, receive: Receive) -> Request:
    event = await receive()
    body = event.get("body", b"")
    if event.get("more_body"):
        pieces = [body]
        while event.get("more_body"):
            event = await receive()
            pieces.append(event.get("body", b""))
        body = b"".join(pieces)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    path = scope["raw_path"].partition(b"?")[0].decode("ascii")
    return Request(scope["method"], path, scope["query_string"].decode("ascii"), headers, body)


async def _write(response: Response, request: Request, send: Send) -> None:
    body = response.body
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    if not any(name == b"content-length" for name, _ in headers):
        length = body.length if isinstance(body, FilePart) else len(body)
        headers.append((b"content-length", b"%d" % length))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if isinstance(body, bytes):
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})
        return
    await _write_file(body, send)


async def _write_file(part: FilePart, send: Send) -> None:
    left = part.length
    with part.path.open("rb") as file:
        file.seek(part.start)
        while left:
            piece = file.read(min(_PIECE, left))
            if not piece:
                raise Dropped
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
    if not part.length:
        await send({"type": "http.response.body", "body": b""})


def _cut_off(send: Send) -> None:
    """Close the connection at once; uvicorn's send belongs to an object that has it."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()
