"""What each order adds to its suppliers' figures: units shipped, and which of them were bad."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from domain.case.state import Case, Item
from domain.case.values import Liable, Outcome
from domain.kernel import Kind, State, case_stream, order_stream, policy_stream, record
from domain.order import Order, Shipment
from domain.policy import Policies, PolicyStream, ShopPolicy
from projections.projection import Look, Projection

VERSION = 1


class Finding(StrEnum):
    """What is held of a unit that was complained about, weightiest first: a unit that several
    complaints are about counts as the first of these that holds.

    CONFIRMED: finally the supplier's. CONTESTED: so too, but by decision against its denial.
    SUSPECTED: nothing final yet. REJECTED: not the supplier's, or no ground for the complaint.
    RESCINDED: a finding that was taken back.
    """

    CONFIRMED = "confirmed"
    CONTESTED = "contested"
    SUSPECTED = "suspected"
    REJECTED = "rejected"
    RESCINDED = "rescinded"


RANK = {finding: rank for rank, finding in enumerate(Finding)}
COLUMNS = tuple((finding, finding.value) for finding in Finding)


@record
class UnitsRow:
    """The units of one order line in one parcel that counts.

    ship_date: in the shop's zone, the cohort. buyer: a pseudonym, or the order while unknown.
    """

    order_id: str
    line: str
    shipment_id: str
    platform: str
    shop: str
    supplier: str | None
    product: str | None
    category: str | None
    ship_date: date
    replacement: bool
    buyer: str
    units: int
    confirmed: int
    contested: int
    suspected: int
    rejected: int
    rescinded: int


class Complaint(NamedTuple):
    """Units of one line that one item of one case is about."""

    finding: Finding
    complained_at: datetime
    case_id: str
    item: int
    units: int


def rows(order: Order, look: Look) -> Iterator[UnitsRow]:
    """A pure function of the order, of the cases about it and of the shop's policies at the
    time. A line whose order is not known yet has no product; its supplier may be named by a case.
    """
    platform, shop, _ = order.order_id.split(":", 2)
    cases = [case for c in order.cases if isinstance(case := look.get(case_stream(c)), Case)]
    buyer = next((case.buyer for case in cases if case.buyer), order.order_id)
    for line in sorted(_shipped_lines(order)):
        parcels = sorted(
            (parcel for parcel in order.shipments_of(line) if parcel.counts),
            key=lambda parcel: (str(parcel.shipped_at), parcel.shipment_id),
        )
        supplier = supplier_of(order, line, cases)
        policies = _policies(order, line, look)
        complaints = _complaints(order, line, cases, supplier, policies)
        bad = _allot(line, parcels, complaints)
        known = order.lines.get(line)
        for parcel in parcels:
            assert parcel.shipped_at is not None  # or it would not count
            zone = policies.shop(parcel.shipped_at).values.tz
            found = bad[parcel.shipment_id]
            yield UnitsRow(
                order_id=order.order_id,
                line=line,
                shipment_id=parcel.shipment_id,
                platform=platform,
                shop=shop,
                supplier=supplier,
                product=known.product if known else None,
                category=known.category if known else None,
                ship_date=parcel.shipped_at.astimezone(zone).date(),
                replacement=parcel.replacement_for is not None,
                buyer=buyer,
                units=parcel.units[line],
                **{column: found.get(finding, 0) for finding, column in COLUMNS},
            )


def _shipped_lines(order: Order) -> set[str]:
    return {line for parcel in order.shipments.values() for line in parcel.units}


def supplier_of(order: Order, line: str, cases: list[Case]) -> str | None:
    """Who supplied the line: as a case about it found out last, else as the order says. All of
    the line's units go with it: a name that only complaints give must not get the bad ones alone.
    """
    named = [
        item.supplier
        for case in cases
        for item in case.items.values()
        if item.line == line and item.supplier is not None
    ]
    return named[-1] if named else order.supplier_of(line)


def _policies(order: Order, line: str, look: Look) -> Policies:
    streams = (look.get(name) for name in _policy_streams(order, line))
    return Policies(stream for stream in streams if isinstance(stream, PolicyStream))


def _policy_streams(order: Order, line: str) -> tuple[str, ...]:
    known = order.lines.get(line)
    platform, shop, _ = order.order_id.split(":", 2)
    return _scopes(platform, shop, None if known is None else known.category)


@lru_cache(10_000)
def _scopes(platform: str, shop: str, category: str | None) -> tuple[str, ...]:
    """Widest first. Few, and asked for with each order."""
    wide = (policy_stream(platform), policy_stream(platform, shop))
    return wide if category is None else (*wide, policy_stream(platform, shop, category))


def _complaints(
    order: Order, line: str, cases: list[Case], supplier: str | None, policies: Policies
) -> list[Complaint]:
    """The weightiest first, of those the earliest."""
    complaints: list[Complaint] = []
    for case in cases:
        for item in case.items.values():
            if item.line != line:
                continue
            policy = policies.shop(item.complained_at).values
            finding = find(case, item, supplier, policy, order.supplier_ships(line))
            if finding is not None:
                complaints.append(
                    Complaint(finding, item.complained_at, case.case_id, item.number, item.units)
                )
    return sorted(complaints, key=lambda c: (RANK[c.finding], *c[1:]))


def find(
    case: Case, item: Item, supplier: str | None, policy: ShopPolicy, ships: bool
) -> Finding | None:
    """What is held of the item's units against its supplier; None: not a supplier's matter."""
    types = {*policy.supplier_types, *(policy.supplier_types_if_ships if ships else ())}
    if item.problem not in types:
        return None
    liability = item.liability
    if liability is not None and not liability.in_force:
        return Finding.RESCINDED
    if liability is not None and liability.final:
        percent = sum(
            share.percent
            for share in liability.shares
            if share.party is Liable.SUPPLIER and share.supplier in (None, supplier)
        )
        if percent < policy.liable_percent:
            return Finding.REJECTED
        return Finding.CONTESTED if liability.contested else Finding.CONFIRMED
    if case.outcome in (Outcome.DECLINED, Outcome.RULED_FOR_SHOP):
        return Finding.REJECTED
    return Finding.SUSPECTED


def _allot(
    line: str, parcels: list[Shipment], complaints: list[Complaint]
) -> dict[str, dict[Finding, int]]:
    """Each complaint's units to parcels, each unit once, never more than were shipped: first to
    parcels sent before the complaint, the earliest first."""
    left = {parcel.shipment_id: parcel.units[line] for parcel in parcels}
    bad: dict[str, dict[Finding, int]] = {parcel.shipment_id: {} for parcel in parcels}
    for complaint in complaints:
        units = complaint.units
        later = [p for p in parcels if (p.shipped_at or complaint[1]) > complaint.complained_at]
        for parcel in [*(p for p in parcels if p not in later), *later]:
            taken = min(units, left[parcel.shipment_id])
            if taken:
                found = bad[parcel.shipment_id]
                found[complaint.finding] = found.get(complaint.finding, 0) + taken
                left[parcel.shipment_id] -= taken
                units -= taken
    return bad


def subjects(stream: str, state: State) -> Iterator[str]:
    """The order, from whichever side it is touched. A policy holds from its publication on and so
    changes no row that is there."""
    if isinstance(state, Order):
        yield stream
    elif isinstance(state, Case) and state.order_id is not None:
        yield order_stream(state.order_id)


def needs(order: Order) -> Iterator[str]:
    """The cases about the order, and the policies of its shop."""
    for case_id in order.cases:
        yield case_stream(case_id)
    for line in _shipped_lines(order):
        yield from _policy_streams(order, line)


PROJECTION = Projection(
    "shipped_units",
    VERSION,
    frozenset({Kind.ORDER, Kind.CASE, Kind.POLICY}),
    rows,
    subjects,
    needs,
)
