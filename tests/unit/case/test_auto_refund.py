"""Refunds that the shop's policy decides, with the day's budget behind them.

DOMAIN: "Automatic refunds".
"""

from __future__ import annotations

from typing import Any

import pytest

from domain.budget import BudgetReleased, BudgetReserved, BudgetSpent, SetBudget
from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.commands import BuyerHistory
from domain.case.values import (
    DeclineAnswer,
    DeclineGround,
    InspectionFinding,
    LineAmount,
    Party,
    ProblemType,
    RefundBasis,
    RefundStatus,
    Resolution,
    UnitFinding,
)
from domain.kernel import Command, Emit, Platform
from domain.order import (
    CaseOpenedOnOrder,
    RecordShipmentOutcome,
    RefundReserved,
    RefundSettled,
    ShipmentOutcome,
)
from domain.policy import (
    Decision,
    HardGround,
    PublishPolicy,
    RefundAutomationDocument,
    RefundRule,
)
from tests.unit.case.scenes import (
    CASE,
    ORDER,
    SECOND,
    accept,
    at,
    bought,
    bounced,
    case_of,
    closed,
    complained,
    complaint,
    divergences,
    fact,
    failed,
    kinds,
    offer,
    on_line,
    order_of,
    part,
    pay,
    succeeded,
    tell,
    withdrawn,
    yuan,
)
from tests.unit.support import ADMIN, T0, Story, days, given, like, told

BUDGET = "budget:douyin:s1:2026-03-02"
KIND = BuyerHistory(cases=1, refunds=0, rejections=0)


def ask(amount: str = "30.00", key: str = "K1", **changes: Any) -> cmd.DecideAutoRefund:
    fields: dict[str, Any] = {
        "evidence_supports": True,
        "buyer_history": KIND,
        "risk_flag": False,
        **changes,
    }
    return cmd.DecideAutoRefund(
        case_id=CASE, action_key=key, amounts=on_line(amount, fields.pop("line", "L1")), **fields
    )


def verify(problem: ProblemType = ProblemType.QUALITY_DEFECT) -> cmd.VerifyItem:
    return cmd.VerifyItem(case_id=CASE, item=1, problem=problem, quantity=2, evidence=("E1",))


def proven(problem: ProblemType = ProblemType.QUALITY_DEFECT, *, delivered: bool = True) -> Story:
    return complained(problem, delivered=delivered).given(verify(problem))


def outcome(shipment_outcome: ShipmentOutcome) -> Command:
    return RecordShipmentOutcome(order_id=ORDER, shipment_id="P1", outcome=shipment_outcome)


def publish(**document: Any) -> PublishPolicy:
    return PublishPolicy(
        platform=Platform.DOUYIN, shop="s1", document=RefundAutomationDocument(**document)
    )


def decided(story: Story) -> str | None:
    return case_of(story).auto_verdict


# ------------------------------------------------------------------ approval


def test_an_approval_asks_for_the_money_and_reserves_it_and_the_budget_in_one_decision() -> None:
    asked = proven().when(ask())
    story = asked.then_among(
        like(
            ev.AutoRefundDecided,
            verdict="approve",
            rules=("approve_small_and_proven",),
            amount=3000,
            action_key="K1",
            budget_day="2026-03-02",
            policy=("default@1",),
        ),
        like(ev.RefundRequested, basis=RefundBasis.AUTOMATIC, obligation_id="auto.1", amount=3000),
        like(RefundReserved, action_key="K1"),
        BudgetReserved(action_key="K1", amount=3000),
    )
    assert [e.stream for e in asked.emits if isinstance(e.event, BudgetReserved)] == [BUDGET]
    assert case_of(story).agreements["auto.1"].basis is RefundBasis.AUTOMATIC


def test_an_approval_that_is_paid_spends_the_budget_and_fulfils_its_obligation() -> None:
    story = proven().given(ask())
    assert kinds(tell(story, succeeded("30.00"))) == [
        "RefundSucceeded",
        "RefundSettled",
        "BudgetSpent",
        "ObligationEnded",
    ]
    assert story.state(BUDGET).spent == {"K1": 3000}


def test_a_failed_payout_gives_the_budget_back_and_its_retry_takes_it_again() -> None:
    story = proven().given(ask())
    tell(story, failed()).then_among(BudgetReleased(action_key="K1"))
    next_day = T0 + days(1)
    again = story.when(pay(obligation="auto.1"), at=next_day)
    again.then_among(like(ev.RefundRequested, attempt=2), BudgetReserved)
    assert story.state(BUDGET).reserved == {"K1": 3000}, "the day of the approval bears it"


