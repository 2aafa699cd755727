"""Contacts, waiting and intercepting, verification, evidence, priority, handed-over work.

DOMAIN: "The flow of a case" 2, 3 and 8; "At any time".
"""

from __future__ import annotations

import pytest

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.values import (
    ContactKind,
    Direction,
    DivergenceKind,
    EvidenceKind,
    EvidenceRef,
    Level,
    Party,
    Priority,
    ProblemType,
    Stage,
)
from domain.kernel import Private
from domain.order import ShipmentOutcome
from domain.sla.events import ClockSatisfied
from tests.unit.case.build import (
    attached,
    case_of,
    claim,
    complaint,
    contact,
    ended,
    filed,
    order,
    photo,
)
from tests.unit.order.build import CASE, shipped
from tests.unit.order.build import ended as parcel_ended
from tests.unit.support import PLATFORM, SERVICE, T0, Story, days, given, hours, like, told

# ---------------------------------------------------------------- contacts


@pytest.mark.parametrize(
    "kind", [ContactKind.MESSAGE, ContactKind.ANSWERED_CALL, ContactKind.APOLOGY]
)
def test_what_a_person_says_to_the_buyer_is_a_response(kind: ContactKind) -> None:
    filed().when(contact(kind, substantive=False), at=T0 + hours(1)).then_among(
        like(ev.ContactRecorded, substantive=True), ClockSatisfied(key="first_response#1")
    )


@pytest.mark.parametrize("kind", [ContactKind.AUTO_GREETING, ContactKind.UNANSWERED_CALL])
def test_a_greeting_or_an_unanswered_call_is_kept_as_an_attempt(kind: ContactKind) -> None:
    filed().when(contact(kind), at=T0 + hours(1)).then(
        like(ev.ContactRecorded, contact=kind, substantive=False)
    )


def test_a_message_that_was_not_delivered_is_no_response() -> None:
    filed().when(contact(delivered=False)).then(like(ev.ContactRecorded, substantive=False))


@pytest.mark.parametrize("substantive", [True, False])
def test_an_automatic_notice_counts_if_it_says_something(substantive: bool) -> None:
    notice = contact(substantive=substantive)
    filed().when(notice, by=SERVICE).then_among(like(ev.ContactRecorded, substantive=substantive))


def test_the_buyers_own_message_is_no_response_of_the_shop() -> None:
    story = filed()
    story.when(contact(direction=Direction.FROM_BUYER)).then(like(ev.ContactRecorded))
    assert case_of(story).buyer_spoke_last


def test_a_contact_is_recorded_after_the_end_too() -> None:
    ended().when(contact()).then(like(ev.ContactRecorded, substantive=True))


# --------------------------------------------------- wait, or stop the parcel


def under_way() -> Story:
    return given(order(), shipped(at=T0 - days(1)), complaint())


def wait(after: float = 48) -> cmd.AgreeWait:
    return cmd.AgreeWait(case_id=CASE, until=T0 + hours(after))


def test_the_buyer_agrees_to_wait_until_a_date() -> None:
    story = under_way()
    story.when(wait()).then_among(ev.WaitAgreed(until=T0 + hours(48)))
    story.when(wait()).then_nothing()
    assert case_of(story).wait_until == T0 + hours(48)


def test_nobody_waits_for_what_was_delivered() -> None:
    filed().when(wait()).refused("already_delivered")


def test_the_told_stage_decides_while_no_parcel_is_known() -> None:
    given(complaint(stage=Stage.DELIVERED)).when(wait()).refused("already_delivered")


def test_the_date_to_wait_for_lies_ahead() -> None:
    under_way().when(wait(-1)).refused("date_in_past", "until")


def test_an_ended_case_agrees_no_wait() -> None:
    ended().when(wait()).refused("case_ended")


def intercept(shipment: str = "S1") -> cmd.RequestIntercept:
    return cmd.RequestIntercept(case_id=CASE, shipment_id=shipment)


def intercepted(succeeded: bool = True) -> cmd.RecordIntercept:
    return cmd.RecordIntercept(case_id=CASE, shipment_id="S1", succeeded=succeeded)


def test_an_intercept_is_asked_for_once() -> None:
    story = under_way()
    story.when(intercept()).then(ev.InterceptRequested(shipment_id="S1"))
    story.when(intercept()).then_nothing()


def test_a_delivered_parcel_cannot_be_intercepted() -> None:
    filed().when(intercept()).refused("already_delivered", "shipment_id")


def test_a_lost_parcel_cannot_be_intercepted() -> None:
    story = under_way().given(parcel_ended(ShipmentOutcome.LOST, at=T0))
    story.when(intercept()).refused("shipment_ended", "shipment_id")


def test_an_ended_case_asks_for_no_intercept() -> None:
    ended().when(intercept()).refused("case_ended")


def test_an_intercept_can_succeed() -> None:
    story = under_way().given(intercept())
    story.when(intercepted(), by=PLATFORM).then(ev.InterceptEnded(shipment_id="S1", succeeded=True))
    story.when(intercepted(), by=PLATFORM).then_nothing()


