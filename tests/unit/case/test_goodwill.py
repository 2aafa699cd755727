"""Goodwill by the ladder, and return freight: each under a cap of its own.

DOMAIN: "Words", goodwill ladder; "Execute", return freight; "Invariants", caps of their own.
"""

from __future__ import annotations

import pytest

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.values import (
    Basis,
    Level,
    Liable,
    ObligationEnd,
    Party,
    ProblemType,
    Resolution,
    Rung,
    Share,
)
from domain.kernel import Command, Emit, Platform
from domain.money import Money
from domain.order import FreightReimbursed, GoodwillBooked
from domain.policy import LadderDocument, PublishPolicy
from tests.unit.case.scenes import (
    CASE,
    ORDER,
    agreed,
    at,
    bounced,
    closed,
    complained,
    complaint,
    fact,
    kinds,
    order_of,
    pay,
    returning,
    withdrawn,
    yuan,
)
from tests.unit.support import ADMIN, Story, given, like, told


def grant(
    rung: Rung = Rung.COUPON,
    amount: str = "5.00",
    key: str = "G1",
    *,
    why: str | None = None,
    obligation: str | None = None,
) -> cmd.GrantGoodwill:
    return cmd.GrantGoodwill(
        case_id=CASE,
        action_key=key,
        rung=rung,
        amount=yuan(amount),
        obligation_id=obligation,
        skip_reason=why,
    )


def felt(level: Level) -> cmd.RecordDissatisfaction:
    return cmd.RecordDissatisfaction(case_id=CASE, level=level)


# ---------------------------------------------------------------- the ladder


def test_goodwill_is_granted_on_top_and_booked_outside_the_refund_cap() -> None:
    outcome = complained().when(grant())
    story = outcome.then(
        like(
            ev.GoodwillGranted,
            rung=Rung.COUPON,
            amount=500,
            advised=Rung.COUPON,
            skip_reason=None,
            policy=("default@1",),
        ),
        GoodwillBooked(action_key="G1", case_id=CASE, amount=500),
    )
    assert order_of(story).refundable("L1") == 10800
    assert order_of(story).goodwill_total == 500


def test_the_ladder_advises_the_lowest_rung_not_granted_yet() -> None:
    story = complained().given(felt(Level.HIGH))
    for rung, key in ((Rung.COUPON, "G1"), (Rung.MEMBER_PERK, "G2"), (Rung.RED_PACKET, "G3")):
        story.when(grant(rung, key=key)).then_among(like(ev.GoodwillGranted, advised=rung))
    story.when(grant(Rung.GIFT, key="G4")).then_among(like(ev.GoodwillGranted, advised=Rung.GIFT))
    story.when(grant(Rung.GIFT, key="G5")).then_among(like(ev.GoodwillGranted, advised=Rung.GIFT))


def test_who_skips_a_rung_says_why() -> None:
    complained().when(grant(Rung.RED_PACKET)).refused("skip_reason_missing", "skip_reason")
    complained().when(grant(Rung.RED_PACKET, why="asked for cash")).then_among(
        like(ev.GoodwillGranted, advised=Rung.COUPON, skip_reason="asked for cash")
    )


def test_the_ladder_never_blocks_a_rung_beyond_the_recorded_dissatisfaction() -> None:
    story = complained().given(felt(Level.LOW), grant(), grant(Rung.MEMBER_PERK, key="G2"))
    story.when(grant(Rung.GIFT, "20.00", "G3", why="anniversary")).then_among(ev.GoodwillGranted)


def test_a_reason_given_where_nothing_was_skipped_is_not_recorded() -> None:
    complained().when(grant(why="just so")).then_among(like(ev.GoodwillGranted, skip_reason=None))


def test_goodwill_that_was_agreed_is_fulfilled_once_granted() -> None:
    story = agreed(goodwill="8.00")
    story.given(grant(obligation="A-2"))
    rest = story.when(grant(Rung.MEMBER_PERK, "3.00", "G2", obligation="A-2"))
    rest.then_among(ev.ObligationEnded(obligation_id="A-2", how=ObligationEnd.FULFILLED))
    over = grant(Rung.MEMBER_PERK, "3.00", "G3", obligation="A-2")
    story.when(over).refused("obligation_ended", "obligation_id")


# ------------------------------------------------------------------ refusals


def test_an_order_gets_no_more_goodwill_than_its_cap_over_all_its_cases() -> None:
    story = complained()
    elsewhere = GoodwillBooked(action_key="X", case_id="douyin:s1:AS9", amount=9501)
    story.given(Emit(f"order:{ORDER}", elsewhere))
    story.when(grant()).refused("goodwill_exceeds_cap", "amount")
    story.when(grant(amount="4.99")).then_among(ev.GoodwillGranted)


def test_a_cap_in_another_currency_says_nothing_about_the_order() -> None:
    dollars = Money(amount="100.00", currency="USD")
    document = LadderDocument(goodwill_cap=dollars, return_freight_cap=dollars)
    published = PublishPolicy(platform=Platform.DOUYIN, shop="s1", document=document)
    story = complained().given(told(published, by=ADMIN))
    story.when(grant()).refused("cap_not_stated", "amount")


def test_goodwill_is_in_the_currency_of_the_order() -> None:
    dollars = grant().model_copy(update={"amount": Money(amount="1.00", currency="USD")})
    complained().when(dollars).refused("wrong_currency", "amount")


def test_goodwill_needs_a_known_order() -> None:
    given(complaint(order_id=None)).when(grant()).refused("unknown_order", "case_id")


def test_a_key_grants_goodwill_once() -> None:
    complained().given(grant()).when(grant()).refused("action_key_paid", "action_key")


