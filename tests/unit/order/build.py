"""Short ways to say what an order is and what was told about it."""

from __future__ import annotations

from datetime import datetime

from domain.case.values import LineAmount
from domain.kernel import Emit
from domain.money import Money
from domain.order import (
    CorrectShipment,
    Order,
    OrderedLine,
    RecordDelivery,
    RecordOrder,
    RecordShipment,
    RecordShipmentOutcome,
    RefundReserved,
    ShipmentOutcome,
)
from tests.unit.support import T0, Story, Told, told

ORDER = "douyin:s1:O1"
STREAM = f"order:{ORDER}"
CASE = "douyin:s1:AS1"
OTHER_CASE = "douyin:s1:AS2"


def cny(amount: str) -> Money:
    return Money(amount=amount, currency="CNY")


def line(
    name: str = "1",
    price: str = "100.00",
    quantity: int = 1,
    *,
    product: str = "P1",
    category: str = "shoes",
    supplier: str | None = "Acme",
) -> OrderedLine:
    return OrderedLine(
        line=name,
        product=product,
        category=category,
        supplier=supplier,
        quantity=quantity,
        price=cny(price),
    )


def placed(
    *lines: OrderedLine,
    discount: str | None = None,
    coupon: str | None = None,
    freight: str | None = None,
    revision: int = 0,
) -> RecordOrder:
    """An order of these lines, or of one line of 100.00."""
    return RecordOrder(
        order_id=ORDER,
        currency="CNY",
        lines=lines or (line(),),
        discount=None if discount is None else cny(discount),
        platform_coupon=None if coupon is None else cny(coupon),
        freight=None if freight is None else cny(freight),
        revision=revision,
    )


def shipped(
    units: dict[str, int] | None = None,
    shipment: str = "S1",
    *,
    at: datetime = T0,
    revision: int = 0,
    supplier_ships: bool = False,
    replacement_for: str | None = None,
) -> Told:
    command = RecordShipment(
        order_id=ORDER,
        shipment_id=shipment,
        units=units or {"1": 1},
        supplier_ships=supplier_ships,
        replacement_for=replacement_for,
        revision=revision,
    )
    return told(command, occurred_at=at)


def delivered(
    shipment: str = "S1", *, at: datetime = T0, signed: bool = True, revision: int = 0
) -> Told:
    command = RecordDelivery(order_id=ORDER, shipment_id=shipment, signed=signed, revision=revision)
    return told(command, occurred_at=at)


def ended(
    outcome: ShipmentOutcome, shipment: str = "S1", *, at: datetime = T0, revision: int = 0
) -> Told:
    command = RecordShipmentOutcome(
        order_id=ORDER, shipment_id=shipment, outcome=outcome, revision=revision
    )
    return told(command, occurred_at=at)


def corrected(
    units: dict[str, int] | None = None,
    shipment: str = "S1",
    *,
    revision: int = 1,
    shipped_at: datetime | None = None,
) -> Told:
    command = CorrectShipment(
        order_id=ORDER,
        shipment_id=shipment,
        units=units,
        shipped_at=shipped_at,
        revision=revision,
    )
    return told(command)


def amounts(**by_line: int) -> tuple[LineAmount, ...]:
    """amounts(l1=500): 5.00 on line 1."""
    return tuple(LineAmount(line=name[1:], amount=minor) for name, minor in by_line.items())


def reserved(key: str, case_id: str = CASE, **by_line: int) -> Emit:
    event = RefundReserved(action_key=key, case_id=case_id, lines=amounts(**by_line), attempt=1)
    return Emit(STREAM, event)


def order_of(story: Story) -> Order:
    order = story.state(STREAM)
    assert isinstance(order, Order)
    return order
