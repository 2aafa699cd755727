"""Entries taken back, late ones vouched for, divergences settled.

DOMAIN: "Invariants" (a mistake is corrected by a further event; dating back).
"""

from __future__ import annotations

from datetime import datetime

import pytest

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.state import Case
from domain.case.values import DeclineGround, Level, ProblemType
from domain.kernel import Command, Private
from domain.order import CaseEndedOnOrder
from domain.sla.events import BreachRetracted
from tests.unit.case.build import (
    SECOND,
    attached,
    case_of,
    claim,
    complaint,
    contact,
    decline,
    ended,
    filed,
    order,
    proposal,
)
from tests.unit.order.build import CASE, ORDER, order_of
from tests.unit.support import AGENT, PLATFORM, SERVICE, T0, Story, given, hours, like, told

REASON = "entered in the wrong case"


def correct(version: int) -> cmd.CorrectEntry:
    return cmd.CorrectEntry(case_id=CASE, version=version, reason=REASON)


def last_entry(story: Story) -> int:
    """The version of the case's last entry."""
    case = case_of(story)
    return max([*case.entries, *(contact.version for contact in case.contacts)])


def taken_back(story: Story) -> Case:
    """The case without its last entry."""
    version = last_entry(story)
    story.when(correct(version)).then_among(ev.EntryCorrected(supersedes=version, reason=REASON))
    return case_of(story)


# -------------------------------------------------------------- corrections


def test_a_contact_entered_by_mistake_counts_no_more() -> None:
    case = taken_back(filed().given(contact()))
    assert not any(contact.counts for contact in case.contacts)
    assert case.contacts[0].corrected


def test_a_correction_can_be_repeated_without_effect() -> None:
    story = filed().given(contact())
    version = last_entry(story)
    story.given(correct(version))
    story.when(correct(version)).then_nothing()


def test_a_wait_can_be_taken_back() -> None:
    story = given(order(), complaint()).given(cmd.AgreeWait(case_id=CASE, until=T0 + hours(48)))
    assert taken_back(story).wait_until is None


def test_a_verification_can_be_taken_back() -> None:
    verified = cmd.VerifyItem(case_id=CASE, item=1, problem=ProblemType.QUALITY_DEFECT, quantity=1)
    item = taken_back(filed().given(verified)).items[1]
    assert (item.verified, item.verified_quantity) == (None, None)


def test_an_entry_that_a_later_one_superseded_is_only_marked() -> None:
    def verified(problem: ProblemType) -> Command:
        return cmd.VerifyItem(case_id=CASE, item=1, problem=problem, quantity=1)

    story = filed().given(verified(ProblemType.QUALITY_DEFECT))
    first = last_entry(story)
    story.given(verified(ProblemType.DAMAGED), correct(first))
    case = case_of(story)
    assert case.items[1].verified is ProblemType.DAMAGED
    assert case.corrected == {first}


def test_dissatisfaction_remedy_and_forgiveness_can_be_taken_back() -> None:
    angry = cmd.RecordDissatisfaction(case_id=CASE, level=Level.HIGH)
    assert taken_back(filed().given(angry)).dissatisfaction is None
    told_ = cmd.TellRemedy(case_id=CASE)
    assert taken_back(filed().given(told_)).remedy_told_at is None
    forgiven = cmd.RecordForgiveness(case_id=CASE, evidence=("E1",))
    assert taken_back(filed().given(forgiven)).forgiven_at is None


def test_a_note_can_be_taken_back_even_after_the_end() -> None:
    note = cmd.AddNote(case_id=CASE, private=Private(text="wrong case"))
    story = ended().given(note)
    version = last_entry(story)
    assert taken_back(story).corrected == {version}


def linked() -> Story:
    """A complaint by chat whose order was learnt later."""
    return given(order(lines=2), complaint(claim("1"), order=None)).given(
        cmd.LinkOrder(case_id=CASE, order_id=ORDER)
    )


def test_a_wrong_order_can_be_taken_back() -> None:
    story = linked()
    story.when(correct(last_entry(story))).then_among(
        ev.EntryCorrected, CaseEndedOnOrder(case_id=CASE)
    )
    case = case_of(story)
    assert (case.order_id, case.currency, case.in_window) == (None, None, None)
    assert order_of(story).open_case_on("1") is None
    story.when(cmd.LinkOrder(case_id=CASE, order_id=ORDER)).then_among(ev.OrderLinked)


def test_an_order_on_which_offers_rest_stays() -> None:
    story = linked()
    version = last_entry(story)
    story.given(proposal()).when(correct(version)).refused("entry_has_consequences", "version")


def test_what_others_acted_upon_is_corrected_by_a_further_step() -> None:
    filed().when(correct(1)).refused("not_correctable", "version")


def test_an_offer_dated_back_is_an_entry_but_none_to_take_back() -> None:
    story = filed().given(told(proposal(), at=T0 + hours(30), occurred_at=T0 + hours(2)))
    story.when(correct(last_entry(story))).refused("not_correctable", "version")


