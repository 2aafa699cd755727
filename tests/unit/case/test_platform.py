"""The platform's track: help, intervention, rulings, deadlines, its own view of the after-sale.

DOMAIN: "The flow of a case", platform track; "At any time"; "Negotiate", a ruling supersedes.
"""

from __future__ import annotations

from datetime import datetime

import pytest

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.commands import LineMoney
from domain.case.values import (
    DeclineAnswer,
    DeclineGround,
    Duty,
    InspectionFinding,
    ObligationEnd,
    Party,
    PlatformDeadline,
    ProposalEnd,
    RefundBasis,
    Resolution,
    RulingFor,
    UnitFinding,
)
from domain.kernel import Command, Emit, Private
from domain.money import Money
from domain.sla.state import ClockStatus
from tests.unit.case.scenes import (
    CASE,
    accept,
    agreed,
    at,
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
    order_of,
    part,
    pay,
    succeeded,
    tell,
    withdrawn,
)
from tests.unit.support import PLATFORM, Story, given, like, told


def ruling(
    ruled_for: RulingFor = RulingFor.BUYER,
    amount: str | None = "50.00",
    *,
    ruling_id: str = "R1",
    items: tuple[int, ...] = (),
    after_return: bool = False,
) -> cmd.RecordRuling:
    return cmd.RecordRuling(
        case_id=CASE,
        ruling_id=ruling_id,
        ruled_for=ruled_for,
        items=items,
        amounts=() if amount is None else on_line(amount),
        after_return=after_return,
    )


FOR_SHOP = ruling(RulingFor.SHOP, None)


def declined() -> Story:
    no = cmd.DeclineComplaint(
        case_id=CASE,
        decline_id="D1",
        ground=DeclineGround.NO_DEFECT_FOUND,
        items=(1,),
        evidence=("E1",),
    )
    return complained().given(no)


def ended(story: Story, obligation: str = "A-1") -> ObligationEnd | None:
    return case_of(story).obligations[obligation].ended


# ------------------------------------------------------ help and intervention


def test_the_platform_is_asked_for_help_in_words_of_its_own_each_time() -> None:
    story = complained()
    words = Private(text="the buyer threatens")
    story.when(cmd.AskPlatformHelp(case_id=CASE, private=words)).then(
        ev.PlatformHelpAsked(private=words)
    )
    story.when(cmd.AskPlatformHelp(case_id=CASE)).then_among(ev.PlatformHelpAsked)
    assert case_of(story).help_asked


@pytest.mark.parametrize("ending", [withdrawn(), closed()])
def test_for_an_ended_case_no_help_is_asked(ending: Command | Emit) -> None:
    complained().given(ending).when(cmd.AskPlatformHelp(case_id=CASE)).refused("case_ended")


def called_in() -> cmd.RecordIntervention:
    return cmd.RecordIntervention(case_id=CASE, called_by=Party.BUYER)


def test_an_intervention_stands_until_the_platform_has_ruled() -> None:
    story = complained()
    assert kinds(tell(story, called_in(), by=PLATFORM)) == ["PlatformIntervened"]
    assert case_of(story).intervened
    tell(story, called_in(), by=PLATFORM).then_nothing()
    tell(story, ruling(), 2, PLATFORM)
    assert not case_of(story).intervened


def test_an_intervention_told_after_the_ruling_that_followed_it_is_over() -> None:
    story = complained()
    tell(story, ruling(), 2, PLATFORM)
    tell(story, called_in(), 1, PLATFORM)
    assert not case_of(story).intervened
    tell(story, called_in(), 3, PLATFORM)
    assert case_of(story).intervened


def test_an_intervention_in_an_ended_case_is_kept_and_the_case_to_be_reopened() -> None:
    story = complained().given(closed())
    tell(story, called_in(), by=PLATFORM)
    assert divergences(story) == [("case_ended", "reopen_case")]


# ----------------------------------------------------- what a ruling asks for


def test_a_ruling_for_the_buyer_is_a_ground_to_pay() -> None:
    story = complained()
    outcome = tell(story, ruling(), by=PLATFORM)
    [event] = business(outcome)
    assert isinstance(event, ev.PlatformRuled)
    [terms] = event.obligations
    assert (event.items, terms.duty, terms.party, terms.amount) == (
        (1,),
        Duty.REFUND,
        Party.SHOP,
        5000,
    )
    story.when(pay(obligation="ruling.1"), at=at(2)).then_among(
        like(ev.RefundRequested, basis=RefundBasis.RULING, amount=5000)
    )


def test_what_is_ruled_after_the_buyer_withdrew_is_timed_and_asks_to_reopen_the_case() -> None:
    story = complained().given(told(withdrawn(), at=at(1)))
    tell(story, ruling(), 2, PLATFORM)
    clock = case_of(story).clocks["execution:ruling.1#1"]
    assert (clock.is_running, clock.due_at) == (True, at(50))
    assert ("case_ended", "reopen_case") in divergences(story)
    story.when(pay(obligation="ruling.1"), at=at(3)).refused("case_ended")


