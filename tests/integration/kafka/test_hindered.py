"""A database that is there and takes nothing for a while: everybody waits, and nothing moves."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from infra.engine import Engine
from infra.kafka import Admin, Cluster, init_topics
from infra.kafka.publisher import Publisher
from tests.databases import Database
from tests.integration.kafka.test_intake_database import taken_of
from tests.support.cases import complain, contact
from tests.support.hindered import HINDRANCES, hindered, read_only, writing_anyway
from tests.support.kafka import as_record, open_intake, send
from tests.support.published import check_answered, check_complete_and_in_order, read_published
from tests.support.store import open_store
from tests.support.taken import check_taken, eventually, letters_of, offsets_of
from tests.support.workers import running

# kafka-python leaves a socket open when it is closed while it asks for metadata.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def topics(admin: Admin, prefix: str) -> str:
    """The prefix of the test's own topics, which exist."""
    init_topics(admin, prefix)
    return prefix


def messages_of(url: str) -> list[str]:
    """Of the first case's contacts, in the order in which they were taken."""
    return [id_ for id_ in taken_of(url, 1) if id_.startswith("m")]


@pytest.mark.parametrize("by", HINDRANCES)
def test_what_the_database_refuses_to_everybody_makes_no_letter_and_waits_in_its_order(
    by: str, kafka_cluster: Cluster, topics: str, database: Database
) -> None:
    address, url = kafka_cluster.address, database.url
    send(address, topics, [as_record(complain(1, "c1", order=1))])
    with open_intake(url, address, topics) as (intake, _), running(intake):
        eventually(lambda: intake.records == 1)
        before = offsets_of(url)
        with hindered(database, by):
            send(address, topics, [as_record(contact(1, f"m{n}")) for n in range(20)])
            eventually(lambda: intake.activity.snapshot().failing)
            send(address, topics, [as_record(contact(1, f"m{n}")) for n in range(20, 23)])
            assert offsets_of(url) == before
        eventually(lambda: intake.records == 24)
        assert not intake.activity.snapshot().failing
    assert letters_of(url) == []
    assert messages_of(url) == [f"m{n}" for n in range(23)]


def test_all_workers_wait_for_a_database_that_only_reads_and_come_back_by_themselves(
    kafka_cluster: Cluster, topics: str, database: Database
) -> None:
    address, url = kafka_cluster.address, database.url
    send(address, topics, [as_record(complain(1, "c1", order=1))])
    publisher = Publisher(url, address, topics, poll=0.1)
    engine = Engine(url, poll=0.1)
    with open_intake(url, address, topics) as (intake, _):
        workers = (intake, publisher, engine)
        with running(*workers) as threads:
            eventually(lambda: intake.records == 1)
            with read_only(database):
                with open_store(writing_anyway(url)) as other:
                    # For those who only follow the log.
                    told = replace(contact(1, "m0"), source="kafka:other")
                    assert other.pipeline.submit([told])[0].accepted
                send(address, topics, [as_record(contact(1, f"m{n}")) for n in range(1, 4)])
                for worker in workers:
                    # Not only of the sessions that ended.
                    eventually(lambda w=worker: "read-only" in w.activity.snapshot().error)  # type: ignore[misc]
                assert all(thread.is_alive() for thread in threads)
            eventually(lambda: intake.records == 4)
            for worker in workers:
                eventually(lambda w=worker: not w.activity.snapshot().failing)  # type: ignore[misc]
    assert letters_of(url) == []
    assert messages_of(url) == ["m0", "m1", "m2", "m3"]
    check_taken(address, topics, url)
    publisher.catch_up()
    check_complete_and_in_order(url, read_published(address, topics, "case-events"))
    check_answered(url, read_published(address, topics, "command-results"))
    engine.catch_up()
    with psycopg.connect(url) as conn:
        assert conn.execute("SELECT count(*) FROM live_queue").fetchone() == (1,)
