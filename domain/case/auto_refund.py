"""Refunds that the shop's policy decides: the inputs gathered from the streams, and the outcome.

An approval is the ground of its refund, which is asked for at once, money and budget reserved in
the same decision. A rejection that the buyer is told is a decline with its ground, so that the
buyer can accept it, supplement (the appeal to a person) or call the platform.
"""

from __future__ import annotations

from collections.abc import Container
from itertools import count

from domain import budget as budgets
from domain.budget import budget_day
from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.commands import LineMoney
from domain.case.draft import Draft
from domain.case.ledger import require_new_key
from domain.case.rules import line_amounts, policies_of, require_open
from domain.case.state import Case, Item, Return, ReturnStep
from domain.case.terms import WITHOUT_REASON, is_inside
from domain.case.values import (
    DeclineGround,
    Duty,
    LineAmount,
    ObligationTerms,
    Party,
    ProblemType,
    RefundBasis,
    Stage,
)
from domain.kernel import Context, Emit, require
from domain.order import LedgerStatus, Order, ShipmentOutcome, reserve
from domain.policy import (
    AutoRefundInputs,
    AutoRefundVerdict,
    Decision,
    EvidencePolicy,
    EvidenceVerdict,
    HardGround,
    InterceptState,
    RefundAutomationPolicy,
    RefundItem,
    ReturnInspection,
    evaluate,
    in_currency,
)
from domain.world import World

_RETURNED_FIRST = WITHOUT_REASON | {ProblemType.SIZE_FIT, ProblemType.RETURN_DISPUTE}
"""Claims for which delivered goods come back before anything is paid by itself."""

_GROUNDS = {
    HardGround.OUTSIDE_WINDOW: DeclineGround.OUTSIDE_WINDOW,
    HardGround.NOTHING_LEFT: DeclineGround.DUPLICATE,
    HardGround.DUPLICATE: DeclineGround.DUPLICATE,
}


def decide_auto_refund(
    command: cmd.DecideAutoRefund, case: Case, world: World, context: Context
) -> list[Emit]:
    """What the policy says: approve, reject, or hand it to a person. Asked again with the same
    inputs and the same answer, nothing changes.

    Rejected: case_ended, line_not_in_case, already_agreed, action_key_reused and those of
    `line_amounts`.
    """
    require_open(case)
    order = world.order(case.order_id) if case.order_id else None
    order = order if order is not None and order.known else None
    lines = _asked(command.amounts, order)
    items = _items(case, lines)
    if order is not None:
        require_new_key(order, case, command.action_key)
    policies, now = policies_of(case, world), context.now
    automation, ref = policies.refund_automation(now)
    evidence, evidence_ref = policies.evidence(now)
    shop, shop_ref = policies.shop(now)
    refs = [*ref, *evidence_ref, *shop_ref]
    day = budget_day(now, shop.tz)
    inputs = AutoRefundInputs(
        items=tuple(
            RefundItem(line=item.line, quantity=item.units, problem=item.verified) for item in items
        ),
        amount=sum(part.amount for part in lines),
        return_inspection=_inspection(case, items, _stage(case, order, lines)),
        stage=_stage(case, order, lines),
        intercept=_intercept(case, order, lines),
        evidence=_proof(case, items, evidence, command.evidence_supports),
        buyer_cases=command.buyer_history.cases if command.buyer_history else None,
        buyer_refunds=command.buyer_history.refunds if command.buyer_history else None,
        buyer_rejections=command.buyer_history.rejections if command.buyer_history else None,
        risk_flag=command.risk_flag,
        severity=case.severity,
    )
    if order is not None:
        inside = [is_inside(case, item, order, world, now) for item in items]
        refs += [part for _, terms in inside for part in terms]
        told = {
            "in_window": all(held for held, _ in inside),
            "budget_left": _budget_left(case, order, automation, day, world),
        }
        inputs = inputs.model_copy(update=_of_order(case, order, lines) | told)
    verdict = evaluate(inputs, automation)
    policy = tuple(dict.fromkeys(refs))
    if (case.auto_verdict, case.auto_inputs) == (verdict.decision, verdict.inputs_hash):
        return []
    approved = verdict.decision is Decision.APPROVE
    terms = _terms(case, items, lines)
    draft = Draft(case, context)
    draft.add(
        ev.AutoRefundDecided(
            verdict=verdict.decision.value,
            rules=verdict.rules,
            inputs_hash=verdict.inputs_hash,
            amount=sum(part.amount for part in lines),
            lines=lines,
            action_key=command.action_key,
            told_buyer=command.told_buyer,
            obligations=(terms,) if approved else (),
            budget_day=day if approved else None,
            policy=policy,
            private=command.private,
        )
    )
    if approved and order is not None:
        _pay(draft, command.action_key, terms, order, policy)
        limit = in_currency(automation.daily_budget, order.currency) or 0
        platform, name, _ = case.case_id.split(":", 2)
        budget = world.budget(platform, name, day)
        draft.emit(budgets.reserve(budget, command.action_key, terms.amount, limit))
    if verdict.decision is Decision.REJECT and command.told_buyer:
        _decline(draft, verdict, automation, items, policy)
    return draft.emits


