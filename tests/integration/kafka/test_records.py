"""Records through a real broker, with the clients' configuration as we give it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from kafka.errors import (  # type: ignore[import-untyped]
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    OffsetOutOfRangeError,
    UnknownTopicOrPartitionError,
)

from infra.kafka import (
    Admin,
    Cluster,
    Topic,
    cluster_status,
    init_topics,
)
from tests.integration.kafka.clients import SECONDS, consumer_of, poll, producer_of, read


@pytest.fixture
def topic(admin: Admin, prefix: str) -> str:
    """A topic of one partition."""
    [outcome] = init_topics(admin, prefix, [Topic("t", "in", 1, 1, False, "key", "")])
    return outcome.name


def send(producer: Any, topic: str, values: Sequence[bytes]) -> list[int]:
    """The offsets that were acknowledged."""
    sent = [producer.send(topic, value, key=b"k", headers=[("h", b"1")]) for value in values]
    return [future.get(SECONDS).offset for future in sent]


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
def test_each_codec_brings_records_through_as_they_were(
    kafka_cluster: Cluster, topic: str, codec: str | None
) -> None:
    values = [f"记录 {number}".encode() * 50 for number in range(200)]
    with producer_of(kafka_cluster.address, compression_type=codec) as producer:
        assert send(producer, topic, values) == list(range(200))
    records = read(kafka_cluster.address, topic, 200)
    assert [record.value for record in records] == values
    assert {(record.key, *record.headers) for record in records} == {(b"k", ("h", b"1"))}


def test_a_compressed_record_may_be_larger_than_its_bytes_on_the_wire(
    kafka_cluster: Cluster, topic: str
) -> None:
    value = bytes(2**22)
    with producer_of(
        kafka_cluster.address, compression_type="zstd", max_request_size=2**23
    ) as producer:
        send(producer, topic, [value])
    assert read(kafka_cluster.address, topic, 1)[0].value == value


def test_a_record_that_is_too_large_is_refused_and_the_next_is_taken(
    kafka_cluster: Cluster, topic: str
) -> None:
    with producer_of(kafka_cluster.address) as producer:
        with pytest.raises(MessageSizeTooLargeError):
            send(producer, topic, [bytes(2**21)])
        assert send(producer, topic, [b"small"]) == [0]


def test_the_broker_too_refuses_a_record_that_is_too_large(
    kafka_cluster: Cluster, topic: str
) -> None:
    with (
        producer_of(kafka_cluster.address, max_request_size=2**22) as producer,
        pytest.raises(MessageSizeTooLargeError),
    ):
        send(producer, topic, [bytes(2**21)])


def test_nothing_creates_a_topic_by_itself(
    kafka_cluster: Cluster, admin: Admin, prefix: str
) -> None:
    name = f"{prefix}.nobody-made-this"
    with producer_of(kafka_cluster.address) as producer:
        producer.config["max_block_ms"] = 1000
        with pytest.raises((KafkaTimeoutError, UnknownTopicOrPartitionError)):
            send(producer, name, [b"x"])
    assert name not in [found["name"] for found in admin.describe_topics()]


def test_an_offset_that_is_not_there_stops_a_consumer(kafka_cluster: Cluster, topic: str) -> None:
    with (
        consumer_of(kafka_cluster.address, topic, offset=7) as consumer,
        pytest.raises(OffsetOutOfRangeError),
    ):
        poll(consumer, 1)


def test_status_counts_what_came_in(
    kafka_cluster: Cluster, admin: Admin, prefix: str, topic: str
) -> None:
    with producer_of(kafka_cluster.address) as producer:
        send(producer, topic, [b"x"] * 5)
    [found] = cluster_status(admin, prefix, [Topic("t", "in", 1, 1, False, "key", "")]).topics
    assert [(part.start, part.end) for part in found.partitions] == [(0, 5)]
