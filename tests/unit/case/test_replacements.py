"""Exchanges and reshipments: a replacement is a shipment of its own.

DOMAIN: "Execute", exchange, reship.
"""

from __future__ import annotations

import pytest

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.values import ObligationEnd, Resolution
from domain.kernel import Command
from tests.unit.case.scenes import (
    CASE,
    agreed,
    at,
    business,
    case_of,
    closed,
    complained,
    divergences,
    fact,
    kinds,
    tell,
)
from tests.unit.support import Story

FULFILLED = ev.ObligationEnded(obligation_id="A-1", how=ObligationEnd.FULFILLED)


def sent(shipment: str = "P2", obligation: str = "A-1") -> cmd.RecordReplacementDispatched:
    return cmd.RecordReplacementDispatched(
        case_id=CASE, obligation_id=obligation, shipment_id=shipment
    )


def there(shipment: str = "P2") -> cmd.RecordReplacementDelivered:
    return cmd.RecordReplacementDelivered(case_id=CASE, shipment_id=shipment)


def reshipping() -> Story:
    return agreed(Resolution.RESHIP, None)


def test_a_replacement_dispatched_and_delivered_fulfils_its_obligation() -> None:
    story = reshipping()
    gone = ev.ReplacementDispatched(obligation_id="A-1", shipment_id="P2", items=(1,))
    assert business(tell(story, sent())) == [gone]
    assert case_of(story).open_obligations
    assert business(tell(story, there(), 2)) == [
        ev.ReplacementDelivered(shipment_id="P2"),
        FULFILLED,
    ]
    assert divergences(story) == []


def test_a_dispatch_satisfies_the_execution_clock_before_the_delivery() -> None:
    story = reshipping()
    tell(story, sent())
    [clock] = [c for c in case_of(story).clocks.values() if c.about == "A-1"]
    assert clock.ended_at == at(1)


def test_several_parcels_fulfil_it_together() -> None:
    story = reshipping().given(fact(sent()), fact(sent("P3")), fact(there(), 2))
    assert case_of(story).open_obligations
    assert business(tell(story, there("P3"), 3))[-1] == FULFILLED


def test_a_delivery_learnt_before_its_dispatch_counts_once_both_are_known() -> None:
    story = reshipping()
    tell(story, there(), 2)
    assert divergences(story) == [("unexpected_shipment", "check_shipment")]
    assert business(story.when(sent(), at=at(3), occurred_at=at(1)))[-1] == FULFILLED


@pytest.mark.parametrize("command", [sent(), there()], ids=lambda c: c.TYPE)
def test_a_fact_about_a_replacement_told_twice_changes_nothing(command: Command) -> None:
    story = reshipping().given(fact(command))
    tell(story, command).then_nothing()


def test_a_dispatch_for_which_nothing_was_agreed_is_kept_and_looked_into() -> None:
    story = complained()
    assert kinds(tell(story, sent())) == ["ReplacementDispatched", "DivergenceFound"]
    assert divergences(story) == [("unexpected_shipment", "check_shipment")]


def test_a_dispatch_for_a_refund_is_looked_into() -> None:
    story = agreed()
    tell(story, sent())
    assert divergences(story) == [("unexpected_shipment", "check_shipment")]


def test_a_dispatch_on_an_ended_case_is_kept_and_looked_into() -> None:
    story = reshipping().given(closed())
    tell(story, sent())
    assert ("case_ended", "check_shipment") in divergences(story)


def test_an_exchange_goes_out_at_once_whether_or_not_the_wrong_one_is_back() -> None:
    story = agreed(Resolution.EXCHANGE, None)
    [dispatch] = [o for o in case_of(story).obligations.values() if o.duty.value == "dispatch"]
    story.given(fact(sent(obligation=dispatch.obligation_id)), fact(there(), 2))
    assert case_of(story).obligations[dispatch.obligation_id].ended is ObligationEnd.FULFILLED


def test_a_replacement_that_is_defective_again_is_a_new_round_of_the_same_case() -> None:
    story = reshipping().given(fact(sent()), fact(there(), 2))
    again = cmd.ReportNotSolved(case_id=CASE)
    story.when(again, at=at(3)).then_among(ev.RoundOpened(round=2))
