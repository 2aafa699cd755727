"""What can be asked of a case, and the facts that it can be told.

A command may be refused; a fact (marked `fact=True`) already happened and is stored whatever
state the case is in. Money comes as decimal strings; times with a zone.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from domain.case.values import (
    Basis,
    Channel,
    ContactKind,
    DeclineAnswer,
    DeclineGround,
    Direction,
    EvidenceRef,
    ImprovementArea,
    ItemClaim,
    Level,
    Outcome,
    Party,
    Priority,
    ProblemType,
    Quantity,
    Rating,
    Resolution,
    RootCause,
    RulingFor,
    Rung,
    Settlement,
    Share,
    Stage,
    UnitFinding,
    Verdict,
)
from domain.kernel import (
    CaseId,
    Command,
    Ident,
    Model,
    Moment,
    OrderId,
    Private,
    Text,
    agent_stream,
    case_stream,
    command,
    order_stream,
    policy_stream,
)
from domain.money import Money

ItemNo = Annotated[int, Field(strict=True, ge=1, le=1000)]
"""The number of an item in its case, from 1."""

Items = Annotated[tuple[ItemNo, ...], Field(min_length=1)]
ShopName = Annotated[str, Field(pattern=r"^([a-z]+:)?[^\s\x00-\x1f\x7f:]{1,80}$")]
"""A shop, or a shop of one platform, e.g. ``douyin:s1``."""
Tag = Annotated[Text, Field(min_length=1, max_length=60)]


class CaseCommandBase(Command):
    """A command about one case."""

    case_id: CaseId
    private: Private | None = None

    def streams(self) -> tuple[str, ...]:
        return (case_stream(self.case_id),)


class LineMoney(Model):
    """Money on one order line."""

    line: Ident
    money: Money


# ---------------------------------------------------------------- intake


@command("case.file_complaint")
class FileComplaint(CaseCommandBase):
    """Open a case, or join the open case that has one of the items. occurred_at: when the buyer
    complained. private: text = reason and description, buyer = reference, contact."""

    order_id: OrderId | None = None
    channel: Channel
    stage: Stage | None = None
    items: Annotated[tuple[ItemClaim, ...], Field(min_length=1)]
    severity: Level = Level.LOW
    safety: bool = False
    evidence: tuple[EvidenceRef, ...] = ()

    def streams(self) -> tuple[str, ...]:
        platform, shop, _ = self.case_id.split(":", 2)
        own = (
            case_stream(self.case_id),
            policy_stream(platform),
            policy_stream(platform, shop),
        )
        return (*own, order_stream(self.order_id)) if self.order_id else own


@command("case.add_alias")
class AddAlias(CaseCommandBase):
    """Another number of the same case, learnt later."""

    alias: CaseId

    def streams(self) -> tuple[str, ...]:
        return (case_stream(self.case_id), case_stream(self.alias))


@command("case.link_order")
class LinkOrder(CaseCommandBase):
    """The order became known. lines: the order's line for each line name that the complaint used
    while the order was unknown, where they differ."""

    order_id: OrderId
    lines: dict[Ident, Ident] = Field(default_factory=dict)

    def streams(self) -> tuple[str, ...]:
        return (case_stream(self.case_id), order_stream(self.order_id))


@command("case.record_contact", alone=True)
class RecordContact(CaseCommandBase):
    """A contact with the buyer. substantive: for a message, whether it says something about the
    matter; ignored for greetings and unanswered calls, which never count."""

    direction: Direction
    contact: ContactKind
    channel: Channel
    delivered: bool = True
    substantive: bool = True


@command("case.agree_wait")
class AgreeWait(CaseCommandBase):
    """The buyer agrees to wait for goods in transit until a date."""

    until: Moment


@command("case.request_intercept")
class RequestIntercept(CaseCommandBase):
    shipment_id: Ident


@command("case.record_intercept", fact=True)
class RecordIntercept(CaseCommandBase):
    shipment_id: Ident
    succeeded: bool


@command("case.verify_order")
class VerifyOrder(CaseCommandBase):
    """Check the order: shipped, delivered, in warranty; what is found comes from the order."""


@command("case.verify_item")
class VerifyItem(CaseCommandBase):
    """The verified problem type and quantity of one item, on evidence attached before."""

    item: ItemNo
    problem: ProblemType
    quantity: Quantity
    evidence: tuple[Ident, ...] = ()


@command("case.attach_evidence")
class AttachEvidence(CaseCommandBase):
    """private.uri: where the proof is kept."""

    proof: EvidenceRef
    submitter: Party


@command("case.hold_evidence")
class HoldEvidence(CaseCommandBase):
    """Keep the proof beyond its retention, or let it go (hold=False)."""

    evidence_id: Ident
    hold: bool


@command("case.record_dissatisfaction", alone=True)
class RecordDissatisfaction(CaseCommandBase):
    level: Level


@command("case.raise_priority", alone=True)
class RaisePriority(CaseCommandBase):
    priority: Priority
    as_remedy: bool = False


@command("case.add_note", alone=True)
class AddNote(CaseCommandBase):
    """private.text: the note's words."""


