"""Which events start, satisfy, pause and end which clocks (docs/domain.md, "SLA clocks")."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from domain.case import events as ev
from domain.case.owed import awaited_goods, is_expected
from domain.case.state import Case
from domain.case.turn import turn
from domain.case.values import Duty, ObligationEnd, ObligationTerms, Party, ProposalEnd
from domain.kernel import Context, Emit, Event, Stamp, case_stream
from domain.sla.events import ClockName, RetargetReason
from domain.sla.state import Clock, ClockStatus
from domain.sla.timekeeper import Timekeeper

if TYPE_CHECKING:
    from domain.case.commands import ClockCommand
    from domain.world import World

ON_ENDING: Final = frozenset(ClockName) - {ClockName.APPRAISAL, ClockName.DELEGATED_FOLLOW_UP}
"""What closing and withdrawing end: the buyer track's clocks only."""

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

EXECUTED: Final = frozenset({Duty.REFUND, Duty.DISPATCH, Duty.GOODWILL})
"""Duties with an execution clock; a return and a repair have clocks of their own."""


def follow(case: Case, emits: list[Emit], world: World, context: Context) -> list[Emit]:
    """`emits`, with the clock events that each event of a case leads to right behind it; whose turn
    it is then counts once all is said."""
    keepers = {case_stream(case.case_id): _keeper(case, world, context)}
    last: dict[str, datetime] = {}
    followed: list[Emit] = []
    for emit in emits:
        if not emit.stream.startswith("case:"):
            followed.append(emit)
            continue
        keeper = keepers.get(emit.stream)
        if keeper is None:
            other = world.case(emit.stream.removeprefix("case:"))
            keeper = keepers[emit.stream] = _keeper(other, world, context)
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


def _keeper(case: Case, world: World, context: Context) -> Timekeeper:
    platform, shop, _ = case.case_id.split(":", 2)
    return Timekeeper(case, world.policies(platform, shop, case.category), context)


def decide_clocks(command: ClockCommand, case: Case, world: World, context: Context) -> list[Emit]:
    """Notice breaches due by now, or bring open clocks under the policy in force now."""
    keeper = _keeper(case, world, context)
    if command.TYPE == "case.check_clocks":
        keeper.notice(context.occurred_at)
    else:
        for clock in list(case.clocks.values()):
            minutes, policy = keeper.target(clock.clock)
            if (
                minutes is None
                or keeper.is_the_platforms(clock)
                or clock.clock is ClockName.APPRAISAL
            ):
                continue
            due_at = clock.restarted_at + timedelta(minutes=minutes)
            if due_at > context.now:
                keeper.retarget(clock, due_at, RetargetReason.POLICY_COMMAND, policy)
    return keeper.emits