def test_a_ruling_from_before_the_buyer_withdrew_and_told_after_is_not_waited_for() -> None:
    story = complained().given(told(withdrawn(), at=at(3)))
    story.given(told(ruling(), at=at(4), by=PLATFORM, occurred_at=at(2)))
    clock = case_of(story).clocks["execution:ruling.1#1"]
    assert (clock.status, clock.ended_at, clock.breaches) == (ClockStatus.CANCELLED, at(3), ())


def test_a_ruling_may_ask_for_the_goods_back_first() -> None:
    story = complained().given(
        fact(ruling(amount="100.00", after_return=True), by=PLATFORM),
        told(
            cmd.AgreeReturnAddress(
                case_id=CASE, return_id="B1", items=(1,), packaging_asked_for=True
            ),
            at=at(2),
        ),
    )
    story.when(pay(obligation="ruling.2"), at=at(2)).refused("return_not_received")
    unit = UnitFinding(
        item=1,
        quantity=2,
        finding=InspectionFinding.ACCEPTED,
        complete=True,
        resalable=False,
        packaging_intact=True,
    )
    story.given(
        fact(cmd.RecordReturnReceived(case_id=CASE, return_id="B1"), 3),
        told(cmd.InspectReturn(case_id=CASE, return_id="B1", units=(unit,)), at=at(4)),
    )
    assert ended(story, "ruling.1") is ObligationEnd.FULFILLED
    story.when(pay(obligation="ruling.2"), at=at(5)).then_among(ev.RefundRequested)


def test_a_ruling_without_amounts_owes_nothing() -> None:
    story = complained()
    [event] = business(tell(story, FOR_SHOP, by=PLATFORM))
    assert isinstance(event, ev.PlatformRuled)
    assert event.obligations == ()
    zero = ruling(amount="0.00", ruling_id="R2")
    tell(story, zero, 2, PLATFORM).then_among(like(ev.PlatformRuled, obligations=()))


def test_a_ruled_refund_keeps_to_what_was_paid_for_the_line() -> None:
    story = complained().given(fact(ruling(amount="150.00"), by=PLATFORM))
    story.when(pay(obligation="ruling.1"), at=at(2)).refused("refund_exceeds_paid")


def test_a_ruling_in_another_currency_than_the_orders_is_refused() -> None:
    dollars = LineMoney(line="L1", money=Money(amount="1.00", currency="USD"))
    odd = ruling().model_copy(update={"amounts": (dollars,)})
    tell(complained(), odd, by=PLATFORM).refused("wrong_currency", "amounts.0.money")


# -------------------------------------------------------- what it supersedes


def test_a_ruling_supersedes_what_was_agreed_and_is_not_paid_yet() -> None:
    story = agreed()
    tell(story, ruling(), by=PLATFORM).then_among(like(ev.PlatformRuled, supersedes=("A",)))
    assert ended(story) is ObligationEnd.SUPERSEDED
    story.when(pay(), at=at(2)).refused("obligation_ended")


def test_of_an_agreement_about_more_items_only_the_ruled_ones_end() -> None:
    story = complained(lines=(("L1", 2), ("L2", 1)))
    plate = cmd.PartOffer(
        resolution=Resolution.REFUND_PARTIAL, items=(2,), amounts=on_line("5.00", "L2")
    )
    story.given(offer(part(Resolution.REFUND_PARTIAL, "30.00"), plate), accept())
    outcome = tell(story, ruling(items=(1,)), by=PLATFORM)
    outcome.then_among(
        ev.ObligationEnded(obligation_id="A-1", how=ObligationEnd.SUPERSEDED),
        like(ev.PlatformRuled, supersedes=()),
    )
    assert ended(story, "A-2") is None


def test_open_offers_and_unanswered_declines_about_the_items_end() -> None:
    story = declined().given(offer(part(Resolution.REFUND_PARTIAL, "5.00")))
    tell(story, ruling(), by=PLATFORM).then_among(
        ev.ProposalEnded(proposal_id="A", how=ProposalEnd.SUPERSEDED),
        ev.DeclineAnswered(decline_id="D1", answer=DeclineAnswer.OVERTAKEN),
    )


def test_money_paid_before_counts_towards_the_ruling() -> None:
    story = agreed().given(pay(), fact(succeeded("30.00")))
    tell(story, ruling(), 2, PLATFORM)
    story.when(pay("K2", "ruling.1"), at=at(3)).then_among(like(ev.RefundRequested, amount=2000))
    tell(story, succeeded("20.00", "K2"), 4).then_among(
        ev.ObligationEnded(obligation_id="ruling.1", how=ObligationEnd.FULFILLED)
    )
    assert order_of(story).booked("L1") == 5000


