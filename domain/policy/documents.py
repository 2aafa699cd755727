"""The kinds of policy: what a complete one says, and the document that overrides parts of it.

For each kind there are two models of the same fields: `…Policy`, complete, as deciders read it,
and `…Document`, all optional, as a scope publishes it; what a document leaves out is taken from
the wider scope, at last from `domain.policy.defaults`. Of lists that are told by key (targets by
clock, evidence by problem type) each key overrides by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from domain.case.values import EvidenceKind, Level, Priority, ProblemType, Rung
from domain.kernel import Ident, Model
from domain.money import Money
from domain.policy.rules import RefundRule
from domain.sla.events import ClockName

Days = Annotated[int, Field(strict=True, ge=0, le=36_500)]
AfterSalesDays = Annotated[int, Field(strict=True, ge=7, le=36_500)]
Minutes = Annotated[int, Field(strict=True, ge=1, le=60 * 24 * 3660)]
Percent = Annotated[int, Field(strict=True, ge=0, le=100)]
LeaseSeconds = Annotated[int, Field(strict=True, ge=1, le=60 * 60 * 24 * 7)]
Capacity = Annotated[int, Field(strict=True, ge=1, le=10_000)]


class PolicyKind(StrEnum):
    WINDOW = "window"
    EVIDENCE = "evidence"
    REFUND_AUTOMATION = "refund_automation"
    LADDER = "ladder"
    SILENCE = "silence"
    SLA_TARGETS = "sla_targets"
    PROCEDURE = "procedure"
    SHOP = "shop"


# ------------------------------------------------------------------ window


class WindowPolicy(Model):
    """The buyer's terms; of each, more is kinder. Days, in the shop's zone, from the day after
    signed delivery. no_reason_days 0: the category takes no goods back without a reason."""

    after_sales_days: AfterSalesDays
    warranty_days: Days
    no_reason_days: Days


class WindowDocument(Model):
    kind: Literal[PolicyKind.WINDOW] = PolicyKind.WINDOW
    after_sales_days: AfterSalesDays | None = None
    warranty_days: Days | None = None
    no_reason_days: Days | None = None


# ---------------------------------------------------------------- evidence

EvidenceChoices = tuple[tuple[EvidenceKind, ...], ...]
"""Every group is needed, and one kind of a group suffices for it."""


class EvidencePolicy(Model):
    """What proof a claim of each problem type needs."""

    required: dict[ProblemType, EvidenceChoices]

    def missing(
        self, problem: ProblemType, present: Collection[EvidenceKind]
    ) -> tuple[tuple[EvidenceKind, ...], ...]:
        """The groups of kinds of which none is present yet; empty when the proof is complete."""
        return tuple(
            group
            for group in self.required.get(problem, ())
            if not any(kind in present for kind in group)
        )


class EvidenceDocument(Model):
    kind: Literal[PolicyKind.EVIDENCE] = PolicyKind.EVIDENCE
    required: dict[ProblemType, EvidenceChoices] | None = None


# ------------------------------------------------------- refund automation


class RefundAutomationPolicy(Model):
    """rules: all that match are named, reject > person > approve. enabled False: all to people.

    daily_budget: the shop's, for automatic refunds of one day. max_amount: of one refund.
    """

    enabled: bool
    rules: tuple[RefundRule, ...]
    daily_budget: Money
    max_amount: Money


class RefundAutomationDocument(Model):
    kind: Literal[PolicyKind.REFUND_AUTOMATION] = PolicyKind.REFUND_AUTOMATION
    enabled: bool | None = None
    rules: tuple[RefundRule, ...] | None = None
    daily_budget: Money | None = None
    max_amount: Money | None = None


# ------------------------------------------------------------------ ladder


class LadderRung(Model):
    """caps: how much of this rung fits the buyer's recorded dissatisfaction; a level that is
    not named does not get this rung."""

    rung: Rung
    caps: dict[Level, Money]


class LadderPolicy(Model):
    """rungs: lowest first; advice that never blocks. goodwill_cap and return_freight_cap: of
    one order over all its cases; these two bind."""

    rungs: tuple[LadderRung, ...]
    goodwill_cap: Money
    return_freight_cap: Money

    def advised(self, dissatisfaction: Level) -> tuple[LadderRung, ...]:
        """The rungs for this dissatisfaction, lowest first."""
        return tuple(rung for rung in self.rungs if dissatisfaction in rung.caps)

    def skipped(self, chosen: Rung, dissatisfaction: Level) -> tuple[Rung, ...]:
        """The advised rungs below the chosen one that were not tried."""
        order = [rung.rung for rung in self.rungs]
        below = order[: order.index(chosen)] if chosen in order else []
        advised = {rung.rung for rung in self.advised(dissatisfaction)}
        return tuple(rung for rung in below if rung in advised)


class LadderDocument(Model):
    kind: Literal[PolicyKind.LADDER] = PolicyKind.LADDER
    rungs: tuple[LadderRung, ...] | None = None
    goodwill_cap: Money | None = None
    return_freight_cap: Money | None = None


# ----------------------------------------------------------------- silence


class SilencePolicy(Model):
    """What silence means and how late an action may be dated back.

    confirm_days: after the last delivery silence confirms. decline_days: an unanswered decline
    closes declined. reminder_hours: before an answer or a return falls due, one reminder.
    backdating_minutes: a person's dating back beyond it needs a second person to count.
    The time to answer and to return stand with the SLA targets (`answer`, `return_shipment`).
    """

    confirm_days: Annotated[int, Field(strict=True, ge=1, le=365)]
    decline_days: Annotated[int, Field(strict=True, ge=1, le=365)]
    reminder_hours: Annotated[int, Field(strict=True, ge=1, le=24 * 365)]
    backdating_minutes: Annotated[int, Field(strict=True, ge=0, le=60 * 24 * 31)]


class SilenceDocument(Model):
    kind: Literal[PolicyKind.SILENCE] = PolicyKind.SILENCE
    confirm_days: Annotated[int, Field(strict=True, ge=1, le=365)] | None = None
    decline_days: Annotated[int, Field(strict=True, ge=1, le=365)] | None = None
    reminder_hours: Annotated[int, Field(strict=True, ge=1, le=24 * 365)] | None = None
    backdating_minutes: Annotated[int, Field(strict=True, ge=0, le=60 * 24 * 31)] | None = None


# ------------------------------------------------------------- SLA targets


class SlaTarget(Model):
    """minutes: from the clock's start to its due time. priority, problem: None is any."""

    clock: ClockName
    minutes: Minutes
    priority: Priority | None = None
    problem: ProblemType | None = None


