"""Views as of a past moment, where an event cannot be projected."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.sla.events import ClockName
from infra.engine import Replayed, replayed
from projections import queue
from tests.integration.engine.given import T0, World, case_id, clock, filed, hours
from tests.integration.engine.test_quarantine import skip


def test_a_replay_takes_a_broken_case_up_to_its_broken_event_and_says_which(world: World) -> None:
    world.given(filed("A"), filed("B"), clock("B", ClockName.FIRST_RESPONSE, T0))
    world.spoil(f"case:{case_id('A')}")
    world.given(clock("A", ClockName.FIRST_RESPONSE, T0)).project()
    now = datetime.now(UTC)
    with replayed(world.url, now) as then:
        assert then.cut == {f"case:{case_id('A')}"}
        assert as_of(then, now) == (live_now(world, now), ["B"])
        assert live_now(world, now) == ["B", "A"]


def test_a_replay_leaves_out_the_events_that_its_read_model_skips(world: World) -> None:
    world.given(filed("A"), filed("B"), clock("B", ClockName.FIRST_RESPONSE, T0 + hours(1)))
    bad = world.spoil(f"case:{case_id('A')}")
    world.given(clock("A", ClockName.FIRST_RESPONSE, T0)).project()
    skip(world, "queue", bad)
    now = datetime.now(UTC)
    with replayed(world.url, now) as then:
        assert as_of(then, now) == (["A", "B"], ["B"])
        assert then.cut == {f"case:{case_id('A')}"}, "the breaches still lack its clock"
    skip(world, "sla_clocks", bad)
    with replayed(world.url, now) as then:
        assert as_of(then, now) == (["A", "B"], ["A", "B"])
        assert then.cut == frozenset()


def test_a_replay_of_a_case_to_before_it_was_parked_is_whole(world: World) -> None:
    """Its event can be read, so that it is known when that happened."""
    world.given(filed("A"), filed("P", T0 + hours(1)))
    world.project()
    now = datetime.now(UTC)
    world.rows(
        "insert into parked_streams (name, stream, position, error) values (%(t)s, %(s)s, 2, 'x')",
        t=queue.PROJECTION.table,
        s=f"case:{case_id('P')}",
    )
    with replayed(world.url, T0) as then:
        assert (as_of(then, now)[0], then.cut) == (["A"], frozenset())
    with replayed(world.url, T0 + hours(1)) as then:
        assert (as_of(then, now)[0], len(then.cut)) == (["A"], 1)


def as_of(then: Replayed, at: datetime) -> tuple[list[str], list[str]]:
    """The queue, and whose clocks are late, both in their order."""
    queued = then.conn.execute("select case_id from live_queue_at(%s)", (at,)).fetchall()
    late = then.conn.execute("select case_id from sla_breaches_at(%s) order by 1", (at,)).fetchall()
    return [name(one) for (one,) in queued], [name(one) for (one,) in late]


def live_now(world: World, at: datetime) -> list[str]:
    return [name(one) for one in world.order_of_queue(at)]


def name(case: str) -> str:
    return case.rpartition(":")[2]