def test_a_retry_is_refused_when_others_have_used_the_days_budget() -> None:
    story = proven().given(ask(), fact(failed()))
    limit = SetBudget(platform=Platform.DOUYIN, shop="s1", day="2026-03-02", limit=yuan("29.99"))
    story.given(told(limit, by=ADMIN))
    story.when(pay(obligation="auto.1"), at=at(2)).refused("budget_exhausted")


def test_a_bounced_payout_gives_its_budget_back() -> None:
    story = proven().given(ask(), fact(succeeded("30.00")))
    tell(story, bounced(), 2).then_among(BudgetReleased(action_key="K1"))
    assert story.state(BUDGET).used == 0


def test_a_payout_in_doubt_after_it_had_failed_holds_its_budget_again() -> None:
    story = proven().given(ask(), fact(failed()))
    unknown = cmd.RecordRefundUnknown(case_id=CASE, action_key="K1")
    tell(story, unknown, 2).then_among(BudgetReserved(action_key="K1", amount=3000))


def test_a_payout_of_another_amount_spends_what_was_paid() -> None:
    story = proven().given(ask())
    tell(story, succeeded("25.00")).then_among(BudgetSpent(action_key="K1", amount=2500))


def test_what_was_never_shipped_is_refunded_by_itself() -> None:
    story = complained(delivered=False).given(verify())
    story.given(fact(outcome(ShipmentOutcome.CANCELLED)))
    story.when(ask("100.00"), at=at(2)).then_among(
        like(ev.AutoRefundDecided, verdict="approve", rules=("approve_unshipped",))
    )


def test_returned_goods_that_were_found_good_are_refunded_by_themselves() -> None:
    story = proven(ProblemType.NO_REASON).given(
        cmd.AgreeReturnAddress(case_id=CASE, return_id="B1", items=(1,), packaging_asked_for=True),
        fact(cmd.RecordReturnReceived(case_id=CASE, return_id="B1")),
        told(inspect(InspectionFinding.ACCEPTED), at=at(2)),
    )
    story.when(ask("100.00"), at=at(3)).then_among(
        like(ev.AutoRefundDecided, verdict="approve", rules=("approve_returned",))
    )


def inspect(finding: InspectionFinding) -> cmd.InspectReturn:
    unit = UnitFinding(
        item=1, quantity=2, finding=finding, complete=True, resalable=True, packaging_intact=True
    )
    return cmd.InspectReturn(case_id=CASE, return_id="B1", units=(unit,))


# ------------------------------------------------------------------- a person


def rules_of(story: Story, command: cmd.DecideAutoRefund, moment: float = 2) -> tuple[str, ...]:
    """The rules that handed the request to a person."""
    asked = story.when(command, at=at(moment))
    found = [e for e in asked.events if isinstance(e, ev.AutoRefundDecided)]
    assert [event.verdict for event in found] == ["person"], asked.events
    assert found[0].obligations == ()
    assert found[0].budget_day is None
    return found[0].rules


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"evidence_supports": None}, "person:missing_evidence"),
        ({"evidence_supports": False}, "person_evidence"),
        ({"buyer_history": None}, "person:missing_buyer_cases"),
        ({"risk_flag": None}, "person:missing_risk_flag"),
        ({"risk_flag": True}, "person_risk"),
        ({"buyer_history": BuyerHistory(cases=9, refunds=5, rejections=0)}, "person_many_refunds"),
        (
            {"buyer_history": BuyerHistory(cases=9, refunds=0, rejections=2)},
            "person_rejected_before",
        ),
    ],
)
def test_a_missing_or_doubtful_input_goes_to_a_person(changes: dict[str, Any], rule: str) -> None:
    assert rule in rules_of(proven(), ask(**changes))


def test_what_nobody_verified_goes_to_a_person() -> None:
    assert "person:missing_verified_type" in rules_of(complained(), ask())


def test_without_the_proof_that_the_claim_needs_it_goes_to_a_person() -> None:
    bare = complaint().model_copy(update={"evidence": ()})
    story = given(bare)
    assert "person_evidence" in rules_of(story, ask())


def test_without_a_known_order_it_goes_to_a_person() -> None:
    rules = rules_of(given(complaint()), ask())
    assert {"person:missing_refundable", "person:missing_budget_left"} <= set(rules)
    assert "person:missing_currency" in rules_of(given(complaint(order_id=None)), ask())


def test_what_is_on_its_way_goes_to_a_person() -> None:
    assert "person:in_transit" in rules_of(proven(delivered=False), ask())


def test_what_was_intercepted_on_its_way_is_approved() -> None:
    story = proven(delivered=False)
    story.given(fact(outcome(ShipmentOutcome.INTERCEPTED)))
    story.when(ask(), at=at(2)).then_among(
        like(ev.AutoRefundDecided, verdict="approve", rules=("approve_intercepted",))
    )


