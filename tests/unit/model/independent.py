"""An independent model of what must hold: it sees the events of the cases only, in the order in
which they were recorded, and shares no code with the deciders, the ledger or the clocks.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from domain.kernel import Event, Stamp

Recorded = tuple[str, Event, Stamp]
"""stream, event, stamp"""

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
UNDER_WAY = ("requested", "unknown")
BOOKED = ("requested", "unknown", "succeeded")


def name_of(event: Event) -> str:
    """The event's name without its kind and version, e.g. ``refund_requested``."""
    return type(event).TOPIC.partition(".")[2].partition(".")[0]


@dataclass
class Payout:
    """One case's view of one action key. lines: what it takes from each order line. since: when
    the shop asked for it, or when its result came about."""

    lines: dict[str, int] = field(default_factory=dict[str, int])
    status: str = ""
    since: datetime = LONG_AGO
    attempts: int = 0

    @property
    def booked(self) -> dict[str, int]:
        return self.lines if self.status in BOOKED else {}

    @property
    def amount(self) -> int:
        return sum(self.booked.values())

    def ask(self, lines: dict[str, int], at: datetime) -> None:
        self.lines, self.status, self.since = lines, "requested", at
        self.attempts += 1

    def hear(self, told: str, lines: dict[str, int], at: datetime) -> None:
        """What the payment service says. The buyer has the money unless it bounced later; of
        other results the newest stands, but that a payment failed takes nothing back."""
        first = self.status == "requested" and self.attempts == 1
        if told == "succeeded":
            if self.status != "reversed" or at > self.since:
                self.lines, self.status, self.since = lines, told, at
        elif self.status and at < self.since and not first:
            pass
        elif (
            (told == "failed" and self.status in UNDER_WAY)
            or (told == "unknown" and self.status in ("requested", "failed", "reversed"))
            or (told == "reversed" and self.status in (*BOOKED, ""))
        ):
            self.status, self.since = told, at


def lines_of(fields: Any) -> dict[str, int]:
    return {part.line: part.amount for part in getattr(fields, "lines", ())}


@dataclass
class MoneyModel:
    """What the buyer of one order may get and got, by order line, from the cases' events.

    paid: for each line, after discounts; freight: outbound, once for the whole order. Payouts of a
    case count once the case is known to be about this order; those told under a number whose
    complaint went on in another case are that case's.
    """

    order_id: str
    paid: dict[str, int]
    freight: int
    order_of: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    joined: dict[str, str] = field(default_factory=dict[str, str])
    links: dict[tuple[str, int], str] = field(default_factory=dict[tuple[str, int], str])
    payouts: dict[tuple[str, str], Payout] = field(default_factory=dict[tuple[str, str], Payout])
    goodwill: set[str] = field(default_factory=set[str])

    def see(self, case_id: str, event: Event, stamp: Stamp) -> None:
        """Take in one event of a case."""
        fields: Any = event
        match name_of(event):
            case "complaint_filed":
                self.order_of[case_id] = fields.order_id
            case "order_linked":
                self.order_of[case_id] = fields.order_id
                self.links[case_id, stamp.version] = fields.order_id
            case "entry_corrected":
                if self.links.pop((case_id, fields.supersedes), None) is not None:
                    left = [order for (case, _), order in self.links.items() if case == case_id]
                    self.order_of[case_id] = left[-1] if left else None
            case "complaint_referred":
                self._join(case_id, fields.joined)
            case "goodwill_granted":
                assert fields.action_key not in self.goodwill, "goodwill granted twice by one key"
                own = self.payouts.get((case_id, fields.action_key), Payout())
                # Of other cases' payouts the order knows those with an amount.
                used = [view for view in self.views(fields.action_key) if view.lines]
                assert not used, "a refund's key pays no goodwill"
                assert not own.status, "not even one without an amount"
                self.goodwill.add(fields.action_key)
            case "refund_requested":
                self._requested(case_id, fields, stamp.occurred_at)
            case "refund_succeeded" | "refund_failed" | "refund_unknown" | "refund_reversed":
                self._told(case_id, name_of(event), fields, stamp.occurred_at)
            case _:
                pass

    def _join(self, case_id: str, other: str) -> None:
        self.joined[case_id] = other
        for (whose, key), payout in list(self.payouts.items()):
            if whose == case_id:
                del self.payouts[whose, key]
                self.payouts.setdefault((other, key), payout)

    def _requested(self, case_id: str, fields: Any, at: datetime) -> None:
        key = fields.action_key
        before = self.payouts.setdefault((case_id, key), Payout())
        assert key not in self.goodwill, "a key of goodwill pays no refund"
        assert all(view.status in ("", "failed") for view in self.views(key)), "a key pays once"
        assert before.lines in ({}, lines_of(fields)), "a retry asks for the same"
        over = self.over()
        before.ask(lines_of(fields), at)
        assert self.over() <= over, "the shop never pays more than was paid"

    def _told(self, case_id: str, name: str, fields: Any, at: datetime) -> None:
        payout = self.payouts.setdefault((case_id, fields.action_key), Payout())
        payout.hear(name.removeprefix("refund_"), lines_of(fields), at)

    # ---------------------------------------------------------------- figures

    def views(self, key: str) -> list[Payout]:
        """What the cases about this order say of a key. Two may: somebody told a result under
        the wrong number."""
        return [
            payout
            for (case_id, other), payout in self.payouts.items()
            if other == key and self.order_of.get(case_id) == self.order_id
        ]

    def allowed(self) -> dict[str, list[dict[str, int]]]:
        """For each key of the order, what the ledger may hold of it, by line."""
        keys = {key for _, key in self.payouts}
        return {key: [view.booked for view in self.views(key)] for key in keys if self.views(key)}

    def booked(self) -> dict[str, int]:
        """By line: requested, unknown and succeeded; failed and bounced not."""
        booked: dict[str, int] = defaultdict(int)
        for held in self.allowed().values():
            for line, amount in held[0].items():
                booked[line] += amount
        return dict(booked)

    def over(self) -> int:
        """By how much more is booked than was paid, the freight counted once."""
        booked = self.booked().items()
        beyond = sum(max(0, amount - self.paid.get(line, 0)) for line, amount in booked)
        return max(0, beyond - self.freight)

    @property
    def is_plain(self) -> bool:
        """No key is told about under two numbers."""
        return all(len(held) == 1 for held in self.allowed().values())


