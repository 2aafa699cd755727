"""What is published: its types, their schemas, and the form of a record."""

from infra.kafka.contracts.cloudevents import Outgoing, cloud_event, tombstone
from infra.kafka.contracts.events import CASE_EVENTS, PublicType, public_actor
from infra.kafka.contracts.queue import ENTRY_SCHEMA, ENTRY_TYPE, LEFT_TYPE, QueueEntry
from infra.kafka.contracts.results import (
    DEAD_LETTER_SCHEMA,
    DEAD_LETTER_TYPE,
    RESULT_SCHEMA,
    RESULT_TYPE,
    CommandResult,
    DeadLetterNotice,
    Outcome,
)
from infra.kafka.contracts.untaken import public_field, public_words

__all__ = [
    "CASE_EVENTS",
    "DEAD_LETTER_SCHEMA",
    "DEAD_LETTER_TYPE",
    "ENTRY_SCHEMA",
    "ENTRY_TYPE",
    "LEFT_TYPE",
    "RESULT_SCHEMA",
    "RESULT_TYPE",
    "CommandResult",
    "DeadLetterNotice",
    "Outcome",
    "Outgoing",
    "PublicType",
    "QueueEntry",
    "cloud_event",
    "public_actor",
    "public_field",
    "public_words",
    "tombstone",
]
