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
    LineAmount,
    Part,
    Party,
    ProblemType,
    ProposalEnd,
    Resolution,
    RulingFor,
)
from domain.kernel import Command
from domain.sla.events import ClockCancelled, ClockSatisfied, ClockStarted
from tests.unit.case.build import (
    accept,
    case_of,
    claim,
    complaint,
    counter,
    ended,
    filed,
    full,
    money,
    order,
    part,
    pay,
    proposal,
    refunded,
)
from tests.unit.order.build import CASE, OTHER_CASE, shipped
from tests.unit.support import PLATFORM, T0, days, given, hours, like, told

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
