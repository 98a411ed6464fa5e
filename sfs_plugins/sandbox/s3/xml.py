"""S3's XML, both ways."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape

from sfs_plugins.sandbox.s3.failures import malformed

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
Content = Any
"""A text, a number, a truth, None (left out), a dictionary of elements, or a list of any of them (repeated)."""


def document(root: str, content: Content) -> bytes:
    """Return an XML document."""
    inner = "".join(_elements(content))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{_NAMESPACE}">{inner}</{root}>'.encode()


def _elements(content: Content) -> Iterable[str]:
    if isinstance(content, dict):
        for name, value in content.items():
            for item in value if isinstance(value, list) else [value]:
                if item is not None:
                    yield f"<{name}>{''.join(_elements(item))}</{name}>"
    elif isinstance(content, bool):
        yield "true" if content else "false"
    else:
        yield escape(str(content))


def parsed(body: bytes) -> ET.Element:
    """Return the root of a request's XML, without namespaces. Raises Failure MalformedXML."""
    try:
        root = ET.fromstring(body)  # noqa: S314  (served on loopback only; expat refuses entity bombs)
    except ET.ParseError as error:
        message = "The XML you provided was not well-formed or did not validate against our published schema"
        raise malformed(message) from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def text_of(element: ET.Element, name: str) -> str | None:
    """Return the text of an inner element, None where it is not there."""
    found = element.find(name)
    return None if found is None else found.text or ""
