"""Confirmation, rounds, evaluation, registration, the end of a case, reopening.

DOMAIN: "The flow of a case" 9 to 11; "SLA clocks" (rounds).
"""

from __future__ import annotations

import pytest

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.values import (
    Direction,
    ImprovementArea,
    ProblemType,
    Rating,
    Resolution,
    RootCause,
    Rung,
)
from domain.kernel import Platform
from domain.policy import PublishPolicy, SilenceDocument
from domain.sla.events import ClockStarted
from tests.unit.case.build import (
    accept,
    case_of,
    classify,
    closed,
    contact,
    ended,
    filed,
    money,
    part,
    proposal,
    refunded,
    solved,
)
from tests.unit.order.build import CASE
from tests.unit.support import ADMIN, PLATFORM, T0, Story, days, hours, like, told

CONFIRM = cmd.ConfirmSolution(case_id=CASE)
SILENT = cmd.ConfirmSolution(case_id=CASE, by_silence=True)
NOT_SOLVED = cmd.ReportNotSolved(case_id=CASE)

# ------------------------------------------------------------ confirmation


def test_the_buyer_confirms_once_all_is_done() -> None:
    story = solved()
    story.when(CONFIRM).then_among(ev.SolutionConfirmed(by_silence=False, policy=()))
    story.when(CONFIRM).then_nothing()


def test_nothing_is_confirmed_while_something_is_owed() -> None:
    filed().given(proposal(), accept()).when(CONFIRM).refused("obligations_open")


def test_nothing_is_confirmed_while_a_payout_is_under_way() -> None:
    story = filed().given(proposal(), accept(), refunded()[0])
    story.given(proposal(part(Resolution.RESHIP), name="P2"), accept("P2"))
    story.given(cmd.WaiveObligation(case_id=CASE, obligation_id="P2-1"))
    story.when(CONFIRM).refused("payout_in_flight")


def test_a_parcel_that_arrived_in_the_end_can_be_confirmed_without_an_agreement() -> None:
    filed().when(CONFIRM).then_among(ev.SolutionConfirmed)


def test_an_ended_case_is_not_confirmed() -> None:
    ended().when(CONFIRM).refused("case_ended")


def test_silence_confirms_some_days_after_the_last_delivery() -> None:
    story = solved(at=T0 + hours(5))
    due = T0 + hours(5) + days(7)
    story.when(SILENT, at=due - hours(1)).refused("silence_too_short", "by_silence")
    story.when(SILENT, at=due + days(2)).then_among(
        ev.SolutionConfirmed(by_silence=True, policy=("default@1",))
    )
    assert case_of(story).confirmed_at == due


def test_how_long_silence_takes_is_the_shops_policy() -> None:
    policy = PublishPolicy(
        platform=Platform.DOUYIN, shop="s1", document=SilenceDocument(confirm_days=3)
    )
    story = solved().given(told(policy, by=ADMIN))
    story.when(SILENT, at=T0 + days(3)).then_among(
        ev.SolutionConfirmed(by_silence=True, policy=("default@1", "policy:douyin:s1@1"))
    )


def test_silence_says_nothing_before_a_delivery() -> None:
    filed().when(SILENT, at=T0 + days(30)).refused("nothing_delivered", "by_silence")


def reshipped() -> Story:
    """A replacement is on its way."""
    dispatched = cmd.RecordReplacementDispatched(
        case_id=CASE, obligation_id="P1-1", shipment_id="S9"
    )
    return filed().given(proposal(part(Resolution.RESHIP)), accept(), dispatched)


def test_silence_waits_for_the_replacements_delivery() -> None:
    story = reshipped()
    story.when(SILENT, at=T0 + days(30)).refused("obligations_open")
    arrived = cmd.RecordReplacementDelivered(case_id=CASE, shipment_id="S9")
    story.given(told(arrived, at=T0 + days(4), by=PLATFORM))
    story.when(SILENT, at=T0 + days(11)).then_among(ev.SolutionConfirmed)


def test_silence_waits_even_for_what_was_waived_on_its_way() -> None:
    waived = cmd.WaiveObligation(case_id=CASE, obligation_id="P1-1")
    story = reshipped().given(waived)
    story.when(SILENT, at=T0 + days(30)).refused("nothing_delivered", "by_silence")


def test_a_buyer_who_spoke_was_not_silent() -> None:
    said = told(contact(direction=Direction.FROM_BUYER), at=T0 + days(2))
    solved().given(said).when(SILENT, at=T0 + days(30)).refused("buyer_spoke", "by_silence")


def test_goodwill_and_repairs_are_deliveries_too() -> None:
    granted = cmd.GrantGoodwill(
        case_id=CASE, action_key="G1", rung=Rung.COUPON, amount=money("5.00")
    )
    filed().given(granted).when(SILENT, at=T0 + days(7)).then_among(ev.SolutionConfirmed)


# ------------------------------------------------------------------ rounds


