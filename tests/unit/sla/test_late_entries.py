"""What is told late: believed from systems, from a person only with a second one's word.

DOMAIN: "Invariants" (dating back), "SLA clocks" (a late event that occurred in time).
"""

from __future__ import annotations

import pytest

from domain.case import commands as cmd
from domain.case.values import (
    EvidenceKind,
    EvidenceRef,
    InspectionFinding,
    Party,
    Priority,
    ProblemType,
    Resolution,
    Rung,
    UnitFinding,
)
from domain.kernel import Actor, Command
from domain.sla.events import BreachRetracted, ClockCancelled
from domain.sla.state import ClockStatus
from tests.unit.case.build import SECOND, contact, filed
from tests.unit.case.scenes import (
    CASE,
    agreed,
    at,
    case_of,
    complained,
    fact,
    on_line,
    pay,
    returning,
    succeeded,
    yuan,
)
from tests.unit.support import AGENT, SERVICE, Story, like, told

LATE = at(70)
"""After every clock of two days that starts in the first hours is due."""


def proof() -> cmd.AttachEvidence:
    screenshot = EvidenceRef(evidence_id="E7", kind=EvidenceKind.SCREENSHOT, sha256="b" * 64)
    return cmd.AttachEvidence(case_id=CASE, proof=screenshot, submitter=Party.SHOP)


def inspected() -> cmd.InspectReturn:
    unit = UnitFinding(
        item=1,
        quantity=2,
        complete=True,
        resalable=True,
        packaging_intact=True,
        finding=InspectionFinding.ACCEPTED,
    )
    return cmd.InspectReturn(case_id=CASE, return_id="B1", units=(unit,))


def back_here() -> Story:
    return returning().given(fact(cmd.RecordReturnReceived(case_id=CASE, return_id="B1")))


def to_dispatch() -> Story:
    return agreed(Resolution.RESHIP, None)


def dispatched() -> cmd.RecordReplacementDispatched:
    return cmd.RecordReplacementDispatched(case_id=CASE, obligation_id="A-1", shipment_id="R1")


def handed_over() -> Story:
    work = cmd.HandOverWork(case_id=CASE, handover_id="H1", department="warehouse", due_at=at(24))
    return agreed().given(work)


def goodwill() -> cmd.GrantGoodwill:
    return cmd.GrantGoodwill(
        case_id=CASE, action_key="G1", obligation_id="A-2", rung=Rung.COUPON, amount=yuan("5.00")
    )


ENTRIES: list[tuple[Story, Command, str]] = [
    (back_here(), inspected(), "inspection:B1#1"),
    (to_dispatch(), dispatched(), "execution:A-1#1"),
    (agreed().given(pay()), succeeded("30.00"), "execution:A-1#1"),
    (agreed(goodwill="5.00"), goodwill(), "execution:A-2#1"),
    (
        handed_over(),
        cmd.FinishHandedWork(case_id=CASE, handover_id="H1"),
        "delegated_follow_up:H1#1",
    ),
]
NAMES = ["inspection", "dispatch", "payment", "goodwill", "handed_work"]


def copy(story: Story) -> Story:
    return Story({stream: list(events) for stream, events in story.recorded.items()})


def enter(story: Story, command: Command, by: Actor) -> Story:
    """Entered long after the due time, as of two hours after the complaint."""
    return copy(story).given(told(command, at=LATE, by=by, occurred_at=at(2)))


def breaches(story: Story, key: str) -> int:
    return len(case_of(story).clocks[key].breaches)


@pytest.mark.parametrize(("story", "command", "key"), ENTRIES, ids=NAMES)
def test_what_a_system_tells_late_is_believed(story: Story, command: Command, key: str) -> None:
    assert breaches(enter(story, command, SERVICE), key) == 0


