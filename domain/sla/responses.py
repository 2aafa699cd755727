"""What answers the buyer, and what offers a solution: first_response and first_solution."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from domain.case.values import Party
from domain.kernel import Stamp
from domain.sla.events import ClockName
from domain.sla.state import Clock
from domain.sla.timekeeper import Timekeeper

if TYPE_CHECKING:
    from domain.world import World


def responded(keeper: Timekeeper, at: datetime, stamp: Stamp, world: World) -> None:
    """The buyer was answered at `at`; shortly before the complaint counts too."""
    counts = keeper.believes(stamp)
    for clock in list(keeper.case.clocks.values()):
        if clock.clock is ClockName.FIRST_RESPONSE and answers_to(keeper, clock, at, stamp, world):
            keeper.satisfy(clock, at, counts=counts, stamp=stamp)


def answers_to(keeper: Timekeeper, clock: Clock, at: datetime, stamp: Stamp, world: World) -> bool:
    """What happened at `at` can answer what the clock waits for: it came after the clock's
    start, or, for a complaint's first response, shortly before."""
    if at >= clock.started_at:
        return True
    if clock.clock is not ClockName.FIRST_RESPONSE or clock.round > 1:
        return False
    platform, shop, _ = keeper.case.case_id.split(":", 2)
    policies = world.policies(platform, shop, keeper.case.category)
    before = policies.sla(stamp.decided_at).values.prior_contact_minutes
    return at >= clock.started_at - timedelta(minutes=before)


def offered(keeper: Timekeeper, at: datetime, stamp: Stamp, world: World) -> None:
    """A solution was offered, declined or decided: it answers the buyer, too."""
    responded(keeper, at, stamp, world)
    solved(keeper, at, stamp)
    keeper.heard(stamp.version)


def solved(keeper: Timekeeper, at: datetime, stamp: Stamp) -> None:
    counts = keeper.believes(stamp)
    for clock in list(keeper.case.clocks.values()):
        if clock.clock is ClockName.FIRST_SOLUTION and at >= clock.started_at:
            keeper.satisfy(clock, at, counts=counts, stamp=stamp)


def known_already(keeper: Timekeeper, at: datetime, stamp: Stamp) -> None:
    """A round that began before what is known by now: its answers and offers came in it."""
    case = keeper.case
    offers = [offer.proposed_at for offer in case.proposals.values() if offer.by is Party.SHOP]
    offers += [decline.declined_at for decline in case.declines.values()]
    answers = [keeper.answered_at(version) for version, said in case.answers.items() if said >= at]
    first = {ClockName.FIRST_RESPONSE: answers, ClockName.FIRST_SOLUTION: offers}
    for clock in list(case.clocks.values()):
        if clock.round != case.round:
            continue
        came = [moment for moment in first.get(clock.clock, ()) if moment >= at]
        if came:
            keeper.satisfy(clock, min(came), counts=True, stamp=stamp)
        elif clock.clock is ClockName.PROGRESS_UPDATE and clock.is_running and answers:
            keeper.reckon(clock)