class SlaCalendar(StrEnum):
    ROUND_THE_CLOCK = "24x7"


class SlaTargetsPolicy(Model):
    """warning_points: percent of the target at which a running clock warns.

    prior_contact_minutes: a contact that shortly before a complaint was the response to it.
    """

    targets: tuple[SlaTarget, ...]
    warning_points: tuple[Percent, ...]
    calendar: SlaCalendar
    prior_contact_minutes: Annotated[int, Field(strict=True, ge=0, le=60 * 24)]

    @cached_property
    def _by_case(self) -> dict[tuple[str, str | None, str | None], int]:
        return {(t.clock, t.priority, t.problem): t.minutes for t in self.targets}

    def minutes(
        self, clock: ClockName, priority: Priority, problems: Iterable[ProblemType] = ()
    ) -> int | None:
        """The clock's target, or None where the policy sets none (delegated_follow_up, as
        agreed). Of priority and problem type, problem > priority > neither decides, both
        together first; of several problem types the earliest target."""
        by_case = self._by_case
        general = by_case.get((clock, priority, None), by_case.get((clock, None, None)))
        targets = [
            found
            for problem in problems
            if (found := self._minutes(clock, priority, problem, general)) is not None
        ]
        return min(targets, default=general)

    def _minutes(
        self, clock: ClockName, priority: Priority, problem: ProblemType, general: int | None
    ) -> int | None:
        by_case = self._by_case
        found = by_case.get((clock, priority, problem))
        return found if found is not None else by_case.get((clock, None, problem), general)


