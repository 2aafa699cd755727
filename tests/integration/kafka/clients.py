"""Producers and consumers, configured as the project configures them."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from typing import Any

from kafka import KafkaConsumer, KafkaProducer  # type: ignore[import-untyped]
from kafka.structs import TopicPartition  # type: ignore[import-untyped]

from infra.kafka import Cluster, consumer_config, producer_config
from infra.settings import KafkaAddress

SECONDS = 60.0


@contextmanager
def producer_of(address: KafkaAddress, **more: Any) -> Generator[Any]:
    config: dict[str, Any] = producer_config(address) | more
    with closing(KafkaProducer(**config)) as producer:
        yield producer


@contextmanager
def consumer_of(address: KafkaAddress, topic: str, offset: int = 0) -> Generator[Any]:
    """On partition 0, from an offset on."""
    config: dict[str, Any] = consumer_config(address)
    with closing(KafkaConsumer(**config)) as consumer:
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        consumer.seek(place, offset)
        yield consumer


def read(address: KafkaAddress, topic: str, count: int) -> list[Any]:
    """The first records of partition 0."""
    with consumer_of(address, topic) as consumer:
        return poll(consumer, count)


def read_all(address: KafkaAddress, topic: str) -> list[Any]:
    """All that partition 0 holds now."""
    with consumer_of(address, topic) as consumer:
        place = TopicPartition(topic, 0)
        return poll(consumer, int(consumer.end_offsets([place])[place]))


def poll(consumer: Any, count: int) -> list[Any]:
    """The next records, or as many as come in time."""
    found: list[Any] = []
    until = time.monotonic() + SECONDS
    while len(found) < count and time.monotonic() < until:
        for records in consumer.poll(timeout_ms=500).values():
            found += records
    return found


def damage(cluster: Cluster, topic: str, partition: int, text: bytes) -> None:
    """Change a byte of what lies on the broker's disk, in the last place where this text is."""
    (segment,) = cluster.folder.rglob(f"{topic}-{partition}/*.log")
    at = segment.read_bytes().rindex(text)
    with segment.open("r+b") as file:
        file.seek(at)
        file.write(bytes([text[0] ^ 1]))
