"""How a case changes by the events of the execution: returns, refunds, replacements, repairs."""

from __future__ import annotations

from typing import Any, Final, assert_never

from domain.case import events as ev
from domain.case.parts import change
from domain.case.state import (
    Case,
    Goodwill,
    Refund,
    Repair,
    RepairStep,
    Replacement,
    ReplacementStep,
    Return,
    ReturnStep,
)
from domain.case.values import Duty, LineAmount, Party, RefundBasis, RefundStatus
from domain.kernel import Stamp


def evolve_execution(case: Case, event: ev.ExecutionEvent, stamp: Stamp) -> Case:
    """The case after an event of the execution."""
    match event:
        case ev.ReturnAddressAgreed():
            agreed = Return(event.return_id, event.items, ReturnStep.AGREED, stamp.occurred_at)
            return case.with_(returns={**case.returns, event.return_id: agreed})
        case ev.ReturnShipped():
            known = case.returns.get(event.return_id)
            told = {"carrier": event.carrier, "tracking": event.tracking}
            return _returned(
                case,
                event.return_id,
                stamp,
                ReturnStep.SHIPPED,
                proof_of_posting=event.proof_of_posting
                or (known is not None and known.proof_of_posting),
                **{name: value for name, value in told.items() if value is not None},
            )
        case ev.ReturnReceived():
            return _returned(case, event.return_id, stamp, ReturnStep.RECEIVED)
        case ev.ReturnInspected():
            return _returned(case, event.return_id, stamp, ReturnStep.INSPECTED, units=event.units)
        case ev.ReturnSentBack():
            return _returned(case, event.return_id, stamp, ReturnStep.SENT_BACK)
        case ev.ReturnLost():
            return _returned(case, event.return_id, stamp, ReturnStep.LOST)
        case ev.ReturnLapsed():
            return _returned(case, event.return_id, stamp, ReturnStep.LAPSED)
        case ev.CarrierClaimFiled():
            return case.with_(returns=change(case.returns, event.return_id, claim_filed=True))
        case ev.DeductionAgreed():
            return _deducted(case, event)
        case ev.ReturnFreightReimbursed():
            known = case.returns.get(event.return_id)
            paid = event.amount + (known.freight if known else 0)
            return case.with_(returns=change(case.returns, event.return_id, freight=paid))
        case ev.RefundRequested():
            refund = Refund(
                action_key=event.action_key,
                obligation_id=event.obligation_id,
                basis=event.basis,
                amount=event.amount,
                lines=event.lines,
                status=RefundStatus.REQUESTED,
                attempts=event.attempt,
                by=Party.SHOP,
                since=stamp.occurred_at,
            )
            return case.with_(refunds={**case.refunds, event.action_key: refund})
        case ev.RefundSucceeded():
            return _paid(case, event, stamp)
        case ev.RefundFailed():
            return _refund(case, event.action_key, stamp, RefundStatus.FAILED)
        case ev.RefundUnknown():
            return _refund(case, event.action_key, stamp, RefundStatus.UNKNOWN)
        case ev.RefundReversed():
            return _refund(case, event.action_key, stamp, RefundStatus.REVERSED)
        case ev.ReplacementDispatched() | ev.ReplacementDelivered():
            return _replaced(case, event, stamp)
        case ev.RepairOrdered():
            before = case.repairs.get(event.obligation_id)
            repair = Repair(event.obligation_id, RepairStep.ORDERED, stamp.occurred_at)
            if before is not None:
                repair = before.with_(ordered=True)
            return case.with_(repairs={**case.repairs, event.obligation_id: repair})
        case ev.RepairItemReceived():
            return _repair(case, event.obligation_id, stamp, RepairStep.RECEIVED)
        case ev.RepairCompleted():
            return _repair(case, event.obligation_id, stamp, RepairStep.COMPLETED)
        case ev.RepairSentBack():
            return _repair(case, event.obligation_id, stamp, RepairStep.SENT_BACK)
        case ev.GoodwillGranted():
            granted = Goodwill(
                event.action_key,
                event.rung,
                event.amount,
                stamp.occurred_at,
                event.obligation_id,
            )
            return case.with_(goodwill={**case.goodwill, event.action_key: granted})
        case _:
            assert_never(event)


_LEADS_TO: Final = {
    ReturnStep.SHIPPED: {ReturnStep.AGREED, ReturnStep.LAPSED},
    ReturnStep.RECEIVED: {
        ReturnStep.AGREED,
        ReturnStep.LAPSED,
        ReturnStep.SHIPPED,
        ReturnStep.LOST,
    },
    ReturnStep.LOST: {ReturnStep.AGREED, ReturnStep.LAPSED, ReturnStep.SHIPPED},
    ReturnStep.INSPECTED: {ReturnStep.RECEIVED},
    ReturnStep.SENT_BACK: {ReturnStep.INSPECTED},
    ReturnStep.LAPSED: {ReturnStep.AGREED},
}
"""A step -> those that it follows on; news that come late take a return no step back."""


def _returned(case: Case, return_id: str, stamp: Stamp, step: ReturnStep, **changes: Any) -> Case:
    """A return that nobody agreed may still arrive: it is kept with no items."""
    known = case.returns.get(return_id)
    if known is None:
        known = Return(return_id, (), step, stamp.occurred_at)
    elif known.step in _LEADS_TO[step]:
        known = known.with_(step=step, since=stamp.occurred_at)
    return case.with_(returns={**case.returns, return_id: known.with_(**changes)})


