"""Automatic refunds: the same inputs under the same policy give the same answer, always."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from hashlib import sha256

from domain.case.values import Stage
from domain.money import Money
from domain.policy.documents import RefundAutomationPolicy
from domain.policy.rules import (
    AutoRefundInputs,
    Decision,
    HardGround,
    InterceptState,
    RefundRule,
    ReturnInspection,
)

_STRENGTH = {Decision.REJECT: 0, Decision.PERSON: 1, Decision.APPROVE: 2}


@dataclass(frozen=True, slots=True)
class AutoRefundVerdict:
    """decision: the strongest of all rules that matched. rules: their names, strongest first,
    in the policy's order; names with a colon are the built-in ones. inputs_hash: SHA-256 of the
    inputs, see `inputs_hash`."""

    decision: Decision
    rules: tuple[str, ...]
    inputs_hash: str


def evaluate(inputs: AutoRefundInputs, policy: RefundAutomationPolicy) -> AutoRefundVerdict:
    """Reject > person > approve over the policy's rules and the built-in ones.

    Built in, whatever the policy says: a missing input goes to a person; so does what is in
    transit and neither intercepted nor returned, what exceeds the rest of the caps, of the
    day's budget or the largest amount, a return that was not inspected and found good, and what
    no rule approves. Rejection needs a hard ground.
    """
    matched: list[tuple[Decision, str]] = [
        (rule.then, rule.name) for rule in policy.rules if _matches(rule, inputs)
    ]
    matched.extend((Decision.PERSON, f"person:{reason}") for reason in _doubts(inputs, policy))
    if not matched:
        matched.append((Decision.PERSON, "person:no_rule"))
    matched.sort(key=lambda match: _STRENGTH[match[0]])  # stable: the policy's order stays
    return AutoRefundVerdict(matched[0][0], tuple(name for _, name in matched), inputs_hash(inputs))


def inputs_hash(inputs: AutoRefundInputs) -> str:
    """SHA-256, in hexadecimal, of the inputs' canonical JSON: keys sorted, no blanks, UTF-8,
    items in order of line, quantity and problem."""
    items = sorted(inputs.items, key=lambda item: (item.line, item.quantity, item.problem or ""))
    fields = inputs.model_copy(update={"items": tuple(items)}).model_dump(mode="json")
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()


# ---------------------------------------------------------------- built in

_NEEDED = tuple(name for name in AutoRefundInputs.model_fields if name != "items")


def _doubts(inputs: AutoRefundInputs, policy: RefundAutomationPolicy) -> Iterator[str]:
    """Why a person must look, whatever the policy's rules say."""
    if not policy.enabled:
        yield "automation_off"
    if not inputs.items:
        yield "missing_items"
    if any(item.problem is None for item in inputs.items):
        yield "missing_verified_type"
    for name in _NEEDED:
        if getattr(inputs, name) is None:
            yield f"missing_{name}"
    if inputs.stage is Stage.IN_TRANSIT and inputs.intercept in (
        InterceptState.NONE,
        InterceptState.REQUESTED,
        InterceptState.FAILED,
    ):
        yield "in_transit"
    if inputs.return_inspection in (ReturnInspection.PENDING, ReturnInspection.FAILED):
        yield "return_not_passed"
    amount = inputs.amount
    if amount is None:
        return
    if amount == 0:
        yield "nothing_asked"
    if inputs.refundable is not None and amount > inputs.refundable:
        yield "exceeds_refundable"
    if inputs.budget_left is not None and amount > inputs.budget_left:
        yield "budget_exhausted"
    if inputs.currency is not None:
        if policy.max_amount.currency != inputs.currency:
            yield "currency_differs"
        elif amount > policy.max_amount.minor:
            yield "exceeds_max_amount"


# ------------------------------------------------------------------- rules


def _matches(rule: RefundRule, inputs: AutoRefundInputs) -> bool:
    """All of the rule's conditions hold. One about an input that is missing does not."""
    return (
        _grounded(rule.ground, inputs)
        and _all_problems(rule, inputs)
        and _among(rule.stages, inputs.stage)
        and _among(rule.intercepts, inputs.intercept)
        and _among(rule.inspections, inputs.return_inspection)
        and _among(rule.evidence, inputs.evidence)
        and _among(rule.severities, inputs.severity)
        and _at_most(rule.amount_at_most, inputs.amount, inputs.currency)
        and _above(rule.amount_above, inputs.amount, inputs.currency)
        and _at_most(rule.price_at_most, inputs.price, inputs.currency)
        and _above(rule.price_above, inputs.price, inputs.currency)
        and (rule.risk_flag is None or rule.risk_flag == inputs.risk_flag)
        and _at_least(rule.other_cases_at_least, inputs.other_cases)
        and _at_least(rule.buyer_cases_at_least, inputs.buyer_cases)
        and _at_least(rule.buyer_refunds_at_least, inputs.buyer_refunds)
        and _at_least(rule.buyer_rejections_at_least, inputs.buyer_rejections)
    )


def _grounded(ground: HardGround | None, inputs: AutoRefundInputs) -> bool:
    match ground:
        case None:
            return True
        case HardGround.OUTSIDE_WINDOW:
            return inputs.in_window is False
        case HardGround.NOTHING_LEFT:
            # What payouts under way hold may still come free: that is no refusal for good.
            return inputs.refundable == 0 and inputs.reserved == 0
        case HardGround.DUPLICATE:
            return (
                inputs.amount is not None
                and inputs.reserved is not None
                and inputs.refundable == 0
                and 0 < inputs.amount <= inputs.reserved
            )


def _all_problems(rule: RefundRule, inputs: AutoRefundInputs) -> bool:
    """An approval needs every item to be of the named types, a doubt needs one."""
    if rule.problems is None:
        return True
    found = [item.problem in rule.problems for item in inputs.items]
    return any(found) if rule.then is Decision.PERSON else bool(found) and all(found)


def _among(wanted: Collection[object] | None, value: object) -> bool:
    return wanted is None or value in wanted


def _at_least(bound: int | None, value: int | None) -> bool:
    return bound is None or (value is not None and value >= bound)


def _at_most(bound: Money | None, value: int | None, currency: str | None) -> bool:
    if bound is None:
        return True
    return value is not None and currency == bound.currency and value <= bound.minor


def _above(bound: Money | None, value: int | None, currency: str | None) -> bool:
    if bound is None:
        return True
    return value is not None and currency == bound.currency and value > bound.minor
