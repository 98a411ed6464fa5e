"""Which feature types a column's values fit, whatever file they come from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sfs_core import CollectionType, FeatureDefinition, FeatureType, is_of_type

if TYPE_CHECKING:
    import pyarrow as pa

_NUMERIC: Final = (FeatureType.INTEGRAL, FeatureType.FRACTIONAL)
_WHOLE: Final = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER: Final = re.compile(r"-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
# what these match need not be looked at one by one
_SURE: Final = {
    FeatureType.INTEGRAL: r"^-?(0|[1-9][0-9]{0,17})$",
    FeatureType.FRACTIONAL: r"^-?((0|[1-9][0-9]{0,17})(\.[0-9]{0,30})?|\.[0-9]{1,30})$",
}


class Number(str):
    """A number as a file writes it, told apart from a text of the same characters."""

    __slots__ = ()


@dataclass
class Column:
    """What the values of one column have been so far; `types` are those that every one of them fits."""

    name: str
    types: set[FeatureType] = field(default_factory=lambda: set(FeatureType))
    collections: set[CollectionType | None] = field(default_factory=set)
    values: int = 0

    def definition(self) -> FeatureDefinition:
        """Return the narrowest type that all values fit; String where there is no value."""
        collection = CollectionType.LIST if CollectionType.LIST in self.collections else None
        narrowest = next((kind for kind in _NUMERIC if kind in self.types), FeatureType.STRING)
        return FeatureDefinition(self.name, narrowest if self.values else FeatureType.STRING, collection)

    def take_texts(self, values: pa.Array) -> None:
        """Take a batch of texts without nulls, such as a CSV column's: each may be a number."""
        import pyarrow.compute as pc

        self.values += len(values)
        for kind in self.types.intersection(_NUMERIC):
            doubtful = values.filter(pc.invert(pc.match_substring_regex(values, _SURE[kind])))
            if not all(is_number(text.as_py(), kind) for text in doubtful):
                self.types.discard(kind)

    def take(self, value: object) -> None:
        """Take one value of a JSON record: only a `Number` is a number."""
        if value is None:
            return
        self.collections.add(CollectionType.LIST if isinstance(value, list) else None)
        for one in value if isinstance(value, list) else [value]:
            self.values += 1
            for kind in self.types.intersection(_NUMERIC):
                if not (isinstance(one, Number) and is_number(one, kind)):
                    self.types.discard(kind)


def is_number(text: str, kind: FeatureType) -> bool:
    """Tell whether a text is a number of the type and not a code, such as `007`, `+49301234` or 20 digits."""
    if kind is FeatureType.INTEGRAL or _WHOLE.fullmatch(text):
        return _WHOLE.fullmatch(text) is not None and is_of_type(text, FeatureType.INTEGRAL)
    return _NUMBER.fullmatch(text) is not None and is_of_type(text, kind)
