"""What a request is answered: first time, again, with other content, in a batch."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from datetime import timedelta, timezone
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from psycopg import Cursor

from domain import decider
from domain.kernel import Command, Context, Emit, Event, Stamp, State
from domain.order import Order
from domain.world import World
from infra.pipeline import Answer
from infra.pipeline.batch import Decider
from tests.support.store import (
    AGENT,
    LONG_AGO,
    Store,
    open_store,
    place_order,
    publish_window,
    register_product,
    register_supplier,
    set_budget,
    ship_order,
)


@pytest.fixture
def store(database_url: str) -> Generator[Store]:
    with open_store(database_url) as opened:
        yield opened


def codes(answers: Sequence[Answer]) -> list[str]:
    return [answer.code for answer in answers]


def remembered(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as conn:
        return conn.execute(
            "SELECT number, message_id, accepted, position, code FROM answers ORDER BY number"
        ).fetchall()


class Domain:
    """The real domain with some of its functions replaced."""

    def __init__(self, **replaced: Any) -> None:
        self._functions = SimpleNamespace(
            decide=decider.decide, evolve=decider.evolve, initial=decider.initial
        )
        self._functions.__dict__.update(replaced)

    def decide(self, command: Command, world: World, context: Context) -> list[Emit]:
        emits: list[Emit] = self._functions.decide(command, world, context)
        return emits

    def evolve(self, state: State, event: Event, stamp: Stamp) -> State:
        after: State = self._functions.evolve(state, event, stamp)
        return after

    def initial(self, stream: str) -> State:
        first: State = self._functions.initial(stream)
        return first


def test_an_accepted_command_is_answered_with_the_position_of_its_last_event(
    store: Store,
) -> None:
    first, second = store.pipeline.submit([set_budget("100", "m1"), set_budget("200", "m2")])
    assert first == Answer("test", "m1", True, 1, "", "", "", False, None)
    assert second.position == 2
    recorded = store.log.tail(0, 10)
    assert [(r.stream, r.stamp.version) for r in recorded] == [
        ("budget:douyin:s1:2026-01-05", 1),
        ("budget:douyin:s1:2026-01-05", 2),
    ]


def test_every_event_says_who_when_why_and_by_which_message(store: Store) -> None:
    request = replace(
        set_budget("100", "m1"), correlation_id="talk", causation_id="click", origin="cli:1"
    )
    store.pipeline.submit([request])
    (recorded,) = store.log.tail(0, 1)
    said = recorded.envelope
    assert (said.source, said.message_id, said.origin) == ("test", "m1", "cli:1")
    assert (said.correlation_id, said.causation_id) == ("talk", "click")
    assert said.actor == request.actor
    assert said.occurred_at == said.decided_at <= recorded.recorded_at


def test_a_repeat_gets_the_first_answer_and_changes_nothing(
    store: Store, database_url: str
) -> None:
    refused, accepted = set_budget("1", "no", by=AGENT), set_budget("100", "yes")
    first = store.pipeline.submit([refused, accepted])
    with open_store(database_url) as elsewhere:
        for pipeline in (store.pipeline, elsewhere.pipeline):
            again = pipeline.submit([accepted, refused])
            assert again == [replace(first[1], repeat=True), replace(first[0], repeat=True)]
    assert store.log.head() == 1
    assert remembered(database_url) == [
        (1, "no", False, None, "role_not_allowed"),
        (2, "yes", True, 1, ""),
    ]


def test_the_same_id_with_other_content_is_refused_and_changes_nothing(
    store: Store, database_url: str
) -> None:
    store.pipeline.submit([set_budget("100", "m1")])
    (answer,) = store.pipeline.submit([set_budget("200", "m1")])
    assert (answer.accepted, answer.code, answer.repeat) == (False, "message_id_reused", False)
    (answer,) = store.pipeline.submit([set_budget("100", "m1", by=AGENT)])
    assert answer.code == "message_id_reused", "another person is another content"
    (answer,) = store.pipeline.submit([set_budget("200", "m1", source="other")])
    assert answer.accepted, "another source has its own ids"
    assert store.log.head() == 2
    assert len(remembered(database_url)) == 2


def test_the_same_moment_written_in_another_zone_is_the_same_content(store: Store) -> None:
    request = replace(set_budget("100", "m1"), occurred_at=LONG_AGO)
    store.pipeline.submit([request])
    shanghai = LONG_AGO.astimezone(timezone(timedelta(hours=8)))
    (answer,) = store.pipeline.submit([replace(request, occurred_at=shanghai)])
    assert (answer.accepted, answer.repeat) == (True, True)


def test_repeats_and_reused_ids_within_one_batch_are_told_apart(store: Store) -> None:
    answers = store.pipeline.submit(
        [set_budget("100", "m1"), set_budget("100", "m1"), set_budget("200", "m1")]
    )
    assert [(a.accepted, a.repeat, a.position) for a in answers] == [
        (True, False, 1),
        (True, True, 1),
        (False, False, None),
    ]
    assert codes(answers) == ["", "", "message_id_reused"]


def test_a_bulk_fact_needs_no_row_to_be_recognised_again(store: Store, database_url: str) -> None:
    first = store.pipeline.submit([place_order(1), ship_order(1), place_order(1)])
    again = store.pipeline.submit([ship_order(1), place_order(1)])
    assert [a.position for a in first] == [1, 2, None]
    assert [(a.accepted, a.position) for a in again] == [(True, None), (True, None)]
    assert remembered(database_url) == []
    assert store.log.head() == 2


def test_a_later_request_of_a_batch_sees_what_an_earlier_one_did(store: Store) -> None:
    (answer,) = store.pipeline.submit([set_budget("100", "m1")])
    answers = store.pipeline.submit([set_budget("200", "m2"), set_budget("100", "m3")])
    assert [a.position for a in answers] == [2, 3], "m3 changes the limit back"
    (answer,) = store.pipeline.submit([set_budget("100", "m4")])
    assert answer.position is None, "and m4 finds it so"


def test_a_batch_repeated_whole_changes_nothing(store: Store) -> None:
    batch = [
        set_budget("100", "m1"),
        register_supplier("S1", "m2"),
        register_product("P1", "m3", by=AGENT),
        publish_window(10, "m4"),
        place_order(1),
        ship_order(1),
    ]
    first = store.pipeline.submit(batch)
    head = store.log.head()
    again = store.pipeline.submit(batch)
    assert store.log.head() == head
    assert [(a.accepted, a.code) for a in again] == [(a.accepted, a.code) for a in first]


def test_a_long_call_is_several_transactions_in_order(store: Store) -> None:
    requests = [set_budget(str(n + 1), f"m{n}") for n in range(1201)]
    answers = store.pipeline.submit(requests)
    assert [a.position for a in answers] == list(range(1, 1202))
    times = {r.recorded_at for r in store.log.tail(0, 2000)}
    assert len(times) == 3


def test_nothing_is_remembered_of_a_stream_that_cannot_be_folded_and_the_others_go_on(
    store: Store, database_url: str
) -> None:
    store.pipeline.submit([place_order(1), place_order(2), set_budget("100", "m1")])

    def evolve(state: State, event: Event, stamp: Stamp) -> State:
        if isinstance(state, Order) and state.order_id.endswith("O1"):
            raise KeyError("lines")
        return decider.evolve(state, event, stamp)

    broken: Decider = Domain(evolve=evolve)
    with open_store(database_url, domain=broken) as elsewhere:
        answers = elsewhere.pipeline.submit([ship_order(1), ship_order(2), set_budget("5", "m2")])
    assert codes(answers) == ["quarantined", "", ""]
    assert "order:douyin:s1:O1 cannot be folded" in answers[0].message
    (answer,) = store.pipeline.submit([ship_order(1)])
    assert answer.accepted, "once the program is mended, the request may come again"


def test_a_fault_in_one_decision_does_not_stop_the_others(
    store: Store, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    def decide(command: Command, world: World, context: Context) -> list[Emit]:
        if context.request_id == "bad":
            raise ZeroDivisionError
        return decider.decide(command, world, context)

    with open_store(database_url, domain=Domain(decide=decide)) as faulty:
        answers = faulty.pipeline.submit([set_budget("1", "bad"), set_budget("2", "good")])
    assert codes(answers) == ["quarantined", ""]
    assert "bad cannot be decided" in caplog.text
    (answer,) = store.pipeline.submit([set_budget("1", "bad")])
    assert answer.accepted


def test_what_the_database_cannot_store_fails_alone(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    requests = [set_budget(str(n), f"m{n}") for n in range(1, 8)]
    requests[3] = replace(requests[3], message_id="m\0")
    answers = store.pipeline.submit(requests)
    assert codes(answers) == ["", "", "", "quarantined", "", "", ""]
    assert store.log.head() == 6


def test_further_statements_commit_with_the_last_of_the_requests_or_not_at_all(
    store: Store, database_url: str
) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("CREATE TABLE read_so_far (upto bigint CHECK (upto < 10))")

    def note(upto: int) -> Any:
        def add(cursor: Cursor[Any], _: object) -> None:
            cursor.execute("INSERT INTO read_so_far VALUES (%s)", (upto,))

        return add

    store.pipeline.submit([set_budget("1", "m1")], also=note(5))
    store.pipeline.submit([], also=note(6))
    with pytest.raises(psycopg.errors.CheckViolation):
        store.pipeline.submit([set_budget("2", "m2")], also=note(10))
    assert store.log.head() == 1
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT upto FROM read_so_far").fetchall() == [(5,), (6,)]


def test_a_tiny_cache_changes_no_answer(database_url: str) -> None:
    with open_store(database_url, cache_bytes=0) as store:
        answers = store.pipeline.submit([place_order(n) for n in range(50)])
        assert all(a.position for a in answers)
        again = store.pipeline.submit([place_order(n) for n in range(50)])
        assert not any(a.position for a in again)
