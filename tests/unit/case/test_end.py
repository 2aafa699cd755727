"""The end of a case: its outcome, withdrawn, reopened.

DOMAIN: "The flow of a case" 11; "SLA clocks" (rounds).
"""

from __future__ import annotations

import pytest

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.state import Exemption
from domain.case.values import (
    Channel,
    ContactKind,
    DeclineAnswer,
    Outcome,
    Party,
    ProposalEnd,
    Resolution,
    RulingFor,
    Rung,
    Totals,
)
from domain.order import CaseEndedOnOrder, CaseOpenedOnOrder
from domain.sla.events import ClockCancelled, ClockStarted
from tests.unit.case.build import (
    accept,
    case_of,
    claim,
    classify,
    closed,
    complaint,
    contact,
    decline,
    ended,
    filed,
    money,
    part,
    pay,
    proposal,
    refunded,
    solved,
)
from tests.unit.order.build import CASE, OTHER_CASE, order_of
from tests.unit.support import PLATFORM, T0, Story, days, hours, like, told

NOT_SOLVED = cmd.ReportNotSolved(case_id=CASE)
CLOSE = cmd.CloseCase(case_id=CASE)
WITHDRAW = cmd.WithdrawCase(case_id=CASE)
REOPEN = cmd.ReopenCase(case_id=CASE, reason="the buyer called again")

# ----------------------------------------------------------------- the end


def test_a_case_is_closed_with_its_outcome_and_what_it_cost() -> None:
    granted = cmd.GrantGoodwill(
        case_id=CASE, action_key="G1", rung=Rung.COUPON, amount=money("5.00")
    )
    story = solved().given(granted, classify())
    story.when(CLOSE, at=T0 + hours(3)).then_among(
        ev.CaseClosed(
            outcome=Outcome.SOLVED, totals=Totals(refunded=3000, goodwill=500, return_freight=0)
        ),
        CaseEndedOnOrder(case_id=CASE),
        ClockCancelled(key="progress_update#1"),
    )
    case = case_of(story)
    assert not case.is_open
    assert case.ended_at == T0 + hours(3)
    assert order_of(story).open_case_on("1") is None


def test_a_case_is_classified_before_it_is_closed() -> None:
    solved().when(CLOSE).refused("not_classified")


def test_a_case_that_still_owes_something_stays_open() -> None:
    filed().given(proposal(), accept(), classify()).when(CLOSE).refused("obligations_open")


def test_a_case_with_a_payout_under_way_stays_open() -> None:
    story = filed().given(proposal(), accept(), refunded()[0])
    story.given(proposal(part(Resolution.RESHIP), name="P2"), accept("P2"))
    story.given(cmd.WaiveObligation(case_id=CASE, obligation_id="P2-1"), classify())
    story.when(CLOSE).refused("payout_in_flight")


def test_a_case_is_closed_without_final_liability() -> None:
    story = solved().given(classify())
    assert case_of(story).items[1].liability is None
    story.when(CLOSE).then_among(ev.CaseClosed)


def test_an_ended_case_is_not_closed_again() -> None:
    closed().when(CLOSE).refused("case_ended")


def test_closing_withdraws_what_was_still_offered() -> None:
    story = solved().given(proposal(name="P2"), classify())
    story.when(CLOSE).then_among(
        ev.ProposalEnded(proposal_id="P2", how=ProposalEnd.WITHDRAWN), ev.CaseClosed
    )


def close_as(outcome: Outcome | None = None) -> cmd.CloseCase:
    return cmd.CloseCase(case_id=CASE, outcome=outcome)


def closes_as(story: Story, outcome: Outcome, at: float = 0) -> None:
    story.given(told(classify(), at=T0 + days(at)))
    story.when(CLOSE, at=T0 + days(at)).then_among(like(ev.CaseClosed, outcome=outcome))


def test_an_accepted_decline_closes_declined() -> None:
    answered = cmd.AnswerDecline(case_id=CASE, decline_id="D1", answer=DeclineAnswer.ACCEPTED)
    closes_as(filed().given(decline(), answered), Outcome.DECLINED)


