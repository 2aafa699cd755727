"""Refunds: asked for within every cap, and what becomes of them.

DOMAIN: "Execute", refund; "Invariants", the refund cap and the action key.
"""

from __future__ import annotations

import pytest

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.commands import LineMoney, PartOffer
from domain.case.values import (
    LineAmount,
    ObligationEnd,
    Party,
    RefundBasis,
    RefundStatus,
    Resolution,
    Rung,
)
from domain.kernel import Command, Emit
from domain.money import Money
from domain.order import CaseEndedOnOrder, RefundReserved, RefundSettled
from tests.unit.case.scenes import (
    BOUGHT,
    CASE,
    ORDER,
    SECOND,
    accept,
    agreed,
    at,
    bought,
    bounced,
    business,
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
    order,
    order_of,
    part,
    pay,
    returning,
    succeeded,
    tell,
    withdrawn,
    yuan,
)
from tests.unit.support import SERVICE, Story, given, like, told


def line(amount: str, name: str = "L1") -> LineAmount:
    return LineAmount(line=name, amount=yuan(amount).minor)


def unknown(key: str = "K1") -> cmd.RecordRefundUnknown:
    return cmd.RecordRefundUnknown(case_id=CASE, action_key=key)


def status(story: Story, key: str = "K1") -> RefundStatus:
    return case_of(story).refunds[key].status


# --------------------------------------------------------------- asking for it


def test_an_agreed_refund_is_asked_for_and_its_money_reserved_in_the_same_decision() -> None:
    asked = agreed().when(pay())
    story = asked.then(
        like(
            ev.RefundRequested,
            action_key="K1",
            obligation_id="A-1",
            basis=RefundBasis.AGREEMENT,
            amount=3000,
            attempt=1,
        ),
        like(RefundReserved, action_key="K1", case_id=CASE, attempt=1),
    )
    assert asked.emits[1].stream == f"order:{ORDER}"
    assert order_of(story).refundable("L1") == 10000 + 800 - 3000


def test_a_refund_may_be_paid_in_parts_and_the_last_part_fulfils_it() -> None:
    story = agreed().given(pay(amount="10.00"), fact(succeeded("10.00")))
    asked = story.when(pay("K2"), at=at(2))
    assert business(asked)[0].amount == 2000  # type: ignore[attr-defined]
    assert kinds(tell(story, succeeded("20.00", "K2"), 3)) == [
        "RefundSucceeded",
        "RefundSettled",
        "ObligationEnded",
    ]


def test_a_case_without_a_known_order_pays_nothing() -> None:
    story = given(complaint(order_id=None))
    story.when(pay()).refused("unknown_order", "case_id")


def test_a_payout_needs_an_agreement_a_ruling_or_an_approval() -> None:
    complained().when(pay()).refused("payout_without_ground", "obligation_id")


def test_a_refund_pays_no_other_kind_of_obligation() -> None:
    returning().when(pay(obligation="A-1")).refused("not_a_refund", "obligation_id")


def test_what_was_fulfilled_or_waived_is_not_paid_again() -> None:
    story = agreed().given(cmd.WaiveObligation(case_id=CASE, obligation_id="A-1"))
    story.when(pay()).refused("obligation_ended", "obligation_id")


def test_no_more_is_paid_than_was_agreed() -> None:
    agreed().when(pay(amount="30.01")).refused("refund_exceeds_obligation", "amounts.0.money")


def test_a_payout_under_way_leaves_nothing_to_ask_for() -> None:
    agreed().given(pay()).when(pay("K2")).refused("nothing_owed", "obligation_id")


def test_a_refund_is_in_the_currency_of_the_order() -> None:
    dollars = LineMoney(line="L1", money=Money(amount="1.00", currency="USD"))
    asked = cmd.RequestRefund(
        case_id=CASE, action_key="K1", obligation_id="A-1", amounts=(dollars,)
    )
    agreed().when(asked).refused("wrong_currency", "amounts.0.money")


def test_a_refund_names_lines_of_the_order_each_once_and_more_than_nothing() -> None:
    def asked(*amounts: LineMoney) -> cmd.RequestRefund:
        return cmd.RequestRefund(
            case_id=CASE, action_key="K1", obligation_id="A-1", amounts=amounts
        )

    one = on_line("1.00")
    agreed().when(asked(*on_line("1.00", "L9"))).refused("unknown_line", "amounts.0.line")
    agreed().when(asked(*one, *one)).refused("line_named_twice", "amounts.1")
    agreed().when(asked(*on_line("0.00"))).refused("amount_zero", "amounts.0.money")


