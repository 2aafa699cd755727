"""What moves due times: a priority, an earlier complaint, a new policy."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.case.values import Party
from domain.sla.events import ClockName, RetargetReason
from domain.sla.timekeeper import Timekeeper


def sooner(keeper: Timekeeper) -> None:
    """A higher priority moves the shop's open clocks, and only to an earlier time."""
    for clock in list(keeper.case.clocks.values()):
        if clock.party is not Party.SHOP or keeper.is_the_platforms(clock):
            continue
        minutes, policy = keeper.target(clock.clock)
        if minutes is None:
            continue
        due_at = clock.restarted_at + timedelta(minutes=minutes)
        if due_at < clock.due_at:
            keeper.retarget(clock, due_at, RetargetReason.PRIORITY, policy)


def earlier(keeper: Timekeeper, by: timedelta) -> None:
    """An earlier complaint about the same matter: its time starts the clocks, those that have
    ended included, so that what came too late for it is late."""
    for clock in list(keeper.case.clocks.values()):
        if (
            clock.clock in (ClockName.FIRST_RESPONSE, ClockName.FIRST_SOLUTION)
            and clock.round == 1
            and not keeper.is_the_platforms(clock)
        ):
            keeper.begin_earlier(clock, by)


def renewed(keeper: Timekeeper, now: datetime) -> None:
    """Brought under the policy in force now, where that leaves time after `now`."""
    for clock in list(keeper.case.clocks.values()):
        minutes, policy = keeper.target(clock.clock)
        if minutes is None or keeper.is_the_platforms(clock) or clock.clock is ClockName.APPRAISAL:
            continue
        due_at = clock.restarted_at + timedelta(minutes=minutes)
        if due_at > now:
            keeper.retarget(clock, due_at, RetargetReason.POLICY_COMMAND, policy)
