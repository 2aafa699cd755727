"""An order as it stands: its lines, its parcels, its refund ledger and the cases about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from domain.case.values import LineAmount, Party, Stage
from domain.kernel import Moment, State, folded, order_stream
from domain.order.events import ShipmentOutcome


@folded
class OrderLine(State):
    """One line. gross: before discounts; discount: the shop's share; coupon: the platform's;
    minor units of the order's currency, for the whole line."""

    line: str
    product: str
    category: str
    supplier: str | None
    batch: str | None
    quantity: int
    gross: int
    discount: int
    coupon: int

    @property
    def paid(self) -> int:
        """What the buyer paid for the line, without freight."""
        return self.gross - self.discount - self.coupon


@folded
class Held(State):
    """Which telling of a fact holds: its source's revision, and the event's stream version."""

    revision: int
    version: int


@folded
class Shipment(State):
    """A parcel. shipped_at and units stay empty until a shipment fact has arrived.

    held: for each part of what is known ("units", "delivery", …) which telling holds.
    seen: content keys of all that was told about this parcel.
    """

    shipment_id: str
    recorded: bool = False
    units: Mapping[str, int] = field(default_factory=dict[str, int])
    shipped_at: Moment | None = None
    supplier_ships: bool = False
    replacement_for: str | None = None
    delivered_at: Moment | None = None
    signed: bool = False
    outcome: ShipmentOutcome | None = None
    outcome_at: Moment | None = None
    held: Mapping[str, Held] = field(default_factory=dict[str, Held])
    seen: frozenset[str] = frozenset()

    @property
    def ended_as(self) -> ShipmentOutcome | None:
        """CANCELLED, INTERCEPTED or LOST, unless a later delivery or telling undid it."""
        if self.outcome is None or self.outcome is ShipmentOutcome.UNDERWAY:
            return None
        if self.delivered_at is not None and self.outcome_at is not None:
            return None if self.delivered_at >= self.outcome_at else self.outcome
        return self.outcome

    @property
    def counts(self) -> bool:
        """It was shipped and not cancelled, intercepted or lost: its units are shipped units."""
        return self.shipped_at is not None and self.ended_as is None

    def left_by(self, at: datetime | None) -> bool:
        """It had left the warehouse by `at` (None: by all we know)."""
        since = self.shipped_at or self.delivered_at
        if since is None or self.ended_as is ShipmentOutcome.CANCELLED:
            return False
        return at is None or since <= at

    def delivered_by(self, at: datetime | None) -> bool:
        """It had been delivered by `at` (None: by all we know)."""
        if self.delivered_at is None or self.ended_as is not None:
            return False
        return at is None or self.delivered_at <= at


class LedgerStatus(StrEnum):
    """RESERVED also stands for a payout whose result is unknown."""

    RESERVED = "reserved"
    SETTLED = "settled"
    RELEASED = "released"
    REVERSED = "reversed"


@folded
class LedgerEntry(State):
    """One payout, by its action key. lines: what it takes from each line's cap."""

    action_key: str
    case_id: str | None
    lines: tuple[LineAmount, ...]
    by: Party
    status: LedgerStatus
    attempt: int

    @property
    def booked(self) -> bool:
        """It takes from the caps: reserved (an unknown result included) or settled."""
        return self.status in (LedgerStatus.RESERVED, LedgerStatus.SETTLED)


@folded
class CaseOnOrder(State):
    case_id: str
    lines: tuple[str, ...]
    complained_at: Moment
    open: bool


