"""The words of an after-sales case: types, stages, resolutions, parties, outcomes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.kernel import Ident, Model, Moment, Sha256
from domain.money import Minor

Quantity = Annotated[int, Field(strict=True, ge=1, le=100_000)]
"""Units of an order line."""


class ProblemType(StrEnum):
    QUALITY_DEFECT = "quality_defect"
    NOT_AS_DESCRIBED = "not_as_described"
    SIZE_FIT = "size_fit"
    DAMAGED = "damaged"
    MISSING_ITEM = "missing_item"
    WRONG_ITEM = "wrong_item"
    DELAYED = "delayed"
    LOST = "lost"
    RETURN_DISPUTE = "return_dispute"
    SERVICE_ATTITUDE = "service_attitude"
    NO_REASON = "no_reason"
    CHANGED_MIND = "changed_mind"
    OTHER = "other"


class Stage(StrEnum):
    """How far the goods were at the time of the complaint."""

    UNSHIPPED = "unshipped"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"


class Resolution(StrEnum):
    REFUND_FULL = "refund_full"
    REFUND_PARTIAL = "refund_partial"
    REFUND_MISSING_PART = "refund_missing_part"
    RETURN_AND_REFUND = "return_and_refund"
    EXCHANGE = "exchange"
    RESHIP = "reship"
    REPAIR = "repair"
    COMPENSATION_ONLY = "compensation_only"
    DECLINE = "decline"


REFUNDS = frozenset(
    {
        Resolution.REFUND_FULL,
        Resolution.REFUND_PARTIAL,
        Resolution.REFUND_MISSING_PART,
        Resolution.RETURN_AND_REFUND,
    }
)
NEEDS_RETURN = frozenset({Resolution.RETURN_AND_REFUND, Resolution.EXCHANGE, Resolution.REPAIR})


class Channel(StrEnum):
    PLATFORM = "platform"
    IM = "im"
    PHONE = "phone"
    WECHAT = "wechat"
    SERVICE_DESK = "service_desk"


class Party(StrEnum):
    SHOP = "shop"
    BUYER = "buyer"
    SUPPLIER = "supplier"
    CARRIER = "carrier"
    WAREHOUSE = "warehouse"
    DEPARTMENT = "department"
    PLATFORM = "platform"


class Liable(StrEnum):
    SUPPLIER = "supplier"
    MERCHANT = "merchant"
    CARRIER = "carrier"
    WAREHOUSE = "warehouse"
    BUYER = "buyer"
    PLATFORM = "platform"
    UNDETERMINED = "undetermined"


class Basis(StrEnum):
    """On what a liability finding rests, weakest first: a later finding needs at least the
    rank of the one it supersedes."""

    CLAIM = "claim"
    SUPERVISOR = "supervisor"
    MUTUAL = "mutual"
    ADMISSION = "admission"
    INDEPENDENT = "independent"
    RULING = "ruling"


BASIS_RANK = {basis: rank for rank, basis in enumerate(Basis)}


class Level(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Priority(StrEnum):
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


PRIORITY_RANK = {priority: rank for rank, priority in enumerate(Priority)}


class Rung(StrEnum):
    """The goodwill ladder, lowest first: virtual, then cash, then things."""

    COUPON = "coupon"
    MEMBER_PERK = "member_perk"
    RED_PACKET = "red_packet"
    GIFT = "gift"


class EvidenceKind(StrEnum):
    PHOTO = "photo"
    VIDEO = "video"
    SCREENSHOT = "screenshot"
    RECORDING = "recording"
    REPORT = "report"
    DOCUMENT = "document"


class ContactKind(StrEnum):
    """MESSAGE is written or sent by a person, or a substantive automatic notice."""

    MESSAGE = "message"
    AUTO_GREETING = "auto_greeting"
    ANSWERED_CALL = "answered_call"
    UNANSWERED_CALL = "unanswered_call"
    APOLOGY = "apology"


class Direction(StrEnum):
    TO_BUYER = "to_buyer"
    FROM_BUYER = "from_buyer"


class DeclineGround(StrEnum):
    OUTSIDE_WINDOW = "outside_window"
    NO_DEFECT_FOUND = "no_defect_found"
    UNFIT_FOR_RESALE = "unfit_for_resale"
    NO_EVIDENCE = "no_evidence"
    DUPLICATE = "duplicate"
    ABUSE = "abuse"


class DeclineAnswer(StrEnum):
    """OVERTAKEN: an agreement about the declined items came instead of an answer."""

    ACCEPTED = "accepted"
    SUPPLEMENTED = "supplemented"
    CALLED_PLATFORM = "called_platform"
    OVERTAKEN = "overtaken"


class Verdict(StrEnum):
    ADMITTED = "admitted"
    DENIED = "denied"
    INCONCLUSIVE = "inconclusive"


class Settlement(StrEnum):
    """How an appraisal without an admission ends."""

    SHOP_ACCEPTS = "shop_accepts"
    FINAL_CONTESTED = "final_contested"


class InspectionFinding(StrEnum):
    ACCEPTED = "accepted"
    DAMAGED = "damaged"
    INCOMPLETE = "incomplete"
    UNFIT = "unfit"
    WRONG = "wrong"
    EMPTY = "empty"


class RefundBasis(StrEnum):
    AGREEMENT = "agreement"
    RULING = "ruling"
    AUTOMATIC = "automatic"


class RefundStatus(StrEnum):
    REQUESTED = "requested"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REVERSED = "reversed"


class ObligationEnd(StrEnum):
    FULFILLED = "fulfilled"
    SUPERSEDED = "superseded"
    LAPSED = "lapsed"
    WAIVED = "waived"


class ProposalEnd(StrEnum):
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    SUPERSEDED = "superseded"


class RulingFor(StrEnum):
    BUYER = "buyer"
    SHOP = "shop"
    SPLIT = "split"


class Rating(StrEnum):
    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"


class Outcome(StrEnum):
    SOLVED = "solved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    RULED_FOR_BUYER = "ruled_for_buyer"
    RULED_FOR_SHOP = "ruled_for_shop"


class RootCause(StrEnum):
    PRODUCT = "product"
    DESCRIPTION = "description"
    PACKAGING = "packaging"
    PICKING = "picking"
    CARRIER = "carrier"
    STOCK = "stock"
    SERVICE = "service"
    BUYER = "buyer"
    OTHER = "other"


class ImprovementArea(StrEnum):
    PROCESS = "process"
    TRAINING = "training"
    PRODUCT = "product"


class DivergenceKind(StrEnum):
    """In what a fact contradicts the case or the order."""

    UNKNOWN_CASE = "unknown_case"
    UNKNOWN_ORDER = "unknown_order"
    UNKNOWN_REFUND = "unknown_refund"
    OVER_REFUNDED = "over_refunded"
    REFUND_AMOUNT = "refund_amount"
    REFUND_STATE = "refund_state"
    CASE_ENDED = "case_ended"
    RULING_CONTRADICTS = "ruling_contradicts"
    UNEXPECTED_RETURN = "unexpected_return"
    RETURN_STATE = "return_state"
    INTERCEPT_FAILED = "intercept_failed"
    UNEXPECTED_APPRAISAL = "unexpected_appraisal"
    UNEXPECTED_SHIPMENT = "unexpected_shipment"
    PLATFORM_ENDED = "platform_ended"


class ItemClaim(Model):
    """One claimed item: so many units of an order line, and what is wrong with them."""

    line: Ident
    quantity: Quantity
    problem: ProblemType


class LineAmount(Model):
    """Minor units of the order's currency that fall on one order line."""

    line: Ident
    amount: Minor


