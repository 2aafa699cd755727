"""Workers that join and leave under load, and what stops them with an alarm."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial

import psycopg
import pytest

from consumers.kafka_topics import KAFKA_TOPICS
from infra.kafka import Admin, Cluster
from infra.kafka.intake import Intake, IntakeAlarm
from infra.kafka.intake_wiring import read_on_from
from infra.wiring import Store
from tests.integration.kafka.test_intake import other_url, topics
from tests.integration.kafka.test_intake_kill import SESSION_MS, check_as_unbroken, is_caught_up
from tests.support.kafka import as_record, create_topics, open_intake, send
from tests.support.store import place_order
from tests.support.taken import (
    check_all_taken,
    check_taken,
    eventually,
    load,
    offsets_of,
    read_topics,
)
from tests.support.workers import running

__all__ = ["other_url", "topics"]

# kafka-python leaves a socket open when it is closed while it asks for metadata.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

ALL = 48
"""Partitions of all the topics that are read."""


def share(workers: list[Intake]) -> bool:
    """Each partition has exactly one of them, and each of them has as many."""
    each = [worker.places() for worker in workers]
    return len(set[tuple[str, int]]().union(*each)) == ALL and all(
        len(one) == ALL // len(each) for one in each
    )


def have_passed(url: str, ends: dict[tuple[str, int], int]) -> bool:
    """Whether each partition was read that far."""
    offsets = offsets_of(url)
    return all(offsets.get(place, 0) >= end for place, end in ends.items())


def join_and_leave(cluster: Cluster, prefix: str, url: str, sizes: list[int]) -> None:
    """So many workers, one time after the other, under load."""
    address = cluster.address
    with load(address, prefix) as sent, ExitStack() as everybody:
        workers: list[tuple[Intake, ExitStack]] = []
        for size in sizes:
            while len(workers) < size:
                stack = everybody.enter_context(ExitStack())
                name = f"worker-{len(workers)}"
                worker, _ = stack.enter_context(
                    open_intake(url, address, prefix, member=name, session_ms=SESSION_MS)
                )
                stack.enter_context(running(worker))
                workers.append((worker, stack))
            while len(workers) > size:
                workers.pop()[1].close()
            eventually(lambda: share([worker for worker, _ in workers]))
            sent.goes_on()
            names = [f"{prefix}.{topic.name}" for topic in KAFKA_TOPICS]
            records = read_topics(address, names)
            ends = {(record.topic, record.partition): record.offset + 1 for record in records}
            eventually(partial(have_passed, url, ends))
            check_taken(address, prefix, url)
        sent.stop.set()
        eventually(lambda: is_caught_up(cluster, prefix, url))
    check_all_taken(address, prefix, url, sent.acknowledged)


def test_two_then_four_workers_join_and_leave_and_own_all_partitions_each_key_in_order(
    kafka_cluster: Cluster, topics: str, database_url: str, other_url: str
) -> None:
    join_and_leave(kafka_cluster, topics, database_url, [2, 4, 1])
    check_as_unbroken(kafka_cluster, topics, database_url, other_url)


def test_one_whose_partitions_another_reads_though_the_group_did_not_tell_it_joins_anew(
    kafka_cluster: Cluster, topics: str, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    moved: list[str] = []

    def step(name: str) -> None:
        if name == "read" and len(moved) < 2:
            moved.append(name)
            with psycopg.connect(database_url) as conn:
                conn.execute(
                    "UPDATE kafka_offsets SET position = position + 1"
                    " WHERE topic LIKE '%.shipments' AND partition = 0"
                )

    address = kafka_cluster.address
    send(address, topics, [replace(as_record(place_order(1)), partition=0)] * 5)
    with (
        open_intake(database_url, address, topics, step=step) as (intake, _),
        running(intake),
    ):
        eventually(lambda: intake.records == 3)
        assert len(moved) == 2
    assert "joining the group anew" in caplog.text


# ------------------------------------------------------------------------------ alarms


def read_place(url: str) -> tuple[str, int]:
    """The one partition of which something was read."""
    (place,) = [place for place, at in offsets_of(url).items() if at]
    return place


def test_an_epoch_that_the_partition_never_had_stops_it_with_an_alarm_that_says_what_to_do(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    address = kafka_cluster.address
    send(address, topics, [as_record(place_order(1))] * 2)
    with open_intake(database_url, address, topics) as (intake, _):
        intake.catch_up()
    topic, partition = read_place(database_url)
    with psycopg.connect(database_url) as conn:
        # As if a leader had been there whose records are lost.
        conn.execute("UPDATE kafka_offsets SET leader_epoch = 100 WHERE position > 0")
    send(address, topics, [as_record(place_order(2))])
    with (
        open_intake(database_url, address, topics) as (intake, _),
        pytest.raises(IntakeAlarm, match=r"gone.*casetrail kafka read-from"),
    ):
        intake.catch_up()
    assert offsets_of(database_url)[topic, partition] == 2
    with open_intake(database_url, address, topics) as (intake, store):
        whole = Store(store.log, store.pipeline, store.vault)
        assert list(read_on_from(address, whole, topic, "earliest", partition)) == [(partition, 0)]
        intake.catch_up()
        assert store.log.head() == 2


def test_an_offset_beyond_the_end_of_what_is_there_stops_it_with_an_alarm(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    address = kafka_cluster.address
    send(address, topics, [as_record(place_order(1))] * 2)
    with open_intake(database_url, address, topics) as (intake, _):
        intake.catch_up()
    with psycopg.connect(database_url) as conn:
        # As if the records after it had been lost with the broker that had them.
        conn.execute("UPDATE kafka_offsets SET position = 7 WHERE position > 0")
    with (
        open_intake(database_url, address, topics) as (intake, _),
        running_until_alarm(intake) as alarms,
    ):
        eventually(lambda: bool(alarms))
    assert "gone" in str(alarms[0])
    assert "casetrail kafka read-from" in str(alarms[0])
    assert set(offsets_of(database_url).values()) == {0, 7}


def test_a_topic_made_anew_under_a_running_reader_stops_it_with_an_alarm(
    kafka_cluster: Cluster, topics: str, database_url: str, admin: Admin
) -> None:
    address = kafka_cluster.address
    with (
        open_intake(database_url, address, topics) as (intake, store),
        running_until_alarm(intake) as alarms,
    ):
        send(address, topics, [as_record(place_order(1))])
        eventually(lambda: intake.records == 1)
        admin.delete_topics([f"{topics}.shipments"])
        eventually(lambda: f"{topics}.shipments" not in names(admin))
        create_topics(admin, topics)
        # More than there were, so that the old offset lies in the middle.
        send(address, topics, [as_record(place_order(2))] * 3)
        eventually(lambda: bool(alarms))
        assert "made anew" in str(alarms[0])
        assert "casetrail kafka read-from" in str(alarms[0])
        assert (intake.records, store.log.head()) == (1, 1)


@contextmanager
def running_until_alarm(intake: Intake) -> Generator[list[IntakeAlarm]]:
    """The intake in a thread; the alarm that ended it."""
    alarms: list[IntakeAlarm] = []
    stop = threading.Event()

    def run() -> None:
        try:
            intake.run(stop)
        except IntakeAlarm as e:
            alarms.append(e)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield alarms
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


def names(admin: Admin) -> set[str]:
    return {str(topic["name"]) for topic in admin.describe_topics()}
