"""Three brokers, killed and started again under load: nothing acknowledged is lost."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer  # type: ignore[import-untyped]
from kafka.errors import KafkaError  # type: ignore[import-untyped]
from kafka.structs import TopicPartition  # type: ignore[import-untyped]

from infra.kafka import (
    Cluster,
    Topic,
    cluster_status,
    consumer_config,
    embedded_kafka,
    init_topics,
    open_admin,
    producer_config,
)
from infra.settings import read_settings
from tests.support.processes import short_folder, within

TOPIC = Topic("notes", "in", 1, 1, False, "key", "")
NAME = TOPIC.full_name("soak")
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Generator[None]:
    """kafka-python does not close the socket of an attempt that failed; what it logs would keep
    them all until the end of the run."""
    logger = logging.getLogger("kafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    yield
    logger.setLevel(level)
    for _ in range(5):
        gc.collect()


@pytest.fixture(scope="module")
def cluster() -> Generator[Cluster]:
    with (
        short_folder() as folder,
        embedded_kafka(folder, 3, cache=read_settings().cache) as found,
    ):
        with open_admin(found.address) as admin:
            init_topics(admin, "soak", [TOPIC])
        yield found


@dataclass
class Writer:
    """Sends numbers, one after the other acknowledged, for as long as it runs. acknowledged:
    those that were; the others may be there or not."""

    cluster: Cluster
    acknowledged: list[int] = field(default_factory=list[int])
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        number = 0
        while not self.stop.is_set():
            with self._producer() as producer:
                while not self.stop.is_set():
                    number += 1
                    try:
                        producer.send(NAME, str(number).encode(), key=b"k").get(30)
                    except KafkaError:
                        break  # not acknowledged, and this producer will never send again
                    self.acknowledged.append(number)

    @contextmanager
    def _producer(self) -> Generator[Any]:
        while not self.stop.is_set():
            try:
                producer = KafkaProducer(**producer_config(self.cluster.address))
            except KafkaError:
                continue  # nobody there
            try:
                yield producer
            finally:
                with suppress(KafkaError):
                    producer.close(timeout=1)
            return
        yield None

    def goes_on(self, count: int = 20, seconds: float = 90) -> bool:
        """Whether so many more are acknowledged in time."""
        aim = len(self.acknowledged) + count
        return within(seconds, lambda: len(self.acknowledged) >= aim)


def stored(cluster: Cluster) -> list[int]:
    place = TopicPartition(NAME, 0)
    with closing(KafkaConsumer(**consumer_config(cluster.address))) as consumer:
        consumer.assign([place])
        consumer.seek(place, 0)
        end = int(consumer.end_offsets([place])[place])
        found: list[int] = []
        while int(consumer.position(place) or 0) < end:
            for records in consumer.poll(timeout_ms=1000).values():
                found += [int(record.value) for record in records]
        return found


def in_sync(cluster: Cluster) -> int:
    with open_admin(cluster.address) as admin:
        [topic] = cluster_status(admin, "soak", [TOPIC]).topics
    return len(topic.partitions[0].in_sync)


def test_one_killed_goes_on_two_killed_wait_and_all_come_back(cluster: Cluster) -> None:
    writer = Writer(cluster)
    thread = threading.Thread(target=writer.run)
    thread.start()
    try:
        assert writer.goes_on(100)
        for number in (1, 2, 3):  # the leader's turn comes
            cluster.kill(number)
            assert writer.goes_on(), f"without broker {number}"
            cluster.start(number)
            assert within(60, lambda: in_sync(cluster) == 3)
        cluster.kill(1)
        cluster.kill(2)
        time.sleep(3)  # what was under way is answered
        before = len(writer.acknowledged)
        time.sleep(5)
        assert len(writer.acknowledged) == before, "one of three must not acknowledge"
        cluster.start(1, 2)
        assert writer.goes_on(100)
        cluster.restart(3)
        assert writer.goes_on(100)
    finally:
        writer.stop.set()
        thread.join(60)
    assert not thread.is_alive()
    found = stored(cluster)
    assert len(found) == len(set(found)), "nothing twice"
    acknowledged = set(writer.acknowledged)
    assert [number for number in found if number in acknowledged] == writer.acknowledged
