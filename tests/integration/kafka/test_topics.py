"""Topics are created once, compared afterwards, and never altered."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from infra.kafka import (
    TOPICS,
    Admin,
    Cluster,
    KafkaError,
    Outcome,
    cluster_status,
    init_topics,
    open_admin,
)
from infra.kafka.admin import Difference


def test_init_creates_what_is_missing_and_a_second_finds_nothing_to_do(
    admin: Admin, prefix: str
) -> None:
    first = init_topics(admin, prefix, TOPICS[:2])
    assert first == [Outcome(topic.full_name(prefix), True, ()) for topic in TOPICS[:2]]
    second = init_topics(admin, prefix)
    assert [outcome.created for outcome in second] == [False, False, *[True] * (len(TOPICS) - 2)]
    assert not any(outcome.differences for outcome in second)
    assert not any(outcome.created for outcome in init_topics(admin, prefix))


def test_what_differs_is_said_and_left(admin: Admin, prefix: str) -> None:
    other = replace(TOPICS[0], partitions=3, days=1)
    init_topics(admin, prefix, [other])
    for _ in range(2):
        [outcome] = init_topics(admin, prefix, TOPICS[:1])
        assert not outcome.created
        assert outcome.differences == (
            Difference("partitions", "3", "12"),
            Difference("retention.ms", other.config["retention.ms"], "1209600000"),
        )


def test_two_inits_at_once_both_succeed(kafka_cluster: Cluster, prefix: str) -> None:
    outcomes: list[list[Outcome]] = []

    def init() -> None:
        with open_admin(kafka_cluster.address) as admin:
            outcomes.append(init_topics(admin, prefix))

    threads = [threading.Thread(target=init) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(outcomes) == 3
    created = [outcome.name for found in outcomes for outcome in found if outcome.created]
    assert sorted(created) == sorted(topic.full_name(prefix) for topic in TOPICS)
    assert not any(outcome.differences for found in outcomes for outcome in found)


def test_a_name_that_kafka_does_not_take_is_a_clear_error(admin: Admin) -> None:
    with pytest.raises(KafkaError, match="could not be created: Topic name"):
        init_topics(admin, "no blanks", TOPICS[:1])


def test_status_tells_topics_that_are_there_from_those_that_are_not(
    admin: Admin, prefix: str, kafka_cluster: Cluster
) -> None:
    init_topics(admin, prefix, TOPICS[:1])
    status = cluster_status(admin, prefix)
    assert [f"{broker.host}:{broker.port}" for broker in status.brokers] == list(
        kafka_cluster.address.bootstrap
    )
    assert not any(broker.fenced for broker in status.brokers)
    assert status.controller == 1
    there, *others = status.topics
    assert [part.number for part in there.partitions] == list(range(12))
    assert all((part.start, part.end, part.leader) == (0, 0, 1) for part in there.partitions)
    assert not any(topic.partitions for topic in others)
