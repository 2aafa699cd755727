"""Records that kafka-python by itself would not bring, and partitions that nobody can read on."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import replace

import psutil
import pytest

from consumers.kafka_record import UNDECODABLE, shown_name
from infra.kafka import Cluster, KafkaError
from infra.kafka.client import make_producer
from infra.kafka.decoding import LARGEST_BYTES, MOST_BYTES
from infra.kafka.intake import IntakeAlarm
from infra.kafka.intake_letters import DeadLetters
from infra.settings import KafkaAddress
from tests.integration.kafka.clients import damage
from tests.integration.kafka.test_intake import topics
from tests.support.kafka import Sent, as_record, open_intake, send
from tests.support.store import place_order
from tests.support.taken import eventually, letters_of, log_of, offsets_of
from tests.support.workers import running

__all__ = ["topics"]

# kafka-python leaves a socket open when it is closed while it asks for metadata.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Written(str):
    """A header's name that kafka-python's producer writes as these bytes."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return b"trace-\xff"


def order(number: int) -> Sent:
    return replace(as_record(place_order(number)), partition=0)


@contextmanager
def bounded(stop: threading.Event) -> Generator[None]:
    """Set it after a while, for what would never end."""
    timer = threading.Timer(60, stop.set)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


@pytest.mark.parametrize("codec", [None, "zstd"])
def test_a_header_whose_name_is_not_utf_8_is_a_letter_and_the_partition_moves_on(
    codec: str | None, kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    named = [*order(2).headers, (Written("trace-x"), b"1")]
    bad = replace(order(2), headers=named)
    records = [order(1), bad, order(3)]
    send(kafka_cluster.address, topics, records, compression_type=codec)
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, store):
        intake.catch_up()
        original = DeadLetters(store.datastore, store.vault).open(1)
    assert offsets_of(database_url)[f"{topics}.shipments", 0] == 3
    assert len(log_of(database_url)) == 2
    assert letters_of(database_url) == [(1, "header_invalid", r"trace-\xff", "open")]
    assert original is not None
    assert (original.key, original.value) == (bad.key, bad.value)
    names = [shown_name(name) for name, _ in original.headers]
    assert names == [*dict(order(2).headers), r"trace-\xff"]


@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd"])  # snappy packs 20 to 1 at most
def test_a_few_bytes_that_become_far_too_many_are_a_letter_and_take_little_memory(
    codec: str, kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    address = kafka_cluster.address
    send(address, topics, [order(1)])
    bomb = replace(order(2), value=bytes(3 * MOST_BYTES))
    send(address, topics, [bomb], compression_type=codec, max_request_size=2**30)
    send(address, topics, [order(3)])
    process = psutil.Process()
    before, peak, done = process.memory_info().rss, [0], threading.Event()

    def measure() -> None:
        while not done.wait(0.01):
            peak.append(process.memory_info().rss)

    measuring = threading.Thread(target=measure)
    measuring.start()
    try:
        with open_intake(database_url, address, topics) as (intake, store):
            intake.catch_up()
            original = DeadLetters(store.datastore, store.vault).open(1)
    finally:
        done.set()
        measuring.join()
    assert letters_of(database_url) == [(1, "undecodable", "", "open")]
    assert offsets_of(database_url)[f"{topics}.shipments", 0] == 3
    assert len(log_of(database_url)) == 2
    assert original is not None
    assert [name for name, _ in original.headers] == [UNDECODABLE]
    assert 0 < len(original.value or b"") < 2**20, "the batch as it came"
    assert max(peak) - before < 4 * MOST_BYTES


def test_a_record_that_is_far_too_large_is_a_letter_with_its_batch_as_it_came(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    large = replace(order(2), value=json.dumps({"x": "0" * LARGEST_BYTES}).encode())
    records = [order(1), large, order(3)]
    send(
        kafka_cluster.address,
        topics,
        records,
        compression_type="gzip",
        batch_size=8 * LARGEST_BYTES,
    )
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, store):
        intake.catch_up()
        original = DeadLetters(store.datastore, store.vault).open(1)
    assert letters_of(database_url) == [(1, "message_too_large", "", "open")]
    assert offsets_of(database_url)[f"{topics}.shipments", 0] == 3
    assert len(log_of(database_url)) == 2
    assert original is not None
    assert len(original.value or b"") < LARGEST_BYTES


def test_a_batch_that_is_damaged_on_the_broker_s_disk_ends_it_with_an_alarm_that_says_where(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    address = kafka_cluster.address
    send(address, topics, [order(1)])
    send(address, topics, [order(2)])
    damage(kafka_cluster, f"{topics}.shipments", 0, b"actor")
    send(address, topics, [order(3)])
    stop = threading.Event()
    with (
        open_intake(database_url, address, topics) as (intake, _),
        bounded(stop),
        pytest.raises(IntakeAlarm, match=rf"{topics}.shipments/0 at 1.*casetrail kafka read-from"),
    ):
        intake.run(stop)
    assert offsets_of(database_url)[f"{topics}.shipments", 0] == 1
    assert len(log_of(database_url)) == 1


# ------------------------------------------------------------ nothing is left to it


def send_with_mark(address: KafkaAddress, prefix: str, record: Sent) -> None:
    """Behind it in its partition stands the mark of its transaction, which is no record."""
    producer = make_producer(address, "erp", transactional_id=f"{prefix}.erp")
    with closing(producer):
        producer.init_transactions()
        producer.begin_transaction()
        headers = list(record.headers)
        topic = f"{prefix}.{record.topic}"
        producer.send(topic, record.value, record.key, headers, record.partition)
        producer.commit_transaction()


def test_one_that_catches_up_beside_another_that_holds_all_says_when_records_are_left(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    address = kafka_cluster.address
    blocked, go_on = threading.Event(), threading.Event()

    def step(name: str) -> None:
        if name == "told the group" and not blocked.is_set():
            blocked.set()
            assert go_on.wait(120)

    send_with_mark(address, topics, order(1))
    with (
        open_intake(database_url, address, topics, member="one", step=step) as (first, _),
        open_intake(database_url, address, topics, member="two") as (second, _),
        running(first),
    ):
        assert blocked.wait(60)
        try:
            second.catch_up(give_up=3)
            send(address, topics, [order(2)])
            with pytest.raises(KafkaError, match="Others hold all partitions"):
                second.catch_up(give_up=3)
        finally:
            go_on.set()
        eventually(lambda: len(log_of(database_url)) == 2)