def test_silence_closes_declined_after_some_days() -> None:
    story = filed().given(decline(), classify())
    story.when(CLOSE, at=T0 + days(7) - hours(1)).refused("decline_unanswered")
    story.when(CLOSE, at=T0 + days(7)).then_among(like(ev.CaseClosed, outcome=Outcome.DECLINED))


def test_a_supplemented_decline_is_no_outcome() -> None:
    answered = cmd.AnswerDecline(case_id=CASE, decline_id="D1", answer=DeclineAnswer.SUPPLEMENTED)
    story = filed().given(decline(), answered, classify())
    story.when(CLOSE, at=T0 + days(30)).refused("outcome_unclear", "outcome")


def test_a_lapsed_offer_closes_lapsed() -> None:
    lapsed = cmd.LapseProposal(case_id=CASE, proposal_id="P1")
    story = filed().given(proposal(), told(lapsed, at=T0 + days(3)))
    closes_as(story, Outcome.LAPSED, at=3)


def test_a_lapsed_return_closes_lapsed() -> None:
    story = filed().given(
        proposal(part(Resolution.RETURN_AND_REFUND)),
        accept(),
        cmd.AgreeReturnAddress(case_id=CASE, return_id="R1", items=(1,), packaging_asked_for=False),
        told(cmd.LapseReturn(case_id=CASE, return_id="R1"), at=T0 + days(8)),
    )
    closes_as(story, Outcome.LAPSED, at=8)


def ruling(for_: RulingFor, amount: str | None = None) -> cmd.RecordRuling:
    return cmd.RecordRuling(
        case_id=CASE,
        ruling_id="R1",
        ruled_for=for_,
        items=(1,),
        amounts=() if amount is None else (pay("1", amount),),
    )


@pytest.mark.parametrize(
    ("for_", "outcome"),
    [
        (RulingFor.SHOP, Outcome.RULED_FOR_SHOP),
        (RulingFor.BUYER, Outcome.RULED_FOR_BUYER),
        (RulingFor.SPLIT, Outcome.RULED_FOR_SHOP),
    ],
)
def test_a_ruling_is_the_outcome(for_: RulingFor, outcome: Outcome) -> None:
    closes_as(filed().given(told(ruling(for_), by=PLATFORM)), outcome)


def test_a_split_that_costs_the_shop_something_is_for_the_buyer() -> None:
    story = filed().given(told(ruling(RulingFor.SPLIT, "10.00"), by=PLATFORM))
    obligation = case_of(story).open_obligations[0].obligation_id
    story.given(*refunded(obligation=obligation, amount="10.00"))
    closes_as(story, Outcome.RULED_FOR_BUYER)


def test_an_agreement_after_the_ruling_is_the_outcome() -> None:
    story = filed().given(told(ruling(RulingFor.SHOP), by=PLATFORM))
    story.given(
        told(proposal(), at=T0 + hours(1)),
        told(accept(), at=T0 + hours(1)),
        *refunded(at=T0 + hours(2)),
    )
    closes_as(story, Outcome.SOLVED, at=1)


def test_what_the_last_round_brought_is_the_outcome() -> None:
    story = solved().given(told(NOT_SOLVED, at=T0 + days(1)), told(decline(), at=T0 + days(1)))
    closes_as(story, Outcome.DECLINED, at=9)


def test_a_round_that_brought_nothing_leaves_the_outcome_of_the_one_before() -> None:
    closes_as(solved().given(told(NOT_SOLVED, at=T0 + days(1))), Outcome.SOLVED, at=2)


def test_where_no_outcome_follows_a_person_says_it() -> None:
    story = filed().given(contact(ContactKind.APOLOGY), classify())
    story.when(CLOSE).refused("outcome_unclear", "outcome")
    story.when(close_as(Outcome.DECLINED)).refused("outcome_not_supported", "outcome")
    story.when(close_as(Outcome.SOLVED)).then_among(like(ev.CaseClosed, outcome=Outcome.SOLVED))