class SlaTargetsDocument(Model):
    kind: Literal[PolicyKind.SLA_TARGETS] = PolicyKind.SLA_TARGETS
    targets: tuple[SlaTarget, ...] | None = None
    warning_points: tuple[Percent, ...] | None = None
    calendar: SlaCalendar | None = None
    prior_contact_minutes: Annotated[int, Field(strict=True, ge=0, le=60 * 24)] | None = None


# --------------------------------------------------------------- procedure


class ProcedurePolicy(Model):
    """How the shop works.

    resale_checklist: what a returned unit must be to be sold again. safety_types: problem types
    that are always a matter of safety. handling_minutes: what is expected of a person by
    problem type. breached_share: percent of queue claims that go to breached cases.
    platform_deadline_hours: a platform's own deadline this near comes first in the queue.
    lease_seconds: how long a claim holds unless it is renewed. agent_capacity: how many cases one
    agent may hold at a time.
    """

    resale_checklist: tuple[Ident, ...]
    safety_types: tuple[ProblemType, ...]
    handling_minutes: dict[ProblemType, Minutes]
    breached_share: Percent
    platform_deadline_hours: Annotated[int, Field(strict=True, ge=1, le=24 * 31)]
    lease_seconds: LeaseSeconds
    agent_capacity: Capacity


class ProcedureDocument(Model):
    kind: Literal[PolicyKind.PROCEDURE] = PolicyKind.PROCEDURE
    resale_checklist: tuple[Ident, ...] | None = None
    safety_types: tuple[ProblemType, ...] | None = None
    handling_minutes: dict[ProblemType, Minutes] | None = None
    breached_share: Percent | None = None
    platform_deadline_hours: Annotated[int, Field(strict=True, ge=1, le=24 * 31)] | None = None
    lease_seconds: LeaseSeconds | None = None
    agent_capacity: Capacity | None = None


# -------------------------------------------------------------------- shop


class ShopPolicy(Model):
    """zone: IANA name; the shop's days are counted in it.

    supplier_types: problem types that count against a supplier; supplier_types_if_ships: those
    that do where the supplier ships itself. liable_percent: its share of a final liability from
    which on the units count. maturity_days: from shipping until a cohort's rate is looked at.
    """

    zone: Ident
    supplier_types: tuple[ProblemType, ...]
    supplier_types_if_ships: tuple[ProblemType, ...]
    liable_percent: Percent
    maturity_days: Days

    @cached_property
    def tz(self) -> ZoneInfo:
        """The zone. Raises ZoneInfoNotFoundError for none; publishing has checked it."""
        return ZoneInfo(self.zone)


class ShopDocument(Model):
    kind: Literal[PolicyKind.SHOP] = PolicyKind.SHOP
    zone: Ident | None = None
    supplier_types: tuple[ProblemType, ...] | None = None
    supplier_types_if_ships: tuple[ProblemType, ...] | None = None
    liable_percent: Percent | None = None
    maturity_days: Days | None = None


PolicyDocument = Annotated[
    WindowDocument
    | EvidenceDocument
    | RefundAutomationDocument
    | LadderDocument
    | SilenceDocument
    | SlaTargetsDocument
    | ProcedureDocument
    | ShopDocument,
    Field(discriminator="kind"),
]


def in_currency(amount: Money, currency: str | None) -> int | None:
    """A policy's amount in minor units, or None for an order in another currency, for which
    the policy says nothing: that goes to a person."""
    return amount.minor if amount.currency == currency else None
