"""What the facts about an order become. Pure; no fact is refused for what is known so far."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, TypeVar, assert_never

from domain.kernel import Context, Emit, Rejected, require
from domain.money import Money, apportion
from domain.order.commands import (
    CorrectShipment,
    OrderCommand,
    RecordDelivery,
    RecordOrder,
    RecordShipment,
    RecordShipmentOutcome,
)
from domain.order.events import (
    DeliveryCorrected,
    DeliveryRecorded,
    Line,
    OrderCorrected,
    OrderFact,
    OrderRecorded,
    ShipmentCorrected,
    ShipmentOutcomeCorrected,
    ShipmentOutcomeRecorded,
    ShipmentRecorded,
)
from domain.order.state import Held, Order, Shipment

if TYPE_CHECKING:
    from domain.world import World

Fact = TypeVar("Fact", OrderRecorded, DeliveryRecorded, ShipmentOutcomeRecorded)
Correction = TypeVar("Correction", OrderCorrected, DeliveryCorrected, ShipmentOutcomeCorrected)

# `json.dumps` with settings makes an encoder at each call.
_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def decide(command: OrderCommand, world: World, context: Context) -> list[Emit]:
    """The events of a fact; none for a repeat of one that was told before.

    Rejected only for what no order can be: wrong_currency, line_repeated,
    discount_exceeds_price, coupon_exceeds_price, correction_empty.
    """
    order = world.order(command.order_id)
    match command:
        case RecordOrder():
            event = _record_order(command, order, context)
        case RecordShipment():
            event = _record_shipment(command, order, context)
        case RecordDelivery():
            event = _record_delivery(command, order, context)
        case RecordShipmentOutcome():
            event = _record_outcome(command, order, context)
        case CorrectShipment():
            event = _correct_shipment(command, order)
        case _:
            assert_never(command)
    return [] if event is None else [Emit(order.stream, event)]


def content_key(*content: object) -> str:
    """64 bits, in hexadecimal, of what a fact says: two tellings with one key are repeats.

    BLAKE2b over the canonical JSON. Ids and times of the message itself are not part of it.
    """
    return blake2b(_CANONICAL.encode(content).encode(), digest_size=8).hexdigest()


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


# ------------------------------------------------------------------ order


def _record_order(command: RecordOrder, order: Order, context: Context) -> OrderFact | None:
    _require_one_currency(command)
    lines = _with_shares(command)
    freight = _minor(command.freight)
    content = content_key(
        "order",
        command.currency,
        [_line_content(line) for line in lines],
        freight,
        command.revision,
        _moment(context.occurred_at),
    )
    if content in order.seen:
        return None
    recorded = OrderRecorded(
        currency=command.currency,
        lines=lines,
        freight=freight,
        revision=command.revision,
        content=content,
    )
    return _told(recorded, OrderCorrected, _superseded(order.held, command.revision))


def _line_content(line: Line) -> tuple[str | int | None, ...]:
    """Field by field, so that a field added later leaves the keys of old content as they are."""
    about = (line.line, line.product, line.category, line.supplier, line.batch)
    return (*about, line.quantity, line.gross, line.discount, line.coupon)


def _minor(amount: Money | None) -> int:
    return 0 if amount is None else amount.minor


def _require_one_currency(command: RecordOrder) -> None:
    amounts: list[tuple[str, Money | None]] = [
        ("discount", command.discount),
        ("platform_coupon", command.platform_coupon),
        ("freight", command.freight),
    ]
    amounts.extend((f"lines.{n}.price", line.price) for n, line in enumerate(command.lines))
    for field, amount in amounts:
        if amount is not None and amount.currency != command.currency:
            raise Rejected(
                "wrong_currency",
                f"The order is in {command.currency}, this amount in {amount.currency}.",
                field,
            )


def _with_shares(command: RecordOrder) -> tuple[Line, ...]:
    """The lines with their shares: the discount by gross price, the coupon by what the discount
    left of it, so that no line's paid is ever negative."""
    require(
        len({line.line for line in command.lines}) == len(command.lines),
        "line_repeated",
        "An order line stands twice.",
        "lines",
    )
    gross = [line.price.minor for line in command.lines]
    discount, coupon = _minor(command.discount), _minor(command.platform_coupon)
    require(
        discount <= sum(gross),
        "discount_exceeds_price",
        "The discount is more than the lines cost.",
        "discount",
    )
    require(
        coupon <= sum(gross) - discount,
        "coupon_exceeds_price",
        "The coupon is more than the lines cost after the discount.",
        "platform_coupon",
    )
    discounts = apportion(discount, gross)
    coupons = apportion(coupon, [g - d for g, d in zip(gross, discounts, strict=True)])
    return tuple(
        Line(
            line=line.line,
            product=line.product,
            category=line.category,
            supplier=line.supplier,
            batch=line.batch,
            quantity=line.quantity,
            gross=gross[number],
            discount=discounts[number],
            coupon=coupons[number],
        )
        for number, line in enumerate(command.lines)
    )