@pytest.mark.parametrize("ending", [withdrawn(), closed()])
def test_an_ended_case_makes_no_new_payout(ending: Command | Emit) -> None:
    agreed().given(ending).when(pay()).refused("case_ended", "case_id")


# -------------------------------------------------- the cap of an order line


def test_two_cases_together_get_no_more_than_was_paid_for_the_line() -> None:
    story = agreed(Resolution.REFUND_FULL, "100.00").given(pay(), closed())
    story.given(
        fact(cmd.RecordRefundUnknown(case_id=CASE, action_key="K1")),
        Emit(f"order:{ORDER}", CaseEndedOnOrder(case_id=CASE)),
        complaint(case_id=SECOND),
        offer(part(Resolution.REFUND_PARTIAL, "8.00"), proposal_id="B", case_id=SECOND),
        accept("B", SECOND),
        pay("K2", "B-1", case_id=SECOND),
    )
    over = offer(part(Resolution.REFUND_PARTIAL, "8.01"), proposal_id="C", case_id=SECOND)
    story.when(over).refused("refund_exceeds_paid")


def test_what_other_cases_took_meanwhile_is_not_paid_on_an_older_agreement() -> None:
    story = agreed(Resolution.REFUND_FULL, "100.00")
    taken = RefundSettled(action_key="X", case_id=None, lines=(line("20.00"),), by=Party.PLATFORM)
    story.given(Emit(f"order:{ORDER}", taken))
    story.when(pay()).refused("refund_exceeds_paid", "action_key")


def test_outbound_freight_not_yet_refunded_may_be_paid_too() -> None:
    agreed(Resolution.REFUND_FULL, "108.00").when(pay()).then_among(ev.RefundRequested)


# ------------------------------------------------------------ the action key


def test_a_failed_payout_is_retried_under_its_key_and_its_attempts_are_counted() -> None:
    story = agreed().given(pay(), fact(failed()))
    assert order_of(story).refundable("L1") == 10800
    story.when(pay(), at=at(2)).then(
        like(ev.RefundRequested, attempt=2, amount=3000), like(RefundReserved, attempt=2)
    )
    assert kinds(tell(story, succeeded("30.00"), 3))[0] == "RefundSucceeded"


def test_a_retry_with_other_content_is_refused() -> None:
    story = agreed().given(pay(amount="10.00"), fact(failed()))
    story.when(pay(amount="10.01"), at=at(2)).refused("action_key_reused", "action_key")


def test_a_retry_for_another_obligation_is_refused() -> None:
    story = returning().given(offer(part(Resolution.REFUND_PARTIAL, "5.00"), proposal_id="B"))
    story.given(accept("B"), pay(obligation="B-1"), fact(failed()))
    again = pay(obligation="A-2")
    story.when(again, at=at(2)).refused("action_key_reused", "action_key")


def test_a_key_under_way_is_not_asked_for_twice() -> None:
    agreed().given(pay()).when(pay()).refused("action_key_in_flight", "action_key")


def test_a_key_whose_result_is_unknown_stays_reserved_and_is_not_retried() -> None:
    story = agreed().given(pay(), fact(unknown()))
    assert order_of(story).refundable("L1") == 10800 - 3000
    story.when(pay(), at=at(2)).refused("action_key_in_flight", "action_key")


def test_the_same_key_never_pays_twice() -> None:
    story = agreed().given(pay(amount="10.00"), fact(succeeded("10.00")))
    story.when(pay(amount="10.00"), at=at(2)).refused("action_key_paid", "action_key")


def test_a_bounced_payout_is_paid_again_under_a_new_key_only() -> None:
    story = agreed().given(pay(), fact(succeeded("30.00")), fact(bounced(), 2))
    story.when(pay(), at=at(3)).refused("action_key_reversed", "action_key")
    story.when(pay("K2"), at=at(3)).then_among(like(ev.RefundRequested, amount=3000))


def test_a_key_of_another_case_is_refused() -> None:
    story = agreed().given(
        complaint(case_id=SECOND, lines=(("L2", 1),)),
        offer(
            PartOffer(
                resolution=Resolution.REFUND_PARTIAL, items=(1,), amounts=on_line("5.00", "L2")
            ),
            proposal_id="B",
            case_id=SECOND,
        ),
        accept("B", SECOND),
        pay(),
        fact(failed()),
    )
    again = pay("K1", "B-1", case_id=SECOND)
    story.when(again, at=at(2)).refused("action_key_reused", "action_key")


