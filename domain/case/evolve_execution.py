"""How a case changes by the events of the execution: returns, refunds, replacements, repairs."""

from __future__ import annotations

from typing import Any, assert_never

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
from domain.case.values import Party, RefundBasis, RefundStatus
from domain.kernel import Stamp


def evolve_execution(case: Case, event: ev.ExecutionEvent, stamp: Stamp) -> Case:
    """The case after an event of the execution."""
    match event:
        case ev.ReturnAddressAgreed():
            agreed = Return(event.return_id, event.items, ReturnStep.AGREED, stamp.occurred_at)
            return case.with_(returns={**case.returns, event.return_id: agreed})
        case ev.ReturnShipped():
            return _returned(
                case,
                event.return_id,
                stamp,
                ReturnStep.SHIPPED,
                carrier=event.carrier,
                tracking=event.tracking,
                proof_of_posting=event.proof_of_posting,
            )
        case ev.ReturnReceived():
            return _returned(case, event.return_id, stamp, ReturnStep.RECEIVED)
        case ev.ReturnInspected():
            return _returned(case, event.return_id, stamp, ReturnStep.INSPECTED, units=event.units)
        case ev.ReturnSentBack():
            return _returned(case, event.return_id, stamp, ReturnStep.SENT_BACK)
        case ev.ReturnLost():
            return _returned(case, event.return_id, stamp, ReturnStep.LOST)
        case ev.CarrierClaimFiled():
            return case.with_(returns=change(case.returns, event.return_id, claim_filed=True))
        case ev.DeductionAgreed():
            obligation = case.obligations.get(event.obligation_id)
            if obligation is None:
                return case
            reduced = max(0, obligation.amount - event.amount)
            return case.with_(
                obligations=change(case.obligations, event.obligation_id, amount=reduced)
            )
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
        case ev.ReplacementDispatched():
            replacement = Replacement(
                event.shipment_id,
                event.obligation_id,
                event.items,
                ReplacementStep.DISPATCHED,
                stamp.occurred_at,
            )
            return case.with_(replacements={**case.replacements, event.shipment_id: replacement})
        case ev.ReplacementDelivered():
            return case.with_(
                replacements=change(
                    case.replacements,
                    event.shipment_id,
                    step=ReplacementStep.DELIVERED,
                    since=stamp.occurred_at,
                )
            )
        case ev.RepairOrdered():
            repair = Repair(event.obligation_id, RepairStep.ORDERED, stamp.occurred_at)
            return case.with_(repairs={**case.repairs, event.obligation_id: repair})
        case ev.RepairItemReceived():
            return _repair(case, event.obligation_id, stamp, RepairStep.RECEIVED)
        case ev.RepairCompleted():
            return _repair(case, event.obligation_id, stamp, RepairStep.COMPLETED)
        case ev.RepairSentBack():
            return _repair(case, event.obligation_id, stamp, RepairStep.SENT_BACK)
        case ev.GoodwillGranted():
            granted = Goodwill(event.action_key, event.rung, event.amount, stamp.occurred_at)
            return case.with_(goodwill={**case.goodwill, event.action_key: granted})
        case _:
            assert_never(event)


def _returned(case: Case, return_id: str, stamp: Stamp, step: ReturnStep, **changes: Any) -> Case:
    """A return that nobody agreed may still arrive: it is kept with no items."""
    known = case.returns.get(return_id, Return(return_id, (), step, stamp.occurred_at))
    moved = known.with_(step=step, since=stamp.occurred_at, **changes)
    return case.with_(returns={**case.returns, return_id: moved})


def _refund(case: Case, action_key: str, stamp: Stamp, status: RefundStatus) -> Case:
    return case.with_(
        refunds=change(case.refunds, action_key, status=status, since=stamp.occurred_at)
    )


def _paid(case: Case, event: ev.RefundSucceeded, stamp: Stamp) -> Case:
    known = case.refunds.get(
        event.action_key,
        Refund(
            action_key=event.action_key,
            obligation_id=None,
            basis=RefundBasis.RULING if event.by is Party.PLATFORM else RefundBasis.AGREEMENT,
            amount=event.amount,
            lines=event.lines,
            status=RefundStatus.SUCCEEDED,
            attempts=1,
            by=event.by,
            since=stamp.occurred_at,
        ),
    )
    paid = known.with_(
        status=RefundStatus.SUCCEEDED,
        amount=event.amount,
        lines=event.lines,
        by=event.by,
        since=stamp.occurred_at,
    )
    return case.with_(refunds={**case.refunds, event.action_key: paid})


def _repair(case: Case, obligation_id: str, stamp: Stamp, step: RepairStep) -> Case:
    return case.with_(
        repairs=change(case.repairs, obligation_id, step=step, since=stamp.occurred_at)
    )
