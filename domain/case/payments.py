"""Refunds of a case: asked for within every cap, and what the payment service tells of them.

The ledger is the order's stream, written in the same decision: what is requested or unknown
reserves, what failed frees, success settles, and a bounced payout is a reversal.
"""

from __future__ import annotations

from typing import assert_never

from domain import budget as budgets
from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.auto_refund import decide_auto_refund
from domain.case.booking import (
    book_doubt,
    book_reversal,
    book_success,
    by_line,
    free_budget,
    is_same,
    meant,
)
from domain.case.commands import PaymentCommand
from domain.case.draft import Draft
from domain.case.goodwill import grant_goodwill, reimburse_return_freight
from domain.case.ledger import require_key_of_refund
from domain.case.owed import awaited_goods, outstanding
from domain.case.rules import (
    known_order,
    line_amounts,
    policies_of,
    require_open,
    told_lines,
)
from domain.case.state import Case, Obligation, Refund, ReturnStep
from domain.case.values import (
    DivergenceKind,
    Duty,
    LineAmount,
    RefundStatus,
)
from domain.kernel import Context, Emit, Rejected, require
from domain.money import money
from domain.order import Order, release, reserve
from domain.policy import in_currency
from domain.world import World


def decide_payment(
    command: PaymentCommand, case: Case, world: World, context: Context
) -> list[Emit]:
    """What a command or a fact about money becomes."""
    match command:
        case cmd.DecideAutoRefund():
            return decide_auto_refund(command, case, world, context)
        case cmd.RequestRefund():
            return _request(command, case, world, context)
        case cmd.RecordRefundSucceeded():
            return _succeeded(command, case, world, context)
        case cmd.RecordRefundFailed():
            return _failed(command, case, world, context)
        case cmd.RecordRefundUnknown():
            return _unknown(command, case, world, context)
        case cmd.RecordRefundReversed():
            return _reversed(command, case, world, context)
        case cmd.GrantGoodwill():
            return grant_goodwill(command, case, world, context)
        case cmd.ReimburseReturnFreight():
            return reimburse_return_freight(command, case, world, context)
        case _:
            assert_never(command)


# ------------------------------------------------------------- asking for it


def _request(command: cmd.RequestRefund, case: Case, world: World, context: Context) -> list[Emit]:
    """Pay for an obligation, or try a failed payout again under its key.

    Rejected: case_ended, unknown_order, action_key_reused, action_key_paid,
    action_key_in_flight, action_key_reversed, payout_without_ground, not_a_refund,
    obligation_ended, return_not_received, return_not_inspected, return_not_accepted,
    nothing_owed, refund_exceeds_obligation, refund_exceeds_paid, budget_exhausted and those of
    `line_amounts`.
    """
    require_open(case)
    order = known_order(case, world)
    lines = line_amounts(command.amounts, order)
    before = case.refunds.get(command.action_key)
    require_key_of_refund(order, command.action_key)
    if before is not None:
        lines = _retried(before, command, lines)
    obligation = _payable(case, command.obligation_id)
    _require_goods(case, obligation)
    left = outstanding(case)[obligation.obligation_id]
    if not lines:
        lines = tuple(LineAmount(line=line, amount=rest) for line, rest in left.items() if rest)
        require(
            bool(lines),
            "nothing_owed",
            "All that was agreed is paid or under way.",
            "obligation_id",
        )
    for i, part in enumerate(lines):
        require(
            part.amount <= left.get(part.line, 0),
            "refund_exceeds_obligation",
            f"{money(part.amount, order.currency or '')} asked, "
            f"{money(left.get(part.line, 0), order.currency or '')} still owed on {part.line}.",
            f"amounts.{i}.money" if command.amounts else "action_key",
        )
    attempt = 1 if before is None else before.attempts + 1
    draft = Draft(case, context)
    draft.add(
        ev.RefundRequested(
            action_key=command.action_key,
            obligation_id=obligation.obligation_id,
            basis=case.agreements[obligation.agreement].basis,
            amount=sum(part.amount for part in lines),
            lines=lines,
            attempt=attempt,
            policy=(),
            private=command.private,
        )
    )
    draft.emit(reserve(order, command.action_key, case.case_id, lines, attempt, "action_key"))
    draft.emit(*_draw_on_budget(draft.case, command.action_key, world, context))
    return draft.emits


def _retried(
    before: Refund, command: cmd.RequestRefund, lines: tuple[LineAmount, ...]
) -> tuple[LineAmount, ...]:
    """The amounts of the payout that this key stands for, if it may be tried again."""
    same = before.obligation_id == command.obligation_id and (
        not lines or by_line(lines) == by_line(before.lines)
    )
    require(
        same,
        "action_key_reused",
        f"{command.action_key} stands for another payout; a new one needs a new key.",
        "action_key",
    )
    require(
        before.status is not RefundStatus.REVERSED,
        "action_key_reversed",
        f"{command.action_key} was paid and bounced; pay again under a new key.",
        "action_key",
    )
    require(
        before.status is not RefundStatus.SUCCEEDED,
        "action_key_paid",
        f"{command.action_key} was paid already.",
        "action_key",
    )
    require(
        not before.in_flight,
        "action_key_in_flight",
        f"{command.action_key} is under way; wait for its result.",
        "action_key",
    )
    return before.lines