def test_an_interception_that_was_only_asked_for_or_failed_goes_to_a_person() -> None:
    story = proven(delivered=False)
    story.given(cmd.RequestIntercept(case_id=CASE, shipment_id="P1"))
    assert "person:in_transit" in rules_of(story, ask())
    story.given(fact(cmd.RecordIntercept(case_id=CASE, shipment_id="P1", succeeded=False)))
    assert "person:in_transit" in rules_of(story, ask())


def test_an_intercepted_parcel_that_is_back_counts_as_returned() -> None:
    story = proven(delivered=False).given(
        cmd.RequestIntercept(case_id=CASE, shipment_id="P1"),
        fact(cmd.RecordIntercept(case_id=CASE, shipment_id="P1", succeeded=True)),
        told(
            cmd.AgreeReturnAddress(
                case_id=CASE, return_id="B1", items=(1,), packaging_asked_for=False
            )
        ),
        fact(cmd.RecordReturnReceived(case_id=CASE, return_id="B1"), 2),
        told(inspect(InspectionFinding.ACCEPTED), at=at(3)),
    )
    story.when(ask(), at=at(4)).then_among(like(ev.AutoRefundDecided, verdict="approve"))


def test_delivered_goods_that_have_to_come_back_first_go_to_a_person() -> None:
    assert "person:return_not_passed" in rules_of(proven(ProblemType.SIZE_FIT), ask())


def test_a_return_found_wanting_goes_to_a_person() -> None:
    story = proven().given(
        cmd.AgreeReturnAddress(case_id=CASE, return_id="B1", items=(1,), packaging_asked_for=True)
    )
    assert "person:return_not_passed" in rules_of(story, ask())
    story.given(
        fact(cmd.RecordReturnReceived(case_id=CASE, return_id="B1"), 2),
        told(inspect(InspectionFinding.DAMAGED), at=at(3)),
    )
    assert "person:return_not_passed" in rules_of(story, ask(), 4)


def test_another_case_about_the_line_goes_to_a_person() -> None:
    opened = CaseOpenedOnOrder(case_id=SECOND, lines=("L1",), complained_at=T0)
    story = proven().given(Emit(f"order:{ORDER}", opened))
    assert "person_other_cases" in rules_of(story, ask())


def test_more_than_the_line_or_the_largest_amount_holds_goes_to_a_person() -> None:
    rules = rules_of(proven(), ask("200.01"))
    assert {"person:exceeds_refundable", "person:exceeds_max_amount"} <= set(rules)


def test_more_than_the_days_budget_holds_goes_to_a_person() -> None:
    limit = SetBudget(platform=Platform.DOUYIN, shop="s1", day="2026-03-02", limit=yuan("29.99"))
    story = proven().given(told(limit, by=ADMIN))
    assert "person:budget_exhausted" in rules_of(story, ask())


def test_a_budget_in_another_currency_goes_to_a_person() -> None:
    dollars = yuan("2000.00").model_copy(update={"currency": "USD"})
    story = proven().given(told(publish(daily_budget=dollars), by=ADMIN))
    assert "person:missing_budget_left" in rules_of(story, ask())
    own = SetBudget(platform=Platform.DOUYIN, shop="s1", day="2026-03-02", limit=dollars)
    story = proven().given(told(own, by=ADMIN))
    assert "person:missing_budget_left" in rules_of(story, ask())


def test_a_shop_that_switched_automation_off_has_people_decide() -> None:
    story = proven().given(told(publish(enabled=False), by=ADMIN))
    assert "person:automation_off" in rules_of(story, ask())


def test_several_lines_are_decided_together_and_the_less_certain_counts() -> None:
    story = complained(lines=(("L1", 2), ("L2", 1))).given(verify())
    both = cmd.DecideAutoRefund(
        case_id=CASE,
        action_key="K1",
        amounts=(*on_line("10.00"), *on_line("5.00", "L2")),
        evidence_supports=True,
        buyer_history=KIND,
        risk_flag=False,
    )
    assert "person:missing_verified_type" in rules_of(story, both)


# ----------------------------------------------------------------- rejection


def late(problem: ProblemType = ProblemType.NO_REASON) -> Story:
    """Verified, but complained about after the window."""
    story = bought().given(told(complaint(problem), at=T0 + days(30)))
    return story.given(told(verify(problem), at=T0 + days(30)))


