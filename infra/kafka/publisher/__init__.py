"""Publishing: case events, results of commands and dead letters, from the database to Kafka."""

from infra.kafka.publisher.relay import Publisher
from infra.kafka.publisher.status import (
    KINDS,
    Leader,
    Publication,
    PublisherStatus,
    publisher_status,
    republish,
)

__all__ = [
    "KINDS",
    "Leader",
    "Publication",
    "Publisher",
    "PublisherStatus",
    "publisher_status",
    "republish",
]
