"""What a request of any service asks for, and how its protocol tells a failure: JSON, query, REST or CBOR."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final
from xml.sax.saxutils import escape

import orjson

from sfs_plugins.sandbox.query_service import form_of, query_failure
from sfs_plugins.sandbox.wire import JSON_1_1, Failure, Request, Response

_REST_XML: Final = frozenset({"cloudfront", "route53"})
_ERRORS: Final = "https://sts.amazonaws.com/doc/2011-06-15/"


class Protocol(Enum):
    """The protocols of AWS."""

    CBOR = auto()
    JSON = auto()
    QUERY = auto()
    EC2 = auto()
    REST_XML = auto()
    REST_JSON = auto()


_UNSERVED: Final = {
    Protocol.QUERY: ("InvalidAction", 400), Protocol.EC2: ("InvalidAction", 400),
    Protocol.REST_XML: ("NotImplemented", 501), Protocol.REST_JSON: ("UnknownOperationException", 404),
}  # fmt: skip


def protocol_of(request: Request) -> Protocol:
    """Return the protocol that a request is written in, by its headers and its body."""
    if "smithy-protocol" in request.headers:
        return Protocol.CBOR
    if "x-amz-target" in request.headers:
        return Protocol.JSON
    if "Action" in form_of(request):
        return Protocol.EC2 if request.scope[2] == "ec2" else Protocol.QUERY
    return Protocol.REST_XML if request.scope[2] in _REST_XML else Protocol.REST_JSON


def operation_of(request: Request) -> str:
    """Return the operation's name; empty for REST, where method and path say what it is."""
    match protocol_of(request):
        case Protocol.CBOR:
            return request.path.rpartition("/")[2]
        case Protocol.JSON:
            return request.headers["x-amz-target"].rpartition(".")[2]
        case Protocol.QUERY | Protocol.EC2:
            return form_of(request)["Action"]
    return ""


def unserved(request: Request, problem: str) -> Failure:
    """Return the failure of what this sandbox does not answer, with the code and status of the protocol."""
    code, status = _UNSERVED.get(protocol_of(request), ("UnknownOperationException", 400))
    return Failure(code, f"this sandbox does not serve it: {problem}", status)


def failed(request: Request, failure: Failure) -> Response:
    """Return a failure as the protocol of the request has it."""
    match protocol_of(request):
        case Protocol.CBOR:
            members = {"__type": failure.code, "message": failure.message}
            body = b"\xa2" + b"".join(_cbor_text(text) for pair in members.items() for text in pair)
            headers = [("content-type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
            return Response(failure.status, body, headers)
        case Protocol.JSON:
            content = {"__type": failure.code, "message": failure.message}
            return Response(failure.status, orjson.dumps(content), [("content-type", JSON_1_1)])
        case Protocol.REST_JSON:
            headers = [("content-type", "application/json"), ("x-amzn-ErrorType", failure.code)]
            return Response(failure.status, orjson.dumps({"message": failure.message}), headers)
        case Protocol.EC2:
            error = f"<Error><Code>{escape(failure.code)}</Code><Message>{escape(failure.message)}</Message></Error>"
            body = f"<Response><Errors>{error}</Errors><RequestID>{request.id}</RequestID></Response>".encode()
            return Response(failure.status, body, [("content-type", "text/xml")])
    return query_failure(request, failure, _ERRORS)


def _cbor_text(text: str) -> bytes:
    """Return a text as CBOR: major type 3, its length in bytes in the shortest form, at most 64 KB."""
    content = text.encode()[:0xFFFF]
    size = len(content)
    if size < 24:
        return bytes([0x60 | size]) + content
    return (bytes([0x78, size]) if size < 0x100 else b"\x79" + size.to_bytes(2, "big")) + content
