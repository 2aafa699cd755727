"""A case and its order's ledger: action keys, and what is booked beyond what was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.case import events as ev
from domain.case.rules import divergence, on
from domain.case.state import Case, Refund
from domain.case.values import DivergenceKind, LineAmount, Party, RefundStatus
from domain.kernel import Emit, require
from domain.order import (
    LedgerEntry,
    LedgerStatus,
    Order,
    RefundReserved,
    RefundSettled,
    settle,
)


def require_key_of_refund(order: Order, action_key: str) -> None:
    """Refuse a key under which goodwill or return freight was paid: action_key_reused."""
    require(
        action_key not in order.goodwill and action_key not in order.return_freight,
        "action_key_reused",
        f"{action_key} stands for another payout; a new one needs a new key.",
        "action_key",
    )


def require_new_key(order: Order, case: Case, action_key: str) -> None:
    """Refuse a key that stands for any payout of the order: action_key_reused. The case may have
    been told of one of which the ledger knows no amount: a refund that bounced, and no more."""
    require_key_of_refund(order, action_key)
    require(
        order.refund(action_key) is None and action_key not in case.refunds,
        "action_key_reused",
        f"{action_key} stands for another payout; a new one needs a new key.",
        "action_key",
    )


def over_refunds(order: Order, booked: Sequence[Emit]) -> bool:
    """Whether these bookings take more than is left of what was paid."""
    refunds = dict(order.refunds)
    for emit in booked:
        event = emit.event
        if isinstance(event, RefundSettled | RefundReserved):
            refunds[event.action_key] = LedgerEntry(
                action_key=event.action_key,
                case_id=event.case_id,
                lines=event.lines,
                by=Party.SHOP,
                status=LedgerStatus.SETTLED,
                attempt=1,
            )
    return _over(order.with_(refunds=refunds)) > _over(order)


def _over(order: Order) -> int:
    return sum(order.over_refunded().values())


def hold(order: Order, case_id: str, refund: Refund) -> Emit:
    """Hold the money of a payout that may have gone out, whether or not the caps allow it."""
    reserved = RefundReserved(
        action_key=refund.action_key,
        case_id=case_id,
        lines=refund.lines,
        attempt=refund.attempts,
    )
    return Emit(order.stream, reserved)


def book_paid(case: Case, order: Order, names: Mapping[str, str]) -> list[Emit]:
    """What was paid, or may have been, before the case's order was known, now in the order's
    ledger; and the end of the divergences that asked for the order. names: as for
    `OrderLinked.lines`."""
    paid: list[Refund] = []
    booked: list[Emit] = []
    for told in case.refunds.values():
        lines = tuple(
            LineAmount(line=names.get(part.line, part.line), amount=part.amount)
            for part in told.lines
        )
        refund = told.with_(lines=lines)
        entry = order.refund(refund.action_key)
        if refund.status is RefundStatus.SUCCEEDED:
            paid.append(refund)
            booked += settle(order, refund.action_key, case.case_id, lines, refund.by)
        elif refund.in_flight and (entry is None or not entry.booked):
            paid.append(refund)
            booked.append(hold(order, case.case_id, refund))
    asked = [d for d in case.open_divergences if d.kind is DivergenceKind.UNKNOWN_ORDER]
    settled = [on(case, ev.DivergenceSettled(divergence_id=d.divergence_id)) for d in asked]
    if not over_refunds(order, booked):
        return [*booked, *settled]
    over = divergence(
        case, DivergenceKind.OVER_REFUNDED, "recover_overpayment", paid[-1].action_key
    )
    return [*booked, *settled, *over]