def test_an_event_that_never_was_cannot_be_corrected() -> None:
    filed().when(correct(99)).refused("unknown_entry", "version")


# ------------------------------------------------------------- dating back

LATE = T0 + hours(30)
IN_TIME = T0 + hours(2)


def entered_late(command: Command, occurred_at: datetime = IN_TIME) -> Story:
    """An action entered by a person after 30 hours, dated back to when it was in time."""
    return filed().given(told(command, at=LATE, occurred_at=occurred_at))


def confirm(version: int, evidence: str = "E1") -> cmd.ConfirmBackdating:
    return cmd.ConfirmBackdating(case_id=CASE, version=version, evidence=(evidence,))


def breached(story: Story, key: str) -> bool:
    return bool(case_of(story).clocks[key].breaches)


def test_a_person_takes_no_breach_back_by_dating_back() -> None:
    story = entered_late(contact())
    assert breached(story, "first_response#1")


def test_a_system_does() -> None:
    story = filed().given(told(contact(), at=LATE, occurred_at=IN_TIME, by=SERVICE))
    assert not breached(story, "first_response#1")


def test_with_evidence_and_a_second_person_a_contact_dated_back_counts() -> None:
    story = entered_late(contact())
    version = last_entry(story)
    story.when(confirm(version), at=LATE, by=SECOND).then_among(
        ev.BackdatingConfirmed(entry=version, evidence=("E1",)),
        like(BreachRetracted, key="first_response#1", confirmed_by="chen"),
    )
    assert not breached(story, "first_response#1")
    story.when(confirm(version), at=LATE, by=SECOND).then_nothing()


@pytest.mark.parametrize("command", [proposal(), decline(DeclineGround.ABUSE)])
def test_an_offer_or_a_decline_dated_back_can_be_confirmed_too(command: Command) -> None:
    story = entered_late(command)
    assert breached(story, "first_solution#1")
    story.when(confirm(last_entry(story)), at=LATE, by=SECOND).then_among(
        like(BreachRetracted, key="first_response#1"),
        like(BreachRetracted, key="first_solution#1"),
    )
    assert not breached(story, "first_response#1")
    assert not breached(story, "first_solution#1")


def test_who_entered_it_is_no_second_person() -> None:
    story = entered_late(contact())
    command = confirm(last_entry(story))
    story.when(command, at=LATE, by=AGENT).refused("second_person_needed", "actor.id")


def test_a_system_is_no_second_person() -> None:
    story = entered_late(contact())
    command = confirm(last_entry(story))
    story.when(command, at=LATE, by=PLATFORM).refused("second_person_needed", "actor.id")


def test_the_second_person_names_attached_evidence() -> None:
    story = entered_late(contact())
    command = confirm(last_entry(story), "E9")
    story.when(command, at=LATE, by=SECOND).refused("unknown_evidence", "evidence")


def test_a_few_minutes_back_need_no_confirmation() -> None:
    story = entered_late(contact(), LATE - hours(0.25))
    story.when(confirm(last_entry(story)), at=LATE, by=SECOND).refused("not_backdated")


def test_what_a_system_told_needs_no_confirmation() -> None:
    story = filed().given(told(contact(), at=LATE, occurred_at=IN_TIME, by=SERVICE))
    story.when(confirm(last_entry(story)), at=LATE, by=SECOND).refused("not_backdated")


def test_what_moves_no_clock_is_no_dated_entry() -> None:
    story = filed().given(told(attached("E2"), at=LATE, occurred_at=IN_TIME))
    command = confirm(case_of(story).version)
    story.when(command, at=LATE, by=SECOND).refused("not_backdated", "version")


def test_an_entry_taken_back_is_not_confirmed() -> None:
    story = entered_late(contact())
    version = last_entry(story)
    story.given(told(correct(version), at=LATE))
    story.when(confirm(version), at=LATE, by=SECOND).refused("entry_corrected", "version")


def test_an_entry_that_never_was_is_not_confirmed() -> None:
    filed().when(confirm(99), by=SECOND).refused("unknown_entry", "version")


def test_a_late_entry_is_confirmed_after_the_end_too() -> None:
    story = entered_late(contact())
    version = last_entry(story)
    story.given(told(cmd.WithdrawCase(case_id=CASE), at=LATE))
    story.given(told(confirm(version), at=LATE, by=SECOND))
    assert not breached(story, "first_response#1")


# ------------------------------------------------------------- divergences


def test_a_divergence_is_settled_by_a_person() -> None:
    failed = cmd.RecordIntercept(case_id=CASE, shipment_id="S1", succeeded=False)
    story = filed().given(told(failed, by=PLATFORM))
    settle = cmd.SettleDivergence(case_id=CASE, divergence_id=1)
    story.when(settle).then_among(ev.DivergenceSettled(divergence_id=1))
    assert not case_of(story).open_divergences
    story.when(settle).then_nothing()


def test_an_unknown_divergence_cannot_be_settled() -> None:
    settle = cmd.SettleDivergence(case_id=CASE, divergence_id=1)
    filed().when(settle).refused("unknown_divergence", "divergence_id")