def test_a_ruling_that_was_paid_already_is_fulfilled_at_once() -> None:
    story = agreed(amount="50.00").given(pay(), fact(succeeded("50.00")))
    tell(story, ruling(), 2, PLATFORM).then_among(
        ev.ObligationEnded(obligation_id="ruling.1", how=ObligationEnd.FULFILLED)
    )


def test_a_payout_in_flight_counts_towards_the_ruling_until_it_fails() -> None:
    story = agreed().given(pay(), fact(ruling(), 2, PLATFORM))
    story.when(pay("K2", "ruling.1", "20.01"), at=at(3)).refused("refund_exceeds_obligation")
    tell(story, failed(), 4)
    story.when(pay("K2", "ruling.1"), at=at(5)).then_among(like(ev.RefundRequested, amount=5000))


def test_a_refund_that_the_platform_made_itself_counts_towards_its_ruling() -> None:
    made = cmd.RecordRefundSucceeded(
        case_id=CASE, action_key="P1", amounts=on_line("50.00"), by=Party.PLATFORM
    )
    before = complained().given(fact(made, 1, PLATFORM))
    tell(before, ruling(), 2, PLATFORM).then_among(ev.ObligationEnded)
    after = complained().given(fact(ruling(), 1, PLATFORM))
    tell(after, made, 2, PLATFORM).then_among(ev.ObligationEnded)


def test_money_that_bounces_after_the_ruling_is_owed_under_the_ruling() -> None:
    story = agreed(amount="50.00").given(
        pay(), fact(succeeded("50.00")), fact(ruling(), 2, PLATFORM)
    )
    tell(story, bounced(), 3).then_among(ev.ObligationReopened(obligation_id="ruling.1"))
    story.when(pay("K2", "ruling.1"), at=at(4)).then_among(like(ev.RefundRequested, amount=5000))


def test_the_same_ruling_told_again_changes_nothing_and_with_other_content_supersedes() -> None:
    story = complained().given(fact(ruling(), 1, PLATFORM))
    tell(story, ruling(), 2, PLATFORM).then_nothing()
    tell(story, ruling(amount="60.00"), 3, PLATFORM).then_among(ev.PlatformRuled)
    assert ended(story, "ruling.1") is ObligationEnd.SUPERSEDED
    assert [o.amount for o in case_of(story).open_obligations] == [6000]


def test_a_ruling_redelivered_after_its_correction_changes_nothing() -> None:
    story = complained().given(
        fact(ruling(), 1, PLATFORM),
        fact(ruling(amount="60.00"), 3, PLATFORM),
    )
    story.when(ruling(), at=at(4), occurred_at=at(1), by=PLATFORM).then_nothing()


def test_a_ruling_told_anew_after_it_was_paid_leaves_the_difference_to_pay() -> None:
    story = complained().given(
        fact(ruling(), 1, PLATFORM),
        told(pay(obligation="ruling.1"), at=at(2)),
        fact(succeeded("50.00"), 3),
        fact(ruling(amount="60.00"), 4, PLATFORM),
    )
    again = story.when(pay("K2", "ruling.2"), at=at(5))
    again.then_among(like(ev.RefundRequested, amount=1000))


# ------------------------------------------- ruled against the shop's decision


def test_a_ruling_against_a_decline_is_to_be_carried_out() -> None:
    story = declined()
    tell(story, ruling(), by=PLATFORM)
    assert divergences(story) == [("ruling_contradicts", "carry_out_ruling")]


def test_a_ruling_that_bears_the_decline_out_contradicts_nothing() -> None:
    story = declined()
    tell(story, FOR_SHOP, by=PLATFORM)
    assert divergences(story) == []


def test_a_ruling_of_another_amount_than_agreed_is_to_be_carried_out() -> None:
    story = agreed()
    tell(story, ruling(), by=PLATFORM)
    assert divergences(story) == [("ruling_contradicts", "carry_out_ruling")]
    same = agreed()
    tell(same, ruling(amount="30.00"), by=PLATFORM)
    assert divergences(same) == []


def test_a_ruling_for_the_shop_stops_what_it_had_agreed_to() -> None:
    story = agreed()
    tell(story, FOR_SHOP, by=PLATFORM)
    assert divergences(story) == [("ruling_contradicts", "stop_execution")]
    assert ended(story) is ObligationEnd.SUPERSEDED


def test_money_under_way_or_paid_beyond_the_ruling_is_stopped_or_recovered() -> None:
    under_way = agreed().given(pay())
    tell(under_way, FOR_SHOP, by=PLATFORM)
    assert divergences(under_way) == [("ruling_contradicts", "stop_payout")]
    paid = agreed().given(pay(), fact(succeeded("30.00")))
    tell(paid, ruling(amount="10.00"), 2, PLATFORM)
    assert divergences(paid) == [("ruling_contradicts", "recover_refund")]


