"""How an order changes by its events."""

from __future__ import annotations

from typing import assert_never

from domain.case.values import Party
from domain.kernel import Stamp
from domain.order.events import (
    CaseEndedOnOrder,
    CaseOpenedOnOrder,
    DeliveryCorrected,
    DeliveryRecorded,
    FreightReimbursed,
    GoodwillBooked,
    OrderCorrected,
    OrderEvent,
    OrderRecorded,
    RefundReleased,
    RefundReserved,
    RefundReversed,
    RefundSettled,
    ShipmentCorrected,
    ShipmentOutcomeCorrected,
    ShipmentOutcomeRecorded,
    ShipmentRecorded,
)
from domain.order.state import (
    CaseOnOrder,
    Held,
    LedgerEntry,
    LedgerStatus,
    Order,
    OrderLine,
    Shipment,
)


def evolve(order: Order, event: OrderEvent, stamp: Stamp) -> Order:
    """The order after `event`. Total: an event about what isn't there changes nothing else."""
    match event:
        case OrderRecorded() | OrderCorrected():
            return _ordered(order, event, stamp)
        case ShipmentRecorded():
            return _shipment(order, stamp, _shipped(_parcel(order, event), event, stamp))
        case ShipmentCorrected():
            return _shipment(order, stamp, _corrected(_parcel(order, event), event, stamp))
        case DeliveryRecorded() | DeliveryCorrected():
            return _shipment(order, stamp, _delivered(_parcel(order, event), event, stamp))
        case ShipmentOutcomeRecorded() | ShipmentOutcomeCorrected():
            return _shipment(order, stamp, _ended(_parcel(order, event), event, stamp))
        case RefundReserved():
            entry = LedgerEntry(
                action_key=event.action_key,
                case_id=event.case_id,
                lines=event.lines,
                by=Party.SHOP,
                status=LedgerStatus.RESERVED,
                attempt=event.attempt,
            )
            return _booked(order, stamp, entry)
        case RefundSettled():
            before = order.refunds.get(event.action_key)
            entry = LedgerEntry(
                action_key=event.action_key,
                case_id=event.case_id,
                lines=event.lines,
                by=event.by,
                status=LedgerStatus.SETTLED,
                attempt=1 if before is None else before.attempt,
            )
            return _booked(order, stamp, entry)
        case RefundReleased():
            return _marked(order, stamp, event.action_key, LedgerStatus.RELEASED)
        case RefundReversed():
            return _marked(order, stamp, event.action_key, LedgerStatus.REVERSED)
        case GoodwillBooked():
            goodwill = {**order.goodwill, event.action_key: event.amount}
            return order.with_(version=stamp.version, goodwill=goodwill)
        case FreightReimbursed():
            freight = {**order.return_freight, event.action_key: event.amount}
            return order.with_(version=stamp.version, return_freight=freight)
        case CaseOpenedOnOrder():
            return order.with_(
                version=stamp.version,
                cases={**order.cases, event.case_id: _opened(order, event)},
            )
        case CaseEndedOnOrder():
            case = order.cases.get(event.case_id)
            if case is None:
                return order.with_(version=stamp.version)
            return order.with_(
                version=stamp.version,
                cases={**order.cases, event.case_id: case.with_(open=False)},
            )
        case _:
            assert_never(event)


def _ordered(order: Order, event: OrderRecorded | OrderCorrected, stamp: Stamp) -> Order:
    seen = order.seen | {event.content}
    if order.held is not None and order.held.revision > event.revision:
        return order.with_(version=stamp.version, seen=seen)
    return order.with_(
        version=stamp.version,
        known=True,
        currency=event.currency,
        placed_at=stamp.occurred_at,
        freight=event.freight,
        lines={
            line.line: OrderLine(
                line=line.line,
                product=line.product,
                category=line.category,
                supplier=line.supplier,
                batch=line.batch,
                quantity=line.quantity,
                gross=line.gross,
                discount=line.discount,
                coupon=line.coupon,
            )
            for line in event.lines
        },
        held=Held(event.revision, stamp.version),
        seen=seen,
    )


# ---------------------------------------------------------------- parcels

