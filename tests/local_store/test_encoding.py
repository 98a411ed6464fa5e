"""A record comes back from the online store as it went in, whatever characters it has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfs_core import FeatureDefinition, records_from, rows_of
from sfs_plugins.local_store.encoding import decoded, encoded

FEATURES = tuple(map(FeatureDefinition.parse, ("id:String", "text:String", "whole:Integral", "list:String:List")))
TEXTS = st.text(st.one_of(st.sampled_from("\x1a\x1b\x1e\x1f\x000123a"), st.characters(codec="utf-8")), max_size=8)
RECORDS = st.fixed_dictionaries(
    {"id": TEXTS},
    optional={"text": TEXTS, "whole": st.integers().map(str), "list": st.lists(TEXTS, max_size=3)},
)


@given(st.lists(RECORDS, max_size=5))
def test_records_come_back_as_they_were(records: list[dict[str, str | list[str]]]) -> None:
    texts = encoded(records_from(FEATURES, records), FEATURES)

    assert rows_of(decoded(texts, FEATURES, FEATURES)) == records


@given(st.lists(RECORDS, max_size=5), st.sets(st.sampled_from(["id", "text", "whole", "list"]), min_size=1))
def test_features_can_be_read_apart(records: list[dict[str, str | list[str]]], names: set[str]) -> None:
    wanted = [feature for feature in FEATURES if feature.name in names]
    texts = encoded(records_from(FEATURES, records), FEATURES)

    assert rows_of(decoded(texts, FEATURES, wanted)) == [
        {name: value for name, value in one.items() if name in names} for one in records
    ]


def test_features_added_later_are_absent_from_older_records() -> None:
    older = encoded(records_from(FEATURES[:2], [{"id": "1", "text": ""}, {"id": "2"}]), FEATURES[:2])

    assert rows_of(decoded(older, FEATURES, FEATURES)) == [{"id": "1", "text": ""}, {"id": "2"}]
