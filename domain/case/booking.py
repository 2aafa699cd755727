"""The result of a payout in the case, in its order's ledger and in the day's budget."""

from __future__ import annotations

from domain import budget as budgets
from domain.case import events as ev
from domain.case.draft import Draft
from domain.case.ledger import hold, over_refunds
from domain.case.owed import fulfilled, outstanding
from domain.case.state import Case, Refund, Status
from domain.case.values import DivergenceKind, LineAmount, ObligationEnd, Party, RefundStatus
from domain.kernel import Emit
from domain.order import Order, release, reverse, settle
from domain.world import World


def book_success(draft: Draft, paid: ev.RefundSucceeded, order: Order | None, world: World) -> None:
    """The payment in the case, in its order's ledger (None: the order isn't known yet) and the
    day's budget, and what it contradicts."""
    case, key = draft.case, paid.action_key
    before = case.refunds.get(key)
    draft.add(paid)
    refund = draft.case.refunds[key]
    if refund.status is not RefundStatus.SUCCEEDED:
        return  # told late: it has bounced since
    if order is None:
        draft.diverge(DivergenceKind.UNKNOWN_ORDER, "link_order", key)
    else:
        booked = settle(order, key, case.case_id, paid.lines, paid.by)
        draft.emit(*booked)
        if over_refunds(order, booked):
            draft.diverge(DivergenceKind.OVER_REFUNDED, "recover_overpayment", key)
    draft.emit(*_spend_budget(draft.case, refund, world))
    if before is None and paid.by is not Party.PLATFORM:
        draft.diverge(DivergenceKind.UNKNOWN_REFUND, "check_refund", key)
    if before is not None and by_line(before.lines) != paid.lines:
        draft.diverge(DivergenceKind.REFUND_AMOUNT, "check_refund", key)
    if before is not None and before.status in (RefundStatus.FAILED, RefundStatus.REVERSED):
        draft.diverge(DivergenceKind.REFUND_STATE, "check_refund", key)
    if before is None or not before.in_flight:
        draft.diverge_if_ended("check_refund", key)
    draft.add(*fulfilled(draft.case))


def book_doubt(draft: Draft, event: ev.RefundUnknown, order: Order | None, world: World) -> None:
    """The payment in doubt in the case, in its order's ledger and the day's budget."""
    key = event.action_key
    before = draft.case.refunds.get(key)
    draft.add(event)
    if before is None:
        draft.diverge(DivergenceKind.UNKNOWN_REFUND, "check_refund", key)
    elif not before.in_flight:
        draft.diverge(DivergenceKind.REFUND_STATE, "check_refund", key)
        if draft.case.refunds[key].in_flight:
            _reserve_again(draft, before, order, world)


def _reserve_again(draft: Draft, refund: Refund, order: Order | None, world: World) -> None:
    """Hold the money of a payout that is in doubt again, whether or not the caps allow it."""
    case, key = draft.case, refund.action_key
    if order is not None:
        held = hold(order, case.case_id, refund)
        draft.emit(held)
        if over_refunds(order, [held]):
            draft.diverge(DivergenceKind.OVER_REFUNDED, "recover_overpayment", key)
    day = case.budget_days.get(refund.obligation_id or "")
    if day is not None:
        platform, shop, _ = case.case_id.split(":", 2)
        budget = world.budget(platform, shop, day)
        reserved = budgets.BudgetReserved(action_key=key, amount=refund.amount)
        draft.emit(Emit(budget.stream, reserved))


def book_reversal(
    draft: Draft, event: ev.RefundReversed, order: Order | None, world: World
) -> None:
    """The bounced payment in the case, in its order's ledger and the day's budget."""
    key = event.action_key
    before = draft.case.refunds.get(key)
    draft.add(event)
    if before is None:
        draft.diverge(DivergenceKind.UNKNOWN_REFUND, "check_refund", key)
        return
    bounced = draft.case.refunds[key].status is RefundStatus.REVERSED
    if bounced and before.status is not RefundStatus.REVERSED:
        free = reverse if before.status is RefundStatus.SUCCEEDED else release
        draft.emit(*(free(order, key) if order else ()))
        draft.emit(*free_budget(draft.case, before, world))
        _owe_again(draft)
    if not bounced or before.status is not RefundStatus.SUCCEEDED:
        draft.diverge(DivergenceKind.REFUND_STATE, "check_refund", key)
    draft.diverge_if_ended("pay_again", key)


def _owe_again(draft: Draft) -> None:
    """Obligations that were fulfilled and are not any more. A withdrawn case owes nothing new."""
    if draft.case.status is Status.WITHDRAWN:
        return
    for key, lines in outstanding(draft.case, settled=True).items():
        if any(lines.values()) and draft.case.obligations[key].ended is ObligationEnd.FULFILLED:
            draft.add(ev.ObligationReopened(obligation_id=key))


# ----------------------------------------------------------- the day's budget


def free_budget(case: Case, refund: Refund, world: World) -> list[Emit]:
    day = case.budget_days.get(refund.obligation_id or "")
    if day is None:
        return []
    platform, shop, _ = case.case_id.split(":", 2)
    return budgets.release(world.budget(platform, shop, day), refund.action_key)


def _spend_budget(case: Case, refund: Refund, world: World) -> list[Emit]:
    day = case.budget_days.get(refund.obligation_id or "")
    if day is None:
        return []
    platform, shop, _ = case.case_id.split(":", 2)
    budget = world.budget(platform, shop, day)
    return budgets.spend(budget, refund.action_key, refund.amount)


# ------------------------------------------------------------------- shared


def meant(case: Case, lines: tuple[LineAmount, ...]) -> str | None:
    """Which open obligation a refund pays for that we did not ask for: the first on its lines."""
    told = {part.line for part in lines}
    for key, left in outstanding(case, settled=True).items():
        if case.obligations[key].ended is None and told & {line for line in left if left[line]}:
            return key
    return None


def is_same(refund: Refund, paid: ev.RefundSucceeded) -> bool:
    """The same payment, told again by somebody else or as of another moment."""
    return (
        refund.status is RefundStatus.SUCCEEDED
        and refund.by is paid.by
        and by_line(refund.lines) == paid.lines
    )


def by_line(lines: tuple[LineAmount, ...]) -> tuple[LineAmount, ...]:
    return tuple(sorted(lines, key=lambda part: part.line))
