"""The shop says no: grounds that hold, evidence, and the buyer's answer.

DOMAIN: "The flow of a case" 6, Decline.
"""

from __future__ import annotations

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.values import (
    DeclineAnswer,
    DeclineGround,
    InspectionFinding,
    ObligationEnd,
    Party,
    ProblemType,
    ProposalEnd,
    Resolution,
    RulingFor,
    UnitFinding,
)
from domain.sla.events import ClockSatisfied
from tests.unit.case.build import (
    accept,
    case_of,
    claim,
    complaint,
    counter,
    decline,
    ended,
    filed,
    order,
    part,
    pay,
    proposal,
    refunded,
)
from tests.unit.order.build import CASE, OTHER_CASE, delivered, shipped
from tests.unit.support import PLATFORM, T0, Story, days, given, hours, like, told

# ------------------------------------------------------------------ grounds


def test_a_decline_counts_as_a_solution_proposed() -> None:
    filed().when(decline(), at=T0 + hours(1)).then_among(
        ev.ComplaintDeclined(
            decline_id="D1",
            ground=DeclineGround.NO_DEFECT_FOUND,
            items=(1,),
            evidence=("E1",),
            rule="decline.no_defect_found",
            policy=("default@1",),
        ),
        ClockSatisfied(key="first_response#1"),
        ClockSatisfied(key="first_solution#1"),
    )


def late(problem: ProblemType = ProblemType.DAMAGED, after: float = 30) -> Story:
    """Complained about so many days after delivery."""
    story = given(order(), shipped(at=T0 - days(after + 1)), delivered(at=T0 - days(after)))
    return story.given(complaint(claim(problem=problem)))


def outside() -> cmd.DeclineComplaint:
    return decline(DeclineGround.OUTSIDE_WINDOW, evidence=())


def test_what_came_too_late_can_be_declined() -> None:
    late().when(outside()).then_among(like(ev.ComplaintDeclined, policy=("default@1",)))


def test_what_came_in_time_is_not_declined_as_too_late() -> None:
    filed().when(outside()).refused("inside_window", "ground")


def test_a_defect_within_the_warranty_is_not_too_late() -> None:
    late(ProblemType.QUALITY_DEFECT).when(outside()).refused("inside_window")
    late(ProblemType.QUALITY_DEFECT, 400).when(outside()).then_among(ev.ComplaintDeclined)


def test_whether_it_came_too_late_takes_a_known_order() -> None:
    given(complaint()).when(outside()).refused("unknown_order")


def test_no_defect_found_and_abuse_need_evidence() -> None:
    for ground in (DeclineGround.NO_DEFECT_FOUND, DeclineGround.ABUSE):
        filed().when(decline(ground, evidence=())).refused("evidence_missing", "evidence")
        filed().when(decline(ground)).then_among(like(ev.ComplaintDeclined, ground=ground))


def test_evidence_is_attached_before_it_is_named() -> None:
    filed().when(decline(evidence=("E9",))).refused("unknown_evidence", "evidence")


def test_a_lack_of_evidence_is_a_ground_only_where_proof_is_asked_for() -> None:
    lacking = decline(DeclineGround.NO_EVIDENCE, evidence=())
    filed(evidence=()).when(lacking).then_among(ev.ComplaintDeclined)
    filed().when(lacking).refused("evidence_complete", "ground")
    filed(claim(problem=ProblemType.DELAYED), evidence=()).when(lacking).refused(
        "evidence_complete"
    )


def test_a_duplicate_has_another_case() -> None:
    duplicate = decline(DeclineGround.DUPLICATE, evidence=())
    filed().when(duplicate).refused("no_other_case", "ground")
    story = filed().given(cmd.WithdrawCase(case_id=CASE), complaint(number=OTHER_CASE))
    second = duplicate.model_copy(update={"case_id": OTHER_CASE})
    story.when(second).then_among(ev.ComplaintDeclined)


# ---------------------------------------------------------- what came back


def returned(finding: InspectionFinding, problem: ProblemType = ProblemType.NO_REASON) -> Story:
    """Agreed to take it back for 30.00, came back and was looked at."""
    unit = UnitFinding(
        item=1,
        quantity=1,
        finding=finding,
        complete=True,
        resalable=finding is InspectionFinding.ACCEPTED,
        packaging_intact=True,
    )
    return filed(claim(problem=problem)).given(
        proposal(part(Resolution.RETURN_AND_REFUND)),
        accept(),
        cmd.AgreeReturnAddress(case_id=CASE, return_id="R1", items=(1,), packaging_asked_for=True),
        cmd.RecordReturnReceived(case_id=CASE, return_id="R1"),
        cmd.InspectReturn(case_id=CASE, return_id="R1", units=(unit,)),
    )


UNFIT = decline(DeclineGround.UNFIT_FOR_RESALE, evidence=())


def test_what_came_back_unfit_is_declined_and_no_longer_owed() -> None:
    story = returned(InspectionFinding.UNFIT)
    story.when(UNFIT).then_among(
        ev.ObligationEnded(obligation_id="P1-2", how=ObligationEnd.SUPERSEDED),
        ev.ComplaintDeclined,
    )
    assert all(o.ended for o in case_of(story).obligations.values() if o.duty == "refund")


