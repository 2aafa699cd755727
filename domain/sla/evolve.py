"""How the clocks of a case change by its clock events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import assert_never

from domain.kernel import Stamp
from domain.sla.events import (
    BreachRetracted,
    ClockBreached,
    ClockCancelled,
    ClockEvent,
    ClockPaused,
    ClockRestarted,
    ClockResumed,
    ClockRetargeted,
    ClockSatisfied,
    ClockStarted,
    RetargetReason,
)
from domain.sla.state import Clock, ClockStatus


def evolve_clocks(
    clocks: Mapping[str, Clock], event: ClockEvent, stamp: Stamp
) -> Mapping[str, Clock]:
    """The clocks after `event`. An event about a clock that isn't there changes nothing: a
    replay to a past moment leaves out what had not happened yet."""
    if isinstance(event, ClockStarted):
        clock = Clock(
            key=event.key,
            clock=event.clock,
            party=event.party,
            about=event.about,
            round=event.round,
            started_at=stamp.occurred_at,
            restarted_at=stamp.occurred_at,
            due_at=event.due_at,
            target_minutes=event.target_minutes,
            status=ClockStatus.PAUSED if event.paused else ClockStatus.RUNNING,
            policy=event.policy,
            paused_at=stamp.occurred_at if event.paused else None,
            pauses=((stamp.occurred_at, None),) if event.paused else (),
        )
        return {**clocks, event.key: clock}
    before = clocks.get(event.key)
    if before is None:
        return clocks
    return {**clocks, event.key: _evolved(before, event, stamp)}


def _evolved(clock: Clock, event: ClockEvent, stamp: Stamp) -> Clock:
    match event:
        case ClockSatisfied():
            return clock.with_(
                status=ClockStatus.SATISFIED, ended_at=stamp.occurred_at, paused_at=None
            )
        case ClockPaused():
            return clock.with_(
                status=ClockStatus.PAUSED,
                paused_at=stamp.occurred_at,
                pauses=(*clock.pauses, (stamp.occurred_at, None)),
            )
        case ClockResumed() | ClockRestarted():
            return clock.with_(
                status=ClockStatus.RUNNING,
                due_at=event.due_at,
                restarted_at=stamp.occurred_at,
                paused_at=None,
                ended_at=None,
                met=clock.met + isinstance(event, ClockRestarted),
                pauses=_ended(clock.pauses, stamp.occurred_at),
            )
        case ClockBreached():
            period = timedelta(minutes=clock.target_minutes)
            missed = tuple(event.due_at + period * i for i in range(event.missed))
            due_at = event.next_due_at or clock.due_at
            return clock.with_(
                breaches=(*clock.breaches, *missed),
                detected={**clock.detected, **dict.fromkeys(missed, event.detected_at)},
                due_at=due_at,
            )
        case BreachRetracted():
            return clock.with_(
                breaches=tuple(due for due in clock.breaches if due != event.due_at),
                retracted=(*clock.retracted, event.due_at),
            )
        case ClockCancelled():
            return clock.with_(
                status=ClockStatus.CANCELLED, ended_at=stamp.occurred_at, paused_at=None
            )
        case ClockRetargeted():
            earlier = event.reason is RetargetReason.EARLIER_COMPLAINT
            by = clock.due_at - event.due_at if earlier else timedelta()
            return clock.with_(
                due_at=event.due_at,
                policy=event.policy,
                started_at=clock.started_at - by,
                restarted_at=clock.restarted_at - by,
            )
        case ClockStarted():
            return clock
        case _:
            assert_never(event)


def _ended(
    pauses: tuple[tuple[datetime, datetime | None], ...], at: datetime
) -> tuple[tuple[datetime, datetime | None], ...]:
    """The pauses, the open one ended at `at`."""
    if not pauses or pauses[-1][1] is not None:
        return pauses
    return (*pauses[:-1], (pauses[-1][0], at))
