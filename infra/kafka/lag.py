"""How far the intake is, seen from outside: what waits in each partition, and who reads it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from infra.kafka.admin import TopicStatus
from infra.kafka.client import Admin, consumer_config
from infra.kafka.topics import TOPICS
from infra.postgres import Rows, load_statements
from infra.settings import KafkaAddress

SQL = load_statements(Path(__file__).with_name("lag.sql"))

READ = tuple(topic for topic in TOPICS if topic.direction == "in")
LOOK_SECONDS = 2.0
"""At most, for the first records that wait."""


@dataclass(frozen=True)
class PartitionLag:
    """position: the next offset to be taken, None when none ever was. end: the next one to come,
    None while nobody leads the partition. waiting: records between the two; some offsets may hold
    none. oldest_seconds: how long ago the first of them was sent, None if not known."""

    topic: str
    partition: int
    position: int | None
    end: int | None
    waiting: int
    oldest_seconds: float | None = None


@dataclass(frozen=True)
class Member:
    """One that reads. name: the same after a restart, or made up by Kafka. partitions: by topic."""

    name: str
    host: str
    partitions: dict[str, list[int]]


@dataclass(frozen=True)
class Group:
    """Those who share the partitions. state: Kafka's word; Dead or Empty when nobody reads; None
    when Kafka cannot say, as before anybody ever joined a group of this cluster."""

    name: str
    state: str | None
    members: tuple[Member, ...]

    def owner(self, topic: str, partition: int) -> str | None:
        return next(
            (m.name for m in self.members if partition in m.partitions.get(topic, ())), None
        )


def intake_group(admin: Admin, prefix: str) -> Group:
    """Who reads our topics now."""
    name = f"{prefix}.intake"
    errors = import_module("kafka.errors")
    try:
        found = admin.describe_groups([name])[name]
    except (errors.CoordinatorNotAvailableError, errors.CoordinatorLoadInProgressError):
        return Group(name, None, ())
    return Group(
        name,
        str(found["group_state"]),
        tuple(sorted((_member(one) for one in found["members"]), key=lambda member: member.name)),
    )


def _member(found: dict[str, Any]) -> Member:
    # A member that has joined but was given nothing yet has no assignment.
    assigned: dict[str, Any] = found["member_assignment"] or {"assigned_partitions": []}
    parts: list[dict[str, Any]] = assigned["assigned_partitions"]
    return Member(
        str(found.get("group_instance_id") or found["member_id"]),
        str(found["client_host"]).lstrip("/"),
        {str(part["topic"]): sorted(map(int, part["partitions"])) for part in parts},
    )


def intake_lags(conn: Rows, topics: Sequence[TopicStatus]) -> list[PartitionLag]:
    """What waits in each partition, by what the cluster said before and the database says now."""
    names = [topic.name for topic in topics]
    rows = conn.execute(SQL["select_positions"], {"topics": names}).fetchall()
    positions = {(topic, partition): position for topic, partition, position in rows}
    lags: list[PartitionLag] = []
    for topic in topics:
        for one in topic.partitions:
            position = positions.get((topic.name, one.number))
            begun = one.start if position is None else position
            waiting = 0 if one.end is None or begun is None else max(0, one.end - begun)
            lags.append(PartitionLag(topic.name, one.number, position, one.end, waiting))
    return lags


def with_ages(address: KafkaAddress, lags: Sequence[PartitionLag]) -> list[PartitionLag]:
    """The same with the age of the first record that waits in each partition, as far as they are
    found in a moment; whatever goes wrong with one, the lags are there."""
    wanted = [lag for lag in lags if lag.waiting]
    sent = _times_sent(address, wanted) if wanted else {}
    now = time.time()
    return [
        replace(lag, oldest_seconds=max(0.0, now - at))
        if (at := sent.get((lag.topic, lag.partition))) is not None
        else lag
        for lag in lags
    ]


def _times_sent(
    address: KafkaAddress, wanted: Sequence[PartitionLag]
) -> dict[tuple[str, int], float]:
    """When the first record that waits was sent, in seconds since 1970."""
    from infra.kafka.decoding import Unreadable, decode_ourselves  # late: the domain comes with it

    kafka: Any = import_module("kafka")
    errors: Any = import_module("kafka.errors")
    sent: dict[tuple[str, int], float] = {}
    config = consumer_config(address) | {
        "max_partition_fetch_bytes": 1024,
        "fetch_max_wait_ms": 100,
    }
    with contextlib.suppress(errors.KafkaError):
        consumer: Any = kafka.KafkaConsumer(**config)
        try:
            decode_ourselves(consumer)
            left = {kafka.TopicPartition(lag.topic, lag.partition): lag.position for lag in wanted}
            consumer.assign(list(left))
            for place, position in left.items():
                if position is None:
                    consumer.seek_to_beginning(place)
                else:
                    consumer.seek(place, position)
            until = time.monotonic() + LOOK_SECONDS
            while left and time.monotonic() < until:
                try:
                    found = consumer.poll(timeout_ms=200, max_records=100)
                except Unreadable as e:
                    found = {kafka.TopicPartition(e.topic, e.partition): ()}
                except errors.OffsetOutOfRangeError as e:
                    # What is gone before it was read, the intake says.
                    found = dict.fromkeys(e.args[0], ())
                for place, records in found.items():
                    if records:
                        sent.setdefault((place.topic, place.partition), records[0].timestamp / 1000)
                    left.pop(place, None)
                    consumer.pause(place)
        finally:
            consumer.close(timeout_ms=1000)
    return sent
