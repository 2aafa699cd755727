"""What was told under a number before its complaint went on in another case."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, assert_never

from domain.case import events as ev
from domain.case.booking import book_doubt, book_reversal, book_success, is_same, meant
from domain.case.draft import Draft
from domain.case.state import Case, Refund
from domain.case.values import DivergenceKind, RefundStatus
from domain.kernel import Context, Emit
from domain.order import Order, evolve
from domain.world import World

_Result = ev.RefundSucceeded | ev.RefundReversed | ev.RefundUnknown

_OF_PAYOUTS: Final = frozenset(
    cls.TOPIC for cls in (ev.RefundSucceeded, ev.RefundFailed, ev.RefundUnknown, ev.RefundReversed)
)


def carry_over(own: Case, target: Case, world: World, context: Context) -> list[Emit]:
    """The payouts told under the number of `own` are those of the case that its complaint goes on
    in: each as of its own time, there and in the order's ledger. Other facts a person looks at."""
    order = world.order(target.order_id) if target.order_id else None
    emits: list[Emit] = []
    for refund in own.refunds.values():
        for result in _retold(refund, target):
            draft = Draft(target, replace(context, occurred_at=refund.since))
            _book(draft, result, order, world)
            if order is not None:
                order = _booked(order, draft)
            target = draft.case
            emits += [replace(emit, occurred_at=refund.since) for emit in draft.emits]
    if any(key.partition(" ")[0] not in _OF_PAYOUTS for key in own.told):
        draft = Draft(target, context)
        draft.diverge(DivergenceKind.UNKNOWN_CASE, "check_facts_of_alias", own.case_id)
        emits += draft.emits
    return emits


def _retold(refund: Refund, target: Case) -> list[_Result]:
    """What has to be told of a payout so that it stands in `target` as it stood."""
    key, known = refund.action_key, target.refunds.get(refund.action_key)
    paid = ev.RefundSucceeded(
        action_key=key,
        obligation_id=known.obligation_id if known else meant(target, refund.lines),
        amount=refund.amount,
        lines=refund.lines,
        by=refund.by,
    )
    results: list[_Result] = []
    if refund.lines and not (known and is_same(known, paid)):
        results.append(paid)
    if refund.status is not RefundStatus.SUCCEEDED:
        results.append(ev.RefundReversed(action_key=key, reason=""))
    if refund.status is RefundStatus.UNKNOWN:
        results.append(ev.RefundUnknown(action_key=key))
    return results


def _book(draft: Draft, result: _Result, order: Order | None, world: World) -> None:
    match result:
        case ev.RefundSucceeded():
            book_success(draft, result, order, world)
        case ev.RefundReversed():
            book_reversal(draft, result, order, world)
        case ev.RefundUnknown():
            book_doubt(draft, result, order, world)
        case _:
            assert_never(result)


def _booked(order: Order, draft: Draft) -> Order:
    for emit in draft.emits:
        if emit.stream == order.stream:
            order = evolve(order, emit.event, draft.stamp(order.version))  # type: ignore[arg-type]
    return order
