"""SLA breaches at their due time, noticed or not, and attainment."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from domain.case.values import Party
from domain.kernel import Event
from domain.sla.events import (
    BreachRetracted,
    ClockBreached,
    ClockCancelled,
    ClockName,
    ClockPaused,
    ClockRestarted,
    ClockSatisfied,
)
from infra.engine import replayed
from tests.integration.engine.given import (
    T0,
    Told,
    World,
    clock,
    days,
    filed,
    hours,
    on_case,
)

RESPONSE, PROGRESS = ClockName.FIRST_RESPONSE, ClockName.PROGRESS_UPDATE
RESPONSE_KEY, PROGRESS_KEY = "first_response#1", "progress_update#1"


def breaches(world: World, at: datetime) -> list[tuple[Any, ...]]:
    rows = world.rows(
        "select * from sla_breaches_at(%(at)s) order by breached_at, case_id, state", at=at
    )
    return [(row["breached_at"], row["detected_at"], row["state"]) for row in rows]


def attainment(world: World, at: datetime) -> dict[str, tuple[Any, ...]]:
    rows = world.rows("select * from sla_attainment_at(%(at)s)", at=at)
    return {
        row["clock"]: (
            row["met"],
            row["breached"],
            row["running"],
            row["cancelled"],
            row["attainment"],
        )
        for row in rows
    }


def noticed(due_at: datetime, at: datetime, *, missed: int = 1, recurs: bool = False) -> Told:
    event = ClockBreached(
        key=PROGRESS_KEY if recurs else RESPONSE_KEY,
        due_at=due_at,
        detected_at=at,
        missed=missed,
        next_due_at=due_at + days(missed) if recurs else None,
    )
    return on_case("A", event, due_at)


def case_with(name: ClockName = RESPONSE, *told: tuple[Event, datetime]) -> list[Told]:
    events = [on_case("A", event, at) for event, at in told]
    return [filed("A"), clock("A", name, T0 + days(1)), *events]


def test_a_running_clock_is_breached_at_its_due_time_before_anybody_notices(world: World) -> None:
    world.given(*case_with()).project()
    assert breaches(world, T0 + hours(23.99)) == []
    assert breaches(world, T0 + days(1)) == [(T0 + days(1), None, "open")]
    world.given(noticed(T0 + days(1), T0 + days(2))).project()
    assert breaches(world, T0 + days(3)) == [(T0 + days(1), T0 + days(2), "open")]
    # Asked about a moment before it was noticed, nobody had.
    assert breaches(world, T0 + days(1.5)) == [(T0 + days(1), None, "open")]


def test_a_clock_met_late_stays_breached_and_one_met_in_time_is_none(world: World) -> None:
    late = (ClockSatisfied(key=RESPONSE_KEY), T0 + days(2))
    world.given(*case_with(), noticed(T0 + days(1), T0 + days(2)), on_case("A", *late))
    world.given(
        filed("B"),
        clock("B", RESPONSE, T0 + days(1)),
        on_case("B", ClockSatisfied(key=RESPONSE_KEY), T0 + days(1)),
    ).project()
    (row,) = world.rows("select * from sla_breaches_at(%(at)s)", at=T0 + days(9))
    assert (row["state"], row["late"], row["counts"]) == ("met_late", days(1), True)
    assert attainment(world, T0 + days(9)) == {
        "first_response": (1, 1, 0, 0, Decimal("0.5000")),
    }


def test_each_missed_progress_period_is_one_breach(world: World) -> None:
    world.given(*case_with(PROGRESS)).project()
    assert [row[0] for row in breaches(world, T0 + days(3.5))] == [
        T0 + days(1),
        T0 + days(2),
        T0 + days(3),
    ]
    world.given(noticed(T0 + days(1), T0 + days(2.5), missed=2, recurs=True)).project()
    seen = T0 + days(2.5)
    assert breaches(world, T0 + days(3.5)) == [
        (T0 + days(1), seen, "open"),
        (T0 + days(2), seen, "open"),
        (T0 + days(3), None, "open"),
    ]
    assert attainment(world, T0 + days(3.5)) == {"progress_update": (0, 3, 1, 0, Decimal(0))}


def test_a_message_ends_a_missed_period_and_meets_the_present_one(world: World) -> None:
    restarted = ClockRestarted(key=PROGRESS_KEY, due_at=T0 + days(2.5))
    again = ClockRestarted(key=PROGRESS_KEY, due_at=T0 + days(3))
    world.given(
        *case_with(PROGRESS),
        noticed(T0 + days(1), T0 + days(1.5), recurs=True),
        on_case("A", restarted, T0 + days(1.5)),
        on_case("A", again, T0 + days(2)),
    ).project()
    assert breaches(world, T0 + days(2.1)) == [(T0 + days(1), T0 + days(1.5), "met_late")]
    assert attainment(world, T0 + days(2.1))["progress_update"][:3] == (2, 1, 1)


def test_a_retracted_breach_stays_visible_and_counts_no_more(world: World) -> None:
    world.given(
        *case_with(),
        noticed(T0 + days(1), T0 + days(2)),
        on_case(
            "A",
            BreachRetracted(key=RESPONSE_KEY, due_at=T0 + days(1), confirmed_by=None),
            T0 + hours(20),
        ),
        on_case("A", ClockSatisfied(key=RESPONSE_KEY), T0 + hours(20)),
    ).project()
    (row,) = world.rows("select * from sla_breaches_at(%(at)s)", at=T0 + days(3))
    assert (row["state"], row["counts"]) == ("retracted", False)
    assert (row["breached_at"], row["detected_at"]) == (T0 + days(1), T0 + days(2))
    assert attainment(world, T0 + days(3))["first_response"] == (1, 0, 0, 0, Decimal(1))


def test_a_paused_clock_is_not_breached_and_a_cancelled_one_is_outside_attainment(
    world: World,
) -> None:
    world.given(
        *case_with(RESPONSE, (ClockPaused(key=RESPONSE_KEY), T0 + hours(1))),
        filed("B"),
        clock("B", ClockName.EXECUTION, T0 + days(1), about="o1"),
        on_case("B", ClockCancelled(key="execution:o1#1"), T0 + hours(1)),
    ).project()
    assert breaches(world, T0 + days(9)) == []
    assert attainment(world, T0 + days(9)) == {
        "first_response": (0, 0, 1, 0, None),
        "execution": (0, 0, 0, 1, None),
    }


def test_the_clocks_of_others_are_shown_and_do_not_count(world: World) -> None:
    world.given(
        filed("A"), clock("A", ClockName.APPRAISAL, T0 + days(3), party=Party.SUPPLIER)
    ).project()
    (row,) = world.rows("select * from sla_breaches_at(%(at)s)", at=T0 + days(4))
    assert (row["party"], row["counts"]) == ("supplier", False)
    assert attainment(world, T0 + days(4)) == {}


def test_a_replay_shows_what_had_happened_by_then_in_the_views_own_queries(world: World) -> None:
    world.given(
        *case_with(PROGRESS),
        filed("B", T0 + days(2)),
        noticed(T0 + days(1), T0 + days(3.5), missed=3, recurs=True),
        on_case("A", ClockRestarted(key=PROGRESS_KEY, due_at=T0 + days(4.5)), T0 + days(3.5)),
    ).project()
    at = T0 + days(1.5)
    with replayed(world.url, at) as then:
        found = then.conn.execute("select case_id, overdue_since from live_queue_at(%s)", (at,))
        assert found.fetchall() == [("douyin:s1:A", T0 + days(1))]
        seen = then.conn.execute(
            "select breached_at, detected_at, state from sla_breaches_at(%s)", (at,)
        )
        assert seen.fetchall() == [(T0 + days(1), None, "open")]
    # Nothing of it is left for others.
    assert len(world.queue(T0 + days(4))) == 2


def test_a_replay_to_now_equals_the_live_views(world: World) -> None:
    for number in range(30):
        name = f"C{number}"
        world.given(
            filed(name, T0 + hours(number)),
            clock(name, RESPONSE, T0 + hours(24 + number), T0 + hours(number)),
            clock(name, PROGRESS, T0 + hours(24 + number), T0 + hours(number)),
        )
    world.project()
    at = T0 + days(1.7)
    live = (
        world.queue(at),
        world.rows("select * from sla_breaches_at(%(at)s) order by 1, 6, 10", at=at),
    )
    with replayed(world.url, T0 + days(400)) as then:
        queue = then.conn.execute(
            "select * from live_queue_at(%s) order by place", (at,)
        ).fetchall()
        late = then.conn.execute(
            "select * from sla_breaches_at(%s) order by 1, 6, 10", (at,)
        ).fetchall()
    assert [tuple(row.values()) for row in live[0]] == queue
    assert [tuple(row.values()) for row in live[1]] == late
