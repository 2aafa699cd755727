"""Which events start, satisfy, pause and end which clocks (docs/domain.md, "SLA clocks")."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from domain.case import events as ev
from domain.case.state import Case
from domain.case.turn import turn
from domain.case.values import ObligationEnd, Party, ProposalEnd
from domain.kernel import Context, Emit, Event, Stamp, case_stream
from domain.sla.corrections import confirmed, taken_back
from domain.sla.events import ClockName, RetargetReason
from domain.sla.execution import execute, follow_goods, not_returned, superseded
from domain.sla.responses import known_already, offered, responded, solved
from domain.sla.targets import earlier, sooner
from domain.sla.timekeeper import Timekeeper

if TYPE_CHECKING:
    from domain.world import World

ON_ENDING: Final = frozenset(ClockName) - {ClockName.APPRAISAL, ClockName.DELEGATED_FOLLOW_UP}
"""What closing and withdrawing end: the buyer track's clocks only."""


def follow(case: Case, emits: list[Emit], world: World, context: Context) -> list[Emit]:
    """`emits`, with the clock events that each event of a case leads to right behind it; whose turn
    it is then counts once all is said."""
    keepers = {case_stream(case.case_id): Timekeeper(case, world, context)}
    last: dict[str, datetime] = {}
    followed: list[Emit] = []
    for emit in emits:
        if not emit.stream.startswith("case:"):
            followed.append(emit)
            continue
        keeper = keepers.get(emit.stream)
        if keeper is None:
            other = world.case(emit.stream.removeprefix("case:"))
            keeper = keepers[emit.stream] = Timekeeper(other, world, context)
        keeper.emits = []
        before = keeper.case
        stamp = keeper.apply(emit)
        if keeper.case.is_filed or before.is_filed:
            _follow_event(keeper, before, emit.event, stamp, world)
        followed += keeper.emits
        last[emit.stream] = stamp.occurred_at
    for stream, at in last.items():
        keeper = keepers[stream]
        keeper.emits = []
        _follow_turn(keeper, at)
        keeper.notice(max(at, keeper.case.last_at or at))
        followed += keeper.emits
    return followed


