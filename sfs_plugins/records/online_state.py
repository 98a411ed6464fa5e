"""What the online store holds of one record, asked before and after a change: the store's own answer does not tell.

A put with an event time that is not later is acknowledged and does not show; so is a soft delete.
Source: API PutRecord, API DeleteRecord.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from sfs_core import (
    AccessDenied,
    EventTime,
    FeatureGroup,
    Message,
    RecordId,
    Session,
    TargetStore,
    TtlDuration,
    Value,
    say,
)


def stored_event_time(session: Session, group: FeatureGroup, record_id: RecordId) -> EventTime | None:
    """Return the event time of a live record, None if there is none (or none that can be seen: a tombstone)."""
    found = session.store_of(group).read(group, [record_id], (group.event_time,)).records
    texts = found.column(group.event_time).to_pylist()
    return group.parse_event_time(texts[0]) if texts else None


@contextmanager
def watched(
    session: Session,
    group: FeatureGroup,
    record: Mapping[str, Value],
    targets: Sequence[TargetStore],
    ttl: TtlDuration | None,
) -> Iterator[None]:
    """Warn after a put where the record does not show online, and why; a put to the offline store alone never does."""
    if TargetStore.ONLINE not in targets:
        yield
        return
    record_id = RecordId(str(record[group.record_identifier]))
    put_at = group.parse_event_time(str(record[group.event_time]))
    try:
        before = stored_event_time(session, group, record_id)
    except AccessDenied as error:
        session.console.note(say("whether it shows online cannot be seen: {problem}", problem=error))
        yield
        return
    yield
    after = stored_event_time(session, group, record_id)
    if (before is not None and before >= put_at) or (after is not None and after > put_at):
        held = max(time for time in (before, after) if time is not None)
        session.console.warn(_not_later(put_at, held, TargetStore.OFFLINE in targets))
    elif after is None:
        lives = ttl or (group.online.ttl if group.online else None)
        session.console.warn(_hidden(put_at, lives, session.clock.now()))


def _not_later(put_at: EventTime, held: EventTime, is_offline_too: bool) -> Message:
    if is_offline_too:
        text = (
            "not applied online: the record there has event time {held}, and {put_at} is not later; it is offline alone"
        )
    else:
        text = "not applied: the record in the online store has event time {held}, and {put_at} is not later"
    return say(text, held=held, put_at=put_at)


def _hidden(put_at: EventTime, lives: TtlDuration | None, now: EventTime) -> Message:
    if lives is not None and put_at.plus(lives.nanoseconds) <= now:
        text = "it expired before it was put: its time to live, {ttl}, counts from its event time {put_at}"
        return say(text, ttl=lives, put_at=put_at)
    text = "it does not show online: a record of this id was deleted at or after its event time {put_at}"
    return say(text, put_at=put_at)