def _follow_event(
    keeper: Timekeeper, before: Case, event: Event, stamp: Stamp, world: World
) -> None:
    at, counts = stamp.occurred_at, keeper.believes(stamp)
    match event:
        case ev.ComplaintFiled():
            keeper.start(ClockName.FIRST_RESPONSE, Party.SHOP, at)
            keeper.start(ClockName.FIRST_SOLUTION, Party.SHOP, at)
            keeper.start(ClockName.PROGRESS_UPDATE, Party.SHOP, at)
        case ev.ComplaintJoined():
            if before.filed_at is not None and at < before.filed_at:
                _earlier(keeper, before.filed_at - at)
        case ev.ContactRecorded():
            if keeper.case.contacts[-1].counts:
                _responded(keeper, at, stamp, world)
                keeper.heard(stamp.version)
        case ev.ResolutionProposed() if event.by is Party.SHOP:
            _offered(keeper, at, stamp, world)
            keeper.start(ClockName.ANSWER, Party.BUYER, at, about=event.proposal_id)
        case ev.ComplaintDeclined():
            _offered(keeper, at, stamp, world)
        case ev.AutoRefundDecided():
            if event.told_buyer and event.verdict != "person":
                _offered(keeper, at, stamp, world)
            elif event.verdict == "approve":
                _solved(keeper, at, stamp)
            _execute(keeper, event.obligations, at)
        case ev.ProposalEnded():
            _answered(keeper, event.proposal_id, at, event.how is ProposalEnd.DECLINED, stamp)
        case ev.AgreementReached():
            _answered(keeper, event.proposal_id, at, True, stamp)
            _superseded(keeper, before, event.supersedes, at, stamp)
            _execute(keeper, event.obligations, at)
        case ev.PlatformRuled():
            _superseded(keeper, before, event.supersedes, at, stamp)
            _execute(keeper, event.obligations, at)
        case ev.ObligationEnded():
            fulfilled = event.how is ObligationEnd.FULFILLED
            _end(keeper, ClockName.EXECUTION, event.obligation_id, at, fulfilled, stamp)
            if not fulfilled:
                _not_returned(keeper, at, stamp)
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
            _follow_goods(keeper, event, at, stamp)
        case ev.AppraisalRequested() if not event.needs_goods:
            _appraise(keeper, event.appraisal_id, at)
        case ev.AppraisalMaterialReceived():
            _appraise(keeper, event.appraisal_id, at)
        case ev.AppraisalVerdictGiven():
            _end(keeper, ClockName.APPRAISAL, event.appraisal_id, at, True, stamp)
        case ev.IndependentAppraisalOrdered() | ev.AppraisalSettled():
            _end(keeper, ClockName.APPRAISAL, event.appraisal_id, at, False, stamp)
        case ev.WorkHandedOver():
            name = ClockName.DELEGATED_FOLLOW_UP
            keeper.start(name, Party.DEPARTMENT, at, about=event.handover_id, due_at=event.due_at)
        case ev.HandedWorkDone():
            _end(keeper, ClockName.DELEGATED_FOLLOW_UP, event.handover_id, at, True, stamp)
        case ev.PlatformDeadlineSet():
            for clock in keeper.live(ClockName(event.deadline.clock)):
                reason = RetargetReason.PLATFORM_DEADLINE
                keeper.retarget(clock, event.deadline.due_at, reason)
        case ev.PriorityRaised():
            _sooner(keeper)
        case ev.SolutionConfirmed():
            _no_more_updates(keeper, at, counts or event.by_silence)
        case ev.CaseReopened():
            keeper.start(ClockName.FIRST_RESPONSE, Party.SHOP, at)
        case ev.RoundOpened():
            _no_more_updates(keeper, at, counts)
            keeper.start(ClockName.FIRST_SOLUTION, Party.SHOP, at)
            keeper.start(ClockName.PROGRESS_UPDATE, Party.SHOP, at)
            _known_already(keeper, at, stamp)
        case ev.CaseClosed() | ev.CaseWithdrawn():
            for clock in list(keeper.case.clocks.values()):
                if clock.clock in ON_ENDING:
                    keeper.cancel(clock, at, counts=counts)
        case ev.ComplaintReferred():
            for clock in list(keeper.case.clocks.values()):
                keeper.cancel(clock, at, counts=counts)
        case ev.EntryCorrected():
            _taken_back(keeper, event.supersedes, stamp, world)
        case ev.BackdatingConfirmed():
            _confirmed(keeper, event.entry, stamp, world)
        case _:
            pass  # the other events move no clock
    keeper.notice(at)


# -------------------------------------------------------- first response


def _responded(keeper: Timekeeper, at: datetime, stamp: Stamp, world: World) -> None:
    """The buyer was answered at `at`; shortly before the complaint counts too."""
    counts = keeper.believes(stamp)
    for clock in list(keeper.case.clocks.values()):
        if clock.clock is ClockName.FIRST_RESPONSE and _answers(keeper, clock, at, stamp, world):
            keeper.satisfy(clock, at, counts=counts, stamp=stamp)


def _answers(keeper: Timekeeper, clock: Clock, at: datetime, stamp: Stamp, world: World) -> bool:
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


def _offered(keeper: Timekeeper, at: datetime, stamp: Stamp, world: World) -> None:
    """A solution was offered, declined or decided: it answers the buyer, too."""
    _responded(keeper, at, stamp, world)
    _solved(keeper, at, stamp)
    keeper.heard(stamp.version)


def _solved(keeper: Timekeeper, at: datetime, stamp: Stamp) -> None:
    counts = keeper.believes(stamp)
    for clock in list(keeper.case.clocks.values()):
        if clock.clock is ClockName.FIRST_SOLUTION and at >= clock.started_at:
            keeper.satisfy(clock, at, counts=counts, stamp=stamp)


