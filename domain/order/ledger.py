"""The refund ledger's rules, for the deciders that pay: what may be booked, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence

from domain.case.values import LineAmount, Party
from domain.kernel import Emit, Rejected, require
from domain.money import money
from domain.order.events import RefundReleased, RefundReserved, RefundReversed, RefundSettled
from domain.order.state import LedgerStatus, Order


def require_refundable(order: Order, lines: Sequence[LineAmount], field: str = "") -> None:
    """Refuse amounts that the order's caps don't hold, over all its cases.

    Rejected: unknown_order, unknown_line, refund_exceeds_paid.
    """
    require(order.known, "unknown_order", "The order is not known yet.", field)
    for part in lines:
        require(
            part.line in order.lines,
            "unknown_line",
            f"The order has no line {part.line}.",
            field,
        )
    if order.excess(lines) > 0:
        asked = sum(part.amount for part in lines)
        left = order.refundable_total(part.line for part in lines)
        raise Rejected(
            "refund_exceeds_paid",
            f"{money(asked, order.currency)} asked, {money(left, order.currency)} left of what"
            " was paid for these lines.",
            field,
        )


def reserve(
    order: Order,
    action_key: str,
    case_id: str,
    lines: Sequence[LineAmount],
    attempt: int,
    field: str = "",
) -> Emit:
    """Set money aside for a payout under this key. A failed one may be tried again under its
    key with the same content; a bounced one needs a new key, since its key has paid.

    Rejected: action_key_paid, action_key_in_flight, action_key_reused (for another content),
    and those of `require_refundable`.
    """
    entry = order.refund(action_key)
    if entry is not None:
        require(
            entry.status not in (LedgerStatus.SETTLED, LedgerStatus.REVERSED),
            "action_key_paid",
            f"{action_key} was paid already.",
            field,
        )
        require(
            entry.status is not LedgerStatus.RESERVED,
            "action_key_in_flight",
            f"{action_key} is under way; wait for its result.",
            field,
        )
        require(
            (entry.case_id, entry.lines) == (case_id, tuple(lines)),
            "action_key_reused",
            f"{action_key} stands for another payout.",
            field,
        )
    require_refundable(order, lines, field)
    event = RefundReserved(
        action_key=action_key, case_id=case_id, lines=tuple(lines), attempt=attempt
    )
    return Emit(order.stream, event)


def settle(
    order: Order, action_key: str, case_id: str | None, lines: Sequence[LineAmount], by: Party
) -> list[Emit]:
    """Book a payout that the buyer has. A fact: it counts even above the caps (see
    `Order.over_refunded`). Nothing if this key was settled with these amounts already."""
    entry = order.refund(action_key)
    paid = tuple(lines)
    if entry is not None and entry.status is LedgerStatus.SETTLED and entry.lines == paid:
        return []
    event = RefundSettled(action_key=action_key, case_id=case_id, lines=paid, by=by)
    return [Emit(order.stream, event)]


def release(order: Order, action_key: str) -> list[Emit]:
    """Free what a failed payout held. Nothing unless it is reserved."""
    entry = order.refund(action_key)
    if entry is None or entry.status is not LedgerStatus.RESERVED:
        return []
    return [Emit(order.stream, RefundReleased(action_key=action_key))]


def reverse(order: Order, action_key: str) -> list[Emit]:
    """Take back a payout that bounced. Nothing unless it is settled."""
    entry = order.refund(action_key)
    if entry is None or entry.status is not LedgerStatus.SETTLED:
        return []
    return [Emit(order.stream, RefundReversed(action_key=action_key))]