def _follow_event(
    keeper: Timekeeper, before: Case, event: Event, stamp: Stamp, world: World
) -> None:
    at = stamp.occurred_at
    match event:
        case ev.ComplaintFiled():
            keeper.start(ClockName.FIRST_RESPONSE, Party.SHOP, at)
            keeper.start(ClockName.FIRST_SOLUTION, Party.SHOP, at)
            keeper.start(ClockName.PROGRESS_UPDATE, Party.SHOP, at)
        case ev.ComplaintJoined():
            if before.filed_at is not None and at < before.filed_at:
                earlier(keeper, before.filed_at - at)
                if before.round == 1:
                    known_already(keeper, at, stamp)
        case ev.ContactRecorded():
            if keeper.case.contacts[-1].counts:
                responded(keeper, at, stamp, world)
                keeper.heard(stamp.version)
        case ev.ResolutionProposed() if event.by is Party.SHOP:
            offered(keeper, at, stamp, world)
            keeper.start(ClockName.ANSWER, Party.BUYER, at, about=event.proposal_id)
        case ev.ComplaintDeclined():
            offered(keeper, at, stamp, world)
        case ev.AutoRefundDecided():
            if event.told_buyer and event.verdict != "person":
                offered(keeper, at, stamp, world)
            elif event.verdict == "approve":
                solved(keeper, at, stamp)
            execute(keeper, event.obligations, at)
        case ev.ProposalEnded():
            declined = event.how is ProposalEnd.DECLINED
            keeper.end(ClockName.ANSWER, event.proposal_id, at, declined, stamp)
        case ev.AgreementReached():
            keeper.end(ClockName.ANSWER, event.proposal_id, at, True, stamp)
            superseded(keeper, before, event.supersedes, at, stamp)
            execute(keeper, event.obligations, at)
        case ev.PlatformRuled():
            superseded(keeper, before, event.supersedes, at, stamp)
            execute(keeper, event.obligations, at)
        case ev.ObligationEnded():
            fulfilled = event.how is ObligationEnd.FULFILLED
            keeper.end(ClockName.EXECUTION, event.obligation_id, at, fulfilled, stamp)
            if not fulfilled:
                not_returned(keeper, at, stamp)
        case ev.ObligationReopened():
            # Money that bounced is owed anew: a fresh clock, the old one stands.
            about = event.obligation_id
            keeper.start(ClockName.EXECUTION, Party.SHOP, at, about=about, again=True)
        case (
            ev.ReturnAddressAgreed()
            | ev.ReturnShipped()
            | ev.ReturnReceived()
            | ev.ReturnInspected()
            | ev.ReturnLost()
            | ev.ReturnLapsed()
            | ev.ReplacementDispatched()
            | ev.RepairItemReceived()
            | ev.RepairSentBack()
        ):
            follow_goods(keeper, event, at, stamp)
        case ev.AppraisalRequested() if not event.needs_goods:
            _appraise(keeper, event.appraisal_id, at)
        case ev.AppraisalMaterialReceived():
            _appraise(keeper, event.appraisal_id, at)
        case ev.AppraisalVerdictGiven():
            keeper.end(ClockName.APPRAISAL, event.appraisal_id, at, True, stamp)
        case ev.IndependentAppraisalOrdered() | ev.AppraisalSettled():
            keeper.end(ClockName.APPRAISAL, event.appraisal_id, at, False, stamp)
        case ev.WorkHandedOver():
            name = ClockName.DELEGATED_FOLLOW_UP
            keeper.start(name, Party.DEPARTMENT, at, about=event.handover_id, due_at=event.due_at)
        case ev.HandedWorkDone():
            keeper.end(ClockName.DELEGATED_FOLLOW_UP, event.handover_id, at, True, stamp)
        case ev.PlatformDeadlineSet():
            name, due_at = ClockName(event.deadline.clock), event.deadline.due_at
            if keeper.case.platform_deadlines.get(name) == due_at:  # no newer one is known
                for clock in keeper.live(name):
                    keeper.retarget(clock, due_at, RetargetReason.PLATFORM_DEADLINE)
        case ev.PriorityRaised():
            sooner(keeper)
        case ev.SolutionConfirmed():
            _no_more_updates(keeper, at, event.by_silence or keeper.believes(stamp))
        case ev.CaseReopened():
            keeper.start(ClockName.FIRST_RESPONSE, Party.SHOP, at)
        case ev.RoundOpened():
            _no_more_updates(keeper, at, keeper.believes(stamp))
            keeper.start(ClockName.FIRST_SOLUTION, Party.SHOP, at)
            keeper.start(ClockName.PROGRESS_UPDATE, Party.SHOP, at)
            known_already(keeper, at, stamp)
        case ev.CaseClosed() | ev.CaseWithdrawn():
            counts = keeper.believes(stamp)
            for clock in list(keeper.case.clocks.values()):
                if clock.clock in ON_ENDING:
                    keeper.cancel(clock, at, counts=counts)
        case ev.ComplaintReferred():
            counts = keeper.believes(stamp)
            for clock in list(keeper.case.clocks.values()):
                keeper.cancel(clock, at, counts=counts)
        case ev.EntryCorrected():
            taken_back(keeper, event.supersedes, stamp, world)
        case ev.BackdatingConfirmed():
            confirmed(keeper, event.entry, stamp, world)
        case _:
            pass  # the other events move no clock
    keeper.notice(at)


def _appraise(keeper: Timekeeper, appraisal_id: str, at: datetime) -> None:
    """The supplier holds what was asked for: its time runs, by contract or by policy."""
    appraisal = keeper.case.appraisals.get(appraisal_id)
    if appraisal is not None:
        keeper.start(
            ClockName.APPRAISAL,
            Party.SUPPLIER,
            at,
            about=appraisal_id,
            minutes=appraisal.due_minutes,
        )


def _no_more_updates(keeper: Timekeeper, at: datetime, counts: bool) -> None:
    for clock in keeper.live(ClockName.PROGRESS_UPDATE):
        keeper.cancel(clock, at, counts=counts)


def _follow_turn(keeper: Timekeeper, at: datetime) -> None:
    """progress_update stands still while the next step is the buyer's."""
    clocks = keeper.live(ClockName.PROGRESS_UPDATE)
    if not clocks:
        return
    whose = turn(keeper.case)
    buyers = whose is not None and whose.party is Party.BUYER
    for clock in clocks:
        if buyers and clock.is_running:
            keeper.pause(clock, max(at, clock.restarted_at))
        elif not buyers and not clock.is_running:
            keeper.resume(clock, max(at, clock.paused_at or at))
