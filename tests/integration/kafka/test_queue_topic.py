"""The topic of the live queue: whoever keeps its last records has the open cases."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from kafka import errors  # type: ignore[import-untyped]

from domain.case import events as ev
from domain.case.values import Party
from domain.sla.events import ClockName
from infra.engine import Engine, rebuild
from infra.kafka import Cluster, KafkaError
from infra.kafka.client import abandon, make_producer
from infra.kafka.contracts import Outgoing
from infra.kafka.publisher import Publisher, publisher_status, republish
from infra.kafka.publisher.records import left
from infra.kafka.publisher.sending import Sender, open_sender
from infra.postgres import connect
from projections import PROJECTIONS, Projection, queue
from tests.integration.engine.given import T0, Told, World, clock, filed, hours, on_case, open_world
from tests.integration.engine.test_quarantine import refusing, retry, skip, with_queue
from tests.integration.kafka.test_publisher import (
    collected,
    deal,
    forgets_sockets,
    publish,
    submit,
    topics,
)
from tests.integration.kafka.test_publisher_kill import is_stopped, waits_for_lead
from tests.support.cases import accept, complain, propose
from tests.support.published import Published, child, eventually, positions, read_published
from tests.support.queue_topic import check_queue_topic, open_cases, table_of
from tests.support.store import place_order
from tests.support.workers import running

__all__ = ["collected", "topics"]

LEFT = "casetrail.queue_left.v1"
SESSION_SECONDS = 2.0


@pytest.fixture
def world(database_url: str) -> Generator[World]:
    with open_world(database_url) as made:
        yield made


def complaints(first: int, count: int) -> list[Told]:
    return [
        told
        for number in range(first, first + count)
        for told in (
            filed(f"C{number}", T0 + hours(number), order=f"O{number}", category="shoes"),
            clock(f"C{number}", ClockName.FIRST_RESPONSE, T0 + hours(number + 24)),
            clock(f"C{number}", ClockName.PROGRESS_UPDATE, T0 + hours(number + 24)),
        )
    ]


def ended(number: int) -> Told:
    return on_case(f"C{number}", ev.CaseWithdrawn(by=Party.BUYER))


def reopened(number: int) -> Told:
    return on_case(f"C{number}", ev.CaseReopened(reason="again"))


def noted(number: int) -> Told:
    return on_case(f"C{number}", ev.NoteAdded())


# ------------------------------------------------------------------------- entries


def test_whoever_keeps_the_last_record_of_each_case_has_the_open_cases(
    kafka_cluster: Cluster, topics: str, world: World
) -> None:
    steps = (
        complaints(0, 60),
        [ended(number) for number in range(0, 60, 3)],
        [*(reopened(number) for number in range(0, 60, 6)), *complaints(60, 5)],
        [noted(number) for number in range(65)],
    )
    records: list[Published] = []
    for told in steps:
        world.given(*told).project()
        publish(kafka_cluster, topics, world.url)
        records = check_queue_topic(kafka_cluster, topics, world.url)
    assert {record.type for record in records} == {LEFT, "casetrail.queue_entry.v1"}
    assert len({record.partition for record in records}) > 1


def test_entries_say_what_agreements_payments_and_claims_have_come_to(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    agreed = [complain(9, "c9", order=9), propose(9, "p1", "5.00", "m1"), accept(9, "p1", "m2")]
    submit(database_url, [*deal(1, 400), place_order(9), *agreed])
    Engine(database_url).catch_up()
    publish(kafka_cluster, topics, database_url)
    check_queue_topic(kafka_cluster, topics, database_url)
    seen = open_cases(database_url).values()
    assert any(entry["refunded"] for entry in seen)
    assert any(entry["owed"] for entry in seen)
    assert any(entry["due_times"] for entry in seen)


def test_of_a_case_that_changed_often_only_the_newest_is_told(
    kafka_cluster: Cluster, topics: str, world: World
) -> None:
    world.given(*complaints(0, 4), *(noted(number % 4) for number in range(200)), ended(3))
    world.project()
    publisher = publish(kafka_cluster, topics, world.url)  # in pages of 50 events
    records = check_queue_topic(kafka_cluster, topics, world.url)
    assert len(records) == 4
    assert publisher.sent == 4 + len(read_published(kafka_cluster.address, topics, "case-events"))
    assert publish(kafka_cluster, topics, world.url).sent == 0


def test_nobody_of_the_staff_is_named(kafka_cluster: Cluster, topics: str, world: World) -> None:
    world.given(
        *complaints(0, 1),
        on_case("C0", ev.CaseAssigned(assignee="ann-lee")),
        on_case("C0", ev.CaseClaimed(agent="ann-lee", token=1, until=T0 + hours(1), policy=())),
    )
    world.project()
    publish(kafka_cluster, topics, world.url)
    (entry,) = check_queue_topic(kafka_cluster, topics, world.url)
    assert entry.value["assigned"]
    assert entry.value["held_until"]
    assert b"ann-lee" not in entry.raw


# ------------------------------------------------------------- following the read model


def test_what_the_read_model_has_not_reached_is_not_told(
    kafka_cluster: Cluster, topics: str, world: World
) -> None:
    world.given(*complaints(0, 5))
    publish(kafka_cluster, topics, world.url)  # no engine ever ran
    assert read_published(kafka_cluster.address, topics, "queue") == []
    world.project()
    publish(kafka_cluster, topics, world.url)
    world.given(*complaints(5, 5), ended(0))
    publish(kafka_cluster, topics, world.url)
    assert len(check_queue_topic(kafka_cluster, topics, world.url)) == 5
    world.project()
    publish(kafka_cluster, topics, world.url)
    assert len(check_queue_topic(kafka_cluster, topics, world.url)) == 11


def test_a_running_publisher_does_not_wait_for_the_next_look_once_the_read_model_has_followed(
    kafka_cluster: Cluster, topics: str, world: World
) -> None:
    world.given(*complaints(0, 1)).project()
    publisher = Publisher(world.url, kafka_cluster.address, topics, poll=300)
    with running(publisher):
        eventually(lambda: positions(world.url)["queue"] == world.log.head())
        world.given(*complaints(1, 3))
        eventually(lambda: positions(world.url)["case-events"] == world.log.head())
        world.project()
        eventually(lambda: positions(world.url)["queue"] == world.log.head())
    check_queue_topic(kafka_cluster, topics, world.url)


def test_the_status_says_how_many_events_the_topic_is_behind_the_read_model(
    kafka_cluster: Cluster, topics: str, world: World
) -> None:
    world.given(*complaints(0, 5))
    assert waiting(world) == (0, None)
    world.project()
    count, seconds = waiting(world)
    assert count == 15
    assert seconds is not None
    publish(kafka_cluster, topics, world.url)
    assert waiting(world) == (0, None)


def waiting(world: World) -> tuple[int, float | None]:
    with closing(connect(world.url, autocommit=True)) as conn:
        found = {one.name: one for one in publisher_status(conn).publications}["queue"]
    return found.waiting, found.oldest_seconds


def test_after_a_rebuild_by_a_better_program_all_is_told_as_it_is_now(
    kafka_cluster: Cluster, topics: str, world: World
) -> None:
    world.given(*complaints(0, 20), ended(0))
    world.project(with_queue(mistaken()))
    publish(kafka_cluster, topics, world.url)
    before = check_queue_topic(kafka_cluster, topics, world.url)
    rebuild(world.url, queue.PROJECTION)
    publish(kafka_cluster, topics, world.url)
    after = check_queue_topic(kafka_cluster, topics, world.url)
    assert table_of(before) != table_of(after)
    assert publish(kafka_cluster, topics, world.url).sent == 0
    world.given(*complaints(20, 1)).project()
    publish(kafka_cluster, topics, world.url)
    assert len(check_queue_topic(kafka_cluster, topics, world.url)) == len(after) + 1


def mistaken() -> Projection:
    """The queue, with every round one too many."""

    def rows(state: Any, look: Any) -> list[object]:
        found: list[Any] = list(queue.PROJECTION.rows(state, look))
        return [replace(row, round=row.round + 1) for row in found]

    return replace(queue.PROJECTION, rows=rows)


def test_the_next_version_of_the_read_model_is_told_once_readers_see_it(
    kafka_cluster: Cluster, topics: str, world: World
) -> None:
    world.given(*complaints(0, 20))
    before = replace(queue.PROJECTION, version=queue.VERSION - 1, rows=mistaken().rows)
    world.project(with_queue(before))
    publish(kafka_cluster, topics, world.url)
    assert read_published(kafka_cluster.address, topics, "queue") == []  # an older program's rows
    world.project()
    publish(kafka_cluster, topics, world.url)
    assert len(check_queue_topic(kafka_cluster, topics, world.url)) == 20


def test_what_was_parked_is_told_when_it_has_been_folded_on(
    kafka_cluster: Cluster, topics: str, world: World
) -> None:
    world.given(*complaints(0, 3)).project()
    publish(kafka_cluster, topics, world.url)
    first = len(check_queue_topic(kafka_cluster, topics, world.url))
    world.given(noted(0), noted(1)).project(refusing("C1"))
    publish(kafka_cluster, topics, world.url)
    # The parked one stands as it stood.
    parked = check_queue_topic(kafka_cluster, topics, world.url)
    assert not retry(world, "queue")
    publish(kafka_cluster, topics, world.url)
    records = check_queue_topic(kafka_cluster, topics, world.url)
    assert first < len(parked) < len(records)
    assert records[-1].key.endswith("C1") or len(records) == len(parked) + 1


def test_what_was_parked_is_told_when_the_event_is_skipped(
    kafka_cluster: Cluster, topics: str, world: World
) -> None:
    world.given(*complaints(0, 2)).project()
    position = world.given(noted(0)).log.head()
    world.given(noted(1), ended(0)).project(refusing("C0"))
    publish(kafka_cluster, topics, world.url)
    assert "douyin:s1:C0" in table_of(check_queue_topic(kafka_cluster, topics, world.url))
    assert not skip(world, "queue", position)
    publish(kafka_cluster, topics, world.url)
    assert "douyin:s1:C0" not in table_of(check_queue_topic(kafka_cluster, topics, world.url))


def test_told_again_by_hand_each_record_is_the_same(
    kafka_cluster: Cluster, topics: str, world: World
) -> None:
    world.given(*complaints(0, 10), ended(0)).project()
    publish(kafka_cluster, topics, world.url)
    first = check_queue_topic(kafka_cluster, topics, world.url)
    with closing(connect(world.url, autocommit=True)) as conn:
        with pytest.raises(KafkaError):
            republish(conn, "queue", world.log.head() + 2)
        republish(conn, "queue", 1)
    publish(kafka_cluster, topics, world.url)
    again = check_queue_topic(kafka_cluster, topics, world.url)
    assert sorted(record.raw for record in again) == sorted(2 * [one.raw for one in first])


# ------------------------------------------------------------------------- the fence


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