def _payable(case: Case, obligation_id: str) -> Obligation:
    """The refund obligation of that id, if it is the shop's to pay now."""
    obligation = case.obligations.get(obligation_id)
    if obligation is None:
        raise Rejected(
            "payout_without_ground",
            "A payout needs an agreement, a ruling or an automatic approval: "
            f"the case has no obligation {obligation_id}.",
            "obligation_id",
        )
    require(
        obligation.duty is Duty.REFUND,
        "not_a_refund",
        f"{obligation_id} asks for a {obligation.duty.value}, not for a refund.",
        "obligation_id",
    )
    if obligation.ended is not None:
        raise Rejected(
            "obligation_ended",
            f"{obligation_id} is {obligation.ended.value}.",
            "obligation_id",
        )
    return obligation


def _require_goods(case: Case, obligation: Obligation) -> None:
    match awaited_goods(case, obligation):
        case None:
            return
        case ReturnStep.RECEIVED:
            code, why = "return_not_inspected", "The goods are back, but not inspected yet."
        case ReturnStep.INSPECTED | ReturnStep.SENT_BACK:
            code = "return_not_accepted"
            why = "The goods were not found acceptable; agree a deduction first."
        case _:
            code, why = "return_not_received", "This is paid once the goods are back."
    raise Rejected(code, why, "obligation_id")


# ------------------------------------------------- the day's budget behind it


def _draw_on_budget(case: Case, action_key: str, world: World, context: Context) -> list[Emit]:
    """A further payout on an automatic approval draws on the budget of the day it was given."""
    refund = case.refunds[action_key]
    day = case.budget_days.get(refund.obligation_id or "")
    if day is None:
        return []
    platform, shop, _ = case.case_id.split(":", 2)
    automation = policies_of(case, world).refund_automation(context.now).values
    limit = in_currency(automation.daily_budget, case.currency) or 0
    budget = world.budget(platform, shop, day)
    return [budgets.reserve(budget, action_key, refund.amount, limit)]


# -------------------------------------------------------------- its outcome


def _succeeded(
    command: cmd.RecordRefundSucceeded, case: Case, world: World, context: Context
) -> list[Emit]:
    """The buyer has the money, whatever we had asked for.

    Rejected only for what no payout of this order can be: wrong_currency.
    """
    key, order = command.action_key, _order_of(case, world)
    lines = told_lines(command.amounts, (order.currency if order else None) or case.currency)
    before = case.refunds.get(key)
    draft = Draft(case, context)
    paid = ev.RefundSucceeded(
        action_key=key,
        obligation_id=before.obligation_id if before and before.lines else meant(case, lines),
        amount=sum(part.amount for part in lines),
        lines=lines,
        by=command.by,
        private=command.private,
    )
    if draft.is_told(paid) or (before is not None and is_same(before, paid)):
        return []
    book_success(draft, paid, order, world)
    return draft.emits


def _failed(
    command: cmd.RecordRefundFailed, case: Case, world: World, context: Context
) -> list[Emit]:
    """The money did not go out: what was reserved is free again, and the key may be retried."""
    draft = Draft(case, context)
    event = ev.RefundFailed(
        action_key=command.action_key, reason=command.reason, private=command.private
    )
    if draft.is_told(event):
        return []
    before = case.refunds.get(command.action_key)
    draft.add(event)
    if before is None:
        draft.diverge(DivergenceKind.UNKNOWN_REFUND, "check_refund", command.action_key)
    elif before.in_flight:
        if draft.case.refunds[command.action_key].in_flight:
            return draft.emits  # told late, of an earlier attempt
        order = _order_of(case, world)
        draft.emit(*(release(order, before.action_key) if order else ()))
        draft.emit(*free_budget(case, before, world))
    elif before.status is not RefundStatus.FAILED:
        draft.diverge(DivergenceKind.REFUND_STATE, "check_refund", command.action_key)
    return draft.emits


def _unknown(
    command: cmd.RecordRefundUnknown, case: Case, world: World, context: Context
) -> list[Emit]:
    """The payment service does not say how it ended: the money stays reserved; what had failed
    or bounced before is reserved again, for it may have gone out after all."""
    draft = Draft(case, context)
    event = ev.RefundUnknown(action_key=command.action_key, private=command.private)
    if draft.is_told(event):
        return []
    book_doubt(draft, event, _order_of(case, world), world)
    return draft.emits


def _reversed(
    command: cmd.RecordRefundReversed, case: Case, world: World, context: Context
) -> list[Emit]:
    """The money bounced: it is free again, and what it had fulfilled is owed anew."""
    draft = Draft(case, context)
    event = ev.RefundReversed(
        action_key=command.action_key, reason=command.reason, private=command.private
    )
    if draft.is_told(event):
        return []
    book_reversal(draft, event, _order_of(case, world), world)
    return draft.emits


# ------------------------------------------------------------------- shared


def _order_of(case: Case, world: World) -> Order | None:
    """The case's order; it keeps a ledger even while nothing else is known of it."""
    return None if case.order_id is None else world.order(case.order_id)
