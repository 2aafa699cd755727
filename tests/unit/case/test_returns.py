"""Returns: from the address to the inspection, and what goes wrong on the way.

DOMAIN: "Execute", return.
"""

from __future__ import annotations

import pytest

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.state import ReturnStep
from domain.case.values import (
    InspectionFinding,
    LineAmount,
    ObligationEnd,
    ProblemType,
    Resolution,
    UnitFinding,
)
from domain.kernel import Command, Emit
from domain.money import Money
from tests.unit.case.scenes import (
    CASE,
    accept,
    agreed,
    at,
    business,
    case_of,
    closed,
    complained,
    complaint,
    divergences,
    fact,
    kinds,
    offer,
    part,
    pay,
    returning,
    succeeded,
    tell,
    withdrawn,
    yuan,
)
from tests.unit.support import Story, given, like, told

GOOD = InspectionFinding.ACCEPTED
RETURNED = ev.ObligationEnded(obligation_id="A-1", how=ObligationEnd.FULFILLED)


def address(return_id: str = "B1", items: tuple[int, ...] = (1,)) -> cmd.AgreeReturnAddress:
    return cmd.AgreeReturnAddress(
        case_id=CASE, return_id=return_id, items=items, packaging_asked_for=True
    )


def posted(*, proof: bool = True, return_id: str = "B1") -> cmd.RecordReturnShipped:
    return cmd.RecordReturnShipped(
        case_id=CASE, return_id=return_id, carrier="SF", tracking="SF1", proof_of_posting=proof
    )


def arrived(return_id: str = "B1") -> cmd.RecordReturnReceived:
    return cmd.RecordReturnReceived(case_id=CASE, return_id=return_id)


def lost(return_id: str = "B1") -> cmd.RecordReturnLost:
    return cmd.RecordReturnLost(case_id=CASE, return_id=return_id)


def unit(
    finding: InspectionFinding = GOOD,
    quantity: int = 2,
    *,
    item: int = 1,
    complete: bool = True,
    resalable: bool = True,
) -> UnitFinding:
    return UnitFinding(
        item=item,
        quantity=quantity,
        finding=finding,
        complete=complete,
        resalable=resalable,
        packaging_intact=True,
    )


def inspect(*units: UnitFinding, evidence: tuple[str, ...] = ()) -> cmd.InspectReturn:
    return cmd.InspectReturn(
        case_id=CASE, return_id="B1", units=units or (unit(),), evidence=evidence
    )


def received(problem: ProblemType = ProblemType.QUALITY_DEFECT) -> Story:
    return returning(problem=problem).given(fact(posted()), fact(arrived(), 2))


def inspected(*units: UnitFinding) -> Story:
    return received().given(told(inspect(*units), at=at(3)))


def deduct(amount: str = "20.00", obligation: str = "A-2") -> cmd.AgreeDeduction:
    return cmd.AgreeDeduction(
        case_id=CASE, return_id="B1", obligation_id=obligation, amount=yuan(amount)
    )


def step(story: Story, return_id: str = "B1") -> ReturnStep:
    return case_of(story).returns[return_id].step


def ends(story: Story) -> dict[str, str | None]:
    return {key: o.ended and o.ended.value for key, o in case_of(story).obligations.items()}


# ------------------------------------------------------------------- address


def test_an_address_is_agreed_for_the_items_that_go_back() -> None:
    outcome = agreed(Resolution.RETURN_AND_REFUND, "100.00").when(address())
    event = business(outcome)[0]
    assert isinstance(event, ev.ReturnAddressAgreed)
    assert (event.items, event.packaging_asked_for) == ((1,), True)
    assert event.policy == ("default@1",)


def test_the_same_address_told_again_changes_nothing() -> None:
    returning().when(address()).then_nothing()


def test_an_address_names_items_of_the_case_each_once() -> None:
    complained().when(address(items=(7,))).refused("unknown_item", "items")
    complained().when(address(items=(1, 1))).refused("item_named_twice", "items")


def test_a_returns_id_stands_for_one_return() -> None:
    story = complained(lines=(("L1", 2), ("L2", 1))).given(address())
    story.when(address(items=(2,))).refused("return_id_reused", "return_id")


def test_an_item_is_on_its_way_back_once() -> None:
    returning().when(address("B2")).refused("item_already_returning", "items")


def test_an_item_that_was_sent_back_to_the_buyer_can_come_again() -> None:
    story = inspected(unit(InspectionFinding.DAMAGED))
    back = cmd.SendReturnBack(case_id=CASE, return_id="B1")
    story.given(told(back, at=at(4)))
    assert kinds(story.when(address("B2"), at=at(5))) == ["ReturnAddressAgreed"]


