"""Facts about one order come to the same ledger and shipped units, in whatever order they are told.

DOMAIN: "Words" (a fact is stored whatever state the case is in, an unknown order included).
"""

from __future__ import annotations

from datetime import datetime

from hypothesis import given as examples
from hypothesis import strategies as st

from domain.case import commands as cmd
from domain.case.state import Case
from domain.case.values import Channel, ItemClaim, Party, ProblemType
from domain.kernel import Command, order_stream
from domain.money import Money
from domain.order import (
    Order,
    OrderedLine,
    RecordDelivery,
    RecordOrder,
    RecordShipment,
    RecordShipmentOutcome,
    ShipmentOutcome,
)
from tests.unit.support import SERVICE, T0, Story, Told, days, given, hours

ORDER = "douyin:s1:O1"
CASES = ("douyin:s1:AS1", "douyin:s1:AS2")
LATEST = T0 + days(9)


def cny(amount: str) -> Money:
    return Money(amount=amount, currency="CNY")


def told(command: Command, occurred_at: datetime) -> Told:
    return Told(command, LATEST, SERVICE, occurred_at)


def the_order() -> Told:
    lines = tuple(
        OrderedLine(line=name, product=name, category="shoes", quantity=2, price=cny("20.00"))
        for name in ("1", "2")
    )
    order = RecordOrder(order_id=ORDER, currency="CNY", lines=lines, freight=cny("3.00"))
    return told(order, T0 - days(2))


def complaint(case_id: str, line: str) -> Told:
    """Of two complaints about one line the later told joins the other's case."""
    filed = cmd.FileComplaint(
        case_id=case_id,
        order_id=ORDER,
        channel=Channel.PLATFORM,
        items=(ItemClaim(line=line, quantity=1, problem=ProblemType.DAMAGED),),
    )
    return told(filed, T0)


@st.composite
def payout(draw: st.DrawFn, case_id: str, key: str) -> list[Told]:
    """What is told of one payment: it may be in doubt, succeed, bounce, and be told by two."""
    facts: list[tuple[Command, int]] = []
    line, amount = draw(st.sampled_from("12")), draw(st.sampled_from(("1.00", "9.00", "30.00")))
    money = cmd.LineMoney(line=line, money=cny(amount))
    if draw(st.booleans()):
        paid = cmd.RecordRefundSucceeded(
            case_id=case_id, action_key=key, amounts=(money,), by=Party.PLATFORM
        )
        facts.append((paid, 10))
        if draw(st.booleans()):
            bounced = cmd.RecordRefundReversed(case_id=case_id, action_key=key, reason="bounced")
            facts.append((bounced, 20))
        if draw(st.booleans()):
            facts.append((cmd.RecordRefundUnknown(case_id=case_id, action_key=key), 5))
    else:
        failed = cmd.RecordRefundFailed(case_id=case_id, action_key=key, reason="bank")
        facts.append((failed, 10))
    return [told(command, T0 + hours(hour)) for command, hour in facts]


@st.composite
def parcel(draw: st.DrawFn, shipment_id: str) -> list[Told]:
    units = draw(st.sampled_from(({"1": 2}, {"2": 1}, {"1": 1, "2": 2})))
    shipped = RecordShipment(order_id=ORDER, shipment_id=shipment_id, units=units)
    facts = [told(shipped, T0 - days(1))]
    if draw(st.booleans()):
        outcome = draw(st.sampled_from(ShipmentOutcome))
        lost = RecordShipmentOutcome(order_id=ORDER, shipment_id=shipment_id, outcome=outcome)
        facts.append(told(lost, T0 + hours(1)))
    if draw(st.booleans()):
        delivered = RecordDelivery(order_id=ORDER, shipment_id=shipment_id)
        facts.append(told(delivered, T0 + hours(draw(st.sampled_from((0, 2))))))
    return facts


@st.composite
def tellings(draw: st.DrawFn) -> tuple[list[Told], list[Told]]:
    """Two orders of the same facts and complaints, some told twice."""
    facts = [
        the_order(),
        complaint(CASES[0], "1"),
        complaint(CASES[1], draw(st.sampled_from("12"))),
    ]
    for number in range(draw(st.integers(1, 4))):
        facts += draw(payout(draw(st.sampled_from(CASES)), f"k{number}"))
    for number in range(draw(st.integers(0, 2))):
        facts += draw(parcel(f"sh{number}"))
    again = draw(st.lists(st.sampled_from(facts), max_size=4))
    return draw(st.permutations(facts)), draw(st.permutations(facts + again))


@examples(tellings())
def test_facts_in_any_order_come_to_the_same_ledger_and_shipped_units(
    facts: tuple[list[Told], list[Told]],
) -> None:
    one, other = given(*facts[0]), given(*facts[1])
    assert _figures(one) == _figures(other)


def _figures(story: Story) -> object:
    order: Order = story.state(order_stream(ORDER))
    units = [order.shipped_units(line) for line in ("1", "2")]
    return order.booked_by_line(), order.over_refunded(), units


@examples(tellings())
def test_every_payout_stands_in_the_case_that_its_number_leads_to(
    facts: tuple[list[Told], list[Told]],
) -> None:
    story = given(*facts[1])
    order: Order = story.state(order_stream(ORDER))
    stands = {
        refund.action_key
        for case_id in CASES
        for refund in _resolved(story, case_id).refunds.values()
        if refund.status in ("succeeded", "unknown")
    }
    assert stands == {entry.action_key for entry in order.refunds.values() if entry.booked}


def _resolved(story: Story, case_id: str) -> Case:
    case: Case = story.state(f"case:{case_id}")
    return _resolved(story, case.joined) if case.joined else case