def _deducted(case: Case, event: ev.DeductionAgreed) -> Case:
    obligation = case.obligations.get(event.obligation_id)
    if obligation is None:
        return case
    less = {part.line: part.amount for part in event.lines}
    lines = tuple(
        LineAmount(line=part.line, amount=max(0, part.amount - less.get(part.line, 0)))
        for part in obligation.lines
    )
    reduced = obligation.with_(
        amount=max(0, obligation.amount - event.amount),
        lines=lines,
        deductions=(*obligation.deductions, event.return_id),
    )
    return case.with_(obligations={**case.obligations, event.obligation_id: reduced})


_MOVES: Final = {
    RefundStatus.FAILED: {RefundStatus.REQUESTED, RefundStatus.UNKNOWN},
    RefundStatus.UNKNOWN: {RefundStatus.REQUESTED, RefundStatus.FAILED, RefundStatus.REVERSED},
    RefundStatus.REVERSED: {RefundStatus.REQUESTED, RefundStatus.UNKNOWN, RefundStatus.SUCCEEDED},
}
"""A result -> the standings that it changes; others it contradicts, and a person looks."""


def _refund(case: Case, action_key: str, stamp: Stamp, status: RefundStatus) -> Case:
    known = case.refunds.get(action_key)
    if known is None:
        return _bounced_first(case, action_key, stamp) if status is RefundStatus.REVERSED else case
    answered = known.status is not RefundStatus.REQUESTED or known.attempts > 1
    late = answered and stamp.occurred_at < known.since
    if late or known.status not in _MOVES[status]:
        return case  # told late: a newer result, or a newer attempt, is known
    moved = known.with_(status=status, since=stamp.occurred_at)
    return case.with_(refunds={**case.refunds, action_key: moved})


def _bounced_first(case: Case, action_key: str, stamp: Stamp) -> Case:
    """That a payout bounced may be told before the payout itself, which then pays nothing."""
    bounced = Refund(
        action_key=action_key,
        obligation_id=None,
        basis=RefundBasis.AGREEMENT,
        amount=0,
        lines=(),
        status=RefundStatus.REVERSED,
        attempts=1,
        by=Party.SHOP,
        since=stamp.occurred_at,
    )
    return case.with_(refunds={**case.refunds, action_key: bounced})


def _paid(case: Case, event: ev.RefundSucceeded, stamp: Stamp) -> Case:
    """Whatever stood before, the money is with the buyer; unless it is known to have bounced
    since."""
    known = case.refunds.get(event.action_key)
    if known is None:
        obligation = case.obligations.get(event.obligation_id or "")
        agreement = case.agreements.get(obligation.agreement) if obligation else None
        by_platform = RefundBasis.RULING if event.by is Party.PLATFORM else RefundBasis.AGREEMENT
        known = Refund(
            action_key=event.action_key,
            obligation_id=event.obligation_id,
            basis=agreement.basis if agreement else by_platform,
            amount=event.amount,
            lines=event.lines,
            status=RefundStatus.REQUESTED,
            attempts=1,
            by=event.by,
            since=stamp.occurred_at,
        )
    elif known.status is RefundStatus.REVERSED and stamp.occurred_at <= known.since:
        return case
    paid = known.with_(
        status=RefundStatus.SUCCEEDED,
        amount=event.amount,
        lines=event.lines,
        by=event.by,
        since=stamp.occurred_at,
    )
    return case.with_(refunds={**case.refunds, event.action_key: paid})


def _replaced(
    case: Case, event: ev.ReplacementDispatched | ev.ReplacementDelivered, stamp: Stamp
) -> Case:
    """Of dispatch and delivery either may be told first."""
    known = case.replacements.get(event.shipment_id)
    match event:
        case ev.ReplacementDispatched():
            step, since = ReplacementStep.DISPATCHED, stamp.occurred_at
            if known is not None and known.step is ReplacementStep.DELIVERED:
                step, since = known.step, known.since
            replacement = Replacement(
                event.shipment_id, event.obligation_id, event.items, step, since
            )
        case ev.ReplacementDelivered():
            replacement = (
                known
                or Replacement(
                    event.shipment_id, "", (), ReplacementStep.DELIVERED, stamp.occurred_at
                )
            ).with_(step=ReplacementStep.DELIVERED, since=stamp.occurred_at)
        case _:
            assert_never(event)
    return case.with_(replacements={**case.replacements, event.shipment_id: replacement})


_REPAIR_STEPS: Final = tuple(RepairStep)


def _repair(case: Case, obligation_id: str, stamp: Stamp, step: RepairStep) -> Case:
    """Forward only; goods that come ahead of the repair's order are kept in mind."""
    known = case.repairs.get(obligation_id)
    if known is None:
        obligation = case.obligations.get(obligation_id)
        if obligation is None or obligation.duty is not Duty.REPAIR:
            return case
        known = Repair(obligation_id, RepairStep.ORDERED, stamp.occurred_at, ordered=False)
    if _REPAIR_STEPS.index(step) > _REPAIR_STEPS.index(known.step):
        known = known.with_(step=step, since=stamp.occurred_at)
    return case.with_(repairs={**case.repairs, obligation_id: known})
