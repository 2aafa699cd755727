"""Everything that can have happened in a case. Amounts: minor units of the order's currency.

Fields named `policy` hold the exact policy versions decided under, e.g. ``policy:douyin@3``;
`rule` names the rule that decided. Both are () or "" where no policy had a say.
"""

from __future__ import annotations

from typing import Literal

from domain.case.values import (
    Basis,
    Channel,
    ContactKind,
    DeclineAnswer,
    DeclineGround,
    Direction,
    DivergenceKind,
    EvidenceRef,
    ImprovementArea,
    ItemClaim,
    Level,
    LineAmount,
    ObligationEnd,
    ObligationTerms,
    Outcome,
    Part,
    Party,
    PlatformDeadline,
    Priority,
    ProblemType,
    ProposalEnd,
    Quantity,
    Rating,
    RefundBasis,
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
from domain.kernel import CaseId, Event, Ident, Moment, OrderId, Sha256, event
from domain.money import Minor

# ---------------------------------------------------------------- intake


@event("case.complaint_filed.v1")
class ComplaintFiled(Event):
    """The buyer complained. Items are numbered 1, 2, … in this order.

    in_window / in_warranty: None while the order is unknown. buyer: keyed pseudonym.
    terms: the buyer's terms (window, warranty) that hold for this case.
    """

    platform: str
    shop: str
    order_id: OrderId | None
    channel: Channel
    stage: Stage | None
    items: tuple[ItemClaim, ...]
    category: str | None
    currency: str | None
    buyer: str | None
    follows: CaseId | None
    in_window: bool | None
    in_warranty: bool | None
    severity: Level
    safety: bool
    evidence: tuple[EvidenceRef, ...]
    terms: tuple[str, ...]


@event("case.complaint_joined.v1")
class ComplaintJoined(Event):
    """A further complaint about an item of this open case. occurred_at: when it was made; the
    earliest complaint's time starts the clocks. items: those that were not yet in the case.
    about: those that were."""

    number: Ident
    channel: Channel
    items: tuple[ItemClaim, ...]
    about: tuple[int, ...]
    severity: Level
    safety: bool
    evidence: tuple[EvidenceRef, ...]


@event("case.complaint_referred.v1")
class ComplaintReferred(Event):
    """Stored under this number, the complaint went on in another, open case."""

    joined: CaseId


@event("case.alias_learned.v1")
class AliasLearned(Event):
    alias: CaseId


@event("case.order_linked.v1")
class OrderLinked(Event):
    """The order became known after the complaint. lines: the order's line for each line name
    that the complaint used and that is called otherwise there."""

    order_id: OrderId
    lines: dict[Ident, Ident]
    category: str | None
    currency: str | None
    stage: Stage | None
    in_window: bool | None
    in_warranty: bool | None
    terms: tuple[str, ...]


@event("case.contact_recorded.v1")
class ContactRecorded(Event):
    """substantive: a person's or a substantive message, delivered, or an answered call."""

    direction: Direction
    contact: ContactKind
    channel: Channel
    delivered: bool
    substantive: bool


@event("case.wait_agreed.v1")
class WaitAgreed(Event):
    until: Moment


@event("case.intercept_requested.v1")
class InterceptRequested(Event):
    shipment_id: Ident


@event("case.intercept_ended.v1")
class InterceptEnded(Event):
    shipment_id: Ident
    succeeded: bool


@event("case.order_verified.v1")
class OrderVerified(Event):
    shipped: bool
    delivered: bool
    in_warranty: bool | None
    policy: tuple[str, ...]


@event("case.item_verified.v1")
class ItemVerified(Event):
    item: int
    problem: ProblemType
    quantity: Quantity
    evidence: tuple[Ident, ...]


@event("case.evidence_attached.v1")
class EvidenceAttached(Event):
    proof: EvidenceRef
    submitter: Party


@event("case.evidence_hold_changed.v1")
class EvidenceHoldChanged(Event):
    evidence_id: Ident
    hold: bool


@event("case.dissatisfaction_recorded.v1")
class DissatisfactionRecorded(Event):
    level: Level


@event("case.priority_raised.v1")
class PriorityRaised(Event):
    priority: Priority
    as_remedy: bool


@event("case.note_added.v1")
class NoteAdded(Event):
    """The words are in `private`."""


@event("case.assigned.v1")
class CaseAssigned(Event):
    assignee: Ident | None


@event("case.work_handed_over.v1")
class WorkHandedOver(Event):
    handover_id: Ident
    department: Ident
    due_at: Moment


@event("case.handed_work_done.v1")
class HandedWorkDone(Event):
    handover_id: Ident


@event("case.auto_refund_decided.v1")
class AutoRefundDecided(Event):
    """inputs_hash: SHA-256 of the canonical inputs. obligations: what an approval owes.
    budget_day: ISO date, in the shop's zone, whose budget an approval draws on."""

    verdict: Literal["approve", "person", "reject"]
    rules: tuple[str, ...]
    inputs_hash: Sha256
    amount: Minor
    lines: tuple[LineAmount, ...]
    action_key: Ident | None
    told_buyer: bool
    obligations: tuple[ObligationTerms, ...]
    budget_day: str | None
    policy: tuple[str, ...]


# ----------------------------------------------------------- negotiation


@event("case.resolution_proposed.v1")
class ResolutionProposed(Event):
    """goodwill: minor units on top, never instead."""

    proposal_id: Ident
    by: Party
    parts: tuple[Part, ...]
    refund_total: Minor
    goodwill: Minor
    counters: Ident | None


@event("case.proposal_ended.v1")
class ProposalEnded(Event):
    """Declined, withdrawn, lapsed or superseded; acceptance is `agreement_reached`."""

    proposal_id: Ident
    how: ProposalEnd


@event("case.agreement_reached.v1")
class AgreementReached(Event):
    """supersedes: earlier agreements of these items; money paid counts towards this one."""

    agreement_id: Ident
    proposal_id: Ident
    items: tuple[int, ...]
    obligations: tuple[ObligationTerms, ...]
    supersedes: tuple[Ident, ...]
    policy: tuple[str, ...]


@event("case.obligation_ended.v1")
class ObligationEnded(Event):
    obligation_id: Ident
    how: ObligationEnd


@event("case.obligation_reopened.v1")
class ObligationReopened(Event):
    """It had been fulfilled, but the money bounced: it is owed again."""

    obligation_id: Ident


@event("case.complaint_declined.v1")
class ComplaintDeclined(Event):
    """The shop declined, with a ground; counts as a solution proposed."""

    decline_id: Ident
    ground: DeclineGround
    items: tuple[int, ...]
    evidence: tuple[Ident, ...]
    rule: str
    policy: tuple[str, ...]


@event("case.decline_answered.v1")
class DeclineAnswered(Event):
    decline_id: Ident
    answer: DeclineAnswer


# ------------------------------------------------------------- execution


@event("case.return_address_agreed.v1")
class ReturnAddressAgreed(Event):
    return_id: Ident
    items: tuple[int, ...]
    packaging_asked_for: bool
    policy: tuple[str, ...]


@event("case.return_shipped.v1")
class ReturnShipped(Event):
    return_id: Ident
    carrier: str | None
    tracking: str | None
    proof_of_posting: bool


@event("case.return_received.v1")
class ReturnReceived(Event):
    return_id: Ident


@event("case.return_inspected.v1")
class ReturnInspected(Event):
    return_id: Ident
    units: tuple[UnitFinding, ...]
    evidence: tuple[Ident, ...]
    policy: tuple[str, ...]


@event("case.return_sent_back.v1")
class ReturnSentBack(Event):
    return_id: Ident


@event("case.return_lost.v1")
class ReturnLost(Event):
    return_id: Ident


@event("case.return_lapsed.v1")
class ReturnLapsed(Event):
    """The buyer did not ship in time."""

    return_id: Ident
    policy: tuple[str, ...]


@event("case.carrier_claim_filed.v1")
class CarrierClaimFiled(Event):
    return_id: Ident
    amount: Minor


@event("case.deduction_agreed.v1")
class DeductionAgreed(Event):
    """The buyer agreed to get `amount` less for what came back; lines: by order line."""

    return_id: Ident
    obligation_id: Ident
    amount: Minor
    lines: tuple[LineAmount, ...]


@event("case.return_freight_reimbursed.v1")
class ReturnFreightReimbursed(Event):
    return_id: Ident
    amount: Minor
    borne_by: Party
    policy: tuple[str, ...]


@event("case.refund_requested.v1")
class RefundRequested(Event):
    """The money is reserved in the order's ledger. attempt: 1 for the first try of the key."""

    action_key: Ident
    obligation_id: Ident | None
    basis: RefundBasis
    amount: Minor
    lines: tuple[LineAmount, ...]
    attempt: int
    policy: tuple[str, ...]


@event("case.refund_succeeded.v1")
class RefundSucceeded(Event):
    """by: shop or platform (a refund that the platform made itself). obligation_id: what it
    pays for; None if nothing was owed on these lines."""

    action_key: Ident
    obligation_id: Ident | None
    amount: Minor
    lines: tuple[LineAmount, ...]
    by: Party


@event("case.refund_failed.v1")
class RefundFailed(Event):
    action_key: Ident
    reason: str


@event("case.refund_unknown.v1")
class RefundUnknown(Event):
    action_key: Ident


@event("case.refund_reversed.v1")
class RefundReversed(Event):
    """The money bounced after it had succeeded."""

    action_key: Ident
    reason: str


@event("case.replacement_dispatched.v1")
class ReplacementDispatched(Event):
    obligation_id: Ident
    shipment_id: Ident
    items: tuple[int, ...]


@event("case.replacement_delivered.v1")
class ReplacementDelivered(Event):
    shipment_id: Ident


@event("case.repair_ordered.v1")
class RepairOrdered(Event):
    obligation_id: Ident
    in_warranty: bool | None
    policy: tuple[str, ...]


@event("case.repair_item_received.v1")
class RepairItemReceived(Event):
    obligation_id: Ident


@event("case.repair_completed.v1")
class RepairCompleted(Event):
    obligation_id: Ident


@event("case.repair_sent_back.v1")
class RepairSentBack(Event):
    obligation_id: Ident


@event("case.goodwill_granted.v1")
class GoodwillGranted(Event):
    """advised: the rung that the ladder advised for the recorded dissatisfaction."""

    action_key: Ident
    obligation_id: Ident | None
    rung: Rung
    amount: Minor
    advised: Rung
    skip_reason: str | None
    policy: tuple[str, ...]


# --------------------------------------------------------- supplier track


@event("case.supplier_named.v1")
class SupplierNamed(Event):
    item: int
    supplier: Ident


@event("case.supplier_name_asked_for.v1")
class SupplierNameAskedFor(Event):
    """The item is unattributed: its supplier is unknown."""

    item: int


@event("case.appraisal_requested.v1")
class AppraisalRequested(Event):
    """due_minutes: from the supplier's receipt of what was asked for. evidence: what went to the
    supplier."""

    appraisal_id: Ident
    items: tuple[int, ...]
    supplier: Ident
    needs_goods: bool
    evidence: tuple[Ident, ...]
    due_minutes: int
    policy: tuple[str, ...]


@event("case.appraisal_material_received.v1")
class AppraisalMaterialReceived(Event):
    appraisal_id: Ident


@event("case.appraisal_verdict_given.v1")
class AppraisalVerdictGiven(Event):
    """grounds stand in `private`. independent: by an independent body, not the supplier."""

    appraisal_id: Ident
    verdict: Verdict
    independent: bool


@event("case.independent_appraisal_ordered.v1")
class IndependentAppraisalOrdered(Event):
    appraisal_id: Ident
    body: Ident


@event("case.appraisal_settled.v1")
class AppraisalSettled(Event):
    appraisal_id: Ident
    how: Settlement


@event("case.liability_found.v1")
class LiabilityFound(Event):
    item: int
    shares: tuple[Share, ...]
    basis: Basis
    final: bool
    contested: bool


@event("case.liability_rescinded.v1")
class LiabilityRescinded(Event):
    item: int
    reason: str


# --------------------------------------------------------- platform track


@event("case.platform_help_asked.v1")
class PlatformHelpAsked(Event):
    """The words are in `private`."""


@event("case.platform_intervened.v1")
class PlatformIntervened(Event):
    called_by: Party


@event("case.platform_ruled.v1")
class PlatformRuled(Event):
    """obligations: what the ruling asks of the shop. supersedes: agreements it overrides.
    content: the key of what was told, by which a repeat is known."""

    ruling_id: Ident
    ruled_for: RulingFor
    items: tuple[int, ...]
    obligations: tuple[ObligationTerms, ...]
    supersedes: tuple[Ident, ...]
    content: str = ""


@event("case.platform_deadline_set.v1")
class PlatformDeadlineSet(Event):
    deadline: PlatformDeadline


@event("case.platform_status_observed.v1")
class PlatformStatusObserved(Event):
    """status: the platform's own word for its state of the after-sale."""

    status: str
    ended: bool


# ------------------------------------------------- confirmation and close


@event("case.solution_confirmed.v1")
class SolutionConfirmed(Event):
    by_silence: bool
    policy: tuple[str, ...]


@event("case.round_opened.v1")
class RoundOpened(Event):
    """The buyer says it is not solved (or the case was reopened)."""

    round: int


@event("case.evaluation_invited.v1")
class EvaluationInvited(Event):
    pass


@event("case.evaluated.v1")
class CaseEvaluated(Event):
    rating: Rating


@event("case.follow_up_opened.v1")
class FollowUpOpened(Event):
    pass


@event("case.follow_up_done.v1")
class FollowUpDone(Event):
    pass


@event("case.classified.v1")
class CaseClassified(Event):
    problem: ProblemType
    root_cause: RootCause
    tags: tuple[str, ...]


@event("case.improvement_noted.v1")
class ImprovementNoted(Event):
    area: ImprovementArea
    text: str


@event("case.closed.v1")
class CaseClosed(Event):
    outcome: Outcome
    totals: Totals


@event("case.withdrawn.v1")
class CaseWithdrawn(Event):
    by: Party


@event("case.reopened.v1")
class CaseReopened(Event):
    reason: str


@event("case.remedy_told.v1")
class RemedyTold(Event):
    """Goodwill for the shop's own lateness or fault, told to the buyer."""

    action_key: Ident | None


@event("case.forgiveness_recorded.v1")
class ForgivenessRecorded(Event):
    evidence: tuple[Ident, ...]


@event("case.exemption_judged.v1")
class ExemptionJudged(Event):
    """grounds: stable codes of what speaks for and against."""

    eligible: bool
    grounds: tuple[str, ...]


@event("case.exemption_suspended.v1")
class ExemptionSuspended(Event):
    pass


@event("case.exemption_requested.v1")
class ExemptionRequested(Event):
    pass


@event("case.exemption_decided.v1")
class ExemptionDecided(Event):
    granted: bool


@event("case.exemption_tag_observed.v1")
class ExemptionTagObserved(Event):
    """The platform's own tag: an observation, not a decision of ours."""

    exempt: bool


# ----------------------------------------------- divergence and correction


@event("case.divergence_found.v1")
class DivergenceFound(Event):
    """A fact contradicts what we hold. next_action: what a person has to do."""

    divergence_id: int
    divergence: DivergenceKind
    next_action: str
    about: str


@event("case.divergence_settled.v1")
class DivergenceSettled(Event):
    divergence_id: int


@event("case.entry_corrected.v1")
class EntryCorrected(Event):
    """supersedes: the version of the event of this case that no longer counts."""

    supersedes: int
    reason: str


@event("case.backdating_confirmed.v1")
class BackdatingConfirmed(Event):
    """A second person confirmed, on evidence, when the entry of that version happened."""

    entry: int
    evidence: tuple[Ident, ...]


# ------------------------------------------------------------------ claims


@event("case.claimed.v1")
class CaseClaimed(Event):
    """An agent has taken the case on. token: how many claims the case has had with this one;
    whatever the agent does to the case under this claim carries it."""

    agent: Ident
    token: int
    until: Moment
    policy: tuple[str, ...]


@event("case.claim_renewed.v1")
class ClaimRenewed(Event):
    """The agent goes on with the case."""

    token: int
    until: Moment
    policy: tuple[str, ...]


@event("case.claim_released.v1")
class ClaimReleased(Event):
    """The agent has given the case back. case_ended: because there is nothing left to do."""

    agent: Ident
    token: int
    case_ended: bool


@event("case.claim_lapsed.v1")
class ClaimLapsed(Event):
    """The claim ran out. occurred_at: when it did, whoever noticed it and when."""

    agent: Ident
    token: int


@event("case.claim_handed_over.v1")
class ClaimHandedOver(Event):
    """The agent has handed the case over to another one, whose claim follows."""

    agent: Ident
    token: int
    to: Ident


@event("case.claim_overridden.v1")
class ClaimOverridden(Event):
    """A supervisor has taken the case from the agent. A new claim follows if it was given on."""

    agent: Ident
    token: int
    reason: str


IntakeEvent = (
    ComplaintFiled
    | ComplaintJoined
    | ComplaintReferred
    | AliasLearned
    | OrderLinked
    | ContactRecorded
    | WaitAgreed
    | InterceptRequested
    | InterceptEnded
    | OrderVerified
    | ItemVerified
    | EvidenceAttached
    | EvidenceHoldChanged
    | DissatisfactionRecorded
    | PriorityRaised
    | NoteAdded
    | CaseAssigned
    | WorkHandedOver
    | HandedWorkDone
    | AutoRefundDecided
)
NegotiationEvent = (
    ResolutionProposed
    | ProposalEnded
    | AgreementReached
    | ObligationEnded
    | ObligationReopened
    | ComplaintDeclined
    | DeclineAnswered
)
ExecutionEvent = (
    ReturnAddressAgreed
    | ReturnShipped
    | ReturnReceived
    | ReturnInspected
    | ReturnSentBack
    | ReturnLost
    | ReturnLapsed
    | CarrierClaimFiled
    | DeductionAgreed
    | ReturnFreightReimbursed
    | RefundRequested
    | RefundSucceeded
    | RefundFailed
    | RefundUnknown
    | RefundReversed
    | ReplacementDispatched
    | ReplacementDelivered
    | RepairOrdered
    | RepairItemReceived
    | RepairCompleted
    | RepairSentBack
    | GoodwillGranted
)
SupplierTrackEvent = (
    SupplierNamed
    | SupplierNameAskedFor
    | AppraisalRequested
    | AppraisalMaterialReceived
    | AppraisalVerdictGiven
    | IndependentAppraisalOrdered
    | AppraisalSettled
    | LiabilityFound
    | LiabilityRescinded
)
PlatformTrackEvent = (
    PlatformHelpAsked
    | PlatformIntervened
    | PlatformRuled
    | PlatformDeadlineSet
    | PlatformStatusObserved
)
ClosingEvent = (
    SolutionConfirmed
    | RoundOpened
    | EvaluationInvited
    | CaseEvaluated
    | FollowUpOpened
    | FollowUpDone
    | CaseClassified
    | ImprovementNoted
    | CaseClosed
    | CaseWithdrawn
    | CaseReopened
    | RemedyTold
    | ForgivenessRecorded
    | ExemptionJudged
    | ExemptionSuspended
    | ExemptionRequested
    | ExemptionDecided
    | ExemptionTagObserved
    | DivergenceFound
    | DivergenceSettled
    | EntryCorrected
    | BackdatingConfirmed
)
ClaimEvent = (
    CaseClaimed | ClaimRenewed | ClaimReleased | ClaimLapsed | ClaimHandedOver | ClaimOverridden
)