@command("case.assign", alone=True)
class Assign(CaseCommandBase):
    """assignee None: nobody."""

    assignee: Ident | None


@command("case.hand_over_work", alone=True)
class HandOverWork(CaseCommandBase):
    """Work for another department, with its own due time."""

    handover_id: Ident
    department: Ident
    due_at: Moment


@command("case.finish_handed_work", alone=True)
class FinishHandedWork(CaseCommandBase):
    handover_id: Ident


class BuyerHistory(Model):
    """What is known of the buyer, over all the shop's orders."""

    cases: Annotated[int, Field(strict=True, ge=0)]
    refunds: Annotated[int, Field(strict=True, ge=0)]
    rejections: Annotated[int, Field(strict=True, ge=0)]


@command("case.decide_auto_refund")
class DecideAutoRefund(CaseCommandBase):
    """Let the shop's policy decide about a refund. None = not known, which sends it to a person.

    action_key: under which an approved refund is paid. told_buyer: the decision is told at once.
    """

    action_key: Ident
    amounts: Annotated[tuple[LineMoney, ...], Field(min_length=1)]
    evidence_supports: bool | None = None
    buyer_history: BuyerHistory | None = None
    risk_flag: bool | None = None
    told_buyer: bool = True


# ----------------------------------------------------------- negotiation


class PartOffer(Model):
    """One part of an offer. amounts: for refunds, by order line; their sum is the part's."""

    resolution: Resolution
    items: Items
    amounts: tuple[LineMoney, ...] = ()


@command("case.propose_resolution")
class ProposeResolution(CaseCommandBase):
    """Offer a solution. by: shop, or buyer for a counter-offer (counters names the proposal that
    it answers). goodwill: on top of what is owed."""

    proposal_id: Ident
    by: Literal[Party.SHOP, Party.BUYER] = Party.SHOP
    parts: Annotated[tuple[PartOffer, ...], Field(min_length=1)]
    goodwill: Money | None = None
    counters: Ident | None = None


@command("case.withdraw_proposal")
class WithdrawProposal(CaseCommandBase):
    proposal_id: Ident


@command("case.decline_proposal")
class DeclineProposal(CaseCommandBase):
    """The other side says no to a proposal."""

    proposal_id: Ident


@command("case.accept_proposal")
class AcceptProposal(CaseCommandBase):
    """Agree: whole (items empty) or only for some of its items."""

    proposal_id: Ident
    items: tuple[ItemNo, ...] = ()


@command("case.lapse_proposal")
class LapseProposal(CaseCommandBase):
    """The answer is past due."""

    proposal_id: Ident


@command("case.waive_obligation")
class WaiveObligation(CaseCommandBase):
    """The party to whom it is owed does without it."""

    obligation_id: Ident


@command("case.decline_complaint")
class DeclineComplaint(CaseCommandBase):
    decline_id: Ident
    ground: DeclineGround
    items: Items
    evidence: tuple[Ident, ...] = ()


@command("case.answer_decline")
class AnswerDecline(CaseCommandBase):
    decline_id: Ident
    answer: Literal[
        DeclineAnswer.ACCEPTED, DeclineAnswer.SUPPLEMENTED, DeclineAnswer.CALLED_PLATFORM
    ]


# ------------------------------------------------------------- execution


@command("case.agree_return_address")
class AgreeReturnAddress(CaseCommandBase):
    return_id: Ident
    items: Items
    packaging_asked_for: bool


@command("case.record_return_shipped", fact=True)
class RecordReturnShipped(CaseCommandBase):
    return_id: Ident
    carrier: Text | None = None
    tracking: Text | None = None
    proof_of_posting: bool = False


@command("case.record_return_received", fact=True)
class RecordReturnReceived(CaseCommandBase):
    return_id: Ident


@command("case.record_return_lost", fact=True)
class RecordReturnLost(CaseCommandBase):
    return_id: Ident


