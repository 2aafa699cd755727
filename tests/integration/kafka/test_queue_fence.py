"""The fence of the queue's topic: whatever an older relay does late leaves nothing there."""

from __future__ import annotations

import signal
import threading
from typing import Any

import pytest
from kafka import errors  # type: ignore[import-untyped]

from infra.engine import Engine
from infra.kafka import TOPICS, Admin, Cluster, init_topics
from infra.kafka.client import abandon, make_producer
from infra.kafka.contracts import Outgoing
from infra.kafka.publisher import Publisher
from infra.kafka.publisher.records import left
from infra.kafka.publisher.sending import Sender, open_sender
from projections import PROJECTIONS
from tests.integration.engine.given import T0, World
from tests.integration.kafka.test_publisher import collected, forgets_sockets, publish, topics
from tests.integration.kafka.test_publisher_kill import is_stopped, waits_for_lead
from tests.integration.kafka.test_queue_topic import complaints, ended, noted, world
from tests.support.published import child, eventually, positions, read_published
from tests.support.queue_topic import check_queue_topic
from tests.support.workers import running

__all__ = ["collected", "topics", "world"]

SESSION_SECONDS = 2.0


@forgets_sockets
def test_what_an_older_sender_has_under_way_does_not_count_and_whatever_else_it_sends_fails(
    kafka_cluster: Cluster, topics: str, collected: None
) -> None:
    def a_record(position: int) -> Outgoing:
        return left("douyin:s1:A", position, T0, topics)

    fence = f"{topics}.queue"
    producer = make_producer(kafka_cluster.address, "old", transactional_id=fence)
    try:
        old = Sender(producer, topics, fence)
        old.take_over(nothing)
        old.send([a_record(1)], nothing)
        producer.begin_transaction()
        send(producer, fence, a_record(2))  # acknowledged, and not committed
        with open_sender(kafka_cluster.address, topics, fence) as new:
            new.take_over(nothing)
            new.send([a_record(3)], nothing)
            with pytest.raises(errors.KafkaError):
                send(producer, fence, a_record(4))
            with pytest.raises(errors.KafkaError):
                old.send([a_record(5)], nothing)
            new.send([a_record(6)], nothing)
    finally:
        abandon(producer)
    found = read_published(kafka_cluster.address, topics, "queue")
    assert [record.id for record in found] == [
        dict(a_record(position).headers)["ce_id"].decode() for position in (1, 3, 6)
    ]


def send(producer: Any, topic: str, record: Outgoing) -> None:
    producer.send(topic, key=record.key, value=record.value, headers=record.headers).get(20)


def nothing() -> None:
    pass


STEPS = ("queue read", "queue sent", "queue moved")


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_the_next_one_tells_what_is_missing(
    kafka_cluster: Cluster, topics: str, world: World, step: str
) -> None:
    world.given(*complaints(0, 40), *(ended(number) for number in range(10))).project()
    with child(world.url, kafka_cluster, topics, step, "2") as process:
        assert process.wait(60) == -signal.SIGKILL
    publish(kafka_cluster, topics, world.url)
    check_queue_topic(kafka_cluster, topics, world.url)


@pytest.mark.parametrize("step", ["queue read", "queue sent"])
def test_a_leader_that_was_stopped_and_goes_on_leaves_no_older_entry(
    kafka_cluster: Cluster, topics: str, world: World, step: str
) -> None:
    world.given(*complaints(0, 5)).project()
    publish(kafka_cluster, topics, world.url)
    world.given(*(noted(number) for number in range(5))).project()
    stopped = (step, "1", str(int(signal.SIGSTOP)))
    with child(
        world.url, kafka_cluster, topics, *stopped, session_seconds=SESSION_SECONDS
    ) as first:
        eventually(lambda: is_stopped(first.pid))
        second = Publisher(world.url, kafka_cluster.address, topics, poll=0.1)
        with running(second):
            world.given(*(ended(number) for number in range(3)), noted(3)).project()
            # The server has given the first one up.
            eventually(lambda: positions(world.url)["queue"] == world.log.head())
            first.send_signal(signal.SIGCONT)
            eventually(lambda: waits_for_lead(world.url) == 1)
            world.given(noted(4)).project()
            eventually(lambda: positions(world.url)["queue"] == world.log.head())
    check_queue_topic(kafka_cluster, topics, world.url)


def test_under_load_with_two_publishers_and_an_engine_the_topic_comes_to_the_open_cases(
    kafka_cluster: Cluster, topics: str, world: World
) -> None:
    both = [Publisher(world.url, kafka_cluster.address, topics, page=20, poll=0.1) for _ in "ab"]
    engine = Engine(world.url, PROJECTIONS, page=25, poll=0.1)
    done = threading.Event()
    with running(*both, engine):
        for first in range(0, 200, 10):
            world.given(*complaints(first, 10))
            world.given(*(ended(number) for number in range(max(0, first - 10), first, 2)))
            done.wait(0.02)
        eventually(lambda: positions(world.url)["queue"] == world.log.head())
    check_queue_topic(kafka_cluster, topics, world.url)


@forgets_sockets
def test_while_the_topic_is_missing_everything_else_is_published(
    kafka_cluster: Cluster, admin: Admin, prefix: str, world: World, collected: None
) -> None:
    init_topics(admin, prefix, [topic for topic in TOPICS if topic.name != "queue"])
    world.given(*complaints(0, 3)).project()
    publisher = Publisher(world.url, kafka_cluster.address, prefix, poll=0.1)
    with running(publisher):
        for first in (3, 6):
            eventually(lambda: positions(world.url)["case-events"] == world.log.head())
            world.given(*complaints(first, 3)).project()
        assert positions(world.url)["queue"] == 0
        init_topics(admin, prefix)
        eventually(lambda: positions(world.url)["queue"] == world.log.head())
    check_queue_topic(kafka_cluster, prefix, world.url)