def test_a_rejection_rests_on_a_hard_ground_and_is_a_decline_that_the_buyer_can_answer() -> None:
    story = late()
    asked = story.when(ask(), at=T0 + days(30))
    asked.then_among(
        like(ev.AutoRefundDecided, verdict="reject", obligations=()),
        like(
            ev.ComplaintDeclined,
            decline_id="auto.1",
            ground=DeclineGround.OUTSIDE_WINDOW,
            items=(1,),
            rule="reject_outside_window",
        ),
    )
    appeal = cmd.AnswerDecline(case_id=CASE, decline_id="auto.1", answer=DeclineAnswer.SUPPLEMENTED)
    story.when(appeal, at=T0 + days(31)).then_among(ev.DeclineAnswered)


def test_a_rejection_that_nobody_told_the_buyer_is_no_decline_yet() -> None:
    asked = late().when(ask(told_buyer=False), at=T0 + days(30))
    assert kinds(asked) == ["AutoRefundDecided"]


def test_what_is_all_refunded_is_rejected_as_a_duplicate() -> None:
    story = proven()
    paid = RefundSettled(
        action_key="X", case_id=None, lines=(line_of("L1", 10800),), by=Party.PLATFORM
    )
    story.given(Emit(f"order:{ORDER}", paid))
    story.when(ask()).then_among(
        like(ev.AutoRefundDecided, verdict="reject"),
        like(ev.ComplaintDeclined, ground=DeclineGround.DUPLICATE, rule="reject_nothing_left"),
    )


def line_of(name: str, amount: int) -> LineAmount:
    return LineAmount(line=name, amount=amount)


def test_what_another_payout_under_way_holds_already_is_a_duplicate() -> None:
    held = RefundReserved(
        action_key="X", case_id="douyin:s1:AS9", lines=(line_of("L1", 10800),), attempt=1
    )
    story = proven().given(Emit(f"order:{ORDER}", held))
    story.when(ask()).then_among(
        like(ev.ComplaintDeclined, ground=DeclineGround.DUPLICATE, rule="reject_duplicate")
    )


def test_a_policys_own_rules_decide_and_its_version_is_named() -> None:
    rule = RefundRule(name="never", then=Decision.REJECT, ground=HardGround.OUTSIDE_WINDOW)
    story = late(ProblemType.DAMAGED)
    story.given(told(publish(rules=(rule,)), at=T0 + days(30), by=ADMIN))
    story.when(ask(), at=T0 + days(30)).then_among(
        like(
            ev.AutoRefundDecided,
            verdict="reject",
            rules=("never",),
            policy=("default@1", "policy:douyin:s1@1"),
        )
    )


def test_a_defect_within_its_warranty_is_not_outside_the_window() -> None:
    rule = RefundRule(name="never", then=Decision.REJECT, ground=HardGround.OUTSIDE_WINDOW)
    story = late(ProblemType.QUALITY_DEFECT)
    story.given(told(publish(rules=(rule,)), at=T0 + days(30), by=ADMIN))
    assert rules_of(story, ask(), 24 * 30) == ("person:no_rule",)


# ------------------------------------------------------- repeats and refusals


def test_the_same_inputs_give_the_same_answer_and_change_nothing_when_asked_again() -> None:
    story = proven().given(ask(risk_flag=True))
    story.when(ask(risk_flag=True), at=at(1)).then_nothing()
    first = case_of(story).auto_inputs
    story.given(told(ask(risk_flag=None), at=at(2)))
    assert case_of(story).auto_inputs != first


def test_what_is_agreed_already_is_not_decided_by_the_policy() -> None:
    story = proven().given(offer(part(Resolution.REFUND_PARTIAL, "5.00")), accept())
    story.when(ask()).refused("already_agreed", "amounts")
    proven().given(ask()).when(ask("5.00", "K2")).refused("already_agreed", "amounts")


def test_the_line_has_to_be_one_of_the_cases() -> None:
    proven().when(ask("5.00", line="L2")).refused("line_not_in_case", "amounts.0.line")


def test_a_key_that_stands_for_another_payout_is_refused() -> None:
    story = proven()
    paid = RefundSettled(action_key="K1", case_id=None, lines=(line_of("L2", 1),), by=Party.SHOP)
    story.given(Emit(f"order:{ORDER}", paid))
    story.when(ask()).refused("action_key_reused", "action_key")


def test_an_unknown_line_is_refused() -> None:
    proven().when(ask("5.00", line="L9")).refused("unknown_line", "amounts.0.line")


@pytest.mark.parametrize("ending", [withdrawn(), closed()])
def test_an_ended_case_is_not_decided(ending: Command | Emit) -> None:
    proven().given(ending).when(ask()).refused("case_ended")


def test_an_automatic_payout_is_asked_for_once() -> None:
    story = proven().given(ask())
    assert order_of(story).reserved_total == 3000
    assert case_of(story).refunds["K1"].status is RefundStatus.REQUESTED
    assert decided(story) == "approve"
    assert divergences(story) == []
