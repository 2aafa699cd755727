"""The topic of the live queue: whoever keeps its last records has the open cases."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from domain.case import events as ev
from domain.case.values import Level, Party, PlatformDeadline, Priority, ProblemType
from domain.sla.events import ClockName
from infra.engine import Engine, rebuild
from infra.kafka import Cluster, KafkaError
from infra.kafka.publisher import Publisher, publisher_status, republish
from infra.postgres import connect
from projections import Projection, queue
from tests.integration.engine.given import T0, Told, World, clock, filed, hours, on_case, open_world
from tests.integration.engine.test_quarantine import refusing, retry, skip, with_queue
from tests.integration.kafka.test_publisher import (
    collected,
    deal,
    publish,
    submit,
    topics,
)
from tests.support.cases import accept, complain, propose
from tests.support.published import Published, eventually, positions, read_published
from tests.support.queue_topic import check_queue_topic, open_cases, table_of
from tests.support.store import place_order
from tests.support.workers import running

__all__ = ["collected", "topics"]

LEFT = "casetrail.queue_left.v1"


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


def test_the_order_of_the_live_queue_follows_from_the_entries_as_the_page_for_services_says(
    kafka_cluster: Cluster, topics: str, world: World
) -> None:
    random = Random(5)
    for number in range(120):
        name = f"C{number}"
        world.given(
            filed(
                name,
                T0 - hours(random.randrange(3)),
                severity=random.choice(list(Level)),
                safety=not random.randrange(12),
                problems=random.sample([*ProblemType], 2),
                category=random.choice([None, "shoes"]),
            ),
            *(
                clock(name, one, T0 + hours(random.randrange(-60, 60)), minutes=24 * 60)
                for one in random.sample([*ClockName], random.randrange(3))
            ),
        )
        if not random.randrange(8):
            deadline = PlatformDeadline(
                clock=ClockName.EXECUTION, due_at=T0 + hours(random.randrange(72))
            )
            world.given(on_case(name, ev.PlatformDeadlineSet(deadline=deadline)))
    world.project()
    publish(kafka_cluster, topics, world.url)
    table = table_of(check_queue_topic(kafka_cluster, topics, world.url))
    figures = {
        category: world.rows(
            "select * from procedure_at('douyin', 's1', %(category)s, %(at)s)",
            category=category,
            at=T0,
        )[0]
        for category in (None, "shoes")
    }
    placed = sorted(table.values(), key=lambda entry: place(entry, figures[entry["category"]], T0))
    assert [entry["case_id"] for entry in placed] == world.order_of_queue(T0)


def place(entry: dict[str, Any], figures: dict[str, Any], at: datetime) -> tuple[Any, ...]:
    """What an entry is sorted by; see docs/ops-services.md."""
    deadline = entry["platform_due_at"]
    problems = set(entry["problems"])
    first = (
        entry["payout"] is not None
        or entry["safety"]
        or problems & {*figures["safety_types"]}
        or (deadline is not None and deadline <= at + timedelta(hours=figures["deadline_hours"]))
    )
    to_come: list[datetime] = []
    past: list[datetime] = []
    for due in entry["due_times"]:
        if due["party"] != "shop":
            continue
        moment, every = due["due_at"], timedelta(minutes=due["every_minutes"])
        if moment <= at:
            past.append(moment)
            moment += every * ((at - moment) // every + 1) if every else timedelta()
        if moment > at:
            to_come.append(moment)
    minutes = max(figures["handling_minutes"].get(problem, 0) for problem in problems)
    if to_come:
        standing: tuple[Any, ...] = (0, min(to_come) - timedelta(minutes=minutes))
    else:
        standing = (1, min(past)) if past else (2,)
    levels, priorities = [*Level], [*Priority]
    return (
        not first,
        *standing,
        -levels.index(entry["severity"]),
        -priorities.index(entry["priority"]),
        entry["filed_at"],
        entry["case_id"],
    )


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
