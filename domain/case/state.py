"""The folded case: what is so now, after all its events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from domain.case.events import ContactRecorded
from domain.case.values import (
    Basis,
    Channel,
    ContactKind,
    DeclineAnswer,
    DeclineGround,
    Direction,
    DivergenceKind,
    Duty,
    EvidenceKind,
    InspectionFinding,
    Level,
    LineAmount,
    ObligationEnd,
    Outcome,
    Part,
    Party,
    Priority,
    ProblemType,
    ProposalEnd,
    Rating,
    RefundBasis,
    RefundStatus,
    RootCause,
    RulingFor,
    Rung,
    Settlement,
    Share,
    Stage,
    Totals,
    UnitFinding,
    Verdict,
)
from domain.kernel import Actor, Moment, State, agent_stream, folded, order_stream, policy_stream
from domain.sla.state import Clock


class Status(StrEnum):
    """UNFILED: only facts or an alias are known; no complaint yet."""

    UNFILED = "unfiled"
    OPEN = "open"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    JOINED = "joined"


@folded
class Liability(State):
    version: int
    shares: tuple[Share, ...]
    basis: Basis
    final: bool
    contested: bool
    found_at: Moment
    rescinded_at: Moment | None = None

    @property
    def in_force(self) -> bool:
        return self.rescinded_at is None

    def supplier_percent(self, supplier: str | None = None) -> int:
        """The share of `supplier` (any, if None), 0 to 100."""
        return sum(
            share.percent
            for share in self.shares
            if share.party == "supplier" and (supplier is None or share.supplier == supplier)
        )


@folded
class Item(State):
    """Some units of an order line. complained_at: when this item was first complained about."""

    number: int
    line: str
    quantity: int
    claimed: ProblemType
    complained_at: Moment
    verified: ProblemType | None = None
    verified_quantity: int | None = None
    supplier: str | None = None
    name_asked: bool = False
    agreement: str | None = None
    liability: Liability | None = None

    @property
    def problem(self) -> ProblemType:
        """The verified type, or the claimed one until it is verified."""
        return self.verified or self.claimed

    @property
    def units(self) -> int:
        """The verified quantity, or the claimed one until it is verified."""
        return self.quantity if self.verified_quantity is None else self.verified_quantity


@folded
class Proposal(State):
    proposal_id: str
    by: Party
    parts: tuple[Part, ...]
    refund_total: int
    goodwill: int
    proposed_at: Moment
    ended: ProposalEnd | None = None

    @property
    def items(self) -> frozenset[int]:
        return frozenset(item for part in self.parts for item in part.items)


@folded
class Agreement(State):
    agreement_id: str
    items: tuple[int, ...]
    obligations: tuple[str, ...]
    reached_at: Moment
    basis: RefundBasis
    superseded: bool = False


@folded
class Obligation(State):
    """amount, lines: what is owed after agreed deductions; deductions: the returns for which
    one was agreed."""

    obligation_id: str
    agreement: str
    duty: Duty
    party: Party
    items: tuple[int, ...]
    amount: int
    lines: tuple[LineAmount, ...]
    after_return: bool
    since: Moment
    deductions: tuple[str, ...] = ()
    ended: ObligationEnd | None = None


@folded
class Decline(State):
    decline_id: str
    ground: DeclineGround
    items: tuple[int, ...]
    declined_at: Moment
    answer: DeclineAnswer | None = None


class ReturnStep(StrEnum):
    AGREED = "agreed"
    SHIPPED = "shipped"
    RECEIVED = "received"
    INSPECTED = "inspected"
    SENT_BACK = "sent_back"
    LOST = "lost"
    LAPSED = "lapsed"


@folded
class Return(State):
    return_id: str
    items: tuple[int, ...]
    step: ReturnStep
    since: Moment
    carrier: str | None = None
    tracking: str | None = None
    proof_of_posting: bool = False
    units: tuple[UnitFinding, ...] = ()
    claim_filed: bool = False
    freight: int = 0

    @property
    def all_accepted(self) -> bool:
        """Inspected, and every unit was found acceptable."""
        return bool(self.units) and all(
            unit.finding is InspectionFinding.ACCEPTED for unit in self.units
        )


@folded
class Refund(State):
    action_key: str
    obligation_id: str | None
    basis: RefundBasis
    amount: int
    lines: tuple[LineAmount, ...]
    status: RefundStatus
    attempts: int
    by: Party
    since: Moment

    @property
    def in_flight(self) -> bool:
        return self.status in (RefundStatus.REQUESTED, RefundStatus.UNKNOWN)


class ReplacementStep(StrEnum):
    DISPATCHED = "dispatched"
    DELIVERED = "delivered"


@folded
class Replacement(State):
    shipment_id: str
    obligation_id: str
    items: tuple[int, ...]
    step: ReplacementStep
    since: Moment


class RepairStep(StrEnum):
    ORDERED = "ordered"
    RECEIVED = "received"
    COMPLETED = "completed"
    SENT_BACK = "sent_back"


@folded
class Repair(State):
    """ordered: False while only the goods have come, ahead of the order."""

    obligation_id: str
    step: RepairStep
    since: Moment
    ordered: bool = True


@folded
class Goodwill(State):
    action_key: str
    rung: Rung
    amount: int
    granted_at: Moment
    obligation_id: str | None = None


class AppraisalStep(StrEnum):
    REQUESTED = "requested"
    HELD = "held"
    ANSWERED = "answered"
    INDEPENDENT = "independent"
    SETTLED = "settled"


@folded
class Appraisal(State):
    appraisal_id: str
    items: tuple[int, ...]
    supplier: str
    needs_goods: bool
    due_minutes: int
    step: AppraisalStep
    since: Moment
    verdict: Verdict | None = None
    independent_verdict: Verdict | None = None
    body: str | None = None
    settlement: Settlement | None = None


@folded
class Evidence(State):
    evidence_id: str
    kind: EvidenceKind
    sha256: str
    submitter: Party
    attached_at: Moment
    hold: bool = False


@folded
class Contact(State):
    """One contact with the buyer, by the version of its event."""

    version: int
    occurred_at: Moment
    decided_at: Moment
    direction: Direction
    kind: ContactKind
    channel: Channel
    delivered: bool
    substantive: bool
    actor: Actor
    corrected: bool = False

    @property
    def counts(self) -> bool:
        """The buyer got a substantive message, and nobody took the entry back."""
        return self.direction is Direction.TO_BUYER and self.substantive and not self.corrected


@folded
class Entry(State):
    """What was entered with an event that can be taken back, or whose time needs a second person
    to count; contacts are kept apart. about: the part of the case, or ""."""

    version: int
    topic: str
    about: str
    occurred_at: Moment
    decided_at: Moment
    actor: Actor


@folded
class Handover(State):
    handover_id: str
    department: str
    due_at: Moment
    done: bool = False


@folded
class Intercept(State):
    shipment_id: str
    requested_at: Moment
    succeeded: bool | None = None


@folded
class Divergence(State):
    divergence_id: int
    kind: DivergenceKind
    next_action: str
    about: str
    found_at: Moment
    settled: bool = False


@folded
class Classification(State):
    problem: ProblemType
    root_cause: RootCause
    tags: tuple[str, ...]


@folded
class Ruling(State):
    ruling_id: str
    ruled_for: RulingFor
    items: tuple[int, ...]
    ruled_at: Moment


@folded
class Lease(State):
    """An agent's claim of the case. token: how many claims the case had had with this one. The
    lease may have lapsed, and nobody has noticed yet."""

    agent: str
    token: int
    claimed_at: Moment
    until: Moment


class Exemption(StrEnum):
    NONE = "none"
    ELIGIBLE = "eligible"
    NOT_ELIGIBLE = "not_eligible"
    SUSPENDED = "suspended"
    REQUESTED = "requested"
    GRANTED = "granted"
    DENIED = "denied"


@folded
class Case(State):
    """A case as it is after `version` events. Maps are never changed in place.

    filed_at: the earliest complaint's time, which starts the clocks.
    auto_verdict, auto_inputs: of the last automatic decision, and the hash of what it was made on.
    budget_days: the day whose budget an automatic refund's obligation draws on.
    told: what the outside has told, to know a repeat by (see `parts.fact_key`).
    answers: when the buyer was answered, by a message, an offer, a decline or a decision, by the
    version of its event.
    ended_rounds: when the case ended, by the round that it was in, reopened since or not.
    platform_deadlines, platform_deadlines_at: what the platform said last of each clock, and when.
    complaints: numbers under which it was complained about, this case's own first.
    leases: how many claims the case has had.
    """

    case_id: str
    version: int = 0
    status: Status = Status.UNFILED
    joined: str | None = None
    platform: str = ""
    shop: str = ""
    order_id: str | None = None
    category: str | None = None
    currency: str | None = None
    buyer: str | None = None
    follows: str | None = None
    aliases: frozenset[str] = frozenset()
    complaints: tuple[str, ...] = ()
    channel: Channel | None = None
    stage: Stage | None = None
    filed_at: Moment | None = None
    in_window: bool | None = None
    in_warranty: bool | None = None
    order_verified: bool = False
    severity: Level = Level.LOW
    safety: bool = False
    priority: Priority = Priority.NORMAL
    priority_as_remedy: bool = False
    dissatisfaction: Level | None = None
    assignee: str | None = None
    round: int = 1
    round_since: Moment | None = None
    items: Mapping[int, Item] = field(default_factory=dict[int, Item])
    proposals: Mapping[str, Proposal] = field(default_factory=dict[str, Proposal])
    agreements: Mapping[str, Agreement] = field(default_factory=dict[str, Agreement])
    obligations: Mapping[str, Obligation] = field(default_factory=dict[str, Obligation])
    declines: Mapping[str, Decline] = field(default_factory=dict[str, Decline])
    returns: Mapping[str, Return] = field(default_factory=dict[str, Return])
    refunds: Mapping[str, Refund] = field(default_factory=dict[str, Refund])
    replacements: Mapping[str, Replacement] = field(default_factory=dict[str, Replacement])
    repairs: Mapping[str, Repair] = field(default_factory=dict[str, Repair])
    goodwill: Mapping[str, Goodwill] = field(default_factory=dict[str, Goodwill])
    appraisals: Mapping[str, Appraisal] = field(default_factory=dict[str, Appraisal])
    evidence: Mapping[str, Evidence] = field(default_factory=dict[str, Evidence])
    contacts: tuple[Contact, ...] = ()
    handovers: Mapping[str, Handover] = field(default_factory=dict[str, Handover])
    intercepts: Mapping[str, Intercept] = field(default_factory=dict[str, Intercept])
    divergences: Mapping[int, Divergence] = field(default_factory=dict[int, Divergence])
    clocks: Mapping[str, Clock] = field(default_factory=dict[str, Clock])
    wait_until: Moment | None = None
    buyer_spoke_last: bool = True
    help_asked: bool = False
    intervened: bool = False
    rulings: tuple[Ruling, ...] = ()
    platform_status: str | None = None
    platform_status_at: Moment | None = None
    platform_ended: bool = False
    platform_deadlines: Mapping[str, Moment] = field(default_factory=dict[str, Moment])
    platform_deadlines_at: Mapping[str, Moment] = field(default_factory=dict[str, Moment])
    confirmed_at: Moment | None = None
    invited: bool = False
    evaluation: Rating | None = None
    evaluated_at: Moment | None = None
    follow_up: bool = False
    classification: Classification | None = None
    outcome: Outcome | None = None
    totals: Totals | None = None
    ended_at: Moment | None = None
    ended_rounds: Mapping[int, Moment] = field(default_factory=dict[int, Moment])
    remedy_told_at: Moment | None = None
    forgiven_at: Moment | None = None
    exemption: Exemption = Exemption.NONE
    exemption_eligible: bool | None = None
    exemption_grounds: tuple[str, ...] = ()
    auto_verdict: str | None = None
    auto_inputs: str | None = None
    budget_days: Mapping[str, str] = field(default_factory=dict[str, str])
    told: frozenset[str] = frozenset()
    answers: Mapping[int, Moment] = field(default_factory=dict[int, Moment])
    exemption_tag: bool | None = None
    entries: Mapping[int, Entry] = field(default_factory=dict[int, Entry])
    corrected: frozenset[int] = frozenset()
    confirmed_entries: frozenset[int] = frozenset()
    last_at: Moment | None = None
    lease: Lease | None = None
    leases: int = 0

    # ------------------------------------------------------------ questions

    @property
    def is_filed(self) -> bool:
        return self.status not in (Status.UNFILED, Status.JOINED)

    @property
    def is_open(self) -> bool:
        return self.status is Status.OPEN

    @property
    def payouts_in_flight(self) -> tuple[Refund, ...]:
        return tuple(refund for refund in self.refunds.values() if refund.in_flight)

    @property
    def open_proposals(self) -> tuple[Proposal, ...]:
        return tuple(p for p in self.proposals.values() if p.ended is None)

    @property
    def open_obligations(self) -> tuple[Obligation, ...]:
        return tuple(o for o in self.obligations.values() if o.ended is None)

    @property
    def open_decline(self) -> Decline | None:
        """The decline that the buyer has not answered yet, if any."""
        for decline in self.declines.values():
            if decline.answer is None:
                return decline
        return None

    @property
    def open_divergences(self) -> tuple[Divergence, ...]:
        return tuple(d for d in self.divergences.values() if not d.settled)

    @property
    def refunded(self) -> int:
        """Minor units paid back and not reversed, by whomever."""
        return sum(r.amount for r in self.refunds.values() if r.status is RefundStatus.SUCCEEDED)

    @property
    def last_ruling(self) -> Ruling | None:
        return self.rulings[-1] if self.rulings else None

    def live_lease(self, now: datetime) -> Lease | None:
        """The claim that holds the case at `now`."""
        return self.lease if self.lease is not None and self.lease.until > now else None

    def paid_for(self, obligation_id: str) -> int:
        """Minor units requested or paid for an obligation, failures and reversals not."""
        return sum(
            refund.amount
            for refund in self.refunds.values()
            if refund.obligation_id == obligation_id
            and (refund.in_flight or refund.status is RefundStatus.SUCCEEDED)
        )

    def entry(self, version: int) -> Entry | None:
        """What was entered with the event of that version, if it is an entry or a contact."""
        known = self.entries.get(version)
        for contact in () if known else reversed(self.contacts):
            if contact.version == version:
                return Entry(
                    version=version,
                    topic=ContactRecorded.TOPIC,
                    about="",
                    occurred_at=contact.occurred_at,
                    decided_at=contact.decided_at,
                    actor=contact.actor,
                )
        return known

    # ---------------------------------------------------------------- State

    def subject(self) -> str | None:
        return self.buyer

    def refers_to(self) -> Iterator[str]:
        if self.joined:
            yield f"case:{self.joined}"
        if self.order_id:
            yield order_stream(self.order_id)
        if self.lease:
            yield agent_stream(self.lease.agent)
        platform, shop, _ = self.case_id.split(":", 2)
        yield policy_stream(platform)
        yield policy_stream(platform, shop)
        if self.category:
            yield policy_stream(platform, shop, self.category)