@dataclass
class Owed:
    """One obligation as its terms say. amount: after deductions."""

    ground: str
    duty: str
    amount: int
    open: bool = True


@dataclass
class CaseModel:
    """The order of steps in one case, and what its exemption hangs on."""

    case_id: str
    status: str = "unfiled"
    classified: bool = False
    proposals: dict[str, tuple[frozenset[int], bool]] = field(
        default_factory=dict[str, tuple[frozenset[int], bool]]
    )
    owed: dict[str, Owed] = field(default_factory=dict[str, Owed])
    payouts: dict[str, Payout] = field(default_factory=dict[str, Payout])
    pays_for: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    agreed: bool = False
    against_shop: bool = False
    breaches: dict[str, set[datetime]] = field(default_factory=dict[str, set[datetime]])
    periods: dict[str, int] = field(default_factory=dict[str, int])
    told: set[int] = field(default_factory=set[int])
    forgiven: set[int] = field(default_factory=set[int])
    rating: tuple[datetime, str] | None = None
    outcome: str = ""
    judged: bool | None = None

    def see(self, event: Event, stamp: Stamp) -> None:
        """Take in one event; fails on a step that the flow of a case doesn't allow."""
        fields: Any = event
        name = name_of(event)
        self._see_flow(name, fields)
        self._see_payout(name, fields, stamp.occurred_at)
        self._see_exemption(name, fields, stamp)

    def _see_flow(self, name: str, fields: Any) -> None:
        match name:
            case "complaint_filed" | "reopened":
                self.status = "open"
            case "complaint_referred":
                self.status = "joined"
            case "resolution_proposed":
                items = frozenset(item for part in fields.parts for item in part.items)
                self.proposals[fields.proposal_id] = (items, True)
            case "proposal_ended":
                items, stands = self.proposals[fields.proposal_id]
                assert stands, "a proposal ends once"
                self.proposals[fields.proposal_id] = (items, False)
            case "agreement_reached":
                items, stands = self.proposals[fields.proposal_id]
                assert stands, "an agreement needs a proposal that stands"
                assert set(fields.items) <= items, "nobody agrees on what was not offered"
                self.proposals[fields.proposal_id] = (items, False)
                self._owe(fields.agreement_id, fields)
            case "platform_ruled":
                self._owe(fields.ruling_id, fields)
            case "auto_refund_decided" if fields.obligations:
                self._owe(fields.obligations[0].obligation_id, fields)
            case "obligation_ended":
                assert self.owed[fields.obligation_id].open, "an obligation ends once"
                self.owed[fields.obligation_id].open = False
            case "obligation_reopened":
                self.owed[fields.obligation_id].open = True
            case "deduction_agreed":
                self.owed[fields.obligation_id].amount -= fields.amount
            case "classified":
                self.classified = True
            case "solution_confirmed":
                self._require_done()
            case "closed":
                assert self.classified, "a case is classified before it is closed"
                assert self.status == "open"
                self._require_done()
                self.status, self.outcome = "closed", fields.outcome
            case "withdrawn":
                assert self.status == "open"
                self.status = "withdrawn"
            case "divergence_found":
                assert fields.next_action, "a divergence says what to do"
            case _:
                pass

    def _require_done(self) -> None:
        assert not [key for key, owed in self.owed.items() if owed.open], "something is still owed"
        under_way = [key for key, payout in self.payouts.items() if payout.status in UNDER_WAY]
        assert not under_way, "a payout is under way"

    def _owe(self, ground: str, fields: Any) -> None:
        for key in getattr(fields, "supersedes", ()):
            for owed in self.owed.values():
                owed.open = owed.open and owed.ground != key
        for terms in fields.obligations:
            assert terms.obligation_id not in self.owed, "an obligation has a name of its own"
            self.owed[terms.obligation_id] = Owed(ground, terms.duty, terms.amount)

    def _see_payout(self, name: str, fields: Any, at: datetime) -> None:
        match name:
            case "refund_requested":
                assert self.status == "open", "no new payout once the case has ended"
                owed = self.owed[fields.obligation_id]
                assert owed.open, "what has ended is not paid"
                assert owed.duty == "refund"
                self.payouts.setdefault(fields.action_key, Payout()).ask(lines_of(fields), at)
                self.pays_for[fields.action_key] = fields.obligation_id
                assert self._taken(fields.obligation_id) <= owed.amount, "more than is owed"
            case "refund_succeeded" | "refund_failed" | "refund_unknown" | "refund_reversed":
                payout = self.payouts.setdefault(fields.action_key, Payout())
                payout.hear(name.removeprefix("refund_"), lines_of(fields), at)
                if name == "refund_succeeded":
                    self.pays_for.setdefault(fields.action_key, fields.obligation_id)
            case "goodwill_granted" | "return_freight_reimbursed":
                assert self.status == "open", "no new payout once the case has ended"
            case _:
                pass

    def _taken(self, obligation_id: str) -> int:
        keys = [key for key, about in self.pays_for.items() if about == obligation_id]
        return sum(self.payouts[key].amount for key in keys)

    # ------------------------------------------------------------- exemption

    def _see_exemption(self, name: str, fields: Any, stamp: Stamp) -> None:
        match name:
            case "agreement_reached":
                self.agreed = True
            case "auto_refund_decided":
                self.agreed = self.agreed or fields.verdict == "approve"
            case "platform_ruled":
                split = fields.ruled_for == "split" and bool(fields.obligations)
                self.against_shop = fields.ruled_for == "buyer" or split
            case "clock_started" if fields.party == "shop":
                self.breaches[fields.key] = set()
                self.periods[fields.key] = fields.target_minutes
            case "remedy_told":
                self.told.add(stamp.version)
            case "forgiveness_recorded":
                self.forgiven.add(stamp.version)
            case "entry_corrected":
                self.told.discard(fields.supersedes)
                self.forgiven.discard(fields.supersedes)
            case "evaluated":
                if self.rating is None or stamp.occurred_at >= self.rating[0]:
                    self.rating = (stamp.occurred_at, fields.rating)
            case "exemption_judged":
                self.judged = fields.eligible
            case _:
                pass

    def is_exempt(self, breached: bool) -> bool:
        """Whether the platform should not count the case. breached: a clock of the shop's is."""
        agreed = self.agreed and self.outcome != "declined"
        negative = self.rating is not None and self.rating[1] == "negative"
        deserved = (agreed and not breached) or bool(self.told and self.forgiven)
        return deserved and not negative and not self.against_shop
