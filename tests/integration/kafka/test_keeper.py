"""An embedded broker that ends is started again where it was."""

from __future__ import annotations

import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from infra.kafka import Cluster, embedded_kafka
from infra.kafka.broker import answers
from infra.kafka.keeper import BrokerKeeper
from tests.integration.kafka.clients import SECONDS
from tests.support.processes import short_folder, within


@pytest.fixture(scope="module")
def cluster(kafka_cache: Path) -> Generator[Cluster]:
    """One that nobody else uses."""
    with (
        short_folder() as home,
        embedded_kafka(home, cache=kafka_cache) as made,
    ):
        yield made


def test_a_broker_that_was_killed_answers_again(cluster: Cluster) -> None:
    said: list[str] = []
    stop = threading.Event()
    keeper = BrokerKeeper(cluster, lambda text, **_: said.append(text))
    keeping = threading.Thread(target=keeper.run, args=(stop,))
    keeping.start()
    try:
        before = cluster.address
        cluster.kill(1)
        assert within(SECONDS, lambda: "Broker {number} runs again." in said)
        assert answers(cluster.brokers[1].ports.client)
        assert cluster.address == before
    finally:
        stop.set()
        keeping.join()
    assert said == ["Broker {number} ended: {reason}", "Broker {number} runs again."]


def test_who_stops_while_a_broker_starts_does_not_wait_for_it(cluster: Cluster) -> None:
    stop = threading.Event()

    def say(text: str, **_: object) -> None:
        if text.endswith("{reason}"):
            stop.set()

    cluster.kill(1)
    BrokerKeeper(cluster, say).run(stop)
    assert not answers(cluster.brokers[1].ports.client)
    cluster.start(1)
