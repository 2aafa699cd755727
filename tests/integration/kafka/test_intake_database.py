"""The database stopped at once under the intake, its connection cut, and a case of it broken."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from consumers.kafka_topics import KAFKA_TOPICS
from infra.guard import is_alive
from infra.kafka import Cluster, KafkaError
from infra.kafka.intake import Intake
from infra.kafka.intake_letters import DeadLetters
from infra.postgres import Server, connect, embedded_server
from tests.databases import Database, fresh_database, prepare_template
from tests.integration.kafka.test_intake import other_url, topics
from tests.integration.kafka.test_intake_kill import check_as_unbroken, is_caught_up
from tests.support.cases import complain, contact
from tests.support.kafka import as_record, open_intake, send
from tests.support.processes import short_folder
from tests.support.proxy import Fault, Proxy, faulty_proxy
from tests.support.taken import check_all_taken, check_taken, eventually, letters_of, load
from tests.support.workers import running

__all__ = ["other_url", "topics"]

# kafka-python leaves a socket open when it is closed while it asks for metadata.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@contextmanager
def own_server() -> Generator[tuple[Path, Server]]:
    """A server that may be stopped, and its home."""
    with short_folder() as home:
        with embedded_server(home) as server:
            prepare_template(server)
        with ExitStack() as stack:
            yield home, stack.enter_context(embedded_server(home))


def has_more(intake: Intake, count: int) -> bool:
    return intake.records > count


def is_gone(server: Server) -> bool:
    return not is_alive(server.pid)


def has_broken(proxy: Proxy, times: int) -> bool:
    return proxy.faults == times


def stop_and_restart(
    cluster: Cluster, prefix: str, home: Path, server: Server, url: str, rounds: int
) -> None:
    """Under load, at whatever moment: all sessions end, and what was not committed is gone."""
    address = cluster.address
    with (
        load(address, prefix) as sent,
        open_intake(url, address, prefix) as (intake, _),
        running(intake) as (thread,),
        ExitStack() as servers,
    ):
        for _ in range(rounds):
            eventually(partial(has_more, intake, intake.records))
            os.kill(server.pid, signal.SIGQUIT)  # an immediate shutdown
            eventually(partial(is_gone, server))
            sent.goes_on(1)
            assert thread.is_alive()
            server = servers.enter_context(embedded_server(home))
            check_taken(address, prefix, url)
        sent.stop.set()
        eventually(lambda: is_caught_up(cluster, prefix, url))
        check_all_taken(address, prefix, url, sent.acknowledged)


def test_a_database_that_is_stopped_at_once_and_comes_back_loses_and_doubles_nothing(
    kafka_cluster: Cluster, topics: str, other_url: str
) -> None:
    with own_server() as (home, server), fresh_database(server) as database:
        stop_and_restart(kafka_cluster, topics, home, server, database.url, rounds=3)
        check_as_unbroken(kafka_cluster, topics, database.url, other_url)


def cut_under_load(cluster: Cluster, prefix: str, url: str, rounds: int) -> None:
    """The connection breaks at COMMIT, in turn before the server was told and after."""
    address = cluster.address
    with (
        faulty_proxy(url) as proxy,
        load(address, prefix) as sent,
        open_intake(proxy.url, address, prefix) as (intake, _),
        running(intake),
    ):
        eventually(lambda: intake.records > 0)
        for number in range(rounds):
            proxy.break_next = (Fault.BEFORE_COMMIT, Fault.AFTER_COMMIT)[number % 2]
            eventually(partial(has_broken, proxy, number + 1))
            check_taken(address, prefix, url)
        sent.stop.set()
        eventually(lambda: is_caught_up(cluster, prefix, url))
    found = check_all_taken(address, prefix, url, sent.acknowledged)
    assert intake.records == found.records


def test_connections_cut_at_commit_under_load_lose_and_double_nothing(
    kafka_cluster: Cluster, topics: str, database_url: str, other_url: str
) -> None:
    cut_under_load(kafka_cluster, topics, database_url, rounds=6)
    check_as_unbroken(kafka_cluster, topics, database_url, other_url)


# ---------------------------------------------------------------------- a broken case


BROKEN = "case:douyin:s1:AS1"


@contextmanager
def broken_event(database: Database) -> Generator[None]:
    """The case's first event cannot be read until the end of the block: its topic's fields are
    not there. Only the server's superuser can do that."""
    with closing(connect(database.admin_url)) as conn:
        row = conn.execute(
            "SELECT state FROM stored_events WHERE originator_id = %s AND originator_version = 1",
            (BROKEN,),
        ).fetchone()
    assert row is not None
    whole: bytes = row[0]
    _set_state(database, json.dumps({**json.loads(whole), "e": {}}).encode())
    yield
    _set_state(database, whole)


def _set_state(database: Database, state: bytes) -> None:
    with closing(connect(database.admin_url)) as conn:
        conn.execute("ALTER TABLE stored_events DISABLE TRIGGER USER")
        conn.execute(
            "UPDATE stored_events SET state = %s"
            " WHERE originator_id = %s AND originator_version = 1",
            (state, BROKEN),
        )
        conn.execute("DELETE FROM snapshots WHERE stream = %s", (BROKEN,))
        conn.execute("ALTER TABLE stored_events ENABLE ALWAYS TRIGGER immutable")
        conn.commit()


