"""`order_lines`: a retailer's order lines, with when and how each was delivered.

Each row is one line of an order (DataCo's supply chain data set). It becomes:

- the order, told once with all its rows, wherever they stand in the file. A line's price is the
  row's `total`: the file's discounts are by line, so that what was paid for a line is exact. The
  amounts went through binary fractions and are rounded to cents.
- its shipment, at `shipped_at`: one parcel a line, whatever the order's status, for the file
  gives every line a shipping time. The department counts as the supplier.
- no delivery: the file doesn't say when goods arrived.

By delivery_status also:

- `Shipping on time`, `Advance shipping`: nothing more.
- `Late delivery`: a complaint, `delayed`, at `shipped_at`, the only moment in the file at which
  it was known to be late.
- `Shipping canceled`: the parcel's outcome `cancelled`, at `shipped_at`, and a complaint:
  `changed_mind` where order_status is CANCELED, `other` where it is SUSPECTED_FRAUD.
- any other one: the row is refused.

order_status says how far payment and bookkeeping were (PENDING, PENDING_PAYMENT, PAYMENT_REVIEW,
ON_HOLD, PROCESSING, COMPLETE, CLOSED). Nothing in the domain hangs on it; a complaint's words
keep it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from consumers.mapping import FileMapping, Row
from domain.case.commands import FileComplaint
from domain.case.values import Channel, ItemClaim, ProblemType
from domain.kernel import Actor, ActorKind, Platform, Private, Role
from domain.order.commands import (
    OrderedLine,
    RecordOrder,
    RecordShipment,
    RecordShipmentOutcome,
)
from domain.order.events import ShipmentOutcome
from domain.request import Malformed, Request

RETAILER: Final = Actor(kind=ActorKind.SYSTEM, id="order-lines", role=Role.SERVICE)
CURRENCY: Final = "USD"
SHOP: Final = "dataco"

LATE: Final = "Late delivery"
CANCELLED: Final = "Shipping canceled"
STATUSES: Final = frozenset({LATE, CANCELLED, "Shipping on time", "Advance shipping"})


def requests(row: Row) -> Iterator[Request]:
    """The order (with the first of its rows), the shipment, and what became of it."""
    if row.place == 0:
        yield _order(row)
    order_id, line = _order_id(row), row.id("order_item_id")
    shipment_id, shipped_at = f"S{line}", _time(row, "shipped_at")
    quantity = row.count("quantity")
    status = row.need("delivery_status")
    if status not in STATUSES:
        raise Malformed("value_unknown", f"Unknown: {status!r}.", "delivery_status")
    yield row.ask(
        f"{line}/shipment",
        RecordShipment(order_id=order_id, shipment_id=shipment_id, units={line: quantity}),
        RETAILER,
        shipped_at,
    )
    if status == CANCELLED:
        yield row.ask(
            f"{line}/outcome",
            RecordShipmentOutcome(
                order_id=order_id, shipment_id=shipment_id, outcome=ShipmentOutcome.CANCELLED
            ),
            RETAILER,
            shipped_at,
        )
    if status in (LATE, CANCELLED):
        yield row.ask(f"{line}/complaint", _complaint(row, line, status), RETAILER, shipped_at)


def _order(row: Row) -> Request:
    lines = tuple(
        OrderedLine(
            line=one.id("order_item_id"),
            product=one.id("product_id"),
            category=one.name("category"),
            supplier=one.name("department"),
            quantity=one.count("quantity"),
            price=one.rounded("total", CURRENCY),
        )
        for one in row.group
    )
    order_id = _order_id(row)
    command = RecordOrder(order_id=order_id, currency=CURRENCY, lines=lines)
    return row.ask(f"{order_id}/order", command, RETAILER, _time(row, "ordered_at"))


def _complaint(row: Row, line: str, status: str) -> FileComplaint:
    problem = ProblemType.DELAYED
    if status == CANCELLED:
        cancelled = row.text("order_status") == "CANCELED"
        problem = ProblemType.CHANGED_MIND if cancelled else ProblemType.OTHER
    return FileComplaint(
        case_id=f"{Platform.OTHER}:{SHOP}:L{line}",
        order_id=_order_id(row),
        channel=Channel.SERVICE_DESK,
        items=(ItemClaim(line=line, quantity=row.count("quantity"), problem=problem),),
        private=Private(
            text=f"{status}; {row.text('order_status')}; {row.text('days_real')} days instead of "
            f"{row.text('days_scheduled')}; {row.mended('product_name')}",
            buyer=row.text("customer_id") or None,
            address=", ".join(filter(None, (row.mended("country"), row.mended("market")))) or None,
        ),
    )


def _order_id(row: Row) -> str:
    return f"{Platform.OTHER}:{SHOP}:{row.id('order_id')}"


def _time(row: Row, column: str) -> datetime:
    return row.time(column, "mdy")


MAPPING: Final = FileMapping(
    name="order_lines",
    about="A retailer's order lines: orders, shipments, and complaints where late or cancelled.",
    required=tuple(
        (name,)
        for name in (
            *("order_id", "order_item_id", "ordered_at", "shipped_at", "delivery_status"),
            *("order_status", "product_id", "category", "department", "quantity", "total"),
        )
    ),
    optional=tuple(
        (name,)
        for name in (
            *("days_scheduled", "days_real", "product_name", "unit_price", "market"),
            *("country", "customer_id"),
        )
    ),
    requests=requests,
    together=("order_id",),
)