@pytest.mark.parametrize("ending", [withdrawn(), closed()])
@pytest.mark.parametrize(
    "command",
    [
        address("B2"),
        inspect(),
        cmd.SendReturnBack(case_id=CASE, return_id="B1"),
        cmd.LapseReturn(case_id=CASE, return_id="B1"),
        cmd.FileCarrierClaim(case_id=CASE, return_id="B1", amount=yuan("1.00")),
        deduct(),
    ],
    ids=lambda command: command.TYPE,
)
def test_an_ended_case_takes_no_step_of_a_return(command: Command, ending: Command | Emit) -> None:
    returning().given(ending).when(command).refused("case_ended", "case_id")


@pytest.mark.parametrize(
    "command",
    [
        inspect(),
        cmd.SendReturnBack(case_id=CASE, return_id="B1"),
        cmd.LapseReturn(case_id=CASE, return_id="B1"),
        cmd.FileCarrierClaim(case_id=CASE, return_id="B1", amount=yuan("1.00")),
        deduct(),
    ],
    ids=lambda command: command.TYPE,
)
def test_a_step_needs_a_return_that_is_known(command: Command) -> None:
    complained().when(command).refused("unknown_return", "return_id")


# --------------------------------------------------------------------- facts


def test_a_return_is_shipped_received_and_inspected_and_then_paid_for() -> None:
    story = returning()
    assert kinds(tell(story, posted())) == ["ReturnShipped"]
    assert kinds(tell(story, arrived(), 2)) == ["ReturnReceived"]
    found = story.when(inspect(evidence=("E1",)), at=at(3))
    assert business(found)[1:] == [RETURNED]
    story.given(told(pay(obligation="A-2"), at=at(4)), fact(succeeded("100.00"), 5))
    assert ends(story) == {"A-1": "fulfilled", "A-2": "fulfilled"}
    assert divergences(story) == []


@pytest.mark.parametrize("command", [posted(), arrived(), lost()], ids=lambda c: c.TYPE)
def test_a_fact_about_a_return_told_twice_changes_nothing(command: Command) -> None:
    story = returning().given(fact(command))
    tell(story, command).then_nothing()


def test_news_that_come_late_take_a_return_no_step_back() -> None:
    story = returning().given(fact(arrived(), 5))
    late = story.when(posted(), at=at(6), occurred_at=at(1))
    assert kinds(late) == ["ReturnShipped"]
    assert step(story) is ReturnStep.RECEIVED
    assert case_of(story).returns["B1"].proof_of_posting


@pytest.mark.parametrize("command", [posted(), arrived(), lost()], ids=lambda c: c.TYPE)
def test_a_return_that_nobody_agreed_is_kept_and_to_be_identified(command: Command) -> None:
    story = complained()
    assert len(business(tell(story, command))) == 2
    assert divergences(story) == [("unexpected_return", "identify_return")]
    assert case_of(story).returns["B1"].items == ()


def test_what_came_without_being_agreed_can_be_inspected() -> None:
    story = complained().given(fact(arrived()))
    assert kinds(story.when(inspect(), at=at(2))) == ["ReturnInspected"]


@pytest.mark.parametrize("command", [posted(), arrived(), lost()], ids=lambda c: c.TYPE)
def test_a_return_on_an_ended_case_is_kept_and_looked_into(command: Command) -> None:
    story = returning().given(closed())
    tell(story, command)
    assert divergences(story) == [("case_ended", "check_return")]


@pytest.mark.parametrize("command", [posted(), arrived(), lost()], ids=lambda c: c.TYPE)
def test_nothing_about_a_return_is_timed_in_an_ended_case(command: Command) -> None:
    story = returning().given(withdrawn())
    tell(story, command)
    assert [clock for clock in case_of(story).clocks.values() if clock.is_live] == []


def test_a_return_told_lost_after_it_was_received_is_looked_into() -> None:
    story = received()
    tell(story, lost(), 3)
    assert step(story) is ReturnStep.RECEIVED
    assert divergences(story) == [("return_state", "check_return")]


def test_a_lost_return_that_arrives_after_all_takes_back_the_claim() -> None:
    story = returning().given(fact(posted()), fact(lost(), 2))
    tell(story, arrived(), 3)
    assert step(story) is ReturnStep.RECEIVED
    assert divergences(story) == [("return_state", "withdraw_carrier_claim")]


# ------------------------------------------------------------ lost on the way


def test_a_buyer_with_proof_of_posting_is_paid_when_the_return_is_lost() -> None:
    story = returning().given(fact(posted()))
    assert business(tell(story, lost(), 2))[1:] == [RETURNED]
    story.when(pay(obligation="A-2"), at=at(3)).then_among(ev.RefundRequested)