def test_behind_an_event_that_cannot_be_read_its_case_waits_in_order_and_the_rest_flows(
    kafka_cluster: Cluster, topics: str, database: Database
) -> None:
    address, url = kafka_cluster.address, database.url
    send(address, topics, [as_record(complain(n, f"c{n}", order=n)) for n in (1, 2)])
    with open_intake(url, address, topics) as (intake, _):
        intake.catch_up()
    # Both cases on one partition, with a poison record between.
    some = [
        replace(as_record(contact(n, f"m{t}-{n}")), partition=0) for t in range(4) for n in (1, 2)
    ]
    poison = replace(some[0], value=b"{")
    with broken_event(database), open_intake(url, address, topics) as (intake, _), running(intake):
        send(address, topics, [*some[:4], poison])
        eventually(lambda: intake.records == 5)
        # What comes in a later transaction waits behind the first.
        send(address, topics, some[4:])
        eventually(lambda: intake.records == 9)
        states = [(code, state) for _, code, _, state in letters_of(url)]
        waits = [("quarantined", "parked")] * 2
        assert states == [*waits, ("broken_json", "open"), *[("parked", "parked")] * 2]
        assert [id_ for id_ in taken_of(url, 2) if id_[0] == "m"] == [f"m{t}-2" for t in range(4)]
    with open_intake(url, address, topics) as (_, store):
        letters = DeadLetters(store.datastore, store.vault)
        waiting = [letter for letter in letters.list() if letter.state == "parked"]
        with pytest.raises(KafkaError, match="waits before it"):
            letters.retry(waiting[-1].number, store.pipeline, KAFKA_TOPICS, "li")
        for letter in waiting:
            assert letters.retry(letter.number, store.pipeline, KAFKA_TOPICS, "li").accepted
    assert [id_ for id_ in taken_of(url, 1) if id_[0] == "m"] == [f"m{t}-1" for t in range(4)]


def test_what_is_in_a_parked_letter_is_forgotten_some_time_after_it_was_settled_and_not_before(
    kafka_cluster: Cluster, topics: str, database: Database
) -> None:
    address, url = kafka_cluster.address, database.url
    send(address, topics, [as_record(complain(1, "c1", order=1))])
    with open_intake(url, address, topics) as (intake, _):
        intake.catch_up()
    send(address, topics, [as_record(contact(1, f"m{n}")) for n in range(3)])
    with broken_event(database), open_intake(url, address, topics) as (intake, _):
        intake.catch_up()
    with open_intake(url, address, topics) as (_, store), closing(connect(url)) as conn:
        conn.autocommit = True
        letters = DeadLetters(store.datastore, store.vault)

        def settle(*numbers: int) -> None:
            for number in numbers:
                assert letters.retry(number, store.pipeline, KAFKA_TOPICS, "li").accepted

        def settled_long_ago(*numbers: int) -> None:
            conn.execute(
                "UPDATE dead_letters SET settled_at = now() - interval '91 days'"
                " WHERE number = ANY (%s)",
                (list(numbers),),
            )

        def readable() -> list[int]:
            return [number for number in (1, 2, 3) if letters.open(number) is not None]

        def keys() -> list[tuple[Any, ...]]:
            return conn.execute(
                "SELECT wrapped IS NOT NULL FROM subject_keys WHERE subject LIKE 'parked-rec%'"
            ).fetchall()

        # They came a year ago.
        conn.execute(
            "UPDATE subject_keys SET subject = 'parked-records:2025-01-05'"
            " WHERE subject LIKE 'parked-records:%'"
        )
        assert letters.expire() == 0
        settle(1, 2)
        assert letters.expire() == 0
        assert readable() == [1, 2, 3]
        settled_long_ago(1)
        assert letters.expire() == 1
        assert readable() == [2, 3]
        assert keys() == [(True,)]
        settle(3)
        settled_long_ago(2, 3)
        assert letters.expire() == 2
        assert readable() == []
        assert keys() == [(False,)]


def taken_of(url: str, case: int) -> list[Any]:
    """The messages that the case's events came from, each once, in order."""
    with closing(connect(url)) as conn:
        rows = conn.execute(
            "SELECT convert_from(state, 'UTF8')::jsonb -> 's' ->> 'msg' FROM stored_events"
            " WHERE originator_id = %s ORDER BY originator_version",
            (f"case:douyin:s1:AS{case}",),
        ).fetchall()
    return list(dict.fromkeys(row[0] for row in rows))


@pytest.mark.parametrize("fault", [Fault.BEFORE_COMMIT, Fault.AFTER_COMMIT])
def test_a_letter_that_is_tried_again_on_a_connection_that_breaks_takes_effect_once(
    fault: Fault, kafka_cluster: Cluster, topics: str, database: Database
) -> None:
    address, url = kafka_cluster.address, database.url
    send(address, topics, [as_record(complain(1, "c1", order=1))])
    with open_intake(url, address, topics) as (intake, _):
        intake.catch_up()
    send(address, topics, [as_record(contact(1, "m1"))])
    with broken_event(database), open_intake(url, address, topics) as (intake, _):
        intake.catch_up()
    with faulty_proxy(url) as proxy, open_intake(proxy.url, address, topics) as (_, store):
        letters = DeadLetters(store.datastore, store.vault)
        proxy.break_next = fault
        if fault is Fault.AFTER_COMMIT:
            with pytest.raises(KafkaError, match="settled already"):
                letters.retry(1, store.pipeline, KAFKA_TOPICS, "li")
        else:
            assert letters.retry(1, store.pipeline, KAFKA_TOPICS, "li").accepted
        assert proxy.faults == 1
        assert letters.get(1).state == "retried"
    assert [id_ for id_ in taken_of(url, 1) if id_[0] == "m"] == ["m1"]
