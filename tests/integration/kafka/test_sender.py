"""What services send in rounds: each once the one before was taken."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest

from consumers.kafka_sending import Outgoing, record_of
from infra.kafka import Admin, Cluster, cluster_status
from infra.kafka.sender import Sender, Sent
from tests.support.cases import complain, contact
from tests.support.kafka import create_topics, open_intake
from tests.support.processes import within
from tests.support.store import place_order
from tests.support.workers import running

SECONDS = 60.0
ROUNDS: list[list[Outgoing]] = [
    [record_of(place_order(1), "/test")],
    [record_of(complain(1, "c1", order=1), "/test")],
    [record_of(contact(1, "m1"), "/test")],
]


class Sending:
    """A sender in a thread of its own. sent: how many were acknowledged."""

    def __init__(self, sender: Sender) -> None:
        self.sent = 0
        self.stop = threading.Event()
        self.done: Sent | None = None
        self._sender = sender
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.done = self._sender.send(ROUNDS, self.stop, self._count)

    def _count(self, more: int) -> None:
        self.sent += more


@pytest.fixture
def sending(
    kafka_cluster: Cluster, admin: Admin, prefix: str, database_url: str
) -> Generator[Sending]:
    create_topics(admin, prefix)
    made = Sending(Sender(kafka_cluster.address, prefix, database_url))
    made.thread.start()
    try:
        yield made
    finally:
        made.stop.set()
        made.thread.join()


def records(admin: Admin, prefix: str) -> int:
    return sum(
        (partition.end or 0)
        for topic in cluster_status(admin, prefix).topics
        for partition in topic.partitions
    )


def test_a_round_waits_for_the_one_before_and_nothing_is_refused(
    sending: Sending, kafka_cluster: Cluster, admin: Admin, prefix: str, database_url: str
) -> None:
    assert within(SECONDS, lambda: sending.sent == 1)
    assert not within(1.0, lambda: sending.sent > 1)
    assert records(admin, prefix) == 1
    with open_intake(database_url, kafka_cluster.address, prefix) as (intake, store):
        with running(intake):
            assert within(SECONDS, lambda: sending.done is not None)
        assert (intake.records, intake.letters) == (3, 0)
        with store.datastore.connection() as conn:
            refused = conn.execute("SELECT FROM answers WHERE NOT accepted").fetchall()
        assert refused == []
    assert [last - first for first, last in (sending.done or {}).values()] in ([0, 0], [0, 1])


def test_stopped_it_neither_waits_for_what_was_sent_nor_sends_of_the_next_round(
    kafka_cluster: Cluster, admin: Admin, prefix: str, database_url: str
) -> None:
    create_topics(admin, prefix)
    first, *others = [record_of(place_order(n), "/test") for n in range(900)]
    sender = Sender(kafka_cluster.address, prefix, database_url)
    stop, acknowledged = threading.Event(), threading.Event()

    def send() -> None:
        sender.send([[first], others], stop, lambda _more: acknowledged.set())

    thread = threading.Thread(target=send)
    thread.start()
    try:
        assert acknowledged.wait(SECONDS)
    finally:
        stop.set()
        thread.join(SECONDS)
    assert not thread.is_alive()
    assert records(admin, prefix) == 1