class Share(Model):
    """A party's share of the liability, in percent."""

    party: Liable
    percent: Annotated[int, Field(strict=True, ge=1, le=100)]
    supplier: Ident | None = None


class EvidenceRef(Model):
    """A reference to a proof that is kept elsewhere. sha256: of its bytes."""

    evidence_id: Ident
    kind: EvidenceKind
    sha256: Sha256


class Part(Model):
    """One part of a proposed solution.

    items: the case's item numbers. amount: refund (minor units) for refund parts, else 0.
    lines: the refund split over order lines. goodwill is booked apart.
    """

    resolution: Resolution
    items: tuple[int, ...]
    amount: Minor = 0
    lines: tuple[LineAmount, ...] = ()


class Duty(StrEnum):
    """What an obligation asks its party to do."""

    REFUND = "refund"
    RETURN = "return"
    DISPATCH = "dispatch"
    REPAIR = "repair"
    GOODWILL = "goodwill"


class ObligationTerms(Model):
    """One obligation of an agreement, a ruling or an automatic approval.

    after_return: it waits for the goods (the clock is paused until receipt).
    """

    obligation_id: Ident
    duty: Duty
    party: Party
    items: tuple[int, ...]
    amount: Minor = 0
    lines: tuple[LineAmount, ...] = ()
    after_return: bool = False


class UnitFinding(Model):
    """What the inspection found about some units of an item."""

    item: int
    quantity: Quantity
    finding: InspectionFinding
    complete: bool
    resalable: bool
    packaging_intact: bool


class Totals(Model):
    """What the case cost, in minor units of the order's currency, when it was closed."""

    refunded: Minor
    goodwill: Minor
    return_freight: Minor


class PlatformDeadline(Model):
    """A deadline that the platform itself sent. clock: which of our clocks it re-targets."""

    clock: str
    due_at: Moment