# ---------------------------------------------------------------- outcomes


def _terms(case: Case, items: list[Item], lines: tuple[LineAmount, ...]) -> ObligationTerms:
    name = _new_name("auto", {*case.obligations, *case.agreements, *case.proposals})
    return ObligationTerms(
        obligation_id=name,
        duty=Duty.REFUND,
        party=Party.SHOP,
        items=tuple(item.number for item in items),
        amount=sum(part.amount for part in lines),
        lines=lines,
    )


def _pay(
    draft: Draft, action_key: str, terms: ObligationTerms, order: Order, policy: tuple[str, ...]
) -> None:
    draft.add(
        ev.RefundRequested(
            action_key=action_key,
            obligation_id=terms.obligation_id,
            basis=RefundBasis.AUTOMATIC,
            amount=terms.amount,
            lines=terms.lines,
            attempt=1,
            policy=policy,
        )
    )
    draft.emit(reserve(order, action_key, draft.case.case_id, terms.lines, 1, "action_key"))


def _decline(
    draft: Draft,
    verdict: AutoRefundVerdict,
    automation: RefundAutomationPolicy,
    items: list[Item],
    policy: tuple[str, ...],
) -> None:
    rule = next(rule for rule in automation.rules if rule.name == verdict.rules[0])
    assert rule.ground is not None, "a rule that rejects names its ground"
    draft.add(
        ev.ComplaintDeclined(
            decline_id=_new_name("auto", draft.case.declines.keys()),
            ground=_GROUNDS[rule.ground],
            items=tuple(item.number for item in items),
            evidence=(),
            rule=rule.name,
            policy=policy,
        )
    )


def _new_name(prefix: str, taken: Container[str]) -> str:
    return next(name for n in count(1) if (name := f"{prefix}.{n}") not in taken)


# ------------------------------------------------------------------- inputs


def _asked(amounts: tuple[LineMoney, ...], order: Order | None) -> tuple[LineAmount, ...]:
    if order is not None:
        return line_amounts(amounts, order)
    return tuple(LineAmount(line=part.line, amount=part.money.minor) for part in amounts)


def _items(case: Case, lines: tuple[LineAmount, ...]) -> list[Item]:
    """The case's items on the lines asked about."""
    items: list[Item] = []
    for i, part in enumerate(lines):
        found = [item for item in case.items.values() if item.line == part.line]
        require(
            bool(found),
            "line_not_in_case",
            f"The case is not about the line {part.line}.",
            f"amounts.{i}.line",
        )
        items += found
    for item in items:
        agreement = case.agreements.get(item.agreement or "")
        agreed = agreement is not None and not agreement.superseded
        require(
            not agreed,
            "already_agreed",
            f"Item {item.number} has a solution; pay what was agreed, or agree anew.",
            "amounts",
        )
    return items