@pytest.mark.parametrize(("story", "command", "key"), ENTRIES, ids=NAMES)
def test_what_a_person_dates_back_is_believed_once_a_second_person_confirms_it(
    story: Story, command: Command, key: str
) -> None:
    entered = enter(story, command, AGENT)
    assert breaches(entered, key) == 1
    entered.given(told(proof(), at=LATE))
    about = key.partition(":")[2].partition("#")[0]
    version = max(v for v, entry in case_of(entered).entries.items() if entry.about == about)
    word = cmd.ConfirmBackdating(case_id=CASE, version=version, evidence=("E7",))
    entered.when(word, at=LATE, by=SECOND).then_among(like(BreachRetracted, key=key))
    assert breaches(entered, key) == 0


@pytest.mark.parametrize("ending", [cmd.WithdrawCase(case_id=CASE)], ids=["withdrawn"])
def test_an_answer_in_time_takes_the_breach_back_even_after_the_end(ending: Command) -> None:
    story = filed().given(told(ending, at=at(30)))
    assert breaches(story, "first_response#1") == 1
    late = story.when(contact(), at=at(40), by=SERVICE, occurred_at=at(20))
    late.then_among(like(BreachRetracted, key="first_response#1"))
    assert breaches(story, "first_response#1") == 0


def test_a_return_that_lapsed_is_not_waited_for_any_more() -> None:
    lapse = cmd.LapseReturn(case_id=CASE, return_id="B1")
    story = returning()
    outcome = story.when(lapse, at=at(8 * 24))
    outcome.then_among(like(ClockCancelled, key="return_shipment:B1#1"))
    assert breaches(story, "return_shipment:B1#1") == 1, "the buyer's breach stays"


def test_a_return_does_not_lapse_as_of_a_moment_before_it_was_due() -> None:
    lapse = cmd.LapseReturn(case_id=CASE, return_id="B1")
    early = returning().when(lapse, at=at(8 * 24), occurred_at=at(24))
    early.refused("return_not_due", "return_id")


def test_a_late_proof_that_the_buyer_posted_in_time_takes_the_buyers_breach_back() -> None:
    posted = cmd.RecordReturnShipped(case_id=CASE, return_id="B1", proof_of_posting=True)
    story = returning().given(told(cmd.LapseReturn(case_id=CASE, return_id="B1"), at=at(8 * 24)))
    story.given(told(posted, at=at(9 * 24), by=SERVICE, occurred_at=at(24)))
    assert breaches(story, "return_shipment:B1#1") == 0


def test_a_person_who_dates_a_withdrawal_back_leaves_the_breach() -> None:
    withdraw = cmd.WithdrawCase(case_id=CASE)
    story = filed().given(told(withdraw, at=at(30), by=AGENT, occurred_at=at(20)))
    assert breaches(story, "first_response#1") == 1
    story = filed().given(told(withdraw, at=at(30), by=SERVICE, occurred_at=at(20)))
    assert breaches(story, "first_response#1") == 0


def test_a_higher_priority_leaves_the_platforms_own_deadline() -> None:
    sent = cmd.RecordPlatformDeadline(case_id=CASE, clock="first_solution", due_at=at(40))
    story = filed().given(fact(sent), cmd.RaisePriority(case_id=CASE, priority=Priority.HIGH))
    assert case_of(story).clocks["first_solution#1"].due_at == at(40)


def test_an_approval_is_a_solution_even_before_the_buyer_is_told() -> None:
    verified = cmd.VerifyItem(
        case_id=CASE, item=1, problem=ProblemType.QUALITY_DEFECT, quantity=2, evidence=("E1",)
    )
    approved = cmd.DecideAutoRefund(
        case_id=CASE,
        action_key="K1",
        amounts=on_line("30.00"),
        evidence_supports=True,
        buyer_history=cmd.BuyerHistory(cases=1, refunds=0, rejections=0),
        risk_flag=False,
        told_buyer=False,
    )
    story = complained().given(verified, approved)
    clocks = case_of(story).clocks
    assert case_of(story).auto_verdict == "approve"
    assert clocks["first_solution#1"].status is ClockStatus.SATISFIED
    assert clocks["first_response#1"].status is ClockStatus.RUNNING