def test_unfit_for_resale_takes_an_inspection() -> None:
    filed().when(UNFIT).refused("no_bad_return", "ground")
    returned(InspectionFinding.ACCEPTED).when(UNFIT).refused("no_bad_return")


def test_what_is_agreed_is_not_declined_without_an_inspection() -> None:
    story = filed().given(proposal(), accept())
    story.when(decline()).refused("already_agreed", "items")


def test_what_the_platform_ruled_is_not_declined() -> None:
    ruling = cmd.RecordRuling(
        case_id=CASE,
        ruling_id="R9",
        ruled_for=RulingFor.BUYER,
        items=(1,),
        amounts=(pay("1", "10.00"),),
    )
    story = returned(InspectionFinding.UNFIT).given(told(ruling, by=PLATFORM))
    story.when(UNFIT).refused("already_agreed", "items")


def test_what_is_being_paid_is_not_declined() -> None:
    story = returned(InspectionFinding.DAMAGED, ProblemType.QUALITY_DEFECT).given(
        cmd.AgreeDeduction(
            case_id=CASE,
            return_id="R1",
            obligation_id="P1-2",
            amount=pay("1", "10.00").money,
        ),
        refunded(obligation="P1-2", amount="20.00")[0],
    )
    story.when(UNFIT).refused("payout_in_flight", "items")


# -------------------------------------------------------------- the decline


def test_a_decline_withdraws_the_shops_offers_and_turns_down_the_buyers() -> None:
    story = filed(claim("1"), claim("2")).given(
        proposal(), counter(to=None), proposal(part(Resolution.RESHIP, 2), name="P2")
    )
    story.when(decline()).then_among(
        ev.ProposalEnded(proposal_id="P1", how=ProposalEnd.WITHDRAWN),
        ev.ProposalEnded(proposal_id="B1", how=ProposalEnd.DECLINED),
    )
    assert [p.proposal_id for p in case_of(story).open_proposals] == ["P2"]


def test_the_same_decline_again_changes_nothing() -> None:
    filed().given(decline()).when(decline()).then_nothing()


def test_another_decline_needs_another_id() -> None:
    other = decline(DeclineGround.ABUSE)
    filed().given(decline()).when(other).refused("decline_id_reused", "decline_id")


def test_an_item_waits_for_one_answer_at_a_time() -> None:
    other = decline(DeclineGround.ABUSE, name="D2")
    filed().given(decline()).when(other).refused("already_declined", "items")


def test_a_decline_is_about_items_of_the_case() -> None:
    filed().when(decline(DeclineGround.ABUSE, 9)).refused("unknown_item", "items")
    filed().when(decline(DeclineGround.ABUSE, 1, 1)).refused("item_named_twice", "items")


def test_an_ended_case_declines_nothing() -> None:
    ended().when(decline()).refused("case_ended")


# -------------------------------------------------------------- the answer


def answer(how: DeclineAnswer = DeclineAnswer.ACCEPTED, name: str = "D1") -> cmd.AnswerDecline:
    return cmd.AnswerDecline.model_validate({"case_id": CASE, "decline_id": name, "answer": how})


def test_the_buyer_accepts_the_decline() -> None:
    story = filed().given(decline())
    story.when(answer()).then_among(
        ev.DeclineAnswered(decline_id="D1", answer=DeclineAnswer.ACCEPTED)
    )
    story.when(answer()).then_nothing()


def test_after_a_supplement_the_shop_may_decline_again() -> None:
    story = filed().given(decline(), answer(DeclineAnswer.SUPPLEMENTED))
    story.when(decline(DeclineGround.ABUSE, name="D2")).then_among(ev.ComplaintDeclined)


def test_the_buyer_calls_the_platform_in() -> None:
    story = filed().given(decline())
    story.when(answer(DeclineAnswer.CALLED_PLATFORM)).then_among(
        like(ev.DeclineAnswered), ev.PlatformIntervened(called_by=Party.BUYER)
    )
    assert case_of(story).intervened


def test_a_platform_already_there_is_not_called_again() -> None:
    called = cmd.RecordIntervention(case_id=CASE, called_by=Party.BUYER)
    story = filed().given(decline(), told(called, by=PLATFORM))
    outcome = story.when(answer(DeclineAnswer.CALLED_PLATFORM))
    assert not any(isinstance(event, ev.PlatformIntervened) for event in outcome.events)


def test_a_decline_is_answered_once() -> None:
    story = filed().given(decline(), answer())
    story.when(answer(DeclineAnswer.SUPPLEMENTED)).refused("decline_answered", "decline_id")


def test_an_unknown_decline_has_no_answer() -> None:
    filed().when(answer()).refused("unknown_decline", "decline_id")


def test_an_ended_case_takes_no_answer() -> None:
    filed().given(decline(), cmd.WithdrawCase(case_id=CASE)).when(answer()).refused("case_ended")