def test_without_proof_of_posting_a_lost_return_is_not_paid_until_the_proof_comes() -> None:
    story = returning().given(fact(posted(proof=False)), fact(lost(), 2))
    story.when(pay(obligation="A-2"), at=at(3)).refused("return_not_received")
    assert business(tell(story, posted(), 4))[1:] == [RETURNED]
    story.when(pay(obligation="A-2"), at=at(5)).then_among(ev.RefundRequested)


def claim(amount: str = "100.00") -> cmd.FileCarrierClaim:
    return cmd.FileCarrierClaim(case_id=CASE, return_id="B1", amount=yuan(amount))


def test_a_lost_return_is_claimed_from_the_carrier_once() -> None:
    story = returning().given(fact(posted()), fact(lost(), 2))
    story.when(claim(), at=at(3)).then_among(like(ev.CarrierClaimFiled, amount=10000))
    story.when(claim(), at=at(4)).refused("claim_already_filed", "return_id")


def test_only_what_was_lost_is_claimed_from_the_carrier_and_in_the_orders_currency() -> None:
    received().when(claim(), at=at(3)).refused("return_not_lost", "return_id")
    dollars = claim().model_copy(update={"amount": Money(amount="1.00", currency="USD")})
    returning().when(dollars).refused("wrong_currency", "amount")
    given(complaint(order_id=None)).when(claim()).refused("unknown_order")


# ---------------------------------------------------------------- inspection


def test_an_inspection_needs_the_goods_and_happens_once() -> None:
    returning().when(inspect()).refused("return_not_received", "return_id")
    story = inspected()
    story.when(inspect(), at=at(4)).refused("return_already_inspected", "return_id")


def test_an_inspection_counts_no_more_units_than_were_to_come_back() -> None:
    received().when(inspect(unit(quantity=3)), at=at(3)).refused(
        "units_exceed_agreed", "units.0.quantity"
    )
    two = inspect(unit(quantity=1), unit(InspectionFinding.WRONG, 2))
    received().when(two, at=at(3)).refused("units_exceed_agreed", "units.1.quantity")


def test_an_inspection_is_about_the_items_of_the_return_and_its_evidence_is_attached() -> None:
    received().when(inspect(unit(item=5)), at=at(3)).refused("unknown_item", "units.0.item")
    received().when(inspect(evidence=("E9",)), at=at(3)).refused("unknown_evidence", "evidence")
    story = complained(lines=(("L1", 2), ("L2", 1))).given(address(), fact(arrived()))
    other = inspect(unit(item=2, quantity=1))
    story.when(other, at=at(2)).refused("item_not_in_return", "units.0.item")


@pytest.mark.parametrize(
    "found", [unit(resalable=False), unit(complete=False)], ids=["worn", "incomplete"]
)
def test_what_comes_back_without_a_reason_is_accepted_only_fit_for_resale(
    found: UnitFinding,
) -> None:
    story = received(ProblemType.NO_REASON)
    story.when(inspect(found), at=at(3)).refused("not_fit_for_resale", "units.0.finding")


def test_a_defective_unit_is_accepted_although_nobody_can_resell_it() -> None:
    received().when(inspect(unit(resalable=False)), at=at(3)).then_among(ev.ReturnInspected)


def test_units_that_are_missing_or_wanting_leave_the_refund_unpaid() -> None:
    for units in ((unit(quantity=1),), (unit(quantity=1), unit(InspectionFinding.EMPTY, 1))):
        story = inspected(*units)
        story.when(pay(obligation="A-2"), at=at(4)).refused("return_not_accepted")


def test_the_rest_of_a_return_in_two_parcels_completes_it() -> None:
    story = inspected(unit(quantity=1))
    second = cmd.InspectReturn(case_id=CASE, return_id="B2", units=(unit(quantity=1),))
    story.given(fact(arrived("B2"), 4), told(second, at=at(5)))
    story.when(pay(obligation="A-2"), at=at(6)).then_among(ev.RefundRequested)


# ------------------------------------------------- sent back, or a deduction


def test_what_was_found_wanting_is_sent_back_and_what_waited_for_it_lapses() -> None:
    story = inspected(unit(InspectionFinding.DAMAGED))
    back = cmd.SendReturnBack(case_id=CASE, return_id="B1")
    assert kinds(story.when(back, at=at(4))) == [
        "ReturnSentBack",
        "ObligationEnded",
        "ObligationEnded",
    ]
    assert ends(story) == {"A-1": "lapsed", "A-2": "lapsed"}
    story.when(back, at=at(5)).then_nothing()


