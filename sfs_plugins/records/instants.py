"""Event times as a person gives them: `now`, ISO 8601 of any zone, or Unix seconds."""

from __future__ import annotations

from sfs_core import BadEventTime, EventTime, FeatureGroup, Session, parse_instant


def given_instant(text: str, session: Session, *, assume_utc: bool) -> EventTime:
    """Return the instant that `--event-time` names; `now` is the run's own. Raises BadEventTime."""
    if text == "now":
        return session.now()
    return parse_instant(text) if _is_seconds(text) else EventTime.parse_zoned(text, assume_utc=assume_utc)


def stored_text(text: str, group: FeatureGroup, *, assume_utc: bool) -> str:
    """Return an event time of a record as the group stores it: as it is if it may be, else brought to UTC.

    Raises BadEventTime.
    """
    try:
        group.parse_event_time(text)
    except BadEventTime:
        if group.event_time_in_seconds:
            raise
        return EventTime.parse_zoned(text, assume_utc=assume_utc).iso()
    return text


def _is_seconds(text: str) -> bool:
    return text.lstrip("+-")[:1].isdigit() and not any(mark in text[1:] for mark in "-:")
