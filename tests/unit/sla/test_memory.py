"""What a clock remembers of its breaches and of the periods that were met."""

from __future__ import annotations

from datetime import timedelta

from domain.case.values import Party
from domain.kernel import Stamp
from domain.sla.events import (
    BreachRetracted,
    ClockBreached,
    ClockEvent,
    ClockName,
    ClockRestarted,
    ClockResumed,
    ClockStarted,
)
from domain.sla.evolve import evolve_clocks
from domain.sla.state import Clock
from tests.unit.support import SERVICE, T0, days

KEY = "progress_update#1"


def clock_after(*told: tuple[ClockEvent, timedelta]) -> Clock:
    started = ClockStarted(
        key=KEY,
        clock=ClockName.PROGRESS_UPDATE,
        party=Party.SHOP,
        about=None,
        round=1,
        due_at=T0 + days(1),
        target_minutes=24 * 60,
        paused=False,
        policy=(),
    )
    clocks = evolve_clocks({}, started, Stamp(1, T0, T0, SERVICE))
    for version, (event, after) in enumerate(told, 2):
        clocks = evolve_clocks(clocks, event, Stamp(version, T0 + after, T0 + after, SERVICE))
    return clocks[KEY]


def missed(times: int) -> tuple[ClockEvent, timedelta]:
    noticed = T0 + days(5)
    event = ClockBreached(
        key=KEY,
        due_at=T0 + days(1),
        detected_at=noticed,
        missed=times,
        next_due_at=T0 + days(1 + times),
    )
    return event, days(1)


def test_each_missed_period_is_known_with_the_moment_it_was_noticed() -> None:
    clock = clock_after(missed(3))
    assert clock.breaches == (T0 + days(1), T0 + days(2), T0 + days(3))
    assert clock.detected == dict.fromkeys(clock.breaches, T0 + days(5))


def test_when_a_retracted_breach_was_noticed_stays_known() -> None:
    retracted = BreachRetracted(key=KEY, due_at=T0 + days(1), confirmed_by=None)
    clock = clock_after(missed(1), (retracted, days(0.5)))
    assert clock.breaches == ()
    assert clock.retracted == (T0 + days(1),)
    assert clock.detected[T0 + days(1)] == T0 + days(5)


def test_a_period_is_met_by_a_message_and_not_by_a_resume() -> None:
    restarted = ClockRestarted(key=KEY, due_at=T0 + days(1.5))
    resumed = ClockResumed(key=KEY, due_at=T0 + days(3))
    assert clock_after((restarted, days(0.5)), (resumed, days(2))).met == 1