def _superseded(held: Held | None, revision: int) -> int | None:
    """The version of the event that a telling of `revision` replaces, or None."""
    return held.version if held is not None and held.revision <= revision else None


def _told(recorded: Fact, corrected: type[Correction], superseded: int | None) -> Fact | Correction:
    """The first telling of a fact, or the correction that says the same instead of another."""
    if superseded is None:
        return recorded
    return corrected(**dict(recorded), supersedes=superseded)


# ---------------------------------------------------------------- parcels


def _parcel(order: Order, shipment_id: str) -> Shipment:
    return order.shipments.get(shipment_id) or Shipment(shipment_id)


def _record_shipment(command: RecordShipment, order: Order, context: Context) -> OrderFact | None:
    parcel = _parcel(order, command.shipment_id)
    content = content_key(
        "shipment",
        command.units,
        command.supplier_ships,
        command.replacement_for,
        command.revision,
        _moment(context.occurred_at),
    )
    if content in parcel.seen:
        return None
    superseded = _superseded(parcel.held.get("units"), command.revision)
    if not parcel.recorded or superseded is None:
        return ShipmentRecorded(
            shipment_id=command.shipment_id,
            units=command.units,
            supplier_ships=command.supplier_ships,
            replacement_for=command.replacement_for,
            revision=command.revision,
            content=content,
        )
    return ShipmentCorrected(
        shipment_id=command.shipment_id,
        units=command.units,
        shipped_at=context.occurred_at,
        supplier_ships=command.supplier_ships,
        replacement_for=command.replacement_for,
        revision=command.revision,
        content=content,
        supersedes=superseded,
    )


def _correct_shipment(command: CorrectShipment, order: Order) -> OrderFact | None:
    told = {
        "units": command.units,
        "shipped_at": command.shipped_at,
        "supplier_ships": command.supplier_ships,
        "replacement_for": command.replacement_for,
    }
    parts = [part for part, value in told.items() if value is not None]
    require(bool(parts), "correction_empty", "The correction says nothing that changed.")
    shipped_at = None if command.shipped_at is None else command.shipped_at.astimezone(UTC)
    content = content_key(
        "correction",
        {**told, "shipped_at": None if shipped_at is None else shipped_at.isoformat()},
        command.revision,
    )
    parcel = _parcel(order, command.shipment_id)
    if content in parcel.seen:
        return None
    replaced = [_superseded(parcel.held.get(part), command.revision) for part in parts]
    return ShipmentCorrected(
        shipment_id=command.shipment_id,
        units=command.units,
        shipped_at=shipped_at,
        supplier_ships=command.supplier_ships,
        replacement_for=command.replacement_for,
        revision=command.revision,
        content=content,
        supersedes=max((version for version in replaced if version is not None), default=None),
    )


def _record_delivery(command: RecordDelivery, order: Order, context: Context) -> OrderFact | None:
    parcel = _parcel(order, command.shipment_id)
    content = content_key(
        "delivery", command.signed, command.revision, _moment(context.occurred_at)
    )
    if content in parcel.seen:
        return None
    recorded = DeliveryRecorded(
        shipment_id=command.shipment_id,
        signed=command.signed,
        revision=command.revision,
        content=content,
    )
    superseded = _superseded(parcel.held.get("delivery"), command.revision)
    return _told(recorded, DeliveryCorrected, superseded)


def _record_outcome(
    command: RecordShipmentOutcome, order: Order, context: Context
) -> OrderFact | None:
    parcel = _parcel(order, command.shipment_id)
    content = content_key(
        "outcome", command.outcome, command.revision, _moment(context.occurred_at)
    )
    if content in parcel.seen:
        return None
    recorded = ShipmentOutcomeRecorded(
        shipment_id=command.shipment_id,
        outcome=command.outcome,
        revision=command.revision,
        content=content,
    )
    superseded = _superseded(parcel.held.get("outcome"), command.revision)
    return _told(recorded, ShipmentOutcomeCorrected, superseded)
