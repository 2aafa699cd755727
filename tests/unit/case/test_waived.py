"""What stands open once a return or a whole case is given up.

DOMAIN: "The flow of a case" 6, 7 and 11; "goodwill ladder".
"""

from __future__ import annotations

import pytest

from domain.case import commands as cmd
from domain.case.turn import Action, steps
from domain.case.values import ProblemType, Resolution
from domain.sla.state import ClockStatus
from tests.unit.case.scenes import (
    CASE,
    accept,
    agreed,
    at,
    case_of,
    complained,
    fact,
    failed,
    kinds,
    offer,
    part,
    pay,
    returning,
    withdrawn,
)
from tests.unit.support import Story

WAIVED = cmd.WaiveObligation(case_id=CASE, obligation_id="A-1")
SHIPMENT, REFUND = "return_shipment:B1#1", "execution:A-2#1"


def actions(story: Story) -> list[Action]:
    return [step.action for step in steps(case_of(story))]


def status(story: Story, key: str) -> ClockStatus:
    return case_of(story).clocks[key].status


def test_a_refund_does_not_wait_for_a_return_that_was_waived() -> None:
    story = returning()
    assert status(story, REFUND) is ClockStatus.PAUSED
    story.given(WAIVED)
    assert Action.PAY in actions(story)
    assert Action.SHIP_RETURN not in actions(story)
    assert status(story, REFUND) is ClockStatus.RUNNING
    assert status(story, SHIPMENT) is ClockStatus.CANCELLED
    assert "RefundRequested" in kinds(story.when(pay(obligation="A-2")))


def test_a_waived_return_takes_nothing_along_when_it_lapses() -> None:
    story = returning().given(WAIVED)
    outcome = story.when(cmd.LapseReturn(case_id=CASE, return_id="B1"), at=at(8 * 24))
    assert kinds(outcome) == ["ReturnLapsed"]
    assert case_of(story).obligations["A-2"].ended is None


def test_after_an_amendment_the_buyer_need_not_send_back_any_more() -> None:
    story = returning().given(
        offer(part(Resolution.REFUND_PARTIAL, "20.00"), proposal_id="B"), accept("B")
    )
    assert Action.SHIP_RETURN not in actions(story)
    assert status(story, SHIPMENT) is ClockStatus.CANCELLED


def test_a_failed_payout_of_a_withdrawn_case_is_nobodys_turn() -> None:
    story = agreed().given(pay(), withdrawn(), fact(failed()))
    assert actions(story) == []


def test_a_failed_payout_of_a_reopened_case_is_the_shops_turn_again() -> None:
    story = agreed().given(pay(), withdrawn(), fact(failed()))
    story.given(cmd.ReopenCase(case_id=CASE, reason="the buyer asks again"))
    assert actions(story)[0] is Action.CHECK_PAYOUT


def test_goodwill_is_never_agreed_instead_of_what_is_owed() -> None:
    compensation = offer(part(Resolution.COMPENSATION_ONLY), proposal_id="B", goodwill="5.00")
    agreed().when(compensation).refused("goodwill_instead", "parts")


@pytest.mark.parametrize("problem", [ProblemType.LOST, ProblemType.MISSING_ITEM])
def test_what_never_came_is_not_made_good_by_goodwill_alone(problem: ProblemType) -> None:
    alone = offer(part(Resolution.COMPENSATION_ONLY), goodwill="5.00")
    complained(problem).when(alone).refused("goodwill_instead", "parts")
    along = offer(part(Resolution.RESHIP), part(Resolution.COMPENSATION_ONLY), goodwill="5.00")
    complained(problem).given(along)
