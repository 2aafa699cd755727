"""Automatic refunds. DOMAIN: automatic refunds; same inputs, same answer."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from domain.case.values import Level, ProblemType, Stage
from domain.money import Money
from domain.policy import (
    AutoRefundInputs,
    Decision,
    EvidenceVerdict,
    HardGround,
    InterceptState,
    RefundAutomationPolicy,
    RefundItem,
    RefundRule,
    ReturnInspection,
    evaluate,
    inputs_hash,
)
from domain.policy.defaults import REFUND_AUTOMATION

DAMAGED = RefundItem(line="1", quantity=1, problem=ProblemType.DAMAGED)
NO_REASON = RefundItem(line="1", quantity=1, problem=ProblemType.NO_REASON)
KNOWN: dict[str, Any] = {
    "currency": "CNY",
    "items": (DAMAGED,),
    "price": 3_000,
    "stage": Stage.DELIVERED,
    "intercept": InterceptState.NONE,
    "return_inspection": ReturnInspection.NOT_NEEDED,
    "amount": 3_000,
    "refundable": 10_000,
    "reserved": 0,
    "other_cases": 0,
    "evidence": EvidenceVerdict.SUFFICIENT,
    "in_window": True,
    "buyer_cases": 1,
    "buyer_refunds": 0,
    "buyer_rejections": 0,
    "risk_flag": False,
    "severity": Level.LOW,
    "budget_left": 50_000,
}


def inputs(**changes: Any) -> AutoRefundInputs:
    """A small, proven, damaged item of a buyer with no history; with some things otherwise."""
    return AutoRefundInputs(**{**KNOWN, **changes})


def decided(policy: RefundAutomationPolicy = REFUND_AUTOMATION, **changes: Any) -> Decision:
    return evaluate(inputs(**changes), policy).decision


def rules(policy: RefundAutomationPolicy = REFUND_AUTOMATION, **changes: Any) -> tuple[str, ...]:
    return evaluate(inputs(**changes), policy).rules


def with_rules(*some: RefundRule, **changes: Any) -> RefundAutomationPolicy:
    """The default policy with these rules, and one that would approve of everything."""
    approve = RefundRule(name="approve_all", then=Decision.APPROVE)
    return REFUND_AUTOMATION.model_copy(update={"rules": (*some, approve), **changes})


# ---------------------------------------------------------------- approval


def test_a_small_proven_refund_is_approved() -> None:
    verdict = evaluate(inputs(), REFUND_AUTOMATION)
    assert verdict.decision is Decision.APPROVE
    assert verdict.rules == ("approve_small_and_proven",)


def test_what_was_not_shipped_is_approved() -> None:
    assert decided(stage=Stage.UNSHIPPED, items=(NO_REASON,)) is Decision.APPROVE


@pytest.mark.parametrize("state", [InterceptState.INTERCEPTED, InterceptState.RETURNED])
def test_in_transit_is_approved_once_intercepted_or_returned(state: InterceptState) -> None:
    assert decided(stage=Stage.IN_TRANSIT, intercept=state) is Decision.APPROVE


@pytest.mark.parametrize(
    "state", [InterceptState.NONE, InterceptState.REQUESTED, InterceptState.FAILED]
)
def test_in_transit_otherwise_goes_to_a_person_whatever_the_policy_says(
    state: InterceptState,
) -> None:
    verdict = evaluate(inputs(stage=Stage.IN_TRANSIT, intercept=state), with_rules())
    assert verdict.decision is Decision.PERSON
    assert verdict.rules == ("person:in_transit", "approve_all")


def test_a_return_that_was_inspected_and_found_good_is_approved() -> None:
    verdict = decided(items=(NO_REASON,), return_inspection=ReturnInspection.PASSED)
    assert verdict is Decision.APPROVE


@pytest.mark.parametrize("state", [ReturnInspection.PENDING, ReturnInspection.FAILED])
def test_a_return_not_inspected_or_not_good_goes_to_a_person(state: ReturnInspection) -> None:
    assert rules(with_rules(), return_inspection=state)[0] == "person:return_not_passed"


# ------------------------------------------------------------------ people


@pytest.mark.parametrize("missing", sorted(set(KNOWN) - {"items"}))
def test_a_missing_input_goes_to_a_person(missing: str) -> None:
    verdict = evaluate(inputs(**{missing: None}), with_rules())
    assert verdict.decision is Decision.PERSON
    assert f"person:missing_{missing}" in verdict.rules


def test_every_input_is_looked_for() -> None:
    assert set(KNOWN) == set(AutoRefundInputs.model_fields)


def test_an_item_whose_type_nobody_verified_goes_to_a_person() -> None:
    unverified = RefundItem(line="1", quantity=1, problem=None)
    assert "person:missing_verified_type" in rules(with_rules(), items=(DAMAGED, unverified))


def test_no_items_go_to_a_person() -> None:
    assert "person:missing_items" in rules(with_rules(), items=())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": 10_001}, "exceeds_refundable"),
        ({"amount": 3_000, "budget_left": 2_999}, "budget_exhausted"),
        ({"amount": 20_001, "refundable": 90_000}, "exceeds_max_amount"),
        ({"currency": "USD"}, "currency_differs"),
        ({"amount": 0}, "nothing_asked"),
    ],
)
def test_what_the_caps_do_not_hold_goes_to_a_person(changes: dict[str, Any], reason: str) -> None:
    verdict = evaluate(inputs(**changes), with_rules())
    assert verdict.decision is Decision.PERSON
    assert f"person:{reason}" in verdict.rules


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"risk_flag": True}, "person_risk"),
        ({"severity": Level.HIGH}, "person_severe"),
        ({"other_cases": 1}, "person_other_cases"),
        ({"evidence": EvidenceVerdict.CONTRADICTORY}, "person_evidence"),
        ({"buyer_refunds": 5}, "person_many_refunds"),
        ({"buyer_rejections": 2}, "person_rejected_before"),
    ],
)
def test_a_doubt_wins_over_an_approval(changes: dict[str, Any], rule: str) -> None:
    verdict = evaluate(inputs(stage=Stage.UNSHIPPED, **changes), REFUND_AUTOMATION)
    assert verdict.decision is Decision.PERSON
    assert verdict.rules == (rule, "approve_unshipped")


def test_what_no_rule_knows_goes_to_a_person() -> None:
    assert rules(items=(NO_REASON,)) == ("person:no_rule",)


def test_automation_switched_off_sends_everything_to_people() -> None:
    assert rules(with_rules(enabled=False))[0] == "person:automation_off"


# --------------------------------------------------------------- rejection


def test_nothing_left_is_rejected() -> None:
    verdict = evaluate(inputs(refundable=0), REFUND_AUTOMATION)
    assert verdict.decision is Decision.REJECT
    assert verdict.rules[0] == "reject_nothing_left"


def test_nothing_left_only_because_a_payout_is_under_way_is_a_duplicate() -> None:
    assert rules(refundable=0, reserved=3_000)[0] == "reject_duplicate"
    assert decided(refundable=0, reserved=2_999) is Decision.PERSON


def test_outside_the_window_is_rejected_where_nothing_is_wrong_with_the_goods() -> None:
    assert rules(in_window=False, items=(NO_REASON,))[0] == "reject_outside_window"
    assert decided(in_window=False, items=(NO_REASON, DAMAGED)) is not Decision.REJECT
    assert decided(in_window=False) is Decision.APPROVE


def test_a_rejection_wins_over_a_doubt_and_an_approval() -> None:
    names = rules(refundable=0, risk_flag=True)
    assert names[0] == "reject_nothing_left"
    assert {"person_risk", "approve_small_and_proven"} <= set(names)


@pytest.mark.parametrize("missing", ["in_window", "refundable", "reserved"])
def test_a_ground_that_is_not_known_rejects_nothing(missing: str) -> None:
    changes: dict[str, Any] = {"in_window": False, "refundable": 0, missing: None}
    if missing == "in_window":
        changes["refundable"] = 10_000
    else:
        changes["in_window"] = True
    assert decided(items=(NO_REASON,), **changes) is Decision.PERSON


# ----------------------------------------------------- what a rule can ask

CNY_30, CNY_29 = (Money(amount=text, currency="CNY") for text in ("30.00", "29.99"))


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({}, True),
        ({"problems": (ProblemType.DAMAGED,)}, True),
        ({"problems": (ProblemType.LOST,)}, False),
        ({"stages": (Stage.DELIVERED,)}, True),
        ({"stages": (Stage.UNSHIPPED,)}, False),
        ({"intercepts": (InterceptState.FAILED,)}, False),
        ({"inspections": (ReturnInspection.NOT_NEEDED,)}, True),
        ({"evidence": (EvidenceVerdict.NOT_NEEDED,)}, False),
        ({"severities": (Level.LOW, Level.MEDIUM)}, True),
        ({"amount_at_most": CNY_30}, True),
        ({"amount_at_most": CNY_29}, False),
        ({"amount_above": CNY_29}, True),
        ({"amount_above": CNY_30}, False),
        ({"price_at_most": CNY_30}, True),
        ({"price_at_most": CNY_29}, False),
        ({"price_above": CNY_29}, True),
        ({"price_above": CNY_30}, False),
        ({"price_above": Money(amount="1", currency="USD")}, False),
        ({"risk_flag": False}, True),
        ({"risk_flag": True}, False),
        ({"other_cases_at_least": 0}, True),
        ({"other_cases_at_least": 1}, False),
        ({"buyer_cases_at_least": 1}, True),
        ({"buyer_cases_at_least": 2}, False),
        ({"buyer_refunds_at_least": 1}, False),
        ({"buyer_rejections_at_least": 1}, False),
        ({"stages": (Stage.DELIVERED,), "risk_flag": True}, False),
    ],
)
def test_a_rule_holds_when_all_of_its_conditions_do(
    conditions: dict[str, Any], holds: bool
) -> None:
    rule = RefundRule(name="asked", then=Decision.PERSON, **conditions)
    assert ("asked" in rules(with_rules(rule))) is holds


def test_a_doubt_about_a_type_needs_one_such_item_and_an_approval_all() -> None:
    types: dict[str, Any] = {"problems": (ProblemType.DAMAGED,)}
    some = with_rules(
        RefundRule(name="doubt", then=Decision.PERSON, **types),
        RefundRule(name="fine", then=Decision.APPROVE, **types),
    )
    names = rules(some, items=(DAMAGED, NO_REASON))
    assert "doubt" in names
    assert "fine" not in names
    assert "fine" in rules(some, items=(DAMAGED, DAMAGED))


# ------------------------------------------------- total and deterministic

_AMOUNT = st.none() | st.integers(0, 40_000)
_COUNT = st.none() | st.integers(0, 9)
_ITEMS = st.lists(
    st.builds(
        RefundItem,
        line=st.sampled_from(["1", "2"]),
        quantity=st.integers(1, 3),
        problem=st.none() | st.sampled_from(ProblemType),
    ),
    max_size=4,
).map(tuple)
_INPUTS = st.builds(
    AutoRefundInputs,
    currency=st.sampled_from([None, "CNY", "USD"]),
    items=_ITEMS,
    price=_AMOUNT,
    stage=st.none() | st.sampled_from(Stage),
    intercept=st.none() | st.sampled_from(InterceptState),
    return_inspection=st.none() | st.sampled_from(ReturnInspection),
    amount=_AMOUNT,
    refundable=_AMOUNT,
    reserved=_AMOUNT,
    other_cases=_COUNT,
    evidence=st.none() | st.sampled_from(EvidenceVerdict),
    in_window=st.none() | st.booleans(),
    buyer_cases=_COUNT,
    buyer_refunds=_COUNT,
    buyer_rejections=_COUNT,
    risk_flag=st.none() | st.booleans(),
    severity=st.none() | st.sampled_from(Level),
    budget_left=_AMOUNT,
)


@st.composite
def _rules(draw: st.DrawFn) -> tuple[RefundRule, ...]:
    some: list[RefundRule] = []
    for number in range(draw(st.integers(0, 4))):
        then = draw(st.sampled_from(Decision))
        ground = draw(st.sampled_from(HardGround)) if then is Decision.REJECT else None
        stages = draw(st.none() | st.lists(st.sampled_from(Stage), max_size=2).map(tuple))
        flag = draw(st.none() | st.booleans())
        some.append(
            RefundRule(name=f"r{number}", then=then, ground=ground, stages=stages, risk_flag=flag)
        )
    return tuple(some)


_STRENGTH = [Decision.APPROVE, Decision.PERSON, Decision.REJECT]


@examples(_INPUTS, _rules())
def test_every_input_has_an_answer_and_always_the_same(
    asked: AutoRefundInputs, some: tuple[RefundRule, ...]
) -> None:
    policy = REFUND_AUTOMATION.model_copy(update={"rules": some})
    verdict = evaluate(asked, policy)
    again = AutoRefundInputs.model_validate_json(asked.model_dump_json())
    assert evaluate(again, policy) == verdict
    assert verdict.rules, "a verdict names its rules"
    decisions = {rule.name: rule.then for rule in some}
    named = [decisions.get(name, Decision.PERSON) for name in verdict.rules]
    assert verdict.decision is max(named, key=_STRENGTH.index)
    assert named == sorted(named, key=_STRENGTH.index, reverse=True)


@examples(_INPUTS, _rules())
def test_an_approval_is_always_complete_and_within_every_limit(
    asked: AutoRefundInputs, some: tuple[RefundRule, ...]
) -> None:
    policy = with_rules(*some)
    if evaluate(asked, policy).decision is not Decision.APPROVE:
        return
    assert None not in asked.model_dump().values()
    assert all(item.problem is not None for item in asked.items)
    assert asked.amount is not None
    assert 0 < asked.amount <= min(asked.refundable or 0, asked.budget_left or 0, 20_000)
    if asked.stage is Stage.IN_TRANSIT:
        assert asked.intercept in (InterceptState.INTERCEPTED, InterceptState.RETURNED)


@examples(_INPUTS, _rules())
def test_a_rejection_always_has_its_hard_ground(
    asked: AutoRefundInputs, some: tuple[RefundRule, ...]
) -> None:
    if evaluate(asked, with_rules(*some)).decision is Decision.REJECT:
        assert asked.in_window is False or asked.refundable == 0


@examples(_INPUTS, st.randoms(use_true_random=False))
def test_the_order_of_the_items_does_not_change_the_hash(
    asked: AutoRefundInputs, random: Any
) -> None:
    items = list(asked.items)
    random.shuffle(items)
    assert inputs_hash(asked.model_copy(update={"items": tuple(items)})) == inputs_hash(asked)


def test_other_inputs_have_another_hash() -> None:
    hashes = {
        inputs_hash(inputs(**changes))
        for changes in ({}, {"amount": 3_001}, {"risk_flag": None}, {"items": (NO_REASON,)})
    }
    assert len(hashes) == 4


def test_the_hash_is_the_same_for_ever() -> None:
    """The canonical JSON, written out: what was hashed years ago can be checked by hand."""
    text = (
        '{"amount":3000,"budget_left":50000,"buyer_cases":1,"buyer_refunds":0,'
        '"buyer_rejections":0,"currency":"CNY","evidence":"sufficient","in_window":true,'
        '"intercept":"none","items":[{"line":"1","problem":"damaged","quantity":1}],'
        '"other_cases":0,"price":3000,"refundable":10000,"reserved":0,'
        '"return_inspection":"not_needed","risk_flag":false,"severity":"low",'
        '"stage":"delivered"}'
    )
    assert inputs_hash(inputs()) == sha256(text.encode()).hexdigest()
