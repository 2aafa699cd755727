"""Whether a well-handled case stays out of the shop's experience score.

DOMAIN: "Experience-score exemption"; "The flow of a case", Remedy.
"""

from __future__ import annotations

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.state import Exemption
from domain.case.values import Rating, RulingFor, Rung
from domain.sla.events import BreachRetracted
from tests.unit.case.build import (
    accept,
    attached,
    case_of,
    claim,
    classify,
    closed,
    contact,
    ended,
    filed,
    money,
    proposal,
    refunded,
    solved,
)
from tests.unit.order.build import CASE
from tests.unit.support import PLATFORM, SERVICE, T0, Story, Told, days, hours, like, told

CLOSE = cmd.CloseCase(case_id=CASE)
REQUEST = cmd.RequestExemption(case_id=CASE)
TELL = cmd.TellRemedy(case_id=CASE)
FORGIVE = cmd.RecordForgiveness(case_id=CASE, evidence=("E1",))


def late() -> Story:
    """Solved, but the buyer was first answered after 30 hours."""
    at = T0 + hours(30)
    return filed().given(
        told(contact(), at=at),
        told(proposal(), at=at),
        told(accept(), at=at),
        *refunded(at=at),
        told(classify(), at=at),
    )


def rated(rating: Rating) -> cmd.RecordEvaluation:
    return cmd.RecordEvaluation(case_id=CASE, rating=rating)


# ----------------------------------------------------------- the judgement


def test_an_agreed_case_in_time_is_eligible_at_its_close() -> None:
    solved().given(classify()).when(CLOSE).then_among(
        ev.ExemptionJudged(
            eligible=True,
            grounds=(
                "agreed",
                "clocks_met",
                "remedy_not_told",
                "not_forgiven",
                "evaluation_not_negative",
                "not_ruled_against_shop",
            ),
        )
    )


def test_a_late_case_is_not() -> None:
    late().when(CLOSE, at=T0 + hours(31)).then_among(like(ev.ExemptionJudged, eligible=False))


def test_a_case_without_an_agreement_is_not() -> None:
    story = filed().given(contact(), cmd.ConfirmSolution(case_id=CASE), classify())
    story.when(CLOSE).then_among(like(ev.ExemptionJudged, eligible=False))


def test_a_remedy_and_the_buyers_forgiveness_win_it_for_a_late_case() -> None:
    story = late().given(told(TELL, at=T0 + hours(31)), told(FORGIVE, at=T0 + hours(31)))
    story.when(CLOSE, at=T0 + hours(31)).then_among(like(ev.ExemptionJudged, eligible=True))


def test_a_remedy_alone_does_not_nor_forgiveness_alone() -> None:
    for one in (TELL, FORGIVE):
        story = late().given(told(one, at=T0 + hours(31)))
        story.when(CLOSE, at=T0 + hours(31)).then_among(like(ev.ExemptionJudged, eligible=False))


def test_silence_is_no_forgiveness() -> None:
    story = late().given(
        told(TELL, at=T0 + hours(31)),
        told(cmd.ConfirmSolution(case_id=CASE, by_silence=True), at=T0 + days(10)),
    )
    story.when(CLOSE, at=T0 + days(10)).then_among(like(ev.ExemptionJudged, eligible=False))


def test_a_negative_evaluation_forfeits_it_and_none_passes() -> None:
    story = solved().given(told(rated(Rating.NEGATIVE), by=PLATFORM), classify())
    story.when(CLOSE).then_among(like(ev.ExemptionJudged, eligible=False))


def test_a_ruling_against_the_shop_forfeits_it() -> None:
    def with_ruling(for_: RulingFor) -> Story:
        ruling = cmd.RecordRuling(case_id=CASE, ruling_id="R1", ruled_for=for_, items=(1,))
        return solved().given(told(ruling, by=PLATFORM), classify())

    with_ruling(RulingFor.BUYER).when(CLOSE).then_among(like(ev.ExemptionJudged, eligible=False))
    with_ruling(RulingFor.SHOP).when(CLOSE).then_among(like(ev.ExemptionJudged, eligible=True))


def test_a_ruling_about_another_item_does_not_hide_the_one_against_the_shop() -> None:
    def rule(for_: RulingFor, item: int, name: str) -> Told:
        return told(
            cmd.RecordRuling(case_id=CASE, ruling_id=name, ruled_for=for_, items=(item,)),
            by=PLATFORM,
        )

    two = filed(claim("1"), claim("2")).given(told(contact(), at=T0), proposal(), accept())
    two.given(*refunded(), classify(), rule(RulingFor.BUYER, 1, "R1"))
    two.given(rule(RulingFor.SHOP, 2, "R2"))
    two.when(CLOSE).then_among(like(ev.ExemptionJudged, eligible=False))


def test_a_later_ruling_about_the_same_item_replaces_the_earlier() -> None:
    story = solved().given(classify())
    for name, for_ in (("R1", RulingFor.BUYER), ("R2", RulingFor.SHOP)):
        ruling = cmd.RecordRuling(case_id=CASE, ruling_id=name, ruled_for=for_, items=(1,))
        story.given(told(ruling, by=PLATFORM))
    story.when(CLOSE).then_among(like(ev.ExemptionJudged, eligible=True))


def test_a_withdrawn_case_is_not_judged() -> None:
    assert case_of(ended()).exemption is Exemption.NONE