def test_an_intercept_can_fail_and_then_something_else_is_to_be_agreed() -> None:
    story = under_way().given(intercept())
    story.when(intercepted(False), by=PLATFORM).then_among(
        ev.InterceptEnded(shipment_id="S1", succeeded=False),
        like(
            ev.DivergenceFound,
            divergence=DivergenceKind.INTERCEPT_FAILED,
            next_action="agree_wait_or_return",
            about="S1",
        ),
    )


def test_a_failed_intercept_can_be_tried_again() -> None:
    story = under_way().given(intercept(), told(intercepted(False), by=PLATFORM))
    story.when(intercept(), at=T0 + hours(1)).then_among(ev.InterceptRequested(shipment_id="S1"))


def test_an_intercept_after_the_end_is_stored_and_looked_at() -> None:
    ended().when(intercepted(), by=PLATFORM).then(
        like(ev.InterceptEnded),
        like(ev.DivergenceFound, divergence=DivergenceKind.CASE_ENDED, about="S1"),
    )


# ------------------------------------------------------------ verification


def test_the_order_is_verified_from_what_it_says() -> None:
    filed().when(cmd.VerifyOrder(case_id=CASE)).then_among(
        ev.OrderVerified(shipped=True, delivered=True, in_warranty=True, policy=("default@1",))
    )


def test_verifying_brings_the_terms_of_an_order_recorded_meanwhile() -> None:
    story = given(complaint(), order())
    story.when(cmd.VerifyOrder(case_id=CASE)).then(
        like(ev.OrderLinked, currency="CNY"),
        like(ev.OrderVerified, shipped=False, delivered=False),
    )


def test_an_unknown_order_cannot_be_verified() -> None:
    given(complaint()).when(cmd.VerifyOrder(case_id=CASE)).refused("unknown_order")


def test_the_order_of_an_ended_case_is_not_verified() -> None:
    ended().when(cmd.VerifyOrder(case_id=CASE)).refused("case_ended")


def verify(
    problem: ProblemType = ProblemType.QUALITY_DEFECT,
    quantity: int = 1,
    item: int = 1,
    evidence: tuple[str, ...] = ("E1",),
) -> cmd.VerifyItem:
    return cmd.VerifyItem(
        case_id=CASE, item=item, problem=problem, quantity=quantity, evidence=evidence
    )


def test_the_verified_type_and_quantity_stand_beside_the_claim() -> None:
    story = filed(claim(quantity=2))
    story.when(verify()).then_among(
        ev.ItemVerified(item=1, problem=ProblemType.QUALITY_DEFECT, quantity=1, evidence=("E1",))
    )
    item = case_of(story).items[1]
    assert (item.claimed, item.problem) == (ProblemType.DAMAGED, ProblemType.QUALITY_DEFECT)
    assert (item.quantity, item.units) == (2, 1)
    story.when(verify()).then_nothing()


def test_more_units_than_claimed_may_turn_out_bad_but_not_more_than_bought() -> None:
    story = filed()
    story.when(verify(quantity=3)).refused("quantity_exceeds_bought", "quantity")
    story.when(verify(quantity=2)).then_among(like(ev.ItemVerified, quantity=2))


def test_an_item_is_verified_before_its_order_is_known() -> None:
    story = given(complaint(order=None, evidence=(photo(),)))
    story.when(verify(quantity=5)).then_among(like(ev.ItemVerified, quantity=5))


def test_an_unknown_item_cannot_be_verified() -> None:
    filed().when(verify(item=2)).refused("unknown_item", "item")


def test_an_item_is_verified_on_attached_evidence_only() -> None:
    filed().when(verify(evidence=("E9",))).refused("unknown_evidence", "evidence")


def test_a_type_that_needs_proof_is_not_verified_without() -> None:
    filed(evidence=()).when(verify(evidence=())).refused("evidence_missing", "evidence")


def test_proof_of_the_wrong_kind_does_not_suffice() -> None:
    report = EvidenceRef(evidence_id="E1", kind=EvidenceKind.DOCUMENT, sha256="a" * 64)
    filed(evidence=(report,)).when(verify()).refused("evidence_missing", "evidence")


def test_what_the_carriers_facts_show_needs_no_proof() -> None:
    filed(evidence=()).when(verify(ProblemType.DELAYED, evidence=())).then_among(ev.ItemVerified)


def test_items_of_an_ended_case_are_not_verified() -> None:
    ended().when(verify()).refused("case_ended")


# ---------------------------------------------------------------- evidence


def test_evidence_is_attached_at_any_time() -> None:
    story = ended()
    story.when(attached("E2")).then(ev.EvidenceAttached(proof=photo("E2"), submitter=Party.BUYER))
    story.when(attached("E2")).then_nothing()


