"""What becomes of the clocks when an entry is taken back, or its time is vouched for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.case import events as ev
from domain.kernel import Stamp
from domain.sla.events import ClockName
from domain.sla.responses import answers_to
from domain.sla.state import ClockStatus
from domain.sla.timekeeper import Timekeeper

if TYPE_CHECKING:
    from domain.world import World

ENDED_BY: Final = {
    ev.ObligationEnded.TOPIC: (ClockName.EXECUTION,),
    ev.ReplacementDispatched.TOPIC: (ClockName.EXECUTION,),
    ev.ReturnShipped.TOPIC: (ClockName.RETURN_SHIPMENT,),
    ev.ReturnReceived.TOPIC: (ClockName.RETURN_SHIPMENT, ClockName.RETURN_TRANSIT),
    ev.ReturnInspected.TOPIC: (ClockName.INSPECTION,),
    ev.RepairSentBack.TOPIC: (ClockName.REPAIR,),
    ev.AppraisalVerdictGiven.TOPIC: (ClockName.APPRAISAL,),
    ev.AgreementReached.TOPIC: (ClockName.ANSWER,),
    ev.HandedWorkDone.TOPIC: (ClockName.DELEGATED_FOLLOW_UP,),
}
"""Which clocks about the same matter an entry ends, if its time may be believed."""


def taken_back(keeper: Timekeeper, version: int, stamp: Stamp, world: World) -> None:
    """The contact of that version did not happen: another one answered the buyer, or none did
    yet."""
    if not any(contact.version == version for contact in keeper.case.contacts):
        return
    for clock in list(keeper.case.clocks.values()):
        if clock.clock is ClockName.PROGRESS_UPDATE:
            keeper.reckon(clock)
        if clock.clock is not ClockName.FIRST_RESPONSE or clock.status is not ClockStatus.SATISFIED:
            continue
        ends = [end for r, end in keeper.case.ended_rounds.items() if r >= clock.round]
        others = sorted(
            keeper.answered_at(answer)
            for answer, at in keeper.case.answers.items()
            if answers_to(keeper, clock, at, stamp, world) and at <= min(ends, default=at)
        )
        if clock.ended_at in others:
            continue
        keeper.reopen(clock, stamp.occurred_at)
        again = keeper.case.clocks[clock.key]
        if others:
            keeper.satisfy(again, others[0], counts=True, stamp=stamp)
        elif ends:
            keeper.cancel(again, min(ends), counts=True)


def confirmed(keeper: Timekeeper, version: int, stamp: Stamp, world: World) -> None:
    """A second person vouched for the time of a dated-back entry: now it counts."""
    entry = keeper.case.entry(version)
    if entry is None:
        return
    at = entry.occurred_at
    ends = ENDED_BY.get(entry.topic)
    if ends is not None:
        for name in ends:
            for clock in keeper.about(name, entry.about):
                keeper.satisfy(clock, at, counts=True, stamp=stamp)
        return
    if entry.topic == ev.ContactRecorded.TOPIC:
        if not any(c.version == version and c.counts for c in keeper.case.contacts):
            return
        names = {ClockName.FIRST_RESPONSE}
    else:
        names = {ClockName.FIRST_RESPONSE, ClockName.FIRST_SOLUTION}
    for clock in list(keeper.case.clocks.values()):
        if clock.clock in names and answers_to(keeper, clock, at, stamp, world):
            keeper.satisfy(clock, at, counts=True, stamp=stamp)
    for clock in list(keeper.case.clocks.values()):
        if clock.clock is ClockName.PROGRESS_UPDATE:
            keeper.reckon(clock)