def test_a_key_under_which_goodwill_was_granted_pays_no_refund() -> None:
    story = agreed().given(
        cmd.GrantGoodwill(case_id=CASE, action_key="K1", rung=Rung.COUPON, amount=yuan("5.00"))
    )
    story.when(pay()).refused("action_key_reused", "action_key")


# -------------------------------------------------- money only for goods back


def test_a_refund_after_a_return_waits_for_the_goods() -> None:
    returning().when(pay(obligation="A-2")).refused("return_not_received", "obligation_id")


def test_a_refund_after_a_return_waits_for_the_inspection() -> None:
    story = returning().given(fact(cmd.RecordReturnReceived(case_id=CASE, return_id="B1")))
    story.when(pay(obligation="A-2"), at=at(2)).refused("return_not_inspected", "obligation_id")


# ------------------------------------------------------------------ outcomes


def test_a_payout_that_succeeded_settles_the_ledger_and_fulfils_the_obligation() -> None:
    story = agreed().given(pay())
    assert business(tell(story, succeeded("30.00")))[1:] == [
        RefundSettled(action_key="K1", case_id=CASE, lines=(line("30.00"),), by=Party.SHOP),
        ev.ObligationEnded(obligation_id="A-1", how=ObligationEnd.FULFILLED),
    ]
    assert divergences(story) == []


def test_a_payout_that_failed_frees_its_money_and_is_still_owed() -> None:
    story = agreed().given(pay())
    assert kinds(tell(story, failed())) == ["RefundFailed", "RefundReleased"]
    assert status(story) is RefundStatus.FAILED
    assert case_of(story).open_obligations


def test_a_payout_that_bounced_is_a_reversal_and_owed_again() -> None:
    story = agreed().given(pay(), fact(succeeded("30.00")))
    assert kinds(tell(story, bounced(), 2)) == [
        "RefundReversed",
        "RefundReversed",
        "ObligationReopened",
    ]
    assert order_of(story).refundable("L1") == 10800
    assert [o.obligation_id for o in case_of(story).open_obligations] == ["A-1"]


def test_money_that_bounced_has_a_fresh_execution_clock_and_the_old_one_stands() -> None:
    story = agreed().given(pay(), fact(succeeded("30.00")), fact(bounced(), 2))
    first, second = [c for c in case_of(story).clocks.values() if c.about == "A-1"]
    assert (first.ended_at, second.started_at) == (at(1), at(2))
    assert second.due_at == at(2 + 48)
    story.given(told(pay("K2"), at=at(3)), fact(succeeded("30.00", "K2"), 4))
    assert case_of(story).clocks[second.key].ended_at == at(4)


@pytest.mark.parametrize("command", [succeeded("30.00"), failed(), unknown(), bounced()])
def test_a_result_told_twice_changes_nothing(command: Command) -> None:
    story = agreed().given(pay(), fact(command))
    tell(story, command).then_nothing()


def test_a_success_told_again_as_of_another_moment_changes_nothing() -> None:
    story = agreed().given(pay(), fact(succeeded("30.00")))
    tell(story, succeeded("30.00"), 5).then_nothing()


def test_a_failure_told_again_after_the_retry_does_not_fail_the_retry() -> None:
    story = agreed().given(pay(), fact(failed()), told(pay(), at=at(2)))
    story.when(failed(), at=at(3), occurred_at=at(1)).then_nothing()
    assert status(story) is RefundStatus.REQUESTED


def test_a_success_learnt_after_the_payout_had_bounced_leaves_it_bounced() -> None:
    story = agreed().given(pay(), fact(bounced(), 4))
    late = story.when(succeeded("30.00"), at=at(5), occurred_at=at(2))
    assert kinds(late) == ["RefundSucceeded"]
    assert status(story) is RefundStatus.REVERSED
    assert order_of(story).refundable("L1") == 10800


# -------------------------------------------- what contradicts what we hold


def test_a_success_of_another_amount_than_asked_counts_and_is_looked_into() -> None:
    story = agreed().given(pay())
    tell(story, succeeded("25.00"))
    assert divergences(story) == [("refund_amount", "check_refund")]
    assert order_of(story).booked("L1") == 2500
    assert [o.obligation_id for o in case_of(story).open_obligations] == ["A-1"]


def test_a_success_under_an_unknown_key_counts_and_is_looked_into() -> None:
    story = complained()
    tell(story, succeeded("25.00"))
    assert divergences(story) == [("unknown_refund", "check_refund")]
    assert order_of(story).booked("L1") == 2500


