"""The log of events in PostgreSQL, on the library `eventsourcing`."""

from infra.event_store.envelope import Envelope, Pending, Recorded, event_id
from infra.event_store.log import EventLog, NotInLog
from infra.event_store.mapper import EventMapper, UnknownTopic, UnreadableEvent, current_topic
from infra.event_store.recorder import (
    CHANNEL,
    LogDatastore,
    append_events,
    free_log,
    lock_log,
    notify_readers,
)

__all__ = [
    "CHANNEL",
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
    "free_log",
    "lock_log",
    "notify_readers",
]