def _earlier(keeper: Timekeeper, by: timedelta) -> None:
    """An earlier complaint about the same matter: its time starts the clocks."""
    for name in (ClockName.FIRST_RESPONSE, ClockName.FIRST_SOLUTION):
        for clock in keeper.live(name):
            if clock.round == 1 and not keeper.is_the_platforms(clock):
                keeper.retarget(clock, clock.due_at - by, RetargetReason.EARLIER_COMPLAINT)


def _known_already(keeper: Timekeeper, at: datetime, stamp: Stamp) -> None:
    """A round that began before what is known by now: its answers and offers came in it."""
    case = keeper.case
    offers = [offer.proposed_at for offer in case.proposals.values() if offer.by is Party.SHOP]
    offers += [decline.declined_at for decline in case.declines.values()]
    answers = [keeper.answered_at(version) for version, said in case.answers.items() if said >= at]
    first = {ClockName.FIRST_RESPONSE: answers, ClockName.FIRST_SOLUTION: offers}
    for clock in list(case.clocks.values()):
        if clock.round != case.round or not clock.is_running:
            continue
        came = [moment for moment in first.get(clock.clock, ()) if moment >= at]
        if came:
            keeper.satisfy(clock, min(came), counts=True, stamp=stamp)
        elif clock.clock is ClockName.PROGRESS_UPDATE and answers:
            keeper.reckon(clock)


def _taken_back(keeper: Timekeeper, version: int, stamp: Stamp, world: World) -> None:
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
            if _answers(keeper, clock, at, stamp, world) and at <= min(ends, default=at)
        )
        if clock.ended_at in others:
            continue
        keeper.reopen(clock, stamp.occurred_at)
        again = keeper.case.clocks[clock.key]
        if others:
            keeper.satisfy(again, others[0], counts=True, stamp=stamp)
        elif ends:
            keeper.cancel(again, min(ends), counts=True)


def _confirmed(keeper: Timekeeper, version: int, stamp: Stamp, world: World) -> None:
    """A second person vouched for the time of a dated-back entry: now it counts."""
    entry = keeper.case.entries.get(version)
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
        if clock.clock in names and _answers(keeper, clock, at, stamp, world):
            keeper.satisfy(clock, at, counts=True, stamp=stamp)
    for clock in list(keeper.case.clocks.values()):
        if clock.clock is ClockName.PROGRESS_UPDATE:
            keeper.reckon(clock)


# ----------------------------------------------- negotiation and execution


def _end(
    keeper: Timekeeper,
    name: ClockName,
    about: str,
    at: datetime,
    satisfied: bool,
    stamp: Stamp,
) -> None:
    """End the clock about one matter: satisfied at `at`, or not needed any more."""
    counts = keeper.believes(stamp)
    for clock in keeper.about(name, about):
        if satisfied:
            keeper.satisfy(clock, at, counts=counts, stamp=stamp)
        elif clock.is_live:
            keeper.cancel(clock, at, counts=counts)


def _answered(
    keeper: Timekeeper, proposal_id: str, at: datetime, answered: bool, stamp: Stamp
) -> None:
    _end(keeper, ClockName.ANSWER, proposal_id, at, answered, stamp)


def _execute(keeper: Timekeeper, obligations: tuple[ObligationTerms, ...], at: datetime) -> None:
    """Each of the shop's obligations has its own clock; what needs the goods back waits."""
    for terms in obligations:
        if terms.party is Party.SHOP and terms.duty in EXECUTED:
            keeper.start(
                ClockName.EXECUTION,
                Party.SHOP,
                at,
                about=terms.obligation_id,
                paused=terms.after_return and not _is_back(keeper.case, terms),
            )


def _is_back(case: Case, terms: ObligationTerms) -> bool:
    """The goods of this obligation were received before it was agreed."""
    return any(
        set(back.items) & set(terms.items) and back.step in ("received", "inspected", "lost")
        for back in case.returns.values()
    )


