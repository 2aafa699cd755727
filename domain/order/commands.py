"""The facts that the outside tells about orders and their parcels.

They arrive twice, out of order and corrected: a delivery before its shipment, a shipment before
its order. None is refused for what we know or don't know yet.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from domain.case.values import Quantity
from domain.kernel import CaseId, Command, Ident, Model, Moment, OrderId, command, order_stream
from domain.money import Currency, Money
from domain.order.events import Revision, ShipmentOutcome

Units = Annotated[dict[Ident, Quantity], Field(min_length=1, max_length=1000)]


class OrderedLine(Model):
    """price: the line's gross total before any discount. batch: of production, if known."""

    line: Ident
    product: Ident
    category: Ident
    supplier: Ident | None = None
    batch: Ident | None = None
    quantity: Quantity
    price: Money


class _AboutOrder(Command):
    order_id: OrderId

    def streams(self) -> tuple[str, ...]:
        return (order_stream(self.order_id),)


class _AboutShipment(_AboutOrder):
    shipment_id: Ident


@command("order.record_order", fact=True, bulk=True)
class RecordOrder(_AboutOrder):
    """An order was placed, at occurred_at. freight: outbound, paid by the buyer.

    discount: the shop's over the whole order. platform_coupon: the platform's. Both are split
    over the lines by largest remainder, each apart.
    """

    currency: Currency
    lines: Annotated[tuple[OrderedLine, ...], Field(min_length=1, max_length=1000)]
    discount: Money | None = None
    platform_coupon: Money | None = None
    freight: Money | None = None
    revision: Revision = 0


@command("order.record_shipment", fact=True, bulk=True)
class RecordShipment(_AboutShipment):
    """A parcel was shipped, at occurred_at, with so many units of each line."""

    units: Units
    supplier_ships: bool = False
    replacement_for: CaseId | None = None
    revision: Revision = 0


@command("order.record_delivery", fact=True, bulk=True)
class RecordDelivery(_AboutShipment):
    """A parcel was delivered, at occurred_at."""

    signed: bool = True
    revision: Revision = 0


@command("order.record_shipment_outcome", fact=True, bulk=True)
class RecordShipmentOutcome(_AboutShipment):
    """A parcel was cancelled, intercepted or lost, at occurred_at."""

    outcome: ShipmentOutcome
    revision: Revision = 0


@command("order.correct_shipment", fact=True, bulk=True)
class CorrectShipment(_AboutShipment):
    """Units or ship date of a parcel were told wrong. What is left out stands."""

    revision: Annotated[Revision, Field(ge=1)]
    units: Units | None = None
    shipped_at: Moment | None = None
    supplier_ships: bool | None = None
    replacement_for: CaseId | None = None


OrderCommand = (
    RecordOrder | RecordShipment | RecordDelivery | RecordShipmentOutcome | CorrectShipment
)