@command("case.inspect_return")
class InspectReturn(CaseCommandBase):
    """Unit by unit: complete, resalable, packaging, with photos."""

    return_id: Ident
    units: Annotated[tuple[UnitFinding, ...], Field(min_length=1)]
    evidence: tuple[Ident, ...] = ()


@command("case.send_return_back")
class SendReturnBack(CaseCommandBase):
    return_id: Ident


@command("case.lapse_return")
class LapseReturn(CaseCommandBase):
    """The buyer did not ship in time: what waits for the return lapses."""

    return_id: Ident


@command("case.file_carrier_claim")
class FileCarrierClaim(CaseCommandBase):
    return_id: Ident
    amount: Money


@command("case.agree_deduction")
class AgreeDeduction(CaseCommandBase):
    return_id: Ident
    obligation_id: Ident
    amount: Money


@command("case.reimburse_return_freight")
class ReimburseReturnFreight(CaseCommandBase):
    return_id: Ident
    action_key: Ident
    amount: Money


@command("case.request_refund")
class RequestRefund(CaseCommandBase):
    """Pay for a refund obligation, once per action_key. A key that failed may be tried again with
    the same content. amounts empty: all that the obligation still owes."""

    action_key: Ident
    obligation_id: Ident
    amounts: tuple[LineMoney, ...] = ()


@command("case.record_refund_succeeded", fact=True)
class RecordRefundSucceeded(CaseCommandBase):
    """by platform: the platform made the refund itself."""

    action_key: Ident
    amounts: Annotated[tuple[LineMoney, ...], Field(min_length=1)]
    by: Literal[Party.SHOP, Party.PLATFORM] = Party.SHOP


@command("case.record_refund_failed", fact=True)
class RecordRefundFailed(CaseCommandBase):
    action_key: Ident
    reason: Text


@command("case.record_refund_unknown", fact=True)
class RecordRefundUnknown(CaseCommandBase):
    """The payment service did not say how it ended."""

    action_key: Ident


@command("case.record_refund_reversed", fact=True)
class RecordRefundReversed(CaseCommandBase):
    action_key: Ident
    reason: Text


@command("case.record_replacement_dispatched", fact=True)
class RecordReplacementDispatched(CaseCommandBase):
    obligation_id: Ident
    shipment_id: Ident


@command("case.record_replacement_delivered", fact=True)
class RecordReplacementDelivered(CaseCommandBase):
    shipment_id: Ident


@command("case.order_repair")
class OrderRepair(CaseCommandBase):
    obligation_id: Ident


@command("case.record_repair_item_received", fact=True)
class RecordRepairItemReceived(CaseCommandBase):
    obligation_id: Ident


@command("case.complete_repair")
class CompleteRepair(CaseCommandBase):
    obligation_id: Ident


@command("case.record_repair_sent_back", fact=True)
class RecordRepairSentBack(CaseCommandBase):
    obligation_id: Ident


@command("case.grant_goodwill")
class GrantGoodwill(CaseCommandBase):
    """skip_reason: why a rung of the ladder was skipped, where one was."""

    action_key: Ident
    rung: Rung
    amount: Money
    obligation_id: Ident | None = None
    skip_reason: Text | None = None


# --------------------------------------------------------- supplier track


@command("case.name_supplier")
class NameSupplier(CaseCommandBase):
    item: ItemNo
    supplier: Ident


@command("case.request_appraisal")
class RequestAppraisal(CaseCommandBase):
    """needs_goods: the item itself is shipped to the supplier; else evidence alone suffices."""

    appraisal_id: Ident
    items: Items
    needs_goods: bool = False
    evidence: tuple[Ident, ...] = ()


@command("case.record_appraisal_material_received", fact=True)
class RecordAppraisalMaterialReceived(CaseCommandBase):
    appraisal_id: Ident


@command("case.record_appraisal_verdict", fact=True)
class RecordAppraisalVerdict(CaseCommandBase):
    """private.text: the grounds."""

    appraisal_id: Ident
    verdict: Verdict
    independent: bool = False


@command("case.order_independent_appraisal")
class OrderIndependentAppraisal(CaseCommandBase):
    appraisal_id: Ident
    body: Ident


@command("case.settle_appraisal")
class SettleAppraisal(CaseCommandBase):
    """After a denial, an inconclusive verdict or silence past due. final_contested: a supervisor
    decides on the evidence, with these shares."""

    appraisal_id: Ident
    how: Settlement
    shares: tuple[Share, ...] = ()


@command("case.find_liability")
class FindLiability(CaseCommandBase):
    item: ItemNo
    shares: Annotated[tuple[Share, ...], Field(min_length=1)]
    basis: Literal[Basis.CLAIM, Basis.MUTUAL, Basis.SUPERVISOR]
    final: bool = False


