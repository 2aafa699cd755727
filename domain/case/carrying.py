"""What was told under a number before its complaint went on in another case."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from domain.case import events as ev
from domain.case.draft import Draft
from domain.case.payments import book_reversal, book_success, is_same, meant
from domain.case.state import Case, Refund
from domain.case.values import DivergenceKind, RefundStatus
from domain.kernel import Context, Emit
from domain.order import Order, evolve
from domain.world import World

_OF_PAYOUTS: Final = frozenset(
    cls.TOPIC for cls in (ev.RefundSucceeded, ev.RefundFailed, ev.RefundUnknown, ev.RefundReversed)
)


def carry_over(own: Case, target: Case, world: World, context: Context) -> list[Emit]:
    """The payouts told under the number of `own` are those of the case that its complaint goes on
    in: each as of its own time, there and in the order's ledger. Other facts a person looks at."""
    order = world.order(target.order_id) if target.order_id else None
    emits: list[Emit] = []
    for refund in own.refunds.values():
        draft = Draft(target, replace(context, occurred_at=refund.since))
        _tell(draft, refund, order, world)
        if order is not None:
            order = _booked(order, draft)
        target = draft.case
        emits += [replace(emit, occurred_at=refund.since) for emit in draft.emits]
    if any(key[0] not in _OF_PAYOUTS for key in own.told):
        draft = Draft(target, context)
        draft.diverge(DivergenceKind.UNKNOWN_CASE, "check_facts_of_alias", own.case_id)
        emits += draft.emits
    return emits


def _tell(draft: Draft, refund: Refund, order: Order | None, world: World) -> None:
    key, known = refund.action_key, draft.case.refunds.get(refund.action_key)
    if refund.status is RefundStatus.REVERSED:
        if known is None or known.status is not RefundStatus.REVERSED:
            book_reversal(draft, ev.RefundReversed(action_key=key, reason=""), order, world)
        return
    paid = ev.RefundSucceeded(
        action_key=key,
        obligation_id=known.obligation_id if known else meant(draft.case, refund.lines),
        amount=refund.amount,
        lines=refund.lines,
        by=refund.by,
    )
    if known is None or not is_same(known, paid):
        book_success(draft, paid, order, world)


def _booked(order: Order, draft: Draft) -> Order:
    for emit in draft.emits:
        if emit.stream == order.stream:
            order = evolve(order, emit.event, draft.stamp(order.version))  # type: ignore[arg-type]
    return order
