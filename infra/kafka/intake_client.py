"""The consumer of kafka-python as the intake uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol
from uuid import UUID

from consumers.kafka_record import Record
from infra.kafka.assignment import make_assignor
from infra.kafka.client import consumer_config
from infra.kafka.decoding import decode_ourselves
from infra.settings import KafkaAddress

SESSION_MS = 10_000
"""Until a member that says nothing is given up, and how long the partitions of one that is
restarted under the same name wait for it."""

POLL_LIMIT_MS = 120_000
"""Until the partitions of a member that lives but does not ask for more are given to others."""

REQUEST_MS = 10_000
SLICE = 500
"""Records of one poll at most, and of one transaction."""


class Place(Protocol):
    """A partition: kafka-python's TopicPartition."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...


class Consumed(Record, Protocol):
    """A record with what only the intake looks at. leader_epoch: None or -1 when not known."""

    @property
    def leader_epoch(self) -> int | None: ...


class Consumer(Protocol):
    """The part of kafka-python's KafkaConsumer that we use; it comes without types."""

    def subscribe(self, topics: Sequence[str], *, listener: Any) -> None: ...
    def seek(self, place: Place, offset: int) -> None: ...
    def poll(self, timeout_ms: int, max_records: int) -> dict[Place, list[Consumed]]: ...
    def pause(self, *places: Place) -> None: ...
    def resume(self, *places: Place) -> None: ...
    def position(self, place: Place, timeout_ms: int) -> int | None: ...
    def highwater(self, place: Place) -> int | None: ...
    def beginning_offsets(self, places: Sequence[Place], timeout_ms: int) -> dict[Place, int]: ...
    def end_offsets(self, places: Sequence[Place], timeout_ms: int) -> dict[Place, int]: ...
    def partitions_for_topic(self, topic: str) -> set[int] | None: ...
    def commit_async(self, offsets: Mapping[Place, Any]) -> Any: ...
    def close(self, *, timeout_ms: int) -> None: ...


def open_consumer(
    address: KafkaAddress,
    group: str,
    member: str | None,
    session_ms: int = SESSION_MS,
    poll_limit_ms: int = POLL_LIMIT_MS,
) -> Consumer:
    """A consumer in the group; member: its name there, for ever (static membership).

    Raises kafka-python's KafkaError when no broker answers.
    """
    config = consumer_config(address, member or group) | {
        "group_id": group,
        "group_instance_id": member,
        "partition_assignment_strategy": (make_assignor(),),
        "session_timeout_ms": session_ms,
        "heartbeat_interval_ms": session_ms // 5,
        "max_poll_interval_ms": max(poll_limit_ms, session_ms),
        "max_poll_records": SLICE,
        "fetch_max_wait_ms": 250,
        # Topics that are made, or made anew, are found within this time.
        "metadata_max_age_ms": 30_000,
    }
    consumer: Consumer = import_module("kafka").KafkaConsumer(**config)
    decode_ourselves(consumer)
    return consumer


def make_listener(
    assigned: Callable[[Iterable[Place]], None], taken: Callable[[Iterable[Place]], None]
) -> Any:
    """Told on kafka-python's own thread, between its heartbeats: both must return at once."""

    def on_partitions_assigned(_: Any, places: Iterable[Place]) -> None:
        assigned(places)

    def on_partitions_revoked(_: Any, places: Iterable[Place]) -> None:
        taken(places)

    base: Any = import_module("kafka").ConsumerRebalanceListener
    calls = {f.__name__: f for f in (on_partitions_assigned, on_partitions_revoked)}
    return type("Listener", (base,), calls)()


def seek(consumer: Consumer, place: Place, offset: int, epoch: int) -> None:
    """Read on from there. The epoch lets the broker find that the log was cut off before it
    (KIP-320); the public `seek` would drop it. Asked for, since kafka-python would trust an epoch
    as long as the leader's is no higher: that of a cluster restored from a backup is lower."""
    offset_and_metadata = import_module("kafka.structs").OffsetAndMetadata
    private: Any = consumer
    private._subscription.seek(place, offset_and_metadata(offset, "", epoch))
    private._subscription.request_position_validation(place)


def topic_id(consumer: Consumer, topic: str) -> UUID | None:
    """The topic's own id as of the last metadata; None if it is not there."""
    private: Any = consumer
    found: UUID | None = private._cluster.topic_id(topic)
    return found


def commit(consumer: Consumer, positions: Mapping[Place, tuple[int, int]]) -> None:
    """Tell the group (next offset, epoch) of each place, for tools that show lag; we never read
    it, so nobody waits for it."""
    made = import_module("kafka.structs").OffsetAndMetadata
    consumer.commit_async(
        {place: made(offset, "", epoch) for place, (offset, epoch) in positions.items()}
    )


def places_of(consumer: Consumer, topics: Iterable[str]) -> list[Place]:
    """All partitions of these topics that there are."""
    made = import_module("kafka").TopicPartition
    return [
        made(topic, partition)
        for topic in topics
        for partition in sorted(consumer.partitions_for_topic(topic) or ())
    ]