def test_an_id_names_one_proof_for_ever() -> None:
    other = EvidenceRef(evidence_id="E1", kind=EvidenceKind.PHOTO, sha256="b" * 64)
    command = cmd.AttachEvidence(case_id=CASE, proof=other, submitter=Party.SHOP)
    filed().when(command).refused("evidence_id_reused", "proof.evidence_id")


def test_evidence_can_be_held_and_let_go() -> None:
    story = filed()
    hold = cmd.HoldEvidence(case_id=CASE, evidence_id="E1", hold=True)
    story.when(hold).then(ev.EvidenceHoldChanged(evidence_id="E1", hold=True))
    story.when(hold).then_nothing()
    let_go = cmd.HoldEvidence(case_id=CASE, evidence_id="E1", hold=False)
    story.when(let_go).then(ev.EvidenceHoldChanged(evidence_id="E1", hold=False))


def test_unknown_evidence_cannot_be_held() -> None:
    command = cmd.HoldEvidence(case_id=CASE, evidence_id="E9", hold=True)
    filed().when(command).refused("unknown_evidence", "evidence_id")


# ------------------------------------- dissatisfaction, priority, notes, work


def test_the_buyers_dissatisfaction_is_recorded() -> None:
    story = filed()
    angry = cmd.RecordDissatisfaction(case_id=CASE, level=Level.HIGH)
    story.when(angry).then(ev.DissatisfactionRecorded(level=Level.HIGH))
    story.when(angry).then_nothing()
    ended().when(angry).refused("case_ended")


def raised(priority: Priority, as_remedy: bool = False) -> cmd.RaisePriority:
    return cmd.RaisePriority(case_id=CASE, priority=priority, as_remedy=as_remedy)


def test_the_priority_only_rises() -> None:
    story = filed()
    story.when(raised(Priority.URGENT)).then(
        ev.PriorityRaised(priority=Priority.URGENT, as_remedy=False)
    )
    story.when(raised(Priority.URGENT)).then_nothing()
    story.when(raised(Priority.HIGH)).refused("priority_lowered", "priority")


def test_the_same_priority_can_become_a_remedy() -> None:
    story = filed().given(raised(Priority.HIGH))
    story.when(raised(Priority.HIGH, as_remedy=True)).then(like(ev.PriorityRaised))
    assert case_of(story).priority_as_remedy


def test_the_priority_of_an_ended_case_stays() -> None:
    ended().when(raised(Priority.HIGH)).refused("case_ended")


def test_a_note_is_added_at_any_time() -> None:
    note = cmd.AddNote(case_id=CASE, private=Private(text="联系过买家"))
    ended().when(note).then(ev.NoteAdded(private=Private(text="联系过买家")))


def test_an_empty_note_is_refused() -> None:
    for nothing in (None, Private()):
        note = cmd.AddNote(case_id=CASE, private=nothing)
        filed().when(note).refused("note_empty", "private.text")


def test_a_case_is_assigned_to_somebody_or_nobody() -> None:
    story = filed()
    story.when(cmd.Assign(case_id=CASE, assignee="li")).then(ev.CaseAssigned(assignee="li"))
    story.when(cmd.Assign(case_id=CASE, assignee="li")).then_nothing()
    story.when(cmd.Assign(case_id=CASE, assignee=None)).then(ev.CaseAssigned(assignee=None))
    ended().when(cmd.Assign(case_id=CASE, assignee="li")).refused("case_ended")


def work(name: str = "H1", department: str = "warehouse", due: float = 24) -> cmd.HandOverWork:
    return cmd.HandOverWork(
        case_id=CASE, handover_id=name, department=department, due_at=T0 + hours(due)
    )


def test_work_handed_over_has_its_own_due_time() -> None:
    story = filed()
    story.when(work()).then_among(
        ev.WorkHandedOver(handover_id="H1", department="warehouse", due_at=T0 + hours(24))
    )
    story.when(work()).then_nothing()
    assert case_of(story).clocks["delegated_follow_up:H1#1"].due_at == T0 + hours(24)


def test_other_work_needs_another_id() -> None:
    story = filed().given(work())
    story.when(work(department="carrier-desk")).refused("handover_id_reused", "handover_id")


def test_work_is_due_later_than_it_is_handed_over() -> None:
    filed().when(work(due=0)).refused("date_in_past", "due_at")


def test_an_ended_case_hands_nothing_over() -> None:
    ended().when(work()).refused("case_ended")


def test_handed_over_work_is_finished_once_even_after_the_end() -> None:
    story = filed().given(work(), cmd.WithdrawCase(case_id=CASE))
    done = cmd.FinishHandedWork(case_id=CASE, handover_id="H1")
    story.when(done, at=T0 + hours(2)).then_among(ev.HandedWorkDone(handover_id="H1"))
    story.when(done).then_nothing()


def test_unknown_work_cannot_be_finished() -> None:
    done = cmd.FinishHandedWork(case_id=CASE, handover_id="H9")
    filed().when(done).refused("unknown_handover", "handover_id")
