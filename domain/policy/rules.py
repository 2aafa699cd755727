"""The words in which a shop writes its rules for automatic refunds, and what they look at."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from domain.case.values import Level, ProblemType, Quantity, Stage
from domain.kernel import Ident, Model
from domain.money import Currency, Minor, Money

Count = Annotated[int, Field(strict=True, ge=0, le=10**6)]


class Decision(StrEnum):
    """What becomes of a refund request; PERSON hands it to one."""

    APPROVE = "approve"
    PERSON = "person"
    REJECT = "reject"


class InterceptState(StrEnum):
    """Whether a parcel under way was stopped. NONE: nobody asked for it."""

    NONE = "none"
    REQUESTED = "requested"
    INTERCEPTED = "intercepted"
    RETURNED = "returned"
    FAILED = "failed"


class ReturnInspection(StrEnum):
    """NOT_NEEDED: the buyer keeps the goods or never had them."""

    NOT_NEEDED = "not_needed"
    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"


class EvidenceVerdict(StrEnum):
    NOT_NEEDED = "not_needed"
    SUFFICIENT = "sufficient"
    INSUFFICIENT = "insufficient"
    CONTRADICTORY = "contradictory"


class HardGround(StrEnum):
    """The only grounds on which a rule may reject: facts, no judgement of the buyer.

    OUTSIDE_WINDOW: complained about after the buyer's terms ended. NOTHING_LEFT: all that was
    paid for is refunded. DUPLICATE: a payout for the same lines is under way, and holds all
    that is asked.
    """

    OUTSIDE_WINDOW = "outside_window"
    NOTHING_LEFT = "nothing_left"
    DUPLICATE = "duplicate"


class RefundItem(Model):
    """problem: the verified type, None until it is verified."""

    line: Ident
    quantity: Quantity
    problem: ProblemType | None


class AutoRefundInputs(Model):
    """All that the decision may look at. None: not known, which goes to a person.

    Amounts in minor units of `currency`. price: of the dearest unit asked about. refundable:
    what the lines' caps still hold. reserved: held by payouts under way on these lines.
    other_cases: further cases about these lines. buyer_*: counts of the buyer's cases, refunds
    and rejections so far. budget_left: of the shop's day.
    """

    currency: Currency | None = None
    items: tuple[RefundItem, ...] = ()
    price: Minor | None = None
    stage: Stage | None = None
    intercept: InterceptState | None = None
    return_inspection: ReturnInspection | None = None
    amount: Minor | None = None
    refundable: Minor | None = None
    reserved: Minor | None = None
    other_cases: Count | None = None
    evidence: EvidenceVerdict | None = None
    in_window: bool | None = None
    buyer_cases: Count | None = None
    buyer_refunds: Count | None = None
    buyer_rejections: Count | None = None
    risk_flag: bool | None = None
    severity: Level | None = None
    budget_left: Minor | None = None


class RefundRule(Model):
    """One rule: `then`, if all of its conditions hold; a condition left out always does.

    A rule that rejects names its hard ground; the others name none.
    """

    name: Ident
    then: Decision
    ground: HardGround | None = None
    problems: tuple[ProblemType, ...] | None = None
    stages: tuple[Stage, ...] | None = None
    intercepts: tuple[InterceptState, ...] | None = None
    inspections: tuple[ReturnInspection, ...] | None = None
    evidence: tuple[EvidenceVerdict, ...] | None = None
    severities: tuple[Level, ...] | None = None
    amount_at_most: Money | None = None
    amount_above: Money | None = None
    price_at_most: Money | None = None
    price_above: Money | None = None
    risk_flag: bool | None = None
    other_cases_at_least: Count | None = None
    buyer_cases_at_least: Count | None = None
    buyer_refunds_at_least: Count | None = None
    buyer_rejections_at_least: Count | None = None

    @model_validator(mode="after")
    def _ground_where_it_rejects(self) -> Self:
        if (self.then is Decision.REJECT) != (self.ground is not None):
            raise PydanticCustomError(
                "reject_needs_hard_ground", "a rule names a hard ground if, and only if, it rejects"
            )
        return self
