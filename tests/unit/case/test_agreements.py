"""Agreements: what they owe, what they supersede, for which items.

DOMAIN: "The flow of a case" 6 and 7.
"""

from __future__ import annotations

import pytest

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.values import (
    DeclineAnswer,
    Duty,
    LineAmount,
    ObligationEnd,
    ObligationTerms,
    Party,
    ProblemType,
    ProposalEnd,
    Resolution,
)
from domain.kernel import Private
from domain.sla.events import ClockCancelled, ClockStarted
from tests.unit.case.build import (
    accept,
    case_of,
    claim,
    counter,
    decline,
    filed,
    full,
    part,
    pay,
    proposal,
    refunded,
)
from tests.unit.order.build import CASE
from tests.unit.support import T0, Story, hours, like

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
