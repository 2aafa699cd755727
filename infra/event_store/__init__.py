"""The log of events in PostgreSQL, on the library `eventsourcing`."""

from infra.event_store.envelope import Envelope, Pending, Recorded, event_id
from infra.event_store.log import EventLog, NotInLog
from infra.event_store.mapper import EventMapper, UnknownTopic, UnreadableEvent, current_topic
from infra.event_store.recorder import (
    LogDatastore,
    append_events,
    lock_log,
)

__all__ = [
    "Envelope",
    "EventLog",
    "EventMapper",
    "LogDatastore",
    "NotInLog",
    "Pending",
    "Recorded",
    "UnknownTopic",
    "UnreadableEvent",
    "append_events",
    "current_topic",
    "event_id",
    "lock_log",
]