def test_a_ruling_about_items_the_case_does_not_have_is_kept_and_looked_into() -> None:
    story = complained()
    tell(story, ruling(items=(1, 7)), by=PLATFORM)
    assert divergences(story) == [("ruling_contradicts", "check_items")]


@pytest.mark.parametrize("ending", [withdrawn(), closed()])
def test_a_ruling_in_an_ended_case_is_kept_and_the_case_to_be_reopened(
    ending: Command | Emit,
) -> None:
    story = complained().given(ending)
    tell(story, ruling(), by=PLATFORM).then_among(ev.PlatformRuled)
    assert divergences(story) == [("case_ended", "reopen_case")]
    story.when(pay(obligation="ruling.1"), at=at(2)).refused("case_ended")


def test_a_ruling_in_a_case_that_nobody_filed_is_kept() -> None:
    story = Story()
    assert kinds(tell(story, ruling(), by=PLATFORM)) == ["PlatformRuled", "DivergenceFound"]
    assert divergences(story) == [("unknown_case", "file_complaint")]


def test_a_ruling_on_an_unknown_order_is_kept_and_not_paid() -> None:
    story = given(complaint(order_id=None), fact(ruling(), 1, PLATFORM))
    story.when(pay(obligation="ruling.1"), at=at(2)).refused("unknown_order")


# --------------------------------------------------------- deadline and status


def deadline(due_at: datetime) -> cmd.RecordPlatformDeadline:
    return cmd.RecordPlatformDeadline(case_id=CASE, clock="first_solution", due_at=due_at)


def test_a_deadline_of_the_platforms_wins_over_our_target() -> None:
    story = complained()
    tell(story, deadline(at(12)), by=PLATFORM).then_among(
        ev.PlatformDeadlineSet(deadline=PlatformDeadline(clock="first_solution", due_at=at(12)))
    )
    [clock] = [c for c in case_of(story).clocks.values() if c.clock == "first_solution"]
    assert clock.due_at == at(12)
    tell(story, deadline(at(12)), 2, PLATFORM).then_nothing()


def test_of_two_deadlines_the_one_that_the_platform_said_last_holds_whichever_was_told_first() -> (
    None
):
    story = complained()
    tell(story, deadline(at(20)), 3, PLATFORM)
    tell(story, deadline(at(12)), 2, PLATFORM).then_among(
        ev.PlatformDeadlineSet(deadline=PlatformDeadline(clock="first_solution", due_at=at(12)))
    )
    assert case_of(story).platform_deadlines == {"first_solution": at(20)}
    due = [c.due_at for c in case_of(story).clocks.values() if c.clock == "first_solution"]
    assert due == [at(20)]


def test_a_deadline_for_an_ended_case_is_kept_and_looked_into() -> None:
    story = complained().given(closed())
    tell(story, deadline(at(12)), by=PLATFORM)
    assert divergences(story) == [("case_ended", "check_platform")]


def state(word: str, *, ended: bool = False) -> cmd.RecordPlatformStatus:
    return cmd.RecordPlatformStatus(case_id=CASE, status=word, ended=ended)


def test_the_platforms_own_word_for_the_state_is_observed() -> None:
    story = complained()
    tell(story, state("await_return"), by=PLATFORM).then_among(ev.PlatformStatusObserved)
    tell(story, state("await_return"), 2, PLATFORM).then_nothing()
    assert case_of(story).platform_status == "await_return"
    assert divergences(story) == []


def test_a_state_learnt_late_does_not_replace_a_newer_one() -> None:
    story = complained().given(fact(state("returned"), 5, PLATFORM))
    late = story.when(state("await_return"), at=at(6), occurred_at=at(1), by=PLATFORM)
    late.then_among(ev.PlatformStatusObserved)
    assert case_of(story).platform_status == "returned"


def test_an_after_sale_that_the_platform_ended_while_ours_is_open_is_to_be_finished() -> None:
    story = complained()
    tell(story, state("closed", ended=True), by=PLATFORM)
    assert divergences(story) == [("platform_ended", "finish_case")]


def test_an_after_sale_that_the_platform_took_up_again_is_to_be_reopened() -> None:
    story = complained().given(fact(state("closed", ended=True), 1, PLATFORM), closed())
    tell(story, state("dispute"), 2, PLATFORM)
    assert ("case_ended", "reopen_case") in divergences(story)


def test_a_platform_that_has_not_ended_yet_what_we_closed_contradicts_nothing() -> None:
    story = complained().given(closed())
    tell(story, state("await_return"), by=PLATFORM)
    assert divergences(story) == []