def _superseded(
    keeper: Timekeeper, before: Case, supersedes: tuple[str, ...], at: datetime, stamp: Stamp
) -> None:
    for obligation in before.obligations.values():
        if obligation.agreement in supersedes and obligation.ended is None:
            _end(keeper, ClockName.EXECUTION, obligation.obligation_id, at, False, stamp)
    _not_returned(keeper, at, stamp)


def _not_returned(keeper: Timekeeper, at: datetime, stamp: Stamp) -> None:
    """Where a return is owed no more, the buyer need not ship, and what waited for it runs."""
    for back in keeper.case.returns.values():
        if back.step == "agreed" and not is_expected(keeper.case, back):
            _end(keeper, ClockName.RETURN_SHIPMENT, back.return_id, at, False, stamp)
    for clock in keeper.live(ClockName.EXECUTION):
        obligation = keeper.case.obligations.get(clock.about or "")
        if obligation is None or clock.status is not ClockStatus.PAUSED:
            continue
        if awaited_goods(keeper.case, obligation) is None:
            keeper.resume(clock, at)


def _follow_goods(keeper: Timekeeper, event: Event, at: datetime, stamp: Stamp) -> None:
    match event:
        case ev.ReturnAddressAgreed():
            keeper.start(ClockName.RETURN_SHIPMENT, Party.BUYER, at, about=event.return_id)
        case ev.ReturnShipped():
            _end(keeper, ClockName.RETURN_SHIPMENT, event.return_id, at, True, stamp)
            if keeper.case.is_open and keeper.case.returns[event.return_id].step == "shipped":
                keeper.start(ClockName.RETURN_TRANSIT, Party.CARRIER, at, about=event.return_id)
        case ev.ReturnReceived():
            _end(keeper, ClockName.RETURN_SHIPMENT, event.return_id, at, True, stamp)
            _end(keeper, ClockName.RETURN_TRANSIT, event.return_id, at, True, stamp)
            if keeper.case.is_open:
                keeper.start(ClockName.INSPECTION, Party.SHOP, at, about=event.return_id)
            _goods_back(keeper, event.return_id, at)
        case ev.ReturnInspected():
            _end(keeper, ClockName.INSPECTION, event.return_id, at, True, stamp)
        case ev.ReturnLost():
            _end(keeper, ClockName.RETURN_TRANSIT, event.return_id, at, False, stamp)
            _goods_back(keeper, event.return_id, at)
        case ev.ReturnLapsed():
            _end(keeper, ClockName.RETURN_SHIPMENT, event.return_id, at, False, stamp)
        case ev.ReplacementDispatched():
            _end(keeper, ClockName.EXECUTION, event.obligation_id, at, True, stamp)
        case ev.RepairItemReceived():
            if keeper.case.is_open:
                keeper.start(ClockName.REPAIR, Party.SHOP, at, about=event.obligation_id)
        case ev.RepairSentBack():
            _end(keeper, ClockName.REPAIR, event.obligation_id, at, True, stamp)
        case _:
            pass


def _goods_back(keeper: Timekeeper, return_id: str, at: datetime) -> None:
    """What waited for these goods runs from their receipt (or their loss) on."""
    items = set(keeper.case.returns[return_id].items)
    for clock in keeper.live(ClockName.EXECUTION):
        obligation = keeper.case.obligations.get(clock.about or "")
        waits = obligation is not None and bool(items & set(obligation.items))
        if waits and clock.status is ClockStatus.PAUSED:
            keeper.resume(clock, at)


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


# ------------------------------------------------- priority and whose turn


def _no_more_updates(keeper: Timekeeper, at: datetime, counts: bool) -> None:
    for clock in keeper.live(ClockName.PROGRESS_UPDATE):
        keeper.cancel(clock, at, counts=counts)


def _sooner(keeper: Timekeeper) -> None:
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


def _follow_turn(keeper: Timekeeper, at: datetime) -> None:
    """progress_update stands still while the next step is the buyer's."""
    clocks: list[Clock] = keeper.live(ClockName.PROGRESS_UPDATE)
    if not clocks:
        return
    whose = turn(keeper.case)
    buyers = whose is not None and whose.party is Party.BUYER
    for clock in clocks:
        if buyers and clock.is_running:
            keeper.pause(clock, max(at, clock.restarted_at))
        elif not buyers and not clock.is_running:
            keeper.resume(clock, max(at, clock.paused_at or at))