def test_of_several_outcomes_one_can_be_chosen_but_none_invented() -> None:
    lapsed = cmd.LapseProposal(case_id=CASE, proposal_id="P2")
    story = solved().given(
        proposal(part(Resolution.RESHIP), name="P2"),
        told(lapsed, at=T0 + days(3)),
        told(classify(), at=T0 + days(3)),
    )
    story.when(close_as(Outcome.WITHDRAWN), at=T0 + days(3)).refused(
        "outcome_not_supported", "outcome"
    )
    story.when(close_as(Outcome.LAPSED), at=T0 + days(3)).then_among(
        like(ev.CaseClosed, outcome=Outcome.LAPSED)
    )


# -------------------------------------------------- withdrawn and reopened


def test_the_buyer_withdraws_an_open_case() -> None:
    story = filed().given(proposal())
    story.when(WITHDRAW).then_among(
        ev.ProposalEnded(proposal_id="P1", how=ProposalEnd.WITHDRAWN),
        ev.CaseWithdrawn(by=Party.BUYER),
        CaseEndedOnOrder(case_id=CASE),
        like(ClockCancelled),
    )
    assert case_of(story).outcome is Outcome.WITHDRAWN
    story.when(WITHDRAW).then_nothing()


def test_the_shop_does_not_withdraw_the_buyers_complaint() -> None:
    command = cmd.WithdrawCase(case_id=CASE, by=Party.SHOP)
    filed().when(command).refused("not_theirs_to_withdraw", "by")


def test_a_closed_case_is_not_withdrawn() -> None:
    closed().when(WITHDRAW).refused("case_ended")


def test_after_a_withdrawal_no_new_payout_is_made_and_those_under_way_run_on() -> None:
    story = filed().given(proposal(), accept(), refunded()[0], WITHDRAW)
    again = cmd.RequestRefund(case_id=CASE, action_key="K2", obligation_id="P1-1")
    story.when(again).refused("case_ended")
    paid = cmd.RecordRefundSucceeded(case_id=CASE, action_key="K1", amounts=(pay("1", "30.00"),))
    story.when(paid, by=PLATFORM).then_among(ev.RefundSucceeded)


def test_a_reopened_case_starts_a_round_with_its_own_clocks() -> None:
    story = closed()
    story.when(REOPEN, at=T0 + days(5)).then_among(
        ev.CaseReopened(reason="the buyer called again"),
        ev.RoundOpened(round=2),
        ev.ExemptionSuspended(),
        like(CaseOpenedOnOrder, case_id=CASE, lines=("1",)),
        like(ClockStarted, clock="first_response", due_at=T0 + days(6)),
        like(ClockStarted, key="first_solution#2"),
        like(ClockStarted, key="progress_update#2"),
    )
    case = case_of(story)
    assert case.is_open
    assert (case.outcome, case.totals, case.ended_at) == (None, None, None)
    assert case.exemption is Exemption.SUSPENDED
    assert order_of(story).open_case_on("1") == CASE


def test_a_withdrawn_case_can_be_reopened() -> None:
    outcome = ended().when(REOPEN)
    outcome.then_among(ev.CaseReopened)
    assert not any(isinstance(event, ev.ExemptionSuspended) for event in outcome.events)


def test_an_open_case_cannot_be_reopened() -> None:
    filed().when(REOPEN).refused("not_ended")


def test_a_case_is_not_reopened_beside_another_about_the_item() -> None:
    story = ended().given(complaint(claim("1"), number=OTHER_CASE))
    story.when(REOPEN).refused("open_case_on_item")


def test_a_case_without_an_order_can_be_reopened_too() -> None:
    number = "douyin:s1:im-7"
    story = Story().given(
        complaint(number=number, order=None),
        cmd.WithdrawCase(case_id=number),
    )
    reopen = cmd.ReopenCase(case_id=number, reason="again")
    story.when(reopen).then_among(ev.CaseReopened, ev.RoundOpened)
    assert case_of(story, number).channel is Channel.PLATFORM