def test_only_what_was_found_wanting_is_sent_back() -> None:
    back = cmd.SendReturnBack(case_id=CASE, return_id="B1")
    received().when(back, at=at(3)).refused("return_not_inspected", "return_id")
    inspected().when(back, at=at(4)).refused("return_accepted", "return_id")


def test_a_deduction_that_was_agreed_makes_the_rest_payable() -> None:
    story = inspected(unit(InspectionFinding.INCOMPLETE))
    outcome = story.when(deduct(), at=at(4))
    agreed_less = ev.DeductionAgreed(
        return_id="B1",
        obligation_id="A-2",
        amount=2000,
        lines=(LineAmount(line="L1", amount=2000),),
    )
    assert business(outcome) == [agreed_less, RETURNED]
    story.when(pay(obligation="A-2"), at=at(5)).then_among(like(ev.RefundRequested, amount=8000))
    back = cmd.SendReturnBack(case_id=CASE, return_id="B1")
    story.when(back, at=at(6)).refused("deduction_agreed", "return_id")


def test_a_deduction_of_everything_leaves_nothing_owed() -> None:
    story = inspected(unit(InspectionFinding.EMPTY))
    story.given(told(deduct("100.00"), at=at(4)))
    assert ends(story) == {"A-1": "fulfilled", "A-2": "fulfilled"}


def test_a_deduction_is_for_goods_found_wanting() -> None:
    received().when(deduct(), at=at(3)).refused("return_not_inspected", "return_id")
    inspected().when(deduct(), at=at(4)).refused("return_accepted", "return_id")


def test_a_deduction_is_less_than_what_is_owed_and_more_than_nothing() -> None:
    story = inspected(unit(InspectionFinding.DAMAGED))
    story.when(deduct("100.01"), at=at(4)).refused("deduction_exceeds_refund", "amount")
    story.when(deduct("0.00"), at=at(4)).refused("amount_zero", "amount")
    dollars = deduct().model_copy(update={"amount": Money(amount="1.00", currency="USD")})
    story.when(dollars, at=at(4)).refused("wrong_currency", "amount")


def test_a_deduction_is_agreed_once_for_a_return() -> None:
    story = inspected(unit(InspectionFinding.DAMAGED)).given(told(deduct(), at=at(4)))
    story.when(deduct(), at=at(5)).refused("deduction_agreed", "return_id")


def test_a_deduction_is_from_an_open_refund_about_what_came_back() -> None:
    story = inspected(unit(InspectionFinding.DAMAGED))
    story.when(deduct(obligation="X"), at=at(4)).refused("unknown_obligation", "obligation_id")
    story.when(deduct(obligation="A-1"), at=at(4)).refused("not_a_refund", "obligation_id")
    story.given(told(cmd.WaiveObligation(case_id=CASE, obligation_id="A-2"), at=at(4)))
    story.when(deduct(), at=at(4)).refused("obligation_ended", "obligation_id")


def test_a_deduction_is_not_from_a_refund_of_other_items() -> None:
    story = complained(lines=(("L1", 2), ("L2", 1))).given(
        offer(part(Resolution.REFUND_PARTIAL, "5.00", (1,))),
        accept(),
        address(items=(2,)),
        fact(arrived()),
        told(inspect(unit(InspectionFinding.DAMAGED, 1, item=2)), at=at(2)),
    )
    story.when(deduct("1.00", "A-1"), at=at(3)).refused("obligation_not_of_return")


# --------------------------------------------------------------------- lapse


def test_a_return_not_shipped_in_time_lapses_with_what_waited_for_it() -> None:
    story = returning()
    lapse = cmd.LapseReturn(case_id=CASE, return_id="B1")
    story.when(lapse, at=at(7 * 24 - 1)).refused("return_not_due", "return_id")
    outcome = story.when(lapse, at=at(7 * 24))
    assert kinds(outcome) == ["ReturnLapsed", "ObligationEnded", "ObligationEnded"]
    assert ends(story) == {"A-1": "lapsed", "A-2": "lapsed"}
    story.when(lapse, at=at(7 * 24 + 1)).then_nothing()


def test_a_return_that_has_moved_on_does_not_lapse() -> None:
    story = returning().given(fact(posted()))
    lapse = cmd.LapseReturn(case_id=CASE, return_id="B1")
    story.when(lapse, at=at(8 * 24)).then_nothing()


@pytest.mark.parametrize("command", [posted(), arrived()], ids=lambda c: c.TYPE)
def test_a_return_shipped_after_it_lapsed_is_for_a_person_to_decide(command: Command) -> None:
    story = returning()
    story.given(told(cmd.LapseReturn(case_id=CASE, return_id="B1"), at=at(7 * 24)))
    tell(story, command, 8 * 24)
    assert divergences(story) == [("return_state", "decide_late_return")]
