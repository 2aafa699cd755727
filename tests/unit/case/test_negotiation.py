"""Proposals, counter-offers, agreements and what they supersede.

DOMAIN: "The flow of a case" 6; "Invariants" (refund caps).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.values import (
    REFUNDS,
    DeclineAnswer,
    Duty,
    LineAmount,
    ObligationEnd,
    ObligationTerms,
    Part,
    Party,
    ProblemType,
    ProposalEnd,
    Resolution,
    RulingFor,
)
from domain.kernel import Command, Private
from domain.sla.events import ClockCancelled, ClockSatisfied, ClockStarted
from tests.unit.case.build import (
    accept,
    case_of,
    claim,
    complaint,
    counter,
    decline,
    ended,
    filed,
    money,
    order,
    part,
    pay,
    proposal,
    refunded,
)
from tests.unit.order.build import CASE, OTHER_CASE, shipped
from tests.unit.support import PLATFORM, T0, Story, days, given, hours, like, told

# ------------------------------------------------------------- proposing


def test_a_proposal_offers_parts_with_amounts_by_line() -> None:
    command = proposal(part(amounts=(pay("1", "30.00"),)), goodwill="5.00")
    filed().when(command, at=T0 + hours(1)).then_among(
        ev.ResolutionProposed(
            proposal_id="P1",
            by=Party.SHOP,
            parts=(
                Part(
                    resolution=Resolution.REFUND_PARTIAL,
                    items=(1,),
                    amount=3000,
                    lines=(LineAmount(line="1", amount=3000),),
                ),
            ),
            refund_total=3000,
            goodwill=500,
            counters=None,
        ),
        ClockSatisfied(key="first_response#1"),
        ClockSatisfied(key="first_solution#1"),
        like(ClockStarted, key="answer:P1#1", due_at=T0 + hours(73)),
    )


def test_several_proposals_may_be_open() -> None:
    story = filed().given(proposal(), proposal(part(Resolution.RESHIP), name="P2"))
    assert [p.proposal_id for p in case_of(story).open_proposals] == ["P1", "P2"]


def test_the_same_proposal_again_changes_nothing() -> None:
    filed().given(proposal()).when(proposal()).then_nothing()


def test_another_proposal_needs_another_id() -> None:
    story = filed().given(proposal())
    story.when(proposal(part(Resolution.RESHIP))).refused("proposal_id_reused", "proposal_id")


def test_a_ruling_and_a_proposal_share_no_id() -> None:
    ruling = cmd.RecordRuling(
        case_id=CASE,
        ruling_id="R1",
        ruled_for=RulingFor.BUYER,
        items=(1,),
        amounts=(pay("1", "10.00"),),
    )
    story = filed().given(told(ruling, by=PLATFORM))
    story.when(proposal(name="R1")).refused("proposal_id_reused", "proposal_id")


def test_a_proposals_id_leaves_room_for_its_obligations() -> None:
    filed().when(proposal(name="P" * 71)).refused("proposal_id_too_long", "proposal_id")


def test_an_ended_case_takes_no_proposal() -> None:
    ended().when(proposal()).refused("case_ended")


def test_a_decline_is_no_part_of_a_proposal() -> None:
    filed().when(proposal(part(Resolution.DECLINE))).refused(
        "decline_is_no_part", "parts.0.resolution"
    )


def test_a_proposal_is_about_items_of_the_case() -> None:
    filed().when(proposal(part(Resolution.RESHIP, 9))).refused("unknown_item", "parts.0.items")


def test_a_part_names_each_item_once() -> None:
    offer = proposal(part(Resolution.RESHIP, 1, 1))
    filed().when(offer).refused("item_named_twice", "parts.0.items")


@pytest.mark.parametrize("resolution", sorted(REFUNDS - {Resolution.REFUND_MISSING_PART}))
def test_a_refund_says_how_much(resolution: Resolution) -> None:
    offer = proposal(part(resolution, amounts=()))
    filed().when(offer).refused("amount_missing", "parts.0.amounts")


@pytest.mark.parametrize("resolution", [Resolution.RESHIP, Resolution.EXCHANGE, Resolution.REPAIR])
def test_what_is_no_refund_pays_nothing_back(resolution: Resolution) -> None:
    offer = proposal(part(resolution, amounts=(pay("1", "1.00"),)))
    filed().when(offer).refused("amount_not_allowed", "parts.0.amounts")


def test_a_refund_needs_a_known_order() -> None:
    given(complaint()).when(proposal()).refused("unknown_order")


def test_a_reshipment_can_be_offered_before_the_order_is_known() -> None:
    given(complaint()).when(proposal(part(Resolution.RESHIP))).then_among(ev.ResolutionProposed)


def test_a_refund_is_in_the_orders_currency() -> None:
    offer = proposal(part(amounts=(pay("1", "1.00", "USD"),)))
    filed().when(offer).refused("wrong_currency", "parts.0.amounts.0.money")


def test_a_refund_is_more_than_nothing() -> None:
    offer = proposal(part(amounts=(pay("1", "0.00"),)))
    filed().when(offer).refused("amount_zero", "parts.0.amounts.0.money")


def test_a_refund_names_lines_of_the_order_once() -> None:
    story = filed()
    story.when(proposal(part(amounts=(pay("9", "1.00"),)))).refused("unknown_line")
    twice = part(amounts=(pay("1", "1.00"), pay("1", "2.00")))
    story.when(proposal(twice)).refused("line_named_twice")


def test_a_refund_is_for_the_lines_of_its_items() -> None:
    offer = proposal(part(amounts=(pay("2", "1.00"),)))
    filed().when(offer).refused("line_not_of_items", "parts.0.amounts.0.line")


@pytest.mark.parametrize(
    ("resolution", "problem"),
    [
        (Resolution.REPAIR, ProblemType.MISSING_ITEM),
        (Resolution.REPAIR, ProblemType.NO_REASON),
        (Resolution.EXCHANGE, ProblemType.LOST),
        (Resolution.RESHIP, ProblemType.CHANGED_MIND),
        (Resolution.RETURN_AND_REFUND, ProblemType.LOST),
        (Resolution.REFUND_MISSING_PART, ProblemType.DAMAGED),
    ],
)
def test_a_resolution_has_to_fit_the_problem(resolution: Resolution, problem: ProblemType) -> None:
    story = filed(claim(problem=problem))
    story.when(proposal(part(resolution))).refused("resolution_implausible", "parts.0.resolution")


@pytest.mark.parametrize(
    ("resolution", "problem"),
    [
        (Resolution.REFUND_MISSING_PART, ProblemType.MISSING_ITEM),
        (Resolution.RESHIP, ProblemType.MISSING_ITEM),
        (Resolution.RESHIP, ProblemType.DAMAGED),
        (Resolution.REFUND_PARTIAL, ProblemType.DAMAGED),
        (Resolution.EXCHANGE, ProblemType.WRONG_ITEM),
        (Resolution.REFUND_FULL, ProblemType.QUALITY_DEFECT),
        (Resolution.EXCHANGE, ProblemType.QUALITY_DEFECT),
        (Resolution.RETURN_AND_REFUND, ProblemType.QUALITY_DEFECT),
        (Resolution.REPAIR, ProblemType.QUALITY_DEFECT),
        (Resolution.RETURN_AND_REFUND, ProblemType.NO_REASON),
        (Resolution.REFUND_FULL, ProblemType.LOST),
        (Resolution.RESHIP, ProblemType.LOST),
    ],
)
def test_the_usual_solutions_can_be_offered(resolution: Resolution, problem: ProblemType) -> None:
    filed(claim(problem=problem)).when(proposal(part(resolution))).then_among(ev.ResolutionProposed)


def test_the_verified_type_decides_what_fits() -> None:
    verified = cmd.VerifyItem(
        case_id=CASE, item=1, problem=ProblemType.MISSING_ITEM, quantity=1, evidence=("E1",)
    )
    story = filed().given(verified)
    story.when(proposal(part(Resolution.REPAIR))).refused("resolution_implausible")


def test_what_was_not_shipped_cannot_be_sent_back() -> None:
    story = given(
        order(lines=2), shipped({"2": 1}, at=T0 - days(1)), complaint(claim("1"), claim("2"))
    )
    story.when(proposal(part(Resolution.RETURN_AND_REFUND))).refused("nothing_to_return")
    story.when(
        proposal(part(Resolution.RETURN_AND_REFUND, 2, amounts=(pay("2", "1.00"),)))
    ).then_among(ev.ResolutionProposed)


def test_a_whole_refund_goes_with_no_other_part_for_the_item() -> None:
    offer = proposal(part(Resolution.REFUND_FULL), part(Resolution.RESHIP))
    filed().when(offer).refused("parts_conflict", "parts")


def test_a_refund_of_a_part_and_a_reshipment_go_together() -> None:
    offer = proposal(part(Resolution.REFUND_PARTIAL), part(Resolution.RESHIP))
    filed(claim(quantity=2)).when(offer).then_among(ev.ResolutionProposed)


# --------------------------------------------------------------- goodwill


def test_a_compensation_says_how_much() -> None:
    offer = proposal(part(Resolution.COMPENSATION_ONLY))
    filed().when(offer).refused("goodwill_missing", "goodwill")


def test_goodwill_is_in_the_orders_currency() -> None:
    offer = proposal().model_copy(update={"goodwill": money("5.00", "USD")})
    filed().when(offer).refused("wrong_currency", "goodwill")


def test_goodwill_needs_a_known_order() -> None:
    offer = proposal(part(Resolution.RESHIP), goodwill="5.00")
    given(complaint()).when(offer).refused("unknown_order")


def test_goodwill_has_a_cap_of_its_own() -> None:
    story = filed()
    story.when(proposal(goodwill="100.01")).refused("goodwill_exceeds_cap", "goodwill")
    story.when(proposal(goodwill="100.00")).then_among(like(ev.ResolutionProposed, goodwill=10000))


def test_goodwill_in_a_currency_without_a_cap_is_not_offered() -> None:
    dollars = order().model_copy(
        update={
            "currency": "USD",
            "lines": tuple(
                line.model_copy(update={"price": money("100.00", "USD")}) for line in order().lines
            ),
        }
    )
    offer = proposal(part(Resolution.RESHIP)).model_copy(update={"goodwill": money("5.00", "USD")})
    given(dollars, complaint()).when(offer).refused("cap_not_stated", "goodwill")


# ------------------------------------------------------------ refund caps


def full(amount: str, name: str = "P1", number: str = CASE) -> cmd.ProposeResolution:
    return proposal(
        part(Resolution.REFUND_FULL, amounts=(pay("1", amount),)), name=name, number=number
    )


def test_no_more_is_offered_than_was_paid_for_the_line() -> None:
    story = filed()
    story.when(full("100.01")).refused("refund_exceeds_paid", "parts")
    story.when(full("100.00")).then_among(ev.ResolutionProposed)


def test_what_other_items_of_the_line_were_promised_is_taken() -> None:
    story = filed(claim("1"), claim("1", problem=ProblemType.MISSING_ITEM))
    second = part(Resolution.REFUND_PARTIAL, 2, amounts=(pay("1", "40.01"),))
    story.given(full("60.00"), accept()).when(proposal(second, name="P2")).refused(
        "refund_exceeds_paid"
    )
    enough = part(Resolution.REFUND_PARTIAL, 2, amounts=(pay("1", "40.00"),))
    story.when(proposal(enough, name="P2")).then_among(ev.ResolutionProposed)


def test_what_another_case_of_the_line_was_paid_is_taken() -> None:
    story = filed().given(full("60.00"), accept(), *refunded(amount="60.00"))
    story.given(cmd.WithdrawCase(case_id=CASE), complaint(number=OTHER_CASE))
    story.when(full("40.01", "P2", OTHER_CASE)).refused("refund_exceeds_paid")
    story.when(full("40.00", "P2", OTHER_CASE)).then_among(ev.ResolutionProposed)


def test_an_offer_that_no_longer_fits_cannot_be_accepted() -> None:
    story = filed().given(full("100.00"))
    paid = cmd.RecordRefundSucceeded(
        case_id=CASE, action_key="PF1", amounts=(pay("1", "50.00"),), by=Party.PLATFORM
    )
    story.given(told(paid, by=PLATFORM)).when(accept()).refused("refund_exceeds_paid")


# ---------------------------------------- counter-offers, refusals, lapses


def test_a_counter_offer_answers_the_offer() -> None:
    story = filed().given(proposal())
    story.when(counter()).then_among(
        ev.ProposalEnded(proposal_id="P1", how=ProposalEnd.DECLINED),
        like(ev.ResolutionProposed, proposal_id="B1", by=Party.BUYER, counters="P1"),
        ClockSatisfied(key="answer:P1#1"),
    )
    assert [p.proposal_id for p in case_of(story).open_proposals] == ["B1"]


def test_the_buyer_may_propose_first() -> None:
    filed().when(counter(to=None)).then(like(ev.ResolutionProposed, by=Party.BUYER))


def test_a_better_offer_replaces_ones_own() -> None:
    better = proposal(part(amounts=(pay("1", "40.00"),)), name="P2", counters="P1")
    filed().given(proposal()).when(better).then_among(
        ev.ProposalEnded(proposal_id="P1", how=ProposalEnd.SUPERSEDED)
    )


def test_only_what_stands_can_be_countered() -> None:
    story = filed().given(proposal(), cmd.WithdrawProposal(case_id=CASE, proposal_id="P1"))
    story.when(counter()).refused("proposal_ended", "counters")
    story.when(counter(to="P9")).refused("unknown_proposal", "counters")


def withdraw(name: str = "P1") -> cmd.WithdrawProposal:
    return cmd.WithdrawProposal(case_id=CASE, proposal_id=name)


def refuse(name: str = "P1") -> cmd.DeclineProposal:
    return cmd.DeclineProposal(case_id=CASE, proposal_id=name)


def lapse(name: str = "P1") -> cmd.LapseProposal:
    return cmd.LapseProposal(case_id=CASE, proposal_id=name)


def test_a_proposal_can_be_withdrawn() -> None:
    story = filed().given(proposal())
    story.when(withdraw()).then_among(
        ev.ProposalEnded(proposal_id="P1", how=ProposalEnd.WITHDRAWN),
        ClockCancelled(key="answer:P1#1"),
    )
    story.when(withdraw()).then_nothing()


def test_a_proposal_can_be_declined() -> None:
    story = filed().given(proposal())
    story.when(refuse()).then_among(
        ev.ProposalEnded(proposal_id="P1", how=ProposalEnd.DECLINED),
        ClockSatisfied(key="answer:P1#1"),
    )
    story.when(refuse()).then_nothing()


def test_a_proposal_lapses_once_the_answer_is_past_due() -> None:
    story = filed().given(proposal())
    story.when(lapse(), at=T0 + hours(71)).refused("not_due_yet", "proposal_id")
    story.when(lapse(), at=T0 + hours(72)).then_among(
        ev.ProposalEnded(proposal_id="P1", how=ProposalEnd.LAPSED)
    )
    story.when(lapse()).then_nothing()


def test_the_buyers_own_offer_does_not_lapse() -> None:
    story = filed().given(counter(to=None))
    story.when(lapse("B1"), at=T0 + days(30)).refused("not_due_yet", "proposal_id")


@pytest.mark.parametrize("command", [withdraw, refuse, lapse, accept])
def test_an_unknown_proposal_has_no_end(command: Callable[..., Command]) -> None:
    filed().when(command("P9")).refused("unknown_proposal", "proposal_id")


@pytest.mark.parametrize("command", [withdraw, lapse, accept])
def test_a_declined_proposal_stands_no_more(command: Callable[..., Command]) -> None:
    story = filed().given(proposal(), refuse())
    story.when(command()).refused("proposal_ended", "proposal_id")


def test_a_withdrawn_proposal_cannot_be_declined() -> None:
    filed().given(proposal(), withdraw()).when(refuse()).refused("proposal_ended")


@pytest.mark.parametrize("command", [withdraw, refuse, lapse, accept])
def test_an_ended_case_negotiates_no_more(command: Callable[..., Command]) -> None:
    story = filed().given(proposal(), cmd.WithdrawCase(case_id=CASE))
    story.when(command()).refused("case_ended")


# -------------------------------------------------------------- agreements


def owed(story: Story) -> list[tuple[str, Duty, Party, bool]]:
    return [
        (o.obligation_id, o.duty, o.party, o.after_return) for o in case_of(story).open_obligations
    ]


def test_accepting_makes_an_agreement_and_its_obligations() -> None:
    story = filed().given(proposal())
    agreed = accept().model_copy(update={"private": Private(text="好的")})
    story.when(agreed, at=T0 + hours(1)).then_among(
        ev.AgreementReached(
            agreement_id="P1",
            proposal_id="P1",
            items=(1,),
            obligations=(
                ObligationTerms(
                    obligation_id="P1-1",
                    duty=Duty.REFUND,
                    party=Party.SHOP,
                    items=(1,),
                    amount=3000,
                    lines=(LineAmount(line="1", amount=3000),),
                ),
            ),
            supersedes=(),
            policy=("default@1",),
            private=Private(text="好的"),
        ),
        like(ClockStarted, key="execution:P1-1#1", due_at=T0 + hours(49)),
    )
    case = case_of(story)
    assert case.items[1].agreement == "P1"
    assert case.proposals["P1"].ended is ProposalEnd.ACCEPTED
    story.when(accept()).then_nothing()


@pytest.mark.parametrize(
    ("resolution", "problem", "expected"),
    [
        (
            Resolution.RETURN_AND_REFUND,
            ProblemType.QUALITY_DEFECT,
            [
                ("P1-1", Duty.RETURN, Party.BUYER, False),
                ("P1-2", Duty.REFUND, Party.SHOP, True),
            ],
        ),
        (
            Resolution.EXCHANGE,
            ProblemType.QUALITY_DEFECT,
            [
                ("P1-1", Duty.RETURN, Party.BUYER, False),
                ("P1-2", Duty.DISPATCH, Party.SHOP, True),
            ],
        ),
        (
            Resolution.EXCHANGE,
            ProblemType.WRONG_ITEM,
            [
                ("P1-1", Duty.RETURN, Party.BUYER, False),
                ("P1-2", Duty.DISPATCH, Party.SHOP, False),
            ],
        ),
        (
            Resolution.REPAIR,
            ProblemType.QUALITY_DEFECT,
            [
                ("P1-1", Duty.RETURN, Party.BUYER, False),
                ("P1-2", Duty.REPAIR, Party.SHOP, True),
            ],
        ),
        (
            Resolution.RESHIP,
            ProblemType.MISSING_ITEM,
            [("P1-1", Duty.DISPATCH, Party.SHOP, False)],
        ),
        (
            Resolution.REFUND_MISSING_PART,
            ProblemType.MISSING_ITEM,
            [("P1-1", Duty.REFUND, Party.SHOP, False)],
        ),
    ],
)
def test_each_solution_owes_what_it_needs(
    resolution: Resolution,
    problem: ProblemType,
    expected: list[tuple[str, Duty, Party, bool]],
) -> None:
    story = filed(claim(problem=problem)).given(proposal(part(resolution)), accept())
    assert owed(story) == expected


def test_a_compensation_alone_owes_goodwill() -> None:
    offer = proposal(part(Resolution.COMPENSATION_ONLY), goodwill="5.00")
    story = filed().given(offer, accept())
    obligation = case_of(story).obligations["P1-1"]
    assert (obligation.duty, obligation.amount) == (Duty.GOODWILL, 500)


def test_goodwill_comes_on_top_of_the_refund() -> None:
    story = filed().given(proposal(goodwill="5.00"), accept())
    assert [duty for _, duty, _, _ in owed(story)] == [Duty.REFUND, Duty.GOODWILL]


def test_goods_that_are_here_already_need_not_come_back_again() -> None:
    story = filed().given(
        proposal(part(Resolution.EXCHANGE)),
        accept(),
        cmd.AgreeReturnAddress(case_id=CASE, return_id="R1", items=(1,), packaging_asked_for=True),
        cmd.RecordReturnReceived(case_id=CASE, return_id="R1"),
        proposal(part(Resolution.RETURN_AND_REFUND), name="P2"),
        accept("P2"),
    )
    assert [(o, duty) for o, duty, _, _ in owed(story)] == [("P2-1", Duty.REFUND)]


def test_accepting_one_ends_the_others_about_the_item() -> None:
    story = filed(claim("1"), claim("2")).given(
        proposal(),
        proposal(part(Resolution.RESHIP), name="P2"),
        proposal(part(Resolution.RESHIP, 2), name="P3"),
    )
    story.when(accept()).then_among(
        ev.AgreementReached, ev.ProposalEnded(proposal_id="P2", how=ProposalEnd.SUPERSEDED)
    )
    assert [p.proposal_id for p in case_of(story).open_proposals] == ["P3"]


def test_an_agreement_takes_the_place_of_an_answer_to_a_decline() -> None:
    story = filed().given(decline(), counter(to=None))
    story.when(accept("B1")).then_among(
        ev.DeclineAnswered(decline_id="D1", answer=DeclineAnswer.OVERTAKEN)
    )
    assert case_of(story).open_decline is None


# ------------------------------------------------------------- by item


def two_items() -> Story:
    """One offer: 30.00 for item 1, a reshipment of item 2, 5.00 on top."""
    story = filed(claim("1"), claim("2"))
    return story.given(proposal(part(), part(Resolution.RESHIP, 2), goodwill="5.00"))


def test_an_offer_can_be_accepted_for_some_of_its_items() -> None:
    story = two_items()
    story.when(accept("P1", 2)).then_among(like(ev.AgreementReached, items=(2,)))
    assert [duty for _, duty, _, _ in owed(story)] == [Duty.DISPATCH]
    assert case_of(story).items[1].agreement is None


def test_a_reshipment_of_several_items_can_be_accepted_for_one() -> None:
    both = part(Resolution.RESHIP, 1, 2)
    story = filed(claim("1"), claim("2")).given(proposal(both), accept("P1", 2))
    assert case_of(story).obligations["P1-1"].items == (2,)


def test_accepting_all_items_one_by_one_is_accepting_the_whole() -> None:
    story = two_items()
    story.given(accept("P1", 2, 1))
    assert [duty for _, duty, _, _ in owed(story)] == [Duty.REFUND, Duty.DISPATCH, Duty.GOODWILL]


def test_only_offered_items_can_be_accepted() -> None:
    story = filed(claim("1"), claim("2")).given(proposal())
    story.when(accept("P1", 2)).refused("item_not_offered", "items")


def test_an_item_is_accepted_once() -> None:
    two_items().when(accept("P1", 2, 2)).refused("item_named_twice", "items")


def test_after_a_part_was_accepted_the_rest_is_offered_anew() -> None:
    two_items().given(accept("P1", 2)).when(accept()).refused("proposal_ended")


def test_a_refund_for_several_items_goes_along_by_line() -> None:
    both = part(Resolution.REFUND_PARTIAL, 1, 2, amounts=(pay("1", "30.00"), pay("2", "20.00")))
    story = filed(claim("1"), claim("2")).given(proposal(both), accept("P1", 2))
    assert case_of(story).obligations["P1-1"].lines == (LineAmount(line="2", amount=2000),)


def test_a_refund_for_two_items_of_one_line_is_not_divided() -> None:
    both = part(Resolution.REFUND_PARTIAL, 1, 2, amounts=(pay("1", "30.00"),))
    story = filed(claim("1"), claim("1", problem=ProblemType.MISSING_ITEM))
    story.given(proposal(both)).when(accept("P1", 2)).refused("part_not_divisible", "items")


# ------------------------------------------------------------- amendments


def test_an_amendment_supersedes_what_was_not_done() -> None:
    story = filed().given(proposal(part(Resolution.RESHIP)), accept(), proposal(name="P2"))
    story.when(accept("P2")).then_among(
        like(ev.AgreementReached, agreement_id="P2", supersedes=("P1",)),
        ClockCancelled(key="execution:P1-1#1"),
    )
    case = case_of(story)
    assert case.obligations["P1-1"].ended is ObligationEnd.SUPERSEDED
    assert case.agreements["P1"].superseded
    assert [o.obligation_id for o in case.open_obligations] == ["P2-1"]


def amended(amount: str) -> Story:
    """30.00 were agreed and paid; then another sum is agreed."""
    story = filed().given(proposal(), accept(), *refunded())
    better = proposal(part(amounts=(pay("1", amount),)), name="P2")
    return story.given(better, accept("P2"))


def test_money_paid_counts_towards_the_new_agreement() -> None:
    story = amended("50.00")
    pay_rest = cmd.RequestRefund(case_id=CASE, action_key="K2", obligation_id="P2-1")
    story.when(pay_rest).then_among(like(ev.RefundRequested, amount=2000))


def test_a_new_agreement_that_was_paid_before_owes_nothing() -> None:
    story = amended("30.00")
    case = case_of(story)
    assert case.obligations["P2-1"].ended is ObligationEnd.FULFILLED
    assert not case.open_obligations


def test_an_amendment_may_go_up_to_all_that_was_paid_for_the_line() -> None:
    story = filed().given(proposal(), accept(), *refunded())
    story.when(full("100.01", "P2")).refused("refund_exceeds_paid")
    story.when(full("100.00", "P2")).then_among(ev.ResolutionProposed)


def test_a_payout_under_way_counts_until_it_fails() -> None:
    story = filed().given(proposal(), accept(), refunded()[0])
    story.given(full("100.00", "P2"), accept("P2"))
    rest = cmd.RequestRefund(case_id=CASE, action_key="K2", obligation_id="P2-1")
    story.when(rest).then_among(like(ev.RefundRequested, amount=7000))


def test_an_amendment_of_one_item_leaves_the_others_agreement() -> None:
    offer = proposal(part(), part(Resolution.RESHIP, 2))
    story = filed(claim("1"), claim("2")).given(offer, accept())
    story.given(proposal(part(Resolution.RESHIP, 1), name="P2"))
    story.when(accept("P2")).then_among(
        ev.ObligationEnded(obligation_id="P1-1", how=ObligationEnd.SUPERSEDED),
        like(ev.AgreementReached, agreement_id="P2", supersedes=()),
        ClockCancelled(key="execution:P1-1#1"),
    )
    case = case_of(story)
    assert not case.agreements["P1"].superseded
    assert [o.obligation_id for o in case.open_obligations] == ["P1-2", "P2-1"]


def test_what_was_paid_for_the_amended_item_counts() -> None:
    offer = proposal(part(), part(Resolution.RESHIP, 2))
    story = filed(claim("1"), claim("2")).given(offer, accept(), *refunded())
    story.given(proposal(part(amounts=(pay("1", "50.00"),)), name="P2"), accept("P2"))
    rest = cmd.RequestRefund(case_id=CASE, action_key="K2", obligation_id="P2-1")
    story.when(rest).then_among(like(ev.RefundRequested, amount=2000))


def test_an_amendment_names_all_items_of_what_it_changes() -> None:
    both = part(Resolution.REFUND_PARTIAL, 1, 2, amounts=(pay("1", "30.00"), pay("2", "20.00")))
    story = filed(claim("1"), claim("2")).given(proposal(both), accept())
    story.when(proposal(part(Resolution.RESHIP, 1), name="P2")).refused(
        "amendment_incomplete", "items"
    )


# ------------------------------------------------------------------ waivers


def waive(name: str = "P1-1") -> cmd.WaiveObligation:
    return cmd.WaiveObligation(case_id=CASE, obligation_id=name)


def test_an_obligation_can_be_waived() -> None:
    story = filed().given(proposal(), accept())
    story.when(waive()).then_among(
        ev.ObligationEnded(obligation_id="P1-1", how=ObligationEnd.WAIVED)
    )
    story.when(waive()).then_nothing()


def test_an_unknown_obligation_cannot_be_waived() -> None:
    filed().when(waive()).refused("unknown_obligation", "obligation_id")


def test_what_was_done_cannot_be_waived() -> None:
    story = filed().given(proposal(), accept(), *refunded())
    story.when(waive()).refused("obligation_ended", "obligation_id")


def test_what_is_being_paid_cannot_be_waived() -> None:
    story = filed().given(proposal(), accept(), refunded()[0])
    story.when(waive()).refused("payout_in_flight", "obligation_id")


def test_an_ended_case_waives_nothing() -> None:
    story = filed().given(proposal(), accept(), cmd.WithdrawCase(case_id=CASE))
    story.when(waive()).refused("case_ended")