def test_a_key_of_a_refund_grants_no_goodwill() -> None:
    agreed().given(pay("G1")).when(grant()).refused("action_key_reused", "action_key")


def test_a_key_of_a_refund_of_which_only_the_bounce_is_known_grants_no_goodwill() -> None:
    story = complained().given(bounced("G1"))
    story.when(grant()).refused("action_key_reused", "action_key")


def test_goodwill_fulfils_no_other_obligation() -> None:
    agreed().when(grant(obligation="A-1")).refused("not_goodwill", "obligation_id")
    agreed().when(grant(obligation="A-9")).refused("unknown_obligation", "obligation_id")


@pytest.mark.parametrize("ending", [withdrawn(), closed()])
def test_an_ended_case_gets_no_goodwill(ending: Command | Emit) -> None:
    complained().given(ending).when(grant()).refused("case_ended")


# ------------------------------------------------------------ return freight


def reimburse(amount: str = "12.00", key: str = "F1") -> cmd.ReimburseReturnFreight:
    return cmd.ReimburseReturnFreight(
        case_id=CASE, return_id="B1", action_key=key, amount=yuan(amount)
    )


def sent(problem: ProblemType = ProblemType.QUALITY_DEFECT) -> Story:
    return returning(problem=problem).given(
        fact(cmd.RecordReturnShipped(case_id=CASE, return_id="B1", proof_of_posting=True))
    )


def liable(*shares: Share) -> cmd.FindLiability:
    return cmd.FindLiability(case_id=CASE, item=1, shares=shares, basis=Basis.MUTUAL)


def test_return_freight_is_the_shops_when_the_goods_were_at_fault() -> None:
    outcome = sent().when(reimburse(), at=at(2))
    story = outcome.then(
        like(ev.ReturnFreightReimbursed, return_id="B1", amount=1200, borne_by=Party.SHOP),
        FreightReimbursed(action_key="F1", case_id=CASE, amount=1200),
    )
    assert order_of(story).refundable("L1") == 10800


@pytest.mark.parametrize("problem", [ProblemType.NO_REASON, ProblemType.CHANGED_MIND])
def test_return_freight_is_the_buyers_without_a_reason(problem: ProblemType) -> None:
    sent(problem).when(reimburse(), at=at(2)).refused("freight_is_the_buyers", "return_id")


def test_a_finding_decides_about_the_freight_before_the_claim_does() -> None:
    buyers = sent().given(liable(Share(party=Liable.BUYER, percent=100)))
    buyers.when(reimburse(), at=at(2)).refused("freight_is_the_buyers")
    carriers = sent(ProblemType.NO_REASON).given(liable(Share(party=Liable.CARRIER, percent=100)))
    assert kinds(carriers.when(reimburse(), at=at(2))) == [
        "ReturnFreightReimbursed",
        "FreightReimbursed",
    ]


def test_a_finding_of_nobody_leaves_the_freight_to_the_claim() -> None:
    open_ = Share(party=Liable.UNDETERMINED, percent=100)
    sent(ProblemType.NO_REASON).given(liable(open_)).when(reimburse(), at=at(2)).refused(
        "freight_is_the_buyers"
    )


def test_the_freight_of_goods_that_came_unannounced_goes_by_what_the_case_is_about() -> None:
    for problem, kind in (
        (ProblemType.DAMAGED, "ReturnFreightReimbursed"),
        (ProblemType.NO_REASON, "freight_is_the_buyers"),
    ):
        came = cmd.RecordReturnReceived(case_id=CASE, return_id="B1")
        outcome = complained(problem).given(fact(came)).when(reimburse(), at=at(2))
        assert kind == (outcome.refusal.code if outcome.refusal else kinds(outcome)[0])


def test_return_freight_has_a_cap_of_its_own_for_each_order() -> None:
    story = sent().given(told(reimburse("29.99"), at=at(2)))
    story.when(reimburse("0.02", "F2"), at=at(2)).refused("freight_exceeds_cap", "amount")
    story.when(reimburse("0.01", "F2"), at=at(2)).then_among(ev.ReturnFreightReimbursed)


def test_return_freight_is_paid_once_for_a_key() -> None:
    story = sent().given(told(reimburse(), at=at(2)))
    story.when(reimburse(), at=at(2)).refused("action_key_paid", "action_key")
    coupon = sent().given(grant(key="F1"))
    coupon.when(reimburse(), at=at(2)).refused("action_key_reused", "action_key")


def test_return_freight_follows_on_a_return_that_was_shipped() -> None:
    returning().when(reimburse()).refused("return_not_shipped", "return_id")
    story = agreed(Resolution.REFUND_PARTIAL)
    story.when(reimburse()).refused("unknown_return", "return_id")


def test_return_freight_needs_a_known_order_and_its_currency() -> None:
    given(complaint(order_id=None)).when(reimburse()).refused("unknown_order")
    dollars = reimburse().model_copy(update={"amount": Money(amount="1.00", currency="USD")})
    sent().when(dollars, at=at(2)).refused("wrong_currency", "amount")


def test_a_freight_cap_in_another_currency_says_nothing_about_the_order() -> None:
    dollars = Money(amount="100.00", currency="USD")
    document = LadderDocument(return_freight_cap=dollars)
    published = PublishPolicy(platform=Platform.DOUYIN, shop="s1", document=document)
    story = sent().given(told(published, by=ADMIN))
    story.when(reimburse(), at=at(2)).refused("cap_not_stated", "amount")


def test_an_ended_case_reimburses_no_freight() -> None:
    sent().given(closed()).when(reimburse(), at=at(2)).refused("case_ended")