@pytest.mark.parametrize("command", [failed(), unknown(), bounced()])
def test_another_result_of_an_unknown_key_is_kept_and_looked_into(command: Command) -> None:
    story = complained()
    assert len(business(tell(story, command))) == 2
    assert divergences(story) == [("unknown_refund", "check_refund")]
    tell(story, command).then_nothing()


def test_a_refund_that_the_platform_made_itself_pays_what_was_owed() -> None:
    story = agreed()
    made = cmd.RecordRefundSucceeded(
        case_id=CASE, action_key="P1", amounts=on_line("30.00"), by=Party.PLATFORM
    )
    assert kinds(tell(story, made)) == ["RefundSucceeded", "RefundSettled", "ObligationEnded"]
    assert divergences(story) == []
    story.when(pay()).refused("obligation_ended")


def test_a_platforms_refund_above_the_cap_counts_and_is_to_be_recovered() -> None:
    story = complained()
    made = cmd.RecordRefundSucceeded(
        case_id=CASE, action_key="P1", amounts=on_line("150.00"), by=Party.PLATFORM
    )
    tell(story, made)
    assert divergences(story) == [("over_refunded", "recover_overpayment")]
    assert order_of(story).refundable("L1") == 0
    over = offer(part(Resolution.REFUND_PARTIAL, "0.01"))
    story.when(over).refused("refund_exceeds_paid")


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (failed(), succeeded("30.00")),
        (succeeded("30.00"), failed()),
        (succeeded("30.00"), unknown()),
        (failed(), unknown()),
        (failed(), bounced()),
    ],
)
def test_a_result_that_contradicts_the_one_before_is_looked_into(
    first: Command, then: Command
) -> None:
    story = agreed().given(pay(), fact(first))
    tell(story, then, 2)
    assert divergences(story) == [("refund_state", "check_refund")]


def test_a_payout_in_doubt_after_it_had_failed_is_reserved_again() -> None:
    for end in (failed(), bounced()):
        story = agreed().given(pay(), fact(end))
        assert "RefundReserved" in kinds(tell(story, unknown(), 2))
        assert status(story) is RefundStatus.UNKNOWN
        assert order_of(story).booked("L1") == 3000
        story.when(pay("K2"), at=at(3)).refused("nothing_owed")


def test_a_doubt_learnt_of_after_the_failure_that_settled_it_changes_nothing() -> None:
    story = agreed().given(pay(), fact(failed(), 3))
    story.when(unknown(), at=at(4), occurred_at=at(2)).then_among(ev.RefundUnknown)
    assert status(story) is RefundStatus.FAILED
    assert order_of(story).booked("L1") == 0


def test_money_in_doubt_beyond_what_is_left_is_to_be_recovered() -> None:
    story = agreed(Resolution.REFUND_FULL, "108.00").given(pay(), fact(failed()))
    taken = RefundSettled(action_key="X", case_id=None, lines=(line("1.00"),), by=Party.PLATFORM)
    story.given(Emit(f"order:{ORDER}", taken))
    tell(story, unknown(), 2)
    assert ("over_refunded", "recover_overpayment") in divergences(story)


def test_of_contradicting_results_money_that_was_paid_counts() -> None:
    early = agreed().given(pay(), fact(succeeded("30.00")), fact(failed(), 2))
    late = agreed().given(pay(), fact(failed()), fact(succeeded("30.00"), 2))
    assert status(early) is status(late) is RefundStatus.SUCCEEDED
    assert order_of(early).booked("L1") == order_of(late).booked("L1") == 3000


def test_a_bounce_without_a_success_frees_what_was_reserved() -> None:
    story = agreed().given(pay())
    assert kinds(tell(story, bounced()))[:2] == ["RefundReversed", "RefundReleased"]
    assert divergences(story) == [("refund_state", "check_refund")]


def test_a_success_after_the_bounce_is_money_paid_again() -> None:
    story = agreed().given(pay(), fact(succeeded("30.00")), fact(bounced(), 2))
    tell(story, succeeded("30.00"), 3)
    assert status(story) is RefundStatus.SUCCEEDED
    assert divergences(story) == [("refund_state", "check_refund")]
    assert case_of(story).open_obligations == ()


def test_a_fact_in_another_currency_than_the_orders_is_refused() -> None:
    dollars = LineMoney(line="L1", money=Money(amount="1.00", currency="USD"))
    paid = cmd.RecordRefundSucceeded(case_id=CASE, action_key="K1", amounts=(dollars,))
    tell(agreed(), paid).refused("wrong_currency", "amounts.0.money")


