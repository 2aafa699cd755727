"""How a case changes by each of its events. Total: a stored event never fails to fold.

An event about a part that isn't there changes nothing: a replay to a past moment leaves out
what had not happened yet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_never, cast, get_args

from domain.case import events as ev
from domain.case.entries import with_entry
from domain.case.evolve_claims import evolve_claims
from domain.case.evolve_closing import evolve_closing
from domain.case.evolve_execution import evolve_execution
from domain.case.evolve_intake import evolve_intake
from domain.case.parts import agree, answers_buyer, change, fact_key
from domain.case.state import (
    Appraisal,
    AppraisalStep,
    Case,
    Decline,
    Liability,
    Proposal,
    Ruling,
)
from domain.case.values import (
    ProposalEnd,
    RefundBasis,
    Verdict,
)
from domain.kernel import Event, Stamp
from domain.sla.events import ClockEvent
from domain.sla.evolve import evolve_clocks

CaseEvent = (
    ev.IntakeEvent
    | ev.NegotiationEvent
    | ev.ExecutionEvent
    | ev.SupplierTrackEvent
    | ev.PlatformTrackEvent
    | ev.ClosingEvent
    | ev.ClaimEvent
    | ClockEvent
)


def evolve(case: Case, event: CaseEvent, stamp: Stamp) -> Case:
    """The case after one more event."""
    changed = _TRACK[type(event)](case, event, stamp)
    if changed is case:
        changed = case.with_()
    # `changed` is nobody else's yet: writing into it spares every replay a copy an event.
    fields = changed.__dict__
    fields["version"] = stamp.version
    last, at = case.last_at, stamp.occurred_at
    fields["last_at"] = at if last is None or at > last else last
    if type(event) in _CLOCK_EVENTS:
        return changed  # half of all events; nobody enters, tells or answers by them
    key = fact_key(event, at)
    if key is not None:
        fields["told"] = case.told | {key}
    if answers_buyer(event):
        fields["answers"] = {**case.answers, stamp.version: at}
    fields["entries"] = with_entry(changed.entries, event, stamp)
    return changed


def _evolve_clock(case: Case, event: ClockEvent, stamp: Stamp) -> Case:
    return case.with_(clocks=evolve_clocks(case.clocks, event, stamp))


def _evolve_negotiation(case: Case, event: ev.NegotiationEvent, stamp: Stamp) -> Case:
    match event:
        case ev.ResolutionProposed():
            proposal = Proposal(
                proposal_id=event.proposal_id,
                by=event.by,
                parts=event.parts,
                refund_total=event.refund_total,
                goodwill=event.goodwill,
                proposed_at=stamp.occurred_at,
            )
            return case.with_(proposals={**case.proposals, event.proposal_id: proposal})
        case ev.ProposalEnded():
            return case.with_(proposals=change(case.proposals, event.proposal_id, ended=event.how))
        case ev.AgreementReached():
            changed = agree(
                case,
                event.agreement_id,
                event.items,
                event.obligations,
                event.supersedes,
                RefundBasis.AGREEMENT,
                stamp,
            )
            return changed.with_(
                proposals=change(case.proposals, event.proposal_id, ended=ProposalEnd.ACCEPTED)
            )
        case ev.ObligationEnded():
            return case.with_(
                obligations=change(case.obligations, event.obligation_id, ended=event.how)
            )
        case ev.ObligationReopened():
            return case.with_(obligations=change(case.obligations, event.obligation_id, ended=None))
        case ev.ComplaintDeclined():
            decline = Decline(
                decline_id=event.decline_id,
                ground=event.ground,
                items=event.items,
                declined_at=stamp.occurred_at,
            )
            return case.with_(declines={**case.declines, event.decline_id: decline})
        case ev.DeclineAnswered():
            return case.with_(declines=change(case.declines, event.decline_id, answer=event.answer))
        case _:
            assert_never(event)


def _evolve_supplier_track(case: Case, event: ev.SupplierTrackEvent, stamp: Stamp) -> Case:
    match event:
        case ev.SupplierNamed():
            return case.with_(items=change(case.items, event.item, supplier=event.supplier))
        case ev.SupplierNameAskedFor():
            return case.with_(items=change(case.items, event.item, name_asked=True))
        case ev.AppraisalRequested():
            appraisal = Appraisal(
                appraisal_id=event.appraisal_id,
                items=event.items,
                supplier=event.supplier,
                needs_goods=event.needs_goods,
                due_minutes=event.due_minutes,
                step=AppraisalStep.REQUESTED,
                since=stamp.occurred_at,
            )
            return case.with_(appraisals={**case.appraisals, event.appraisal_id: appraisal})
        case ev.AppraisalMaterialReceived():
            known = case.appraisals.get(event.appraisal_id)
            if known is None or known.step is not AppraisalStep.REQUESTED:
                return case
            return _appraised(case, event.appraisal_id, stamp, step=AppraisalStep.HELD)
        case ev.AppraisalVerdictGiven():
            verdict = (
                {"independent_verdict": event.verdict}
                if event.independent
                else {"verdict": event.verdict}
            )
            known = case.appraisals.get(event.appraisal_id)
            waits = known is not None and known.step is AppraisalStep.INDEPENDENT
            if known is None or known.step is AppraisalStep.SETTLED:
                step = AppraisalStep.SETTLED
            elif waits and not event.independent and event.verdict is not Verdict.ADMITTED:
                step = AppraisalStep.INDEPENDENT
            else:
                step = AppraisalStep.ANSWERED
            return _appraised(case, event.appraisal_id, stamp, step=step, **verdict)
        case ev.IndependentAppraisalOrdered():
            return _appraised(
                case,
                event.appraisal_id,
                stamp,
                step=AppraisalStep.INDEPENDENT,
                body=event.body,
            )
        case ev.AppraisalSettled():
            return _appraised(
                case, event.appraisal_id, stamp, step=AppraisalStep.SETTLED, settlement=event.how
            )
        case ev.LiabilityFound():
            liability = Liability(
                version=stamp.version,
                shares=event.shares,
                basis=event.basis,
                final=event.final,
                contested=event.contested,
                found_at=stamp.occurred_at,
            )
            return case.with_(items=change(case.items, event.item, liability=liability))
        case ev.LiabilityRescinded():
            item = case.items.get(event.item)
            if item is None or item.liability is None:
                return case
            rescinded = item.liability.with_(rescinded_at=stamp.occurred_at)
            return case.with_(items=change(case.items, event.item, liability=rescinded))
        case _:
            assert_never(event)


def _appraised(case: Case, appraisal_id: str, stamp: Stamp, **changes: Any) -> Case:
    return case.with_(
        appraisals=change(case.appraisals, appraisal_id, since=stamp.occurred_at, **changes)
    )


def _evolve_platform_track(case: Case, event: ev.PlatformTrackEvent, stamp: Stamp) -> Case:
    match event:
        case ev.PlatformHelpAsked():
            return case.with_(help_asked=True)
        case ev.PlatformIntervened():
            # Told late, it may have been ruled on since.
            ruled = any(ruling.ruled_at >= stamp.occurred_at for ruling in case.rulings)
            return case.with_(intervened=not ruled)
        case ev.PlatformRuled():
            ruling = Ruling(
                ruling_id=event.ruling_id,
                ruled_for=event.ruled_for,
                items=event.items,
                ruled_at=stamp.occurred_at,
            )
            return agree(
                case,
                event.ruling_id,
                event.items,
                event.obligations,
                event.supersedes,
                RefundBasis.RULING,
                stamp,
            ).with_(rulings=(*case.rulings, ruling), intervened=False)
        case ev.PlatformDeadlineSet():
            deadline, at = event.deadline, stamp.occurred_at
            if at < case.platform_deadlines_at.get(deadline.clock, at):
                return case
            return case.with_(
                platform_deadlines={**case.platform_deadlines, deadline.clock: deadline.due_at},
                platform_deadlines_at={**case.platform_deadlines_at, deadline.clock: at},
            )
        case ev.PlatformStatusObserved():
            if case.platform_status_at is not None and stamp.occurred_at < case.platform_status_at:
                return case
            return case.with_(
                platform_status=event.status,
                platform_status_at=stamp.occurred_at,
                platform_ended=event.ended,
            )
        case _:
            assert_never(event)


_Evolve = Callable[[Case, Any, Stamp], Case]


def _tracks() -> dict[type[Event], _Evolve]:
    """Event class -> the function of its track; one look-up instead of a hundred isinstance."""
    tracks: tuple[tuple[object, _Evolve], ...] = (
        (ev.IntakeEvent, evolve_intake),
        (ev.NegotiationEvent, _evolve_negotiation),
        (ev.ExecutionEvent, evolve_execution),
        (ev.SupplierTrackEvent, _evolve_supplier_track),
        (ev.PlatformTrackEvent, _evolve_platform_track),
        (ev.ClosingEvent, evolve_closing),
        (ev.ClaimEvent, evolve_claims),
        (ClockEvent, _evolve_clock),
    )
    return {
        cast("type[Event]", cls): function for union, function in tracks for cls in get_args(union)
    }


_TRACK = _tracks()
_CLOCK_EVENTS = frozenset(get_args(ClockEvent))