# -------------------------------------------------------------- later facts


def test_a_later_negative_evaluation_appends_a_new_judgement() -> None:
    story = closed()
    assert case_of(story).exemption is Exemption.ELIGIBLE
    story.when(rated(Rating.NEGATIVE), by=PLATFORM).then_among(
        like(ev.ExemptionJudged, eligible=False)
    )
    assert case_of(story).exemption is Exemption.NOT_ELIGIBLE


def test_what_changes_nothing_is_not_judged_again() -> None:
    outcome = closed().when(rated(Rating.POSITIVE), by=PLATFORM)
    outcome.then(ev.CaseEvaluated(rating=Rating.POSITIVE))


def test_forgiveness_after_the_close_can_still_win_it() -> None:
    story = late().given(told(CLOSE, at=T0 + hours(31)))
    story.when(TELL, at=T0 + days(2)).then(
        ev.RemedyTold(action_key=None), like(ev.ExemptionJudged, eligible=False)
    )
    story.when(FORGIVE, at=T0 + days(3)).then(
        ev.ForgivenessRecorded(evidence=("E1",)), like(ev.ExemptionJudged, eligible=True)
    )


def test_a_contact_learnt_late_takes_the_breach_back_and_is_judged() -> None:
    """The response was late only as far as we knew."""
    story = filed().given(
        told(proposal(), at=T0 + hours(30), by=SERVICE),
        told(accept(), at=T0 + hours(30)),
        *refunded(at=T0 + hours(30)),
        told(classify(), at=T0 + hours(30)),
        told(CLOSE, at=T0 + hours(30)),
    )
    assert case_of(story).exemption is Exemption.NOT_ELIGIBLE
    story.when(contact(), at=T0 + hours(40), occurred_at=T0 + hours(2), by=SERVICE).then_among(
        like(BreachRetracted, key="first_response#1")
    )


def test_reopening_suspends_the_judgement_and_the_next_close_judges_anew() -> None:
    story = closed().given(cmd.ReopenCase(case_id=CASE, reason="again"))
    assert case_of(story).exemption is Exemption.SUSPENDED
    story.given(told(rated(Rating.NEGATIVE), by=PLATFORM))
    assert case_of(story).exemption is Exemption.SUSPENDED
    story.when(CLOSE, at=T0 + hours(1)).then_among(like(ev.ExemptionJudged, eligible=False))


# ------------------------------------------------------ remedy, forgiveness


def test_a_remedy_names_the_goodwill_that_it_was() -> None:
    granted = cmd.GrantGoodwill(
        case_id=CASE, action_key="G1", rung=Rung.COUPON, amount=money("5.00")
    )
    remedy = cmd.TellRemedy(case_id=CASE, action_key="G1")
    filed().when(remedy).refused("unknown_goodwill", "action_key")
    story = filed().given(granted)
    story.when(remedy).then(ev.RemedyTold(action_key="G1"))
    story.when(remedy).then_nothing()


def test_forgiveness_is_recorded_once_and_with_evidence() -> None:
    unproven = cmd.RecordForgiveness(case_id=CASE, evidence=("E9",))
    filed().when(unproven).refused("unknown_evidence", "evidence")
    story = filed().given(attached())
    story.when(FORGIVE).then(ev.ForgivenessRecorded(evidence=("E1",)))
    story.when(FORGIVE).then_nothing()


# ------------------------------------------------- requested and decided


def decided(granted: bool) -> cmd.RecordExemptionDecision:
    return cmd.RecordExemptionDecision(case_id=CASE, granted=granted)


def test_an_exemption_is_requested_granted_or_denied() -> None:
    story = closed()
    story.when(REQUEST).then(ev.ExemptionRequested())
    story.when(REQUEST).then_nothing()
    story.when(decided(False), by=PLATFORM).then(ev.ExemptionDecided(granted=False))
    story.when(decided(False), by=PLATFORM).then_nothing()
    story.when(REQUEST, at=T0 + days(1)).then(ev.ExemptionRequested())
    story.when(decided(True), at=T0 + days(2), by=PLATFORM).then(ev.ExemptionDecided(granted=True))
    story.when(REQUEST, at=T0 + days(3)).refused("exemption_granted")


def test_only_a_closed_case_asks_for_the_exemption() -> None:
    solved().when(REQUEST).refused("not_closed")
    ended().when(REQUEST).refused("not_closed")


def test_only_an_eligible_case_asks_for_the_exemption() -> None:
    late().given(told(CLOSE, at=T0 + hours(31))).when(REQUEST).refused("not_eligible")


def test_what_the_platform_granted_stands_beside_a_later_judgement() -> None:
    story = closed().given(
        REQUEST, told(decided(True), by=PLATFORM), told(rated(Rating.NEGATIVE), by=PLATFORM)
    )
    case = case_of(story)
    assert case.exemption is Exemption.GRANTED
    assert case.exemption_eligible is False


def test_the_platforms_own_tag_is_an_observation() -> None:
    tag = cmd.ObserveExemptionTag(case_id=CASE, exempt=True)
    story = closed()
    story.when(tag, by=PLATFORM).then(ev.ExemptionTagObserved(exempt=True))
    story.when(tag, by=PLATFORM).then_nothing()
    case = case_of(story)
    assert (case.exemption, case.exemption_tag) == (Exemption.ELIGIBLE, True)
