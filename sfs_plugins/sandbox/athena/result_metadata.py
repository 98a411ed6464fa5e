"""The `.metadata` object beside a result: its columns as a protocol-buffer message, which Athena's own drivers read.

The form is not documented; these fields are those that published dumps of the service's files show: 1 a name of the
execution, 4 a column with catalogue, name, label, type, precision, scale, nullability and case in 1, 4 to 10.
"""

from __future__ import annotations

from collections.abc import Sequence

from sfs_plugins.sandbox.athena.output import Column

_UNKNOWN_NULLABILITY = 3
_TEXT = 2


def result_metadata(execution: str, columns: Sequence[Column]) -> bytes:
    """Return the message for an execution's columns."""
    return _bytes(1, execution.encode()) + b"".join(_bytes(4, _column(column)) for column in columns)


def _column(column: Column) -> bytes:
    wire = column.on_wire()
    texts = ((1, wire["CatalogName"]), (4, wire["Name"]), (5, wire["Label"]), (6, wire["Type"]))
    numbers = (
        (7, wire["Precision"]), (8, wire["Scale"]), (9, _UNKNOWN_NULLABILITY), (10, int(wire["CaseSensitive"])),
    )  # fmt: skip
    return b"".join(_bytes(number, text.encode()) for number, text in texts) + b"".join(
        # what is nothing is left out
        _varint(number << 3) + _varint(value)
        for number, value in numbers
        if value
    )


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | _TEXT) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    made.append(number)
    return bytes(made)