@command("case.rescind_liability")
class RescindLiability(CaseCommandBase):
    item: ItemNo
    reason: Annotated[Text, Field(min_length=1)]


# --------------------------------------------------------- platform track


@command("case.ask_platform_help")
class AskPlatformHelp(CaseCommandBase):
    pass


@command("case.record_intervention", fact=True)
class RecordIntervention(CaseCommandBase):
    called_by: Party


class ItemShares(Model):
    """Liability for one item, as ruled."""

    item: ItemNo
    shares: Annotated[tuple[Share, ...], Field(min_length=1)]


@command("case.record_ruling", fact=True)
class RecordRuling(CaseCommandBase):
    """The platform ruled. amounts: refunds that the shop owes by it. It may contradict the shop;
    it supersedes agreements about the same items."""

    ruling_id: Ident
    ruled_for: RulingFor
    items: tuple[ItemNo, ...] = ()
    amounts: tuple[LineMoney, ...] = ()
    after_return: bool = False
    liability: tuple[ItemShares, ...] = ()


@command("case.record_platform_deadline", fact=True)
class RecordPlatformDeadline(CaseCommandBase):
    """A deadline that the platform sends; it wins over our target for that clock."""

    clock: Literal["first_response", "first_solution", "execution", "inspection"]
    due_at: Moment


@command("case.record_platform_status", fact=True)
class RecordPlatformStatus(CaseCommandBase):
    """status: the platform's own word. ended: it regards the after-sale as ended."""

    status: Text
    ended: bool = False


# ------------------------------------------------- confirmation and close


@command("case.confirm_solution")
class ConfirmSolution(CaseCommandBase):
    """by_silence: only once the silence policy's days have passed since the last delivery."""

    by_silence: bool = False


@command("case.report_not_solved")
class ReportNotSolved(CaseCommandBase):
    """Opens the next round."""


@command("case.invite_evaluation")
class InviteEvaluation(CaseCommandBase):
    pass


@command("case.record_evaluation", fact=True)
class RecordEvaluation(CaseCommandBase):
    rating: Rating


@command("case.finish_follow_up")
class FinishFollowUp(CaseCommandBase):
    pass


@command("case.classify")
class Classify(CaseCommandBase):
    problem: ProblemType
    root_cause: RootCause
    tags: Annotated[tuple[Tag, ...], Field(max_length=20)] = ()


@command("case.note_improvement")
class NoteImprovement(CaseCommandBase):
    area: ImprovementArea
    text: Annotated[Text, Field(min_length=1, max_length=2000)]


@command("case.close")
class CloseCase(CaseCommandBase):
    """outcome None: what follows from the case (ruled, declined, solved)."""

    outcome: Outcome | None = None


@command("case.withdraw")
class WithdrawCase(CaseCommandBase):
    by: Party = Party.BUYER


@command("case.reopen")
class ReopenCase(CaseCommandBase):
    reason: Annotated[Text, Field(min_length=1)]


@command("case.tell_remedy")
class TellRemedy(CaseCommandBase):
    """Goodwill for the shop's own lateness or fault was told to the buyer. action_key: of the
    goodwill granted, if any."""

    action_key: Ident | None = None


@command("case.record_forgiveness")
class RecordForgiveness(CaseCommandBase):
    evidence: Annotated[tuple[Ident, ...], Field(min_length=1)]


@command("case.request_exemption")
class RequestExemption(CaseCommandBase):
    pass


@command("case.record_exemption_decision", fact=True)
class RecordExemptionDecision(CaseCommandBase):
    granted: bool


@command("case.observe_exemption_tag", fact=True)
class ObserveExemptionTag(CaseCommandBase):
    exempt: bool


# ----------------------------------------------- divergence and correction


@command("case.settle_divergence")
class SettleDivergence(CaseCommandBase):
    divergence_id: Annotated[int, Field(strict=True, ge=1)]


@command("case.correct_entry")
class CorrectEntry(CaseCommandBase):
    """Take back an entry made by mistake; `version` names its event in this case."""

    version: Annotated[int, Field(strict=True, ge=1)]
    reason: Annotated[Text, Field(min_length=1)]


@command("case.confirm_backdating")
class ConfirmBackdating(CaseCommandBase):
    """A second person confirms, on evidence, when a dated-back entry happened."""

    version: Annotated[int, Field(strict=True, ge=1)]
    evidence: Annotated[tuple[Ident, ...], Field(min_length=1)]