def _of_order(case: Case, order: Order, lines: tuple[LineAmount, ...]) -> dict[str, object]:
    """The inputs that only a known order can tell."""
    names = {part.line for part in lines}
    amount, excess = sum(part.amount for part in lines), order.excess(lines)
    others = {other for name in names for other in order.cases_of(name)} - {case.case_id}
    return {
        "currency": order.currency,
        "price": max(-(-order.lines[n].gross // order.lines[n].quantity) for n in names),
        "refundable": amount - excess if excess else order.refundable_total(names),
        "reserved": sum(
            part.amount
            for entry in order.refunds.values()
            if entry.status is LedgerStatus.RESERVED
            for part in entry.lines
            if part.line in names
        ),
        "other_cases": len(others),
    }


def _budget_left(
    case: Case, order: Order, automation: RefundAutomationPolicy, day: str, world: World
) -> int | None:
    """What the shop's day still holds, None where it is kept in another currency."""
    platform, shop, _ = case.case_id.split(":", 2)
    budget = world.budget(platform, shop, day)
    if budget.limit is not None:
        return budget.left(0) if budget.currency == order.currency else None
    limit = in_currency(automation.daily_budget, order.currency)
    return None if limit is None else budget.left(limit)


def _stage(case: Case, order: Order | None, lines: tuple[LineAmount, ...]) -> Stage | None:
    """How far the goods are now; of several lines, on the way before delivered."""
    if order is None:
        return case.stage
    stages = {order.stage(part.line) for part in lines}
    for stage in (Stage.IN_TRANSIT, Stage.DELIVERED):
        if stage in stages:
            return stage
    return Stage.UNSHIPPED


def _intercept(
    case: Case, order: Order | None, lines: tuple[LineAmount, ...]
) -> InterceptState | None:
    """Whether what is on the way was stopped: all of it, or else the worst that is known."""
    if order is None:
        return None
    states = {
        _stopped(case, parcel.shipment_id, parcel.ended_as)
        for part in lines
        for parcel in order.shipments_of(part.line)
        if parcel.left_by(None) and not parcel.delivered_by(None)
    }
    if not states:
        return InterceptState.NONE
    if states == {InterceptState.INTERCEPTED}:
        names = {part.line for part in lines}
        numbers = {item.number for item in case.items.values() if item.line in names}
        came = any(
            set(back.items) & numbers and back.step in (ReturnStep.RECEIVED, ReturnStep.INSPECTED)
            for back in case.returns.values()
        )
        return InterceptState.RETURNED if came else InterceptState.INTERCEPTED
    for state in (InterceptState.FAILED, InterceptState.NONE):
        if state in states:
            return state
    return InterceptState.REQUESTED


def _stopped(case: Case, shipment_id: str, ended: ShipmentOutcome | None) -> InterceptState:
    if ended is ShipmentOutcome.INTERCEPTED:
        return InterceptState.INTERCEPTED
    asked = case.intercepts.get(shipment_id)
    if asked is None:
        return InterceptState.NONE
    if asked.succeeded is None:
        return InterceptState.REQUESTED
    return InterceptState.INTERCEPTED if asked.succeeded else InterceptState.FAILED


def _inspection(case: Case, items: list[Item], stage: Stage | None) -> ReturnInspection:
    """Whether all the items' goods are back and found good, where they have to come back."""
    found = {_inspected(case, item, stage) for item in items}
    for state in (ReturnInspection.FAILED, ReturnInspection.PENDING, ReturnInspection.PASSED):
        if state in found:
            return state
    return ReturnInspection.NOT_NEEDED


def _inspected(case: Case, item: Item, stage: Stage | None) -> ReturnInspection:
    backs: list[Return] = [back for back in case.returns.values() if item.number in back.items]
    if not backs:
        wanted = stage is Stage.DELIVERED and item.problem in _RETURNED_FIRST
        return ReturnInspection.PENDING if wanted else ReturnInspection.NOT_NEEDED
    if any(back.step is not ReturnStep.INSPECTED for back in backs):
        return ReturnInspection.PENDING
    passed = all(back.all_accepted for back in backs)
    return ReturnInspection.PASSED if passed else ReturnInspection.FAILED


def _proof(
    case: Case, items: list[Item], policy: EvidencePolicy, supports: bool | None
) -> EvidenceVerdict | None:
    """What the proof is worth: whether the kinds that the claims need are there, and whether who
    looked at it says that it supports the claim. None: nobody has looked."""
    present = {proof.kind for proof in case.evidence.values()}
    if any(policy.missing(item.problem, present) for item in items):
        return EvidenceVerdict.INSUFFICIENT
    if supports is False:
        return EvidenceVerdict.CONTRADICTORY
    if not any(policy.required.get(item.problem) for item in items):
        return EvidenceVerdict.NOT_NEEDED
    return EvidenceVerdict.SUFFICIENT if supports else None
