"""Everything that can have happened to an order: its facts and its refund ledger.

Amounts: minor units of the order's currency. `content` is the key of the fact as it was told
(see `domain.order.decide.content_key`), by which a repeat is known. `revision` is the source's
own count of its corrections; the highest holds, whatever arrives last. `supersedes` is the
version, in this stream, of the event whose figures no longer hold; None when that one has not
arrived yet.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.case.values import LineAmount, Party, Quantity
from domain.kernel import CaseId, Event, Ident, Model, Moment, event
from domain.money import Currency, Minor

ContentKey = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Revision = Annotated[int, Field(strict=True, ge=0, le=2**31)]


class ShipmentOutcome(StrEnum):
    """How a parcel ended other than at the buyer's. UNDERWAY takes an earlier outcome back."""

    CANCELLED = "cancelled"
    INTERCEPTED = "intercepted"
    LOST = "lost"
    UNDERWAY = "underway"


class Line(Model):
    """One order line with its shares of the order's discounts.

    gross: the line's total before discounts. discount: the shop's. coupon: the platform's,
    which the buyer did not pay either. What the buyer paid is gross - discount - coupon.
    """

    line: Ident
    product: Ident
    category: Ident
    supplier: Ident | None
    batch: Ident | None
    quantity: Quantity
    gross: Minor
    discount: Minor
    coupon: Minor


class _OrderFacts(Event):
    """occurred_at: when the order was placed. freight: outbound, paid by the buyer."""

    currency: Currency
    lines: tuple[Line, ...]
    freight: Minor
    revision: Revision
    content: ContentKey


@event("order.order_recorded.v1")
class OrderRecorded(_OrderFacts):
    pass


@event("order.order_corrected.v1")
class OrderCorrected(_OrderFacts):
    supersedes: int


class _ShipmentFacts(Event):
    """occurred_at: when it was shipped. units: by order line. supplier_ships: the supplier sent
    it, not the shop. replacement_for: the case that it is an exchange or a reshipment for."""

    shipment_id: Ident
    units: dict[Ident, Quantity]
    supplier_ships: bool
    replacement_for: CaseId | None
    revision: Revision
    content: ContentKey


@event("order.shipment_recorded.v1")
class ShipmentRecorded(_ShipmentFacts):
    pass


@event("order.shipment_corrected.v1")
class ShipmentCorrected(Event):
    """What was corrected about a shipment; None: that part stands.

    occurred_at: when the source corrected it.
    """

    shipment_id: Ident
    units: dict[Ident, Quantity] | None
    shipped_at: Moment | None
    supplier_ships: bool | None
    replacement_for: CaseId | None
    revision: Revision
    content: ContentKey
    supersedes: int | None


class _DeliveryFacts(Event):
    """occurred_at: when it was delivered. signed: the buyer, or somebody for them, signed."""

    shipment_id: Ident
    signed: bool
    revision: Revision
    content: ContentKey


@event("order.delivery_recorded.v1")
class DeliveryRecorded(_DeliveryFacts):
    pass


@event("order.delivery_corrected.v1")
class DeliveryCorrected(_DeliveryFacts):
    supersedes: int


class _OutcomeFacts(Event):
    """occurred_at: when the parcel met that end."""

    shipment_id: Ident
    outcome: ShipmentOutcome
    revision: Revision
    content: ContentKey


@event("order.shipment_outcome_recorded.v1")
class ShipmentOutcomeRecorded(_OutcomeFacts):
    pass


@event("order.shipment_outcome_corrected.v1")
class ShipmentOutcomeCorrected(_OutcomeFacts):
    supersedes: int


# ------------------------------------------------------------ refund ledger


@event("order.refund_reserved.v1")
class RefundReserved(Event):
    """Money was set aside for a payout that was asked for. attempt: 1 for the first try."""

    action_key: Ident
    case_id: CaseId
    lines: tuple[LineAmount, ...]
    attempt: Annotated[int, Field(strict=True, ge=1)]


@event("order.refund_settled.v1")
class RefundSettled(Event):
    """The buyer has the money. lines: what was really paid, which replaces the reservation.

    by: SHOP or PLATFORM; a refund that the platform made itself was never reserved and counts
    all the same. case_id: None when it belongs to no case that we know.
    """

    action_key: Ident
    case_id: CaseId | None
    lines: tuple[LineAmount, ...]
    by: Party


@event("order.refund_released.v1")
class RefundReleased(Event):
    """The payout failed, or will not be made: what was reserved is free again."""

    action_key: Ident


@event("order.refund_reversed.v1")
class RefundReversed(Event):
    """The payout bounced after it had succeeded: the buyer does not have the money."""

    action_key: Ident


@event("order.goodwill_booked.v1")
class GoodwillBooked(Event):
    """Goodwill, on top of what the buyer is owed; under a cap of its own."""

    action_key: Ident
    case_id: CaseId
    amount: Minor


@event("order.freight_reimbursed.v1")
class FreightReimbursed(Event):
    """Return freight paid back to the buyer; outside the refund cap, under its own."""

    action_key: Ident
    case_id: CaseId
    amount: Minor


# ------------------------------------------------------------------- cases


@event("order.case_opened_on_order.v1")
class CaseOpenedOnOrder(Event):
    """A case is open about these lines; said again when it grows or is reopened."""

    case_id: CaseId
    lines: tuple[Ident, ...]
    complained_at: Moment


@event("order.case_ended_on_order.v1")
class CaseEndedOnOrder(Event):
    case_id: CaseId


OrderFact = (
    OrderRecorded
    | OrderCorrected
    | ShipmentRecorded
    | ShipmentCorrected
    | DeliveryRecorded
    | DeliveryCorrected
    | ShipmentOutcomeRecorded
    | ShipmentOutcomeCorrected
)
LedgerEvent = (
    RefundReserved
    | RefundSettled
    | RefundReleased
    | RefundReversed
    | GoodwillBooked
    | FreightReimbursed
)
OrderEvent = OrderFact | LedgerEvent | CaseOpenedOnOrder | CaseEndedOnOrder