@command("case.retarget_clocks")
class RetargetClocks(CaseCommandBase):
    """Bring the open clocks under the policy in force now."""


@command("case.check_clocks")
class CheckClocks(CaseCommandBase):
    """Record the breaches that are due by now. Idempotent by state."""


# ------------------------------------------------------------------ claims


@command("case.claim")
class ClaimCase(CaseCommandBase):
    """Take a case on, for as long as the lease runs. An agent claims for itself, others may claim
    for an agent. shops: those that the agent works for, as shop or platform:shop; skills: the
    problem types that it deals with; empty: any."""

    agent: Ident
    shops: tuple[ShopName, ...] = ()
    skills: tuple[ProblemType, ...] = ()

    def streams(self) -> tuple[str, ...]:
        return (case_stream(self.case_id), agent_stream(self.agent))


@command("case.renew_claim")
class RenewClaim(CaseCommandBase):
    """The lease runs anew from now."""


@command("case.release_claim")
class ReleaseClaim(CaseCommandBase):
    """Give the case back to the queue."""


@command("case.hand_over_claim")
class HandOverClaim(CaseCommandBase):
    """Another agent goes on with the case, under a claim of its own."""

    to: Ident

    def streams(self) -> tuple[str, ...]:
        return (case_stream(self.case_id), agent_stream(self.to))


@command("case.override_claim")
class OverrideClaim(CaseCommandBase):
    """A supervisor takes the case from whoever holds it; to: who gets it, None: the queue."""

    reason: Annotated[Text, Field(min_length=1)]
    to: Ident | None = None


@command("case.end_lapsed_claim", bulk=True)
class EndLapsedClaim(CaseCommandBase):
    """Record that the lease has run out. Idempotent by state: nothing while it runs."""


IntakeCommand = (
    FileComplaint
    | LinkOrder
    | RecordContact
    | AgreeWait
    | RequestIntercept
    | RecordIntercept
    | VerifyOrder
    | VerifyItem
    | AttachEvidence
    | HoldEvidence
    | RecordDissatisfaction
    | RaisePriority
    | AddNote
    | Assign
    | HandOverWork
    | FinishHandedWork
)
NegotiationCommand = (
    ProposeResolution
    | WithdrawProposal
    | DeclineProposal
    | AcceptProposal
    | LapseProposal
    | WaiveObligation
    | DeclineComplaint
    | AnswerDecline
)
PaymentCommand = (
    DecideAutoRefund
    | RequestRefund
    | RecordRefundSucceeded
    | RecordRefundFailed
    | RecordRefundUnknown
    | RecordRefundReversed
    | GrantGoodwill
    | ReimburseReturnFreight
)
GoodsCommand = (
    AgreeReturnAddress
    | RecordReturnShipped
    | RecordReturnReceived
    | RecordReturnLost
    | InspectReturn
    | SendReturnBack
    | LapseReturn
    | FileCarrierClaim
    | AgreeDeduction
    | RecordReplacementDispatched
    | RecordReplacementDelivered
    | OrderRepair
    | RecordRepairItemReceived
    | CompleteRepair
    | RecordRepairSentBack
)
SupplierTrackCommand = (
    NameSupplier
    | RequestAppraisal
    | RecordAppraisalMaterialReceived
    | RecordAppraisalVerdict
    | OrderIndependentAppraisal
    | SettleAppraisal
    | FindLiability
    | RescindLiability
)
PlatformTrackCommand = (
    AskPlatformHelp
    | RecordIntervention
    | RecordRuling
    | RecordPlatformDeadline
    | RecordPlatformStatus
)
ClosingCommand = (
    ConfirmSolution
    | ReportNotSolved
    | InviteEvaluation
    | RecordEvaluation
    | FinishFollowUp
    | Classify
    | NoteImprovement
    | CloseCase
    | WithdrawCase
    | ReopenCase
    | TellRemedy
    | RecordForgiveness
    | RequestExemption
    | RecordExemptionDecision
    | ObserveExemptionTag
)
CorrectionCommand = CorrectEntry | ConfirmBackdating | AddAlias | SettleDivergence
ClockCommand = RetargetClocks | CheckClocks
ClaimCommand = (
    ClaimCase | RenewClaim | ReleaseClaim | HandOverClaim | OverrideClaim | EndLapsedClaim
)

CaseCommand = (
    IntakeCommand
    | NegotiationCommand
    | PaymentCommand
    | GoodsCommand
    | SupplierTrackCommand
    | PlatformTrackCommand
    | ClosingCommand
    | CorrectionCommand
    | ClockCommand
    | ClaimCommand
)
