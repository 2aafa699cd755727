"""Repairs: warranty terms checked, ordered, received, completed, sent back.

DOMAIN: "Execute", repair.
"""

from __future__ import annotations

import pytest

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.state import RepairStep
from domain.case.values import ObligationEnd, Resolution
from domain.kernel import Command
from tests.unit.case.scenes import (
    CASE,
    accept,
    agreed,
    at,
    bought,
    business,
    case_of,
    closed,
    complained,
    complaint,
    divergences,
    fact,
    kinds,
    offer,
    part,
    tell,
)
from tests.unit.support import T0, Story, days, given, like, told


def repairing() -> Story:
    return agreed(Resolution.REPAIR, None)


def repair_id(story: Story) -> str:
    [found] = [o for o in case_of(story).obligations.values() if o.duty.value == "repair"]
    return found.obligation_id


def order_it(obligation: str) -> cmd.OrderRepair:
    return cmd.OrderRepair(case_id=CASE, obligation_id=obligation)


def came(obligation: str) -> cmd.RecordRepairItemReceived:
    return cmd.RecordRepairItemReceived(case_id=CASE, obligation_id=obligation)


def done(obligation: str) -> cmd.CompleteRepair:
    return cmd.CompleteRepair(case_id=CASE, obligation_id=obligation)


def back(obligation: str) -> cmd.RecordRepairSentBack:
    return cmd.RecordRepairSentBack(case_id=CASE, obligation_id=obligation)


def test_a_repair_is_ordered_with_the_warranty_checked() -> None:
    story = repairing()
    ordered = story.when(order_it(repair_id(story)))
    ordered.then_among(like(ev.RepairOrdered, in_warranty=True, policy=("default@1",)))


def test_a_repair_after_the_warranty_is_ordered_and_says_so() -> None:
    late = T0 + days(400)
    story = bought().given(
        told(complaint(), at=late),
        told(offer(part(Resolution.REPAIR)), at=late),
        told(accept(), at=late),
    )
    ordered = story.when(order_it(repair_id(story)), at=late)
    ordered.then_among(like(ev.RepairOrdered, in_warranty=False))


def test_of_an_unknown_order_the_warranty_is_not_known() -> None:
    story = given(complaint(order_id=None), offer(part(Resolution.REPAIR)), accept())
    ordered = story.when(order_it(repair_id(story)))
    ordered.then_among(like(ev.RepairOrdered, in_warranty=None, policy=()))


def test_a_repair_runs_from_its_order_until_the_item_is_sent_back() -> None:
    story = repairing()
    repair = repair_id(story)
    story.given(order_it(repair))
    assert kinds(tell(story, came(repair))) == ["RepairItemReceived"]
    assert kinds(story.when(done(repair), at=at(2))) == ["RepairCompleted"]
    assert business(tell(story, back(repair), 3)) == [
        ev.RepairSentBack(obligation_id=repair),
        ev.ObligationEnded(obligation_id=repair, how=ObligationEnd.FULFILLED),
    ]
    assert divergences(story) == []
    assert case_of(story).repairs[repair].step is RepairStep.SENT_BACK


def test_a_step_of_a_repair_taken_before_changes_nothing() -> None:
    story = repairing()
    repair = repair_id(story)
    story.given(order_it(repair), fact(came(repair)), told(done(repair), at=at(2)))
    story.when(order_it(repair), at=at(3)).then_nothing()
    story.when(done(repair), at=at(3)).then_nothing()
    tell(story, came(repair)).then_nothing()
    story.given(fact(back(repair), 4))
    tell(story, back(repair), 4).then_nothing()


def test_a_repair_is_ordered_for_an_open_repair_obligation() -> None:
    repairing().when(order_it("X")).refused("unknown_obligation", "obligation_id")
    agreed().when(order_it("A-1")).refused("not_a_repair", "obligation_id")
    story = repairing()
    repair = repair_id(story)
    story.given(cmd.WaiveObligation(case_id=CASE, obligation_id=repair))
    story.when(order_it(repair)).refused("obligation_ended", "obligation_id")


def test_a_repair_is_completed_once_ordered_and_received() -> None:
    story = repairing()
    repair = repair_id(story)
    story.when(done(repair)).refused("repair_not_ordered", "obligation_id")
    story.given(order_it(repair))
    story.when(done(repair)).refused("repair_item_not_received", "obligation_id")


def test_an_item_that_comes_ahead_of_the_order_is_kept_and_the_repair_asked_for() -> None:
    story = repairing()
    repair = repair_id(story)
    tell(story, came(repair))
    assert divergences(story) == [("return_state", "order_repair")]
    story.when(done(repair), at=at(2)).refused("repair_not_ordered")
    story.given(told(order_it(repair), at=at(2)))
    assert kinds(story.when(done(repair), at=at(3))) == ["RepairCompleted"]


def test_a_repair_whose_completion_nobody_recorded_is_done_when_it_is_sent_back() -> None:
    story = repairing()
    repair = repair_id(story)
    story.given(order_it(repair), fact(came(repair)))
    assert kinds(tell(story, back(repair), 2)) == ["RepairSentBack", "ObligationEnded"]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (came("X"), ("unexpected_return", "identify_return")),
        (back("X"), ("unexpected_shipment", "check_shipment")),
    ],
)
def test_facts_of_a_repair_that_was_not_agreed_are_kept_and_looked_into(
    command: Command, expected: tuple[str, str]
) -> None:
    story = complained()
    assert len(business(tell(story, command))) == 2
    assert divergences(story) == [expected]


def test_an_item_that_nobody_owes_a_repair_for_starts_no_clock() -> None:
    waived = repairing()
    repair = repair_id(waived)
    waived.given(cmd.WaiveObligation(case_id=CASE, obligation_id=repair), fact(came(repair), 2))
    for story in (waived, complained().given(fact(came("X")))):
        assert not [c for c in case_of(story).clocks.values() if c.clock == "repair"]


def test_in_an_ended_case_no_repair_is_timed() -> None:
    story = repairing()
    repair = repair_id(story)
    story.given(order_it(repair), closed(), fact(came(repair), 2))
    assert not [c for c in case_of(story).clocks.values() if c.clock == "repair"]


def test_facts_of_a_repair_on_an_ended_case_are_kept_and_looked_into() -> None:
    story = repairing()
    repair = repair_id(story)
    story.given(order_it(repair), fact(came(repair)), closed())
    tell(story, back(repair), 2)
    assert divergences(story) == [("case_ended", "check_shipment")]


def test_an_ended_case_orders_and_completes_no_repair() -> None:
    story = repairing()
    repair = repair_id(story)
    story.given(closed())
    story.when(order_it(repair)).refused("case_ended", "case_id")
    story.when(done(repair)).refused("case_ended", "case_id")