_ShipmentFact = (
    ShipmentRecorded
    | ShipmentCorrected
    | DeliveryRecorded
    | DeliveryCorrected
    | ShipmentOutcomeRecorded
    | ShipmentOutcomeCorrected
)


def _parcel(order: Order, event: _ShipmentFact) -> Shipment:
    """The parcel that the event is about, as having seen the event."""
    known = order.shipments.get(event.shipment_id)
    if known is None:
        return Shipment(shipment_id=event.shipment_id, seen=frozenset((event.content,)))
    return known.with_(seen=known.seen | {event.content})


def _shipment(order: Order, stamp: Stamp, parcel: Shipment) -> Order:
    return order.with_(
        version=stamp.version, shipments={**order.shipments, parcel.shipment_id: parcel}
    )


def _hold(parcel: Shipment, changes: dict[str, object], revision: int, version: int) -> Shipment:
    """Take over each part unless a higher revision of that part holds already. So revisions
    may arrive in any order; of two tellings of one revision the later arrived holds."""
    held = dict(parcel.held)
    taken = dict[str, object]()
    for part, value in changes.items():
        holds = held.get(part)
        if holds is None or holds.revision <= revision:
            held[part] = Held(revision, version)
            taken[part] = value
    return parcel.with_(held=held, **taken)


def _shipped(parcel: Shipment, event: ShipmentRecorded, stamp: Stamp) -> Shipment:
    changes: dict[str, object] = {
        "units": event.units,
        "shipped_at": stamp.occurred_at,
        "supplier_ships": event.supplier_ships,
        "replacement_for": event.replacement_for,
    }
    return _hold(parcel, changes, event.revision, stamp.version).with_(recorded=True)


def _corrected(parcel: Shipment, event: ShipmentCorrected, stamp: Stamp) -> Shipment:
    told = {
        "units": event.units,
        "shipped_at": event.shipped_at,
        "supplier_ships": event.supplier_ships,
        "replacement_for": event.replacement_for,
    }
    changes: dict[str, object] = {part: value for part, value in told.items() if value is not None}
    return _hold(parcel, changes, event.revision, stamp.version)


def _delivered(
    parcel: Shipment, event: DeliveryRecorded | DeliveryCorrected, stamp: Stamp
) -> Shipment:
    holds = parcel.held.get("delivery")
    if holds is not None and holds.revision > event.revision:
        return parcel
    return parcel.with_(
        delivered_at=stamp.occurred_at,
        signed=event.signed,
        held={**parcel.held, "delivery": Held(event.revision, stamp.version)},
    )


def _ended(
    parcel: Shipment, event: ShipmentOutcomeRecorded | ShipmentOutcomeCorrected, stamp: Stamp
) -> Shipment:
    """Outcomes of one revision follow one another in time (lost, then found): the later
    occurred holds, whatever arrives last."""
    holds = parcel.held.get("outcome")
    if holds is not None and parcel.outcome_at is not None:
        before, now = (holds.revision, parcel.outcome_at), (event.revision, stamp.occurred_at)
        if before > now:
            return parcel
    return parcel.with_(
        outcome=event.outcome,
        outcome_at=stamp.occurred_at,
        held={**parcel.held, "outcome": Held(event.revision, stamp.version)},
    )


# ------------------------------------------------------- ledger and cases


def _booked(order: Order, stamp: Stamp, entry: LedgerEntry) -> Order:
    return order.with_(version=stamp.version, refunds={**order.refunds, entry.action_key: entry})


def _marked(order: Order, stamp: Stamp, action_key: str, status: LedgerStatus) -> Order:
    entry = order.refunds.get(action_key)
    if entry is None:
        return order.with_(version=stamp.version)
    return _booked(order, stamp, entry.with_(status=status))


def _opened(order: Order, event: CaseOpenedOnOrder) -> CaseOnOrder:
    before = order.cases.get(event.case_id)
    if before is None:
        return CaseOnOrder(event.case_id, event.lines, event.complained_at, open=True)
    return before.with_(
        lines=tuple(dict.fromkeys((*before.lines, *event.lines))),
        complained_at=min(before.complained_at, event.complained_at),
        open=True,
    )