# ------------------------------------------------------- ended and unknown


def test_payouts_in_flight_run_to_their_outcome_after_a_withdrawal() -> None:
    story = agreed().given(pay(), withdrawn())
    assert kinds(tell(story, succeeded("30.00")))[:2] == ["RefundSucceeded", "RefundSettled"]
    assert divergences(story) == []


def test_a_failed_payout_of_a_withdrawn_case_is_not_retried() -> None:
    story = agreed().given(pay(), withdrawn(), fact(failed()))
    assert order_of(story).refundable("L1") == 10800
    story.when(pay(), at=at(2)).refused("case_ended")


def test_a_bounce_after_a_withdrawal_owes_nothing_anew_but_is_looked_into() -> None:
    story = agreed().given(pay(), withdrawn(), fact(succeeded("30.00")))
    assert "ObligationReopened" not in kinds(tell(story, bounced(), 2))
    assert divergences(story) == [("case_ended", "pay_again")]


@pytest.mark.parametrize("ending", [withdrawn(), closed()])
def test_a_refund_on_an_ended_case_is_kept_and_looked_into(ending: Command | Emit) -> None:
    story = complained().given(ending)
    made = cmd.RecordRefundSucceeded(
        case_id=CASE, action_key="P1", amounts=on_line("30.00"), by=Party.PLATFORM
    )
    assert "RefundSettled" in kinds(tell(story, made))
    assert divergences(story) == [("case_ended", "check_refund")]


def test_a_bounce_on_a_closed_case_is_owed_again_and_looked_into() -> None:
    story = agreed().given(pay(), fact(succeeded("30.00")), closed())
    assert "ObligationReopened" in kinds(tell(story, bounced(), 2))
    assert divergences(story) == [("case_ended", "pay_again")]


def test_a_refund_of_a_case_nobody_filed_is_kept_and_the_complaint_asked_for() -> None:
    story = Story()
    told_ = tell(story, succeeded("30.00"))
    assert kinds(told_) == ["RefundSucceeded", "DivergenceFound"]
    assert divergences(story) == [("unknown_case", "file_complaint")]


def test_a_refund_without_a_linked_order_is_kept_and_the_order_asked_for() -> None:
    story = given(complaint(order_id=None))
    tell(story, succeeded("30.00"))
    assert ("unknown_order", "link_order") in divergences(story)


def test_a_refund_on_an_order_of_which_nothing_else_is_known_is_in_its_ledger() -> None:
    story = given(complaint())
    tell(story, succeeded("30.00"))
    assert order_of(story).booked("L1") == 3000


def test_a_refund_made_before_the_order_was_linked_is_booked_when_it_is() -> None:
    story = bought().given(complaint(order_id=None), fact(succeeded("30.00")))
    story.given(told(cmd.LinkOrder(case_id=CASE, order_id=ORDER), at=at(2)))
    assert order_of(story).booked("L1") == 3000


def test_an_order_recorded_later_shows_that_too_much_was_paid() -> None:
    story = given(complaint())
    tell(story, succeeded("150.00"))
    story.given(told(order(), at=at(3), by=SERVICE, occurred_at=BOUGHT))
    assert ("over_refunded", "recover_overpayment") in divergences(story)


def test_an_order_recorded_later_that_covers_what_was_paid_shows_nothing() -> None:
    story = given(complaint())
    tell(story, succeeded("30.00"))
    story.given(told(order(), at=at(3), by=SERVICE, occurred_at=BOUGHT))
    assert ("over_refunded", "recover_overpayment") not in divergences(story)


def test_an_order_corrected_to_less_than_was_refunded_says_so_once() -> None:
    story = agreed()
    tell(story, succeeded("30.00"))
    less = order(price="10.00").model_copy(update={"revision": 2})
    for hour in (3, 4):
        story.given(told(less, at=at(hour), by=SERVICE, occurred_at=BOUGHT))
    assert divergences(story).count(("over_refunded", "recover_overpayment")) == 1


def test_what_was_paid_before_beyond_the_order_is_to_be_recovered_once_it_is_linked() -> None:
    story = bought().given(complaint(order_id=None), fact(succeeded("150.00")))
    story.given(told(cmd.LinkOrder(case_id=CASE, order_id=ORDER), at=at(2)))
    assert divergences(story) == [
        ("unknown_refund", "check_refund"),
        ("over_refunded", "recover_overpayment"),
    ]
