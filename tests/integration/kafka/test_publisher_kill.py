"""Publishers killed, stopped, cut off and replaced; brokers and databases that go away."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Generator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest

from infra.guard import is_alive
from infra.kafka import Cluster, embedded_kafka, init_topics, open_admin
from infra.kafka.publisher import Publisher, publisher_status
from infra.postgres import Server, connect, embedded_server
from tests.databases import fresh_database
from tests.integration.kafka.test_intake_database import own_server
from tests.integration.kafka.test_publisher import (
    collected,
    deal,
    forgets_sockets,
    publish,
    submit,
    topics,
)
from tests.support.processes import short_folder
from tests.support.proxy import faulty_proxy
from tests.support.published import (
    behind,
    check_answered,
    check_complete_and_in_order,
    child,
    eventually,
    leader,
    positions,
    read_published,
)
from tests.support.workers import running

__all__ = ["collected", "topics"]

STEPS = {"read": "1", "sent": "2", "moved": "1"}
"""Which of them in the life of a process."""

SESSION_SECONDS = 2.0


def check_all(cluster: Cluster, prefix: str, url: str) -> int:
    """Everything is there, in order; how many records came more than once."""
    publish(cluster, prefix, url)
    events = read_published(cluster.address, prefix, "case-events")
    check_complete_and_in_order(url, events)
    check_answered(url, read_published(cluster.address, prefix, "command-results"))
    return len(events) - len({record.id for record in events})


def test_killed_at_any_step_nothing_is_missing_and_what_comes_twice_is_the_same(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    for seed, (step, nth) in enumerate(STEPS.items()):
        submit(database_url, deal(seed, 150))
        with child(database_url, kafka_cluster, topics, step, nth) as process:
            assert process.wait(60) == -signal.SIGKILL, step
    assert behind(database_url) > 0
    assert check_all(kafka_cluster, topics, database_url) > 0


def test_a_second_publisher_takes_over_when_the_first_is_killed(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    with child(database_url, kafka_cluster, topics) as process:
        submit(database_url, deal(1, 50))
        eventually(lambda: leader(database_url) is not None and not behind(database_url))
        second = Publisher(database_url, kafka_cluster.address, topics, poll=0.1)
        with running(second):
            submit(database_url, deal(2, 50))
            eventually(lambda: not behind(database_url))
            assert second.sent == 0
            process.kill()
            submit(database_url, deal(3, 50))
            eventually(lambda: not behind(database_url))
            assert second.sent > 0
    assert check_all(kafka_cluster, topics, database_url) == 0


def test_a_second_publisher_takes_over_when_the_first_ones_session_is_ended(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    both = [Publisher(database_url, kafka_cluster.address, topics, poll=0.1) for _ in range(2)]
    with running(both[0]), running(both[1]):
        led: list[int | None] = []
        for seed in range(4):
            submit(database_url, deal(seed, 50))
            eventually(lambda: not behind(database_url) and leader(database_url) is not None)
            led.append(leader(database_url))
            with psycopg.connect(database_url, autocommit=True) as conn:
                conn.execute("SELECT pg_terminate_backend(%s)", led[-1:])
            eventually(lambda: leader(database_url) not in (None, led[-1]))
    assert len(set(led)) == 4
    check_all(kafka_cluster, topics, database_url)


def test_a_leader_that_was_stopped_and_goes_on_moves_nothing(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    submit(database_url, deal(1, 100))
    stopped = ("sent", "1", str(int(signal.SIGSTOP)))
    with child(
        database_url, kafka_cluster, topics, *stopped, session_seconds=SESSION_SECONDS
    ) as first:
        eventually(lambda: is_stopped(first.pid))
        assert positions(database_url)["case-events"] == 0
        second = Publisher(database_url, kafka_cluster.address, topics, poll=0.1)
        with running(second):
            # The server has given the first one up.
            eventually(lambda: not behind(database_url))
            submit(database_url, deal(2, 50))
            eventually(lambda: not behind(database_url))
            before = positions(database_url)
            first.send_signal(signal.SIGCONT)
            eventually(lambda: waits_for_lead(database_url) == 1)
            assert positions(database_url) == before
        # Now it leads again, and goes on from where the other one was.
        submit(database_url, deal(3, 50))
        eventually(lambda: not behind(database_url))
    assert check_all(kafka_cluster, topics, database_url) > 0


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def waits_for_lead(url: str) -> int:
    """Publishers that are connected and don't lead."""
    with psycopg.connect(url) as conn:
        row = conn.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE 'casetrail publisher %%'"
            " AND pid IS DISTINCT FROM %s",
            (leader(url),),
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_while_the_database_is_away_the_publisher_waits_and_comes_back(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    said: list[str] = []
    with faulty_proxy(database_url) as proxy:
        publisher = Publisher(
            proxy.url,
            kafka_cluster.address,
            topics,
            poll=0.1,
            say=lambda text, **_: said.append(text),
        )
        with running(publisher):
            submit(database_url, deal(1, 50))
            eventually(lambda: not behind(database_url))
            for seed in (2, 3):
                proxy.refuses = True
                eventually(lambda: leader(database_url) is None)
                submit(database_url, deal(seed, 50))
                assert behind(database_url) > 0
                proxy.refuses = False
                eventually(lambda: not behind(database_url))
    away, back = "The database is away; the publisher waits: {reason}", "The publisher goes on."
    assert said == [away, back, away, back]
    check_all(kafka_cluster, topics, database_url)


def test_a_database_that_is_stopped_at_once_and_comes_back_skips_nothing(
    kafka_cluster: Cluster, topics: str
) -> None:
    with (
        own_server() as (home, server),
        fresh_database(server) as database,
        running(Publisher(database.url, kafka_cluster.address, topics, page=20, poll=0.1)),
        ExitStack() as servers,
    ):
        started = [server]
        for seed in range(3):
            submit(database.url, deal(seed, 100))
            stop_at_once(started[-1])  # in the middle of pages
            started.append(servers.enter_context(embedded_server(home)))
        eventually(lambda: not behind(database.url))
        check_all(kafka_cluster, topics, database.url)


def stop_at_once(server: Server) -> None:
    """PostgreSQL's immediate shutdown: it recovers at the next start."""
    os.kill(server.pid, signal.SIGQUIT)
    eventually(lambda: not is_alive(server.pid))


@pytest.fixture
def own_cluster(kafka_cache: Path) -> Generator[Cluster]:
    """A broker that may be killed."""
    with (
        short_folder() as folder,
        embedded_kafka(folder, cache=kafka_cache) as cluster,
    ):
        yield cluster


@forgets_sockets
def test_while_the_broker_is_away_the_publisher_waits_says_why_and_comes_back(
    own_cluster: Cluster, database_url: str, collected: None
) -> None:
    prefix = "away"
    with open_admin(own_cluster.address) as admin:
        init_topics(admin, prefix)
    publisher = Publisher(database_url, own_cluster.address, prefix, poll=0.1)
    with running(publisher):
        submit(database_url, deal(1, 50))
        eventually(lambda: not behind(database_url))
        own_cluster.kill(1)
        submit(database_url, deal(2, 50))
        with closing(connect(database_url, autocommit=True)) as conn:
            eventually(lambda: publisher_status(conn).publications[0].error is not None)
            # It keeps the lead: another one would do no better.
            assert publisher_status(conn).leader is not None
            assert behind(database_url) > 0
            own_cluster.start(1)
            eventually(lambda: not behind(database_url))
            eventually(lambda: publisher_status(conn).publications[0].error is None)
    assert not [thread for thread in threading.enumerate() if is_producers(thread)]
    check_all(own_cluster, prefix, database_url)


def is_producers(thread: threading.Thread) -> bool:
    """Whether kafka-python runs it to send."""
    return "producer" in type(thread).__module__


def test_it_ends_soon_when_told_to(kafka_cluster: Cluster, topics: str, database_url: str) -> None:
    submit(database_url, deal(1, 50))
    with child(database_url, kafka_cluster, topics) as process:
        eventually(lambda: not behind(database_url))
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
