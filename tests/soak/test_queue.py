"""The queue's order at random moments is a plain sort's, after long histories and under load."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from domain.case import events as ev
from domain.case.values import Level, Priority, ProblemType
from domain.policy import ProcedureDocument
from domain.sla.events import ClockName
from infra.engine import Engine
from infra.postgres import connect
from tests.databases import fresh_database
from tests.integration.engine.given import World, clock, filed, on_case, open_world
from tests.integration.engine.test_queue import RESPONSE, closed, publish
from tests.integration.engine.test_queue_page import PLAIN, any_history, check_pages
from tests.support.workers import running

HISTORIES = 100
LOOKS = 150
PROBLEMS = [ProblemType.DELAYED, ProblemType.LOST, ProblemType.DAMAGED]
SHOPS = ["s1", "s2", "s3"]


@pytest.fixture
def world(database_url: str) -> Generator[World]:
    with open_world(database_url) as opened:
        yield opened.project()


@pytest.fixture(scope="module")
def shared_world(request: pytest.FixtureRequest) -> Generator[World]:
    server = request.getfixturevalue("postgres_server")
    with fresh_database(server) as made, open_world(made.url) as opened:
        yield opened.project()


@settings(
    max_examples=HISTORIES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@any_history
def test_pages_are_a_sort_of_all_after_any_history(shared_world: World, **history: Any) -> None:
    check_pages(shared_world, **history)


def test_pages_are_a_sort_of_all_while_cases_and_rules_come_and_the_engine_ranks(
    world: World,
) -> None:
    chance = Random()
    lengths: set[int] = set()
    whole: list[str] = []
    with running(Engine(world.url, poll=0.1)), load(world, Random(chance.random())):
        for _ in range(LOOKS):
            at = datetime.now(UTC) + timedelta(seconds=chance.choice([-3600, -5, 0, 0, 5, 3600]))
            most = chance.choice([1, 20, 100])
            shown, whole = look(world, at, most)
            assert shown == whole[:most]
            lengths.add(len(whole))
    assert len(lengths) > 5, "nothing happened meanwhile"
    world.project()
    shown, whole = look(world, datetime.now(UTC), len(whole) + 1_000)
    assert shown == whole


def look(world: World, at: datetime, most: int) -> tuple[list[str], list[str]]:
    """The page and the sort, as of one moment of the database and of the queue."""
    with closing(connect(world.url)) as conn:
        conn.execute("set transaction isolation level repeatable read")
        asked = {"at": at, "most": most}
        page = "select case_id from queue_page_at(%(at)s, %(most)s)"
        return [row[0] for row in conn.execute(page, asked)], [
            row[0] for row in conn.execute(PLAIN.encode(), asked)
        ]


@contextlib.contextmanager
def load(world: World, chance: Random) -> Generator[None]:
    """Cases are filed, due within seconds or hours, raised and closed, and rules change."""
    stop = threading.Event()
    writer = threading.Thread(target=write, args=(world, chance, stop))
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join()


def write(world: World, chance: Random, stop: threading.Event) -> None:
    number = 0
    while not stop.wait(0.02):
        number += 1
        now, name, shop = datetime.now(UTC), f"C{number}", chance.choice(SHOPS)
        due = now + timedelta(seconds=chance.choice([-7200, 1, 3, 10, 60, 3600, 36000]))
        world.given(
            filed(
                name,
                now - timedelta(minutes=chance.randrange(3)),
                shop=shop,
                problems=chance.sample(PROBLEMS, chance.randint(1, 2)),
                severity=chance.choice(list(Level)),
            ),
            clock(name, RESPONSE, due, now, shop=shop),
            clock(name, ClockName.PROGRESS_UPDATE, due + timedelta(hours=1), now, shop=shop),
        )
        other = f"C{chance.randint(1, number)}"
        if chance.random() < 0.2:
            raised = ev.PriorityRaised(priority=Priority.URGENT, as_remedy=False)
            world.given(on_case(name, raised, now, shop=shop))
        if chance.random() < 0.2 and f"case:douyin:s1:{other}" in world.versions:
            world.given(closed(other, now))
        if chance.random() < 0.05:
            minutes = {problem: chance.choice([5, 45, 600]) for problem in PROBLEMS}
            rules = ProcedureDocument(handling_minutes=minutes)
            starts = now + timedelta(seconds=chance.choice([-60, 2]))
            publish(world, f"douyin:{shop}", rules, starts)