def test_not_solved_opens_the_next_round_with_its_own_clocks() -> None:
    story = solved()
    story.when(NOT_SOLVED, at=T0 + days(3)).then_among(
        ev.RoundOpened(round=2),
        like(ClockStarted, key="first_solution#2", due_at=T0 + days(4)),
        like(ClockStarted, key="progress_update#2"),
    )
    assert case_of(story).round == 2


def test_a_confirmed_solution_can_turn_out_none() -> None:
    story = solved().given(CONFIRM)
    story.when(NOT_SOLVED).then_among(ev.RoundOpened)
    assert case_of(story).confirmed_at is None


def test_a_replacement_that_is_defective_again_is_a_new_round() -> None:
    arrived = cmd.RecordReplacementDelivered(case_id=CASE, shipment_id="S9")
    reshipped().given(arrived).when(NOT_SOLVED).then_among(ev.RoundOpened(round=2))


def test_a_round_in_which_nothing_was_tried_is_not_over() -> None:
    filed().when(NOT_SOLVED).refused("nothing_tried")
    solved().given(told(NOT_SOLVED, at=T0 + days(1))).when(NOT_SOLVED, at=T0 + days(2)).refused(
        "nothing_tried"
    )


def test_what_is_still_being_done_is_not_unsolved() -> None:
    filed().given(proposal(), accept()).when(NOT_SOLVED).refused("obligations_open")
    story = filed().given(proposal(), accept(), refunded()[0])
    story.when(NOT_SOLVED).refused("obligations_open")


def test_an_ended_case_has_no_next_round() -> None:
    ended().when(NOT_SOLVED).refused("case_ended")


# -------------------------------------------------------------- evaluation

INVITE = cmd.InviteEvaluation(case_id=CASE)


def rated(rating: Rating) -> cmd.RecordEvaluation:
    return cmd.RecordEvaluation(case_id=CASE, rating=rating)


def test_the_buyer_is_invited_to_evaluate_once() -> None:
    story = solved().given(CONFIRM)
    story.when(INVITE).then(ev.EvaluationInvited())
    story.when(INVITE).then_nothing()
    closed().when(INVITE).then(ev.EvaluationInvited())


def test_an_unsolved_case_is_not_to_be_evaluated() -> None:
    filed().when(INVITE).refused("not_confirmed")


@pytest.mark.parametrize("rating", [Rating.POSITIVE, Rating.NEUTRAL])
def test_an_evaluation_is_stored(rating: Rating) -> None:
    story = solved()
    story.when(rated(rating), by=PLATFORM).then(ev.CaseEvaluated(rating=rating))
    story.when(rated(rating), by=PLATFORM).then_nothing()


def test_a_negative_evaluation_opens_a_follow_up() -> None:
    story = closed()
    story.when(rated(Rating.NEGATIVE), by=PLATFORM).then_among(
        ev.CaseEvaluated(rating=Rating.NEGATIVE), ev.FollowUpOpened()
    )
    done = cmd.FinishFollowUp(case_id=CASE)
    story.when(done).then(ev.FollowUpDone())
    story.when(done).refused("no_follow_up")


def test_one_follow_up_is_open_at_a_time() -> None:
    story = solved().given(
        told(rated(Rating.NEGATIVE), at=T0, by=PLATFORM),
        told(rated(Rating.NEUTRAL), at=T0 + hours(1), by=PLATFORM),
    )
    outcome = story.when(rated(Rating.NEGATIVE), at=T0 + hours(2), by=PLATFORM)
    outcome.then(ev.CaseEvaluated(rating=Rating.NEGATIVE))


def test_an_evaluation_told_late_does_not_replace_a_newer_one() -> None:
    story = solved().given(told(rated(Rating.POSITIVE), at=T0 + days(2), by=PLATFORM))
    story.when(rated(Rating.NEGATIVE), at=T0 + days(3), occurred_at=T0 + days(1), by=PLATFORM).then(
        ev.CaseEvaluated(rating=Rating.NEGATIVE)
    )
    assert case_of(story).evaluation is Rating.POSITIVE


# ------------------------------------------------------------ registration


def test_a_case_is_classified_and_tagged() -> None:
    story = solved()
    story.when(classify(tags=("box", "urgent", "box"))).then(
        ev.CaseClassified(
            problem=ProblemType.DAMAGED, root_cause=RootCause.PACKAGING, tags=("box", "urgent")
        )
    )
    story.when(classify(tags=("box", "urgent"))).then_nothing()


def test_an_ended_case_is_not_classified_anew() -> None:
    ended().when(classify()).refused("case_ended")


def test_an_improvement_is_fed_back_even_after_the_end() -> None:
    noted = cmd.NoteImprovement(case_id=CASE, area=ImprovementArea.PROCESS, text="thicker boxes")
    ended().when(noted).then(
        ev.ImprovementNoted(area=ImprovementArea.PROCESS, text="thicker boxes")
    )
