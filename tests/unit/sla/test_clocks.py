"""SLA clocks: what starts, satisfies, pauses and ends them, and what a breach is.

DOMAIN: "SLA clocks".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from domain import decider
from domain.case import events as ev
from domain.case.state import Case
from domain.case.values import (
    Channel,
    ContactKind,
    DeclineGround,
    Direction,
    Duty,
    ItemClaim,
    Level,
    ObligationEnd,
    ObligationTerms,
    Outcome,
    Part,
    Party,
    PlatformDeadline,
    Priority,
    ProblemType,
    ProposalEnd,
    Resolution,
    Stage,
    Totals,
)
from domain.kernel import Actor, Context, Emit, Event, Stamp, State
from domain.policy import PolicyPublished, SlaTarget, SlaTargetsDocument
from domain.sla.events import BreachRetracted, ClockBreached, ClockName
from domain.sla.follow import follow
from domain.sla.state import Clock, ClockStatus
from domain.world import NotLoaded, World
from tests.unit.support import AGENT, SERVICE, T0, days, hours

CASE = "douyin:s1:AS1"


@dataclass
class Timeline:
    """One case told event by event; its clocks follow. `at` is hours after the complaint."""

    case: Case = field(default_factory=lambda: Case(CASE))
    streams: dict[str, State] = field(default_factory=dict[str, State])
    emitted: list[tuple[Event, datetime]] = field(default_factory=list[tuple[Event, datetime]])

    def tell(
        self, event: Event, at: float, *, known: float | None = None, by: Actor = SERVICE
    ) -> Self:
        """An event that occurred at `at`, entered at `known` (the same, if left out)."""
        now = T0 + hours(at if known is None else known)
        context = Context(now, T0 + hours(at), by, "m1")
        while True:
            try:
                world = World({f"case:{CASE}": self.case, **self.streams})
                emits = follow(self.case, [Emit(f"case:{CASE}", event)], world, context)
                break
            except NotLoaded as missing:
                self.streams[missing.stream] = decider.initial(missing.stream)
        for emit in emits:
            occurred = emit.occurred_at or context.occurred_at
            stamp = Stamp(self.case.version + 1, occurred, now, by)
            folded = decider.evolve(self.case, emit.event, stamp)
            assert isinstance(folded, Case)
            self.case = folded
            self.emitted.append((emit.event, occurred))
        return self

    def publish(self, *targets: SlaTarget, at: float = 0) -> Self:
        """A new SLA policy of the shop."""
        name = "policy:douyin:s1"
        state = self.streams.get(name, decider.initial(name))
        published = PolicyPublished(
            document=SlaTargetsDocument(targets=targets), effective_from=T0 + hours(at)
        )
        stamp = Stamp(state.version + 1, T0 + hours(at), T0 + hours(at), SERVICE)
        self.streams[name] = decider.evolve(state, published, stamp)
        return self

    def clock(self, name: ClockName, about: str | None = None, round_: int = 1) -> Clock:
        key = name.value + (f":{about}" if about else "") + f"#{round_}"
        return self.case.clocks[key]

    def breaches(self, name: ClockName, about: str | None = None) -> list[float]:
        """The breaches of a clock that stand, in hours after the complaint."""
        return [(due - T0) / timedelta(hours=1) for due in self.clock(name, about).breaches]


def filed(at: float = 0) -> Timeline:
    claim = ItemClaim(line="1", quantity=2, problem=ProblemType.DAMAGED)
    complaint = ev.ComplaintFiled(
        platform="douyin",
        shop="s1",
        order_id="douyin:s1:O1",
        channel=Channel.PLATFORM,
        stage=Stage.DELIVERED,
        items=(claim,),
        category=None,
        currency="CNY",
        buyer=None,
        follows=None,
        in_window=True,
        in_warranty=True,
        severity=Level.LOW,
        safety=False,
        evidence=(),
        terms=(),
    )
    return Timeline().tell(complaint, at)


def contact(
    kind: ContactKind = ContactKind.MESSAGE,
    *,
    substantive: bool = True,
    direction: Direction = Direction.TO_BUYER,
) -> ev.ContactRecorded:
    return ev.ContactRecorded(
        direction=direction,
        contact=kind,
        channel=Channel.IM,
        delivered=True,
        substantive=substantive,
    )


def proposal(proposal_id: str = "p1", by: Party = Party.SHOP) -> ev.ResolutionProposed:
    part = Part(resolution=Resolution.REFUND_PARTIAL, items=(1,), amount=500)
    return ev.ResolutionProposed(
        proposal_id=proposal_id, by=by, parts=(part,), refund_total=500, goodwill=0, counters=None
    )


def agreement(
    *,
    after_return: bool = False,
    agreement_id: str = "p1",
    supersedes: tuple[str, ...] = (),
    duty: Duty = Duty.REFUND,
) -> ev.AgreementReached:
    owed = ObligationTerms(
        obligation_id=f"{agreement_id}.1",
        duty=duty,
        party=Party.SHOP,
        items=(1,),
        amount=500,
        after_return=after_return,
    )
    return ev.AgreementReached(
        agreement_id=agreement_id,
        proposal_id=agreement_id,
        items=(1,),
        obligations=(owed,),
        supersedes=supersedes,
        policy=(),
    )


def fulfilled(obligation_id: str = "p1.1") -> ev.ObligationEnded:
    return ev.ObligationEnded(obligation_id=obligation_id, how=ObligationEnd.FULFILLED)


def address() -> ev.ReturnAddressAgreed:
    return ev.ReturnAddressAgreed(return_id="r1", items=(1,), packaging_asked_for=True, policy=())


def shipped() -> ev.ReturnShipped:
    return ev.ReturnShipped(return_id="r1", carrier="SF", tracking="1", proof_of_posting=True)


FIRST_RESPONSE = ClockName.FIRST_RESPONSE
FIRST_SOLUTION = ClockName.FIRST_SOLUTION
PROGRESS = ClockName.PROGRESS_UPDATE
EXECUTION = ClockName.EXECUTION


# ------------------------------------------------------- first response


def test_a_complaint_starts_response_solution_and_progress_for_24_hours() -> None:
    story = filed()
    for name in (FIRST_RESPONSE, FIRST_SOLUTION, PROGRESS):
        assert story.clock(name).due_at == T0 + hours(24)
        assert story.clock(name).party is Party.SHOP


def test_a_due_time_names_the_policy_version_that_fixed_it() -> None:
    assert filed().clock(FIRST_RESPONSE).policy == ("default@1",)


def test_a_delivered_message_satisfies_the_first_response() -> None:
    clock = filed().tell(contact(), 3).clock(FIRST_RESPONSE)
    assert clock.status is ClockStatus.SATISFIED
    assert clock.ended_at == T0 + hours(3)


def test_an_automatic_greeting_is_no_response() -> None:
    greeting = contact(ContactKind.AUTO_GREETING, substantive=False)
    assert filed().tell(greeting, 1).clock(FIRST_RESPONSE).is_running


def test_an_unanswered_call_is_kept_as_an_attempt_and_is_no_response() -> None:
    story = filed().tell(contact(ContactKind.UNANSWERED_CALL, substantive=False), 1)
    assert story.clock(FIRST_RESPONSE).is_running
    assert len(story.case.contacts) == 1


def test_what_the_buyer_says_is_no_response() -> None:
    said = contact(direction=Direction.FROM_BUYER)
    assert filed().tell(said, 1).clock(FIRST_RESPONSE).is_running


def test_a_contact_shortly_before_the_complaint_is_its_response() -> None:
    story = filed().tell(contact(), -0.5, known=1)
    assert story.clock(FIRST_RESPONSE).status is ClockStatus.SATISFIED


def test_a_contact_long_before_the_complaint_is_not_its_response() -> None:
    assert filed().tell(contact(), -30, known=1).clock(FIRST_RESPONSE).is_running


def test_a_proposal_satisfies_response_and_solution() -> None:
    story = filed().tell(proposal(), 2)
    assert story.clock(FIRST_RESPONSE).status is ClockStatus.SATISFIED
    assert story.clock(FIRST_SOLUTION).status is ClockStatus.SATISFIED


def test_a_counter_offer_of_the_buyer_satisfies_neither() -> None:
    story = filed().tell(proposal(by=Party.BUYER), 2)
    assert story.clock(FIRST_RESPONSE).is_running
    assert story.clock(FIRST_SOLUTION).is_running


def test_a_decline_counts_as_a_solution_proposed() -> None:
    declined = ev.ComplaintDeclined(
        decline_id="d1",
        ground=DeclineGround.NO_DEFECT_FOUND,
        items=(1,),
        evidence=(),
        rule="no_defect_found",
        policy=(),
    )
    assert filed().tell(declined, 2).clock(FIRST_SOLUTION).status is ClockStatus.SATISFIED


def complained_before() -> ev.ComplaintJoined:
    return ev.ComplaintJoined(
        number="AS2",
        channel=Channel.IM,
        items=(),
        about=(),
        severity=Level.LOW,
        safety=False,
        evidence=(),
    )


def test_an_earlier_complaint_about_the_same_matter_moves_the_due_times_back() -> None:
    clock = filed().tell(complained_before(), -5, known=1).clock(FIRST_RESPONSE)
    assert (clock.started_at, clock.due_at) == (T0 - hours(5), T0 + hours(19))
    assert clock.policy == ("default@1",)


def test_an_answer_that_came_too_late_for_an_earlier_complaint_is_late() -> None:
    story = filed().tell(contact(), 20).tell(complained_before(), -5, known=21)
    assert story.clock(FIRST_RESPONSE).status is ClockStatus.SATISFIED
    assert story.breaches(FIRST_RESPONSE) == [19]
    assert story.breaches(FIRST_SOLUTION) == [19]


def test_an_answer_in_time_for_an_earlier_complaint_too_stays_in_time() -> None:
    story = filed().tell(contact(), 18).tell(complained_before(), -5, known=21)
    assert story.clock(FIRST_RESPONSE).status is ClockStatus.SATISFIED
    assert story.breaches(FIRST_RESPONSE) == []


def test_a_breach_happened_when_the_earlier_complaint_was_due() -> None:
    story = filed().tell(contact(), 30).tell(complained_before(), -5, known=31)
    assert story.breaches(FIRST_RESPONSE) == [19]
    assert story.clock(FIRST_RESPONSE).retracted == (T0 + hours(24),)


def test_what_was_said_between_the_two_complaints_answers_the_earlier() -> None:
    story = filed().tell(contact(), -2, known=1).tell(complained_before(), -5, known=2)
    clock = story.clock(FIRST_RESPONSE)
    assert (clock.status, clock.ended_at) == (ClockStatus.SATISFIED, T0 - hours(2))


def test_a_complaint_withdrawn_after_the_earlier_one_was_due_leaves_the_breach() -> None:
    story = filed().tell(ev.CaseWithdrawn(by=Party.BUYER), 20)
    story.tell(complained_before(), -5, known=21)
    assert story.clock(FIRST_RESPONSE).status is ClockStatus.CANCELLED
    assert story.breaches(FIRST_RESPONSE) == [19]


# ------------------------------------------------------------- breaches


def test_a_breach_happens_at_the_due_time_and_says_when_it_was_noticed() -> None:
    story = filed().tell(contact(), 30)
    breached = [(e, at) for e, at in story.emitted if isinstance(e, ClockBreached)]
    first = next(e for e, _ in breached if e.key == "first_response#1")
    assert first.due_at == T0 + hours(24)
    assert first.detected_at == T0 + hours(30)
    assert all(at == e.due_at for e, at in breached)


def test_what_happens_at_the_due_time_is_in_time() -> None:
    assert not filed().tell(contact(), 24).clock(FIRST_RESPONSE).is_breached


def test_a_response_learnt_late_that_was_in_time_takes_the_breach_back_visibly() -> None:
    story = filed().tell(contact(), 30).tell(contact(), 20, known=40)
    clock = story.clock(FIRST_RESPONSE)
    assert clock.breaches == ()
    assert clock.retracted == (T0 + hours(24),)
    assert clock.ended_at == T0 + hours(20)
    assert any(isinstance(e, BreachRetracted) for e, _ in story.emitted)


def test_a_person_who_dates_a_contact_back_takes_no_breach_back_alone() -> None:
    clock = filed().tell(contact(), 20, known=30, by=AGENT).clock(FIRST_RESPONSE)
    assert clock.breaches == (T0 + hours(24),)
    assert clock.ended_at == T0 + hours(30)


def test_dating_back_within_what_the_policy_allows_counts() -> None:
    clock = filed().tell(contact(), 24, known=24.2, by=AGENT).clock(FIRST_RESPONSE)
    assert clock.breaches == ()


def test_a_second_persons_confirmation_takes_the_breach_back() -> None:
    story = filed().tell(contact(), 20, known=30, by=AGENT)
    entry = story.case.contacts[-1].version
    confirmed = ev.BackdatingConfirmed(entry=entry, evidence=("e1",))
    assert story.tell(confirmed, 31).clock(FIRST_RESPONSE).breaches == ()


def test_a_contact_taken_back_opens_the_response_again_at_its_old_due_time() -> None:
    story = filed().tell(contact(), 3)
    mistake = ev.EntryCorrected(supersedes=story.case.contacts[-1].version, reason="other case")
    clock = story.tell(mistake, 4).clock(FIRST_RESPONSE)
    assert clock.is_running
    assert clock.due_at == T0 + hours(24)


# ------------------------------------------------------- progress_update


def test_each_substantive_message_restarts_the_progress_clock() -> None:
    assert filed().tell(contact(), 10).clock(PROGRESS).due_at == T0 + hours(34)


def test_each_missed_period_is_one_breach() -> None:
    story = filed().tell(contact(), 80)
    assert story.breaches(PROGRESS) == [24, 48, 72]
    assert story.clock(PROGRESS).due_at == T0 + hours(104)


def test_a_message_learnt_late_takes_back_only_the_breaches_that_it_prevented() -> None:
    story = filed().tell(contact(), 80).tell(contact(), 40, known=90)
    assert story.breaches(PROGRESS) == [24, 64]
    assert story.clock(PROGRESS).due_at == T0 + hours(104)


def test_a_late_message_in_the_running_period_moves_its_due_time() -> None:
    story = filed()
    story.tell(ev.NoteAdded(), 75)  # any event notices what is past due
    assert story.breaches(PROGRESS) == [24, 48, 72]
    story.tell(contact(), 40, known=76)
    assert story.breaches(PROGRESS) == [24, 64]
    assert story.clock(PROGRESS).due_at == T0 + hours(88)


def test_the_progress_clock_stands_still_while_the_next_step_is_the_buyers() -> None:
    story = filed().tell(proposal(), 2)
    assert story.clock(PROGRESS).status is ClockStatus.PAUSED
    story.tell(contact(direction=Direction.FROM_BUYER), 60)
    assert story.breaches(PROGRESS) == []


def test_a_resume_grants_a_fresh_24_hours() -> None:
    ended = ev.ProposalEnded(proposal_id="p1", how=ProposalEnd.DECLINED)
    clock = filed().tell(proposal(), 2).tell(ended, 60).clock(PROGRESS)
    assert clock.is_running
    assert clock.due_at == T0 + hours(84)


# ------------------------------------------- answer, execution, goods


def test_a_proposal_gives_the_buyer_three_days_to_answer() -> None:
    clock = filed().tell(proposal(), 2).clock(ClockName.ANSWER, "p1")
    assert clock.party is Party.BUYER
    assert clock.due_at == T0 + hours(2) + days(3)


def test_each_obligation_of_the_shop_has_its_own_48_hours() -> None:
    clock = filed().tell(proposal(), 2).tell(agreement(), 5).clock(EXECUTION, "p1.1")
    assert clock.due_at == T0 + hours(53)


def test_a_fulfilled_obligation_satisfies_its_clock() -> None:
    story = filed().tell(proposal(), 2).tell(agreement(), 5).tell(fulfilled(), 20)
    assert story.clock(EXECUTION, "p1.1").status is ClockStatus.SATISFIED


def test_what_waits_for_the_goods_runs_from_their_receipt() -> None:
    story = filed().tell(proposal(), 2).tell(agreement(after_return=True), 5)
    assert story.clock(EXECUTION, "p1.1").status is ClockStatus.PAUSED
    story.tell(address(), 6).tell(shipped(), 30).tell(ev.ReturnReceived(return_id="r1"), 100)
    assert story.clock(EXECUTION, "p1.1").due_at == T0 + hours(148)
    assert story.clock(EXECUTION, "p1.1").breaches == ()


def test_a_return_runs_through_shipment_transit_and_inspection() -> None:
    story = filed().tell(address(), 6)
    assert story.clock(ClockName.RETURN_SHIPMENT, "r1").due_at == T0 + hours(6) + days(7)
    story.tell(shipped(), 30)
    assert story.clock(ClockName.RETURN_SHIPMENT, "r1").status is ClockStatus.SATISFIED
    assert story.clock(ClockName.RETURN_TRANSIT, "r1").due_at == T0 + hours(30) + days(10)
    story.tell(ev.ReturnReceived(return_id="r1"), 100)
    assert story.clock(ClockName.RETURN_TRANSIT, "r1").status is ClockStatus.SATISFIED
    assert story.clock(ClockName.INSPECTION, "r1").due_at == T0 + hours(148)


def test_superseded_obligations_are_outside_attainment() -> None:
    story = filed().tell(proposal(), 2).tell(agreement(), 5).tell(proposal("p2"), 6)
    story.tell(agreement(agreement_id="p2", supersedes=("p1",)), 8)
    assert story.clock(EXECUTION, "p1.1").status is ClockStatus.CANCELLED
    assert story.clock(EXECUTION, "p2.1").is_running


def test_a_repair_runs_from_the_items_receipt_to_sending_it_back() -> None:
    story = filed().tell(proposal(), 2).tell(agreement(duty=Duty.REPAIR), 3)
    story.tell(ev.RepairItemReceived(obligation_id="p1.1"), 5)
    assert story.clock(ClockName.REPAIR, "p1.1").due_at == T0 + hours(5) + days(15)
    story.tell(ev.RepairSentBack(obligation_id="p1.1"), 50)
    assert story.clock(ClockName.REPAIR, "p1.1").status is ClockStatus.SATISFIED


def _appraisal(*, needs_goods: bool) -> ev.AppraisalRequested:
    return ev.AppraisalRequested(
        appraisal_id="a1",
        items=(1,),
        supplier="acme",
        needs_goods=needs_goods,
        evidence=(),
        due_minutes=72 * 60,
        policy=(),
    )


def test_an_appraisal_on_evidence_alone_runs_at_once() -> None:
    clock = filed().tell(_appraisal(needs_goods=False), 4).clock(ClockName.APPRAISAL, "a1")
    assert clock.party is Party.SUPPLIER
    assert clock.due_at == T0 + hours(76)


def test_an_appraisal_of_the_goods_runs_once_the_supplier_holds_them() -> None:
    story = filed().tell(_appraisal(needs_goods=True), 4)
    assert "appraisal:a1#1" not in story.case.clocks
    story.tell(ev.AppraisalMaterialReceived(appraisal_id="a1"), 50)
    assert story.clock(ClockName.APPRAISAL, "a1").due_at == T0 + hours(122)


def test_handed_over_work_is_due_as_agreed() -> None:
    handed = ev.WorkHandedOver(handover_id="h1", department="qa", due_at=T0 + hours(9))
    story = filed().tell(handed, 1)
    assert story.clock(ClockName.DELEGATED_FOLLOW_UP, "h1").due_at == T0 + hours(9)
    story.tell(ev.HandedWorkDone(handover_id="h1"), 12)
    assert story.breaches(ClockName.DELEGATED_FOLLOW_UP, "h1") == [9]


# --------------------------------------------------- targets and policies


def test_a_new_policy_leaves_open_clocks_alone() -> None:
    story = filed()
    story.publish(SlaTarget(clock=FIRST_RESPONSE, minutes=60), at=1)
    assert story.tell(ev.NoteAdded(), 2).clock(FIRST_RESPONSE).due_at == T0 + hours(24)


def test_a_platforms_own_deadline_wins() -> None:
    deadline = PlatformDeadline(clock="first_solution", due_at=T0 + hours(12))
    story = filed().tell(ev.PlatformDeadlineSet(deadline=deadline), 1)
    assert story.clock(FIRST_SOLUTION).due_at == T0 + hours(12)


def test_a_higher_priority_only_moves_due_times_earlier() -> None:
    story = Timeline()
    story.publish(
        SlaTarget(clock=FIRST_RESPONSE, minutes=120, priority=Priority.URGENT),
        SlaTarget(clock=FIRST_SOLUTION, minutes=6000, priority=Priority.URGENT),
    )
    story.case = filed().case
    raised = ev.PriorityRaised(priority=Priority.URGENT, as_remedy=False)
    story.tell(raised, 1)
    assert story.clock(FIRST_RESPONSE).due_at == T0 + hours(2)
    assert story.clock(FIRST_SOLUTION).due_at == T0 + hours(24)


def test_satisfied_and_breached_clocks_never_change_under_a_new_priority() -> None:
    story = Timeline()
    story.publish(SlaTarget(clock=FIRST_RESPONSE, minutes=120, priority=Priority.URGENT))
    story.case = filed().tell(contact(), 30).case
    story.tell(ev.PriorityRaised(priority=Priority.URGENT, as_remedy=False), 31)
    assert story.clock(FIRST_RESPONSE).due_at == T0 + hours(24)


# ------------------------------------------------------ ends and rounds


def test_withdrawn_before_due_is_outside_attainment() -> None:
    story = filed().tell(ev.CaseWithdrawn(by=Party.BUYER), 5)
    assert story.clock(FIRST_RESPONSE).status is ClockStatus.CANCELLED
    assert not story.clock(FIRST_RESPONSE).is_breached


def test_withdrawn_after_due_leaves_the_breach() -> None:
    story = filed().tell(ev.CaseWithdrawn(by=Party.BUYER), 30)
    assert story.breaches(FIRST_RESPONSE) == [24]


def test_closing_ends_the_buyer_tracks_clocks_only() -> None:
    closed = ev.CaseClosed(
        outcome=Outcome.SOLVED, totals=Totals(refunded=0, goodwill=0, return_freight=0)
    )
    story = filed().tell(_appraisal(needs_goods=False), 4).tell(closed, 6)
    assert not story.clock(FIRST_SOLUTION).is_live
    assert not story.clock(PROGRESS).is_live
    assert story.clock(ClockName.APPRAISAL, "a1").is_running


def test_not_solved_starts_a_round_with_its_own_solution_and_progress_clocks() -> None:
    story = filed().tell(contact(), 1).tell(ev.RoundOpened(round=2), 100)
    assert story.clock(FIRST_SOLUTION, round_=2).due_at == T0 + hours(124)
    assert "first_response#2" not in story.case.clocks
    assert story.clock(FIRST_SOLUTION).breaches == (T0 + hours(24),)


def test_no_clock_starts_before_the_complaint_is_filed() -> None:
    story = Timeline().tell(ev.ReturnReceived(return_id="r1"), 1)
    assert story.case.clocks == {}