@folded
class Order(State):
    """An order after `version` events. Amounts: minor units of `currency`.

    known: the order itself was recorded; parcels, refunds and cases may come before it, and
    the currency is "" until then.
    """

    order_id: str
    version: int = 0
    known: bool = False
    currency: str = ""
    placed_at: Moment | None = None
    freight: int = 0
    lines: Mapping[str, OrderLine] = field(default_factory=dict[str, OrderLine])
    held: Held | None = None
    seen: frozenset[str] = frozenset()
    shipments: Mapping[str, Shipment] = field(default_factory=dict[str, Shipment])
    refunds: Mapping[str, LedgerEntry] = field(default_factory=dict[str, LedgerEntry])
    goodwill: Mapping[str, int] = field(default_factory=dict[str, int])
    return_freight: Mapping[str, int] = field(default_factory=dict[str, int])
    cases: Mapping[str, CaseOnOrder] = field(default_factory=dict[str, CaseOnOrder])

    @property
    def stream(self) -> str:
        return order_stream(self.order_id)

    # ------------------------------------------------------- refund ledger

    def paid(self, line: str) -> int:
        """What the buyer paid for the line after its share of discounts; 0 if not known."""
        known = self.lines.get(line)
        return 0 if known is None else known.paid

    def booked_by_line(self) -> dict[str, int]:
        """What all cases together have reserved or settled, by line; lines without: absent."""
        booked: dict[str, int] = {}
        for entry in self.refunds.values():
            if entry.booked:
                for part in entry.lines:
                    booked[part.line] = booked.get(part.line, 0) + part.amount
        return booked

    def booked(self, line: str) -> int:
        """What all cases together have reserved or settled on the line."""
        return self.booked_by_line().get(line, 0)

    @property
    def freight_left(self) -> int:
        """Outbound freight not yet refunded: what goes beyond a line's paid draws on it."""
        return max(0, self.freight - self._beyond_paid(self.booked_by_line()))

    def refundable(self, line: str) -> int:
        """What may still be booked on the line: the rest of its paid, plus the freight left."""
        return self.refundable_total((line,))

    def refundable_total(self, lines: Iterable[str]) -> int:
        """What may still be booked on these lines together; the freight counts once."""
        booked = self.booked_by_line()
        left = sum(max(0, self.paid(line) - booked.get(line, 0)) for line in set(lines))
        return left + max(0, self.freight - self._beyond_paid(booked))

    def excess(self, lines: Iterable[LineAmount]) -> int:
        """By how much booking `lines` now would break the caps; 0 if it would not."""
        booked = self.booked_by_line()
        before = max(0, self._beyond_paid(booked) - self.freight)
        for part in lines:
            booked[part.line] = booked.get(part.line, 0) + part.amount
        return max(0, self._beyond_paid(booked) - self.freight) - before

    def over_refunded(self) -> dict[str, int]:
        """By line, what was booked above its cap: refunds that the platform made itself, or an
        order corrected afterwards. Empty while the order is unknown. The freight is set against
        the lines in their order."""
        if not self.known:
            return {}
        freight, over = self.freight, dict[str, int]()
        for line, amount in sorted(self.booked_by_line().items()):
            beyond = max(0, amount - self.paid(line))
            from_freight = min(beyond, freight)
            freight -= from_freight
            if beyond > from_freight:
                over[line] = beyond - from_freight
        return over

    def refund(self, action_key: str) -> LedgerEntry | None:
        return self.refunds.get(action_key)

    @property
    def reserved_total(self) -> int:
        """What payouts under way hold, over all lines and cases."""
        return sum(
            part.amount
            for entry in self.refunds.values()
            if entry.status is LedgerStatus.RESERVED
            for part in entry.lines
        )

    @property
    def goodwill_total(self) -> int:
        return sum(self.goodwill.values())

    @property
    def freight_reimbursed(self) -> int:
        """Return freight paid back so far, over all cases."""
        return sum(self.return_freight.values())

    def _beyond_paid(self, booked: Mapping[str, int]) -> int:
        return sum(max(0, amount - self.paid(line)) for line, amount in booked.items())

    # --------------------------------------------------------------- cases

    def open_case_on(self, line: str) -> str | None:
        """The open case about the line, the longest open if there are several."""
        for case in self.cases.values():
            if case.open and line in case.lines:
                return case.case_id
        return None

    def cases_of(self, line: str) -> tuple[str, ...]:
        """All cases, open or ended, that were ever about the line, oldest first."""
        return tuple(case.case_id for case in self.cases.values() if line in case.lines)

    # ------------------------------------------------------------- parcels

    def shipments_of(self, line: str) -> tuple[Shipment, ...]:
        """The parcels with units of the line, replacements included."""
        return tuple(parcel for parcel in self.shipments.values() if line in parcel.units)

    def stage(self, line: str, at: datetime | None = None) -> Stage:
        """How far the line's first delivery was at `at` (None: as far as we know).

        Parcels not cancelled count, replacements don't. Delivered: all that had left were
        delivered, even if units remain to be shipped; the buyer holds something.
        """
        left = [p for p in self._originals(line) if p.left_by(at)]
        if not left:
            return Stage.UNSHIPPED
        if all(parcel.delivered_by(at) for parcel in left):
            return Stage.DELIVERED
        return Stage.IN_TRANSIT

    def delivered_at(self, line: str) -> datetime | None:
        """When the last of the line's parcels was delivered and signed for; None while one of
        them is under way or unsigned. Replacements don't count."""
        moments: list[datetime] = []
        for parcel in self._originals(line):
            if not parcel.left_by(None) or parcel.ended_as is not None:
                continue
            if parcel.delivered_at is None or not parcel.signed:
                return None
            moments.append(parcel.delivered_at)
        return max(moments, default=None)

    def shipped_units(self, line: str) -> int:
        """Units shipped and not cancelled, intercepted or lost; replacements included."""
        return sum(parcel.units[line] for parcel in self.shipments_of(line) if parcel.counts)

    def supplier_of(self, line: str) -> str | None:
        known = self.lines.get(line)
        return None if known is None else known.supplier

    def supplier_ships(self, line: str) -> bool:
        """A parcel with units of the line was sent by the supplier itself."""
        return any(parcel.supplier_ships for parcel in self.shipments_of(line))

    def _originals(self, line: str) -> list[Shipment]:
        return [p for p in self.shipments_of(line) if p.replacement_for is None]
