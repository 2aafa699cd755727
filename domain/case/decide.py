"""Decides every command and fact of a case, and lets its clocks follow."""

from __future__ import annotations

from typing import assert_never

from domain.case import commands as cmd
from domain.case.claims import decide_claim, require_claim, with_claims_ended
from domain.case.closing import decide_closing
from domain.case.commands import CaseCommand, FileComplaint
from domain.case.corrections import decide_correction
from domain.case.exemption import judged
from domain.case.goods import decide_goods
from domain.case.intake import decide_intake
from domain.case.negotiation import decide_negotiation
from domain.case.payments import decide_payment
from domain.case.platform_track import decide_platform_track
from domain.case.rules import divergence, resolve
from domain.case.state import Case
from domain.case.supplier_track import decide_supplier_track
from domain.case.values import DivergenceKind
from domain.kernel import Context, Emit, require
from domain.sla.decide import decide_clocks
from domain.sla.follow import follow
from domain.world import World


def decide(command: CaseCommand, world: World, context: Context) -> list[Emit]:
    """The events of a case command, those of other streams that it touches, of the clocks and of
    the exemption included. Raises Rejected; a fact is never refused for the case's state."""
    case = resolve(command.case_id, world)
    emits: list[Emit] = []
    if not case.is_filed and not isinstance(command, FileComplaint):
        require(
            command.IS_FACT,
            "unknown_case",
            f"No complaint was filed under {command.case_id}.",
            "case_id",
        )
        emits = divergence(case, DivergenceKind.UNKNOWN_CASE, "file_complaint")
    require_claim(command, case, context)
    emits = with_claims_ended(case, _track(command, case, world, context) + emits, world, context)
    followed = follow(case, emits, world, context)
    return judged(case, followed, context)


def _track(command: CaseCommand, case: Case, world: World, context: Context) -> list[Emit]:
    match command:
        case cmd.CorrectEntry() | cmd.ConfirmBackdating() | cmd.AddAlias() | cmd.SettleDivergence():
            return decide_correction(command, case, world, context)
        case (
            cmd.FileComplaint()
            | cmd.LinkOrder()
            | cmd.RecordContact()
            | cmd.AgreeWait()
            | cmd.RequestIntercept()
            | cmd.RecordIntercept()
            | cmd.VerifyOrder()
            | cmd.VerifyItem()
            | cmd.AttachEvidence()
            | cmd.HoldEvidence()
            | cmd.RecordDissatisfaction()
            | cmd.RaisePriority()
            | cmd.AddNote()
            | cmd.Assign()
            | cmd.HandOverWork()
            | cmd.FinishHandedWork()
        ):
            return decide_intake(command, case, world, context)
        case (
            cmd.ProposeResolution()
            | cmd.WithdrawProposal()
            | cmd.DeclineProposal()
            | cmd.AcceptProposal()
            | cmd.LapseProposal()
            | cmd.WaiveObligation()
            | cmd.DeclineComplaint()
            | cmd.AnswerDecline()
        ):
            return decide_negotiation(command, case, world, context)
        case (
            cmd.DecideAutoRefund()
            | cmd.RequestRefund()
            | cmd.RecordRefundSucceeded()
            | cmd.RecordRefundFailed()
            | cmd.RecordRefundUnknown()
            | cmd.RecordRefundReversed()
            | cmd.GrantGoodwill()
            | cmd.ReimburseReturnFreight()
        ):
            return decide_payment(command, case, world, context)
        case (
            cmd.AgreeReturnAddress()
            | cmd.RecordReturnShipped()
            | cmd.RecordReturnReceived()
            | cmd.RecordReturnLost()
            | cmd.InspectReturn()
            | cmd.SendReturnBack()
            | cmd.LapseReturn()
            | cmd.FileCarrierClaim()
            | cmd.AgreeDeduction()
            | cmd.RecordReplacementDispatched()
            | cmd.RecordReplacementDelivered()
            | cmd.OrderRepair()
            | cmd.RecordRepairItemReceived()
            | cmd.CompleteRepair()
            | cmd.RecordRepairSentBack()
        ):
            return decide_goods(command, case, world, context)
        case (
            cmd.NameSupplier()
            | cmd.RequestAppraisal()
            | cmd.RecordAppraisalMaterialReceived()
            | cmd.RecordAppraisalVerdict()
            | cmd.OrderIndependentAppraisal()
            | cmd.SettleAppraisal()
            | cmd.FindLiability()
            | cmd.RescindLiability()
        ):
            return decide_supplier_track(command, case, world, context)
        case (
            cmd.AskPlatformHelp()
            | cmd.RecordIntervention()
            | cmd.RecordRuling()
            | cmd.RecordPlatformDeadline()
            | cmd.RecordPlatformStatus()
        ):
            return decide_platform_track(command, case, world, context)
        case (
            cmd.ConfirmSolution()
            | cmd.ReportNotSolved()
            | cmd.InviteEvaluation()
            | cmd.RecordEvaluation()
            | cmd.FinishFollowUp()
            | cmd.Classify()
            | cmd.NoteImprovement()
            | cmd.CloseCase()
            | cmd.WithdrawCase()
            | cmd.ReopenCase()
            | cmd.TellRemedy()
            | cmd.RecordForgiveness()
            | cmd.RequestExemption()
            | cmd.RecordExemptionDecision()
            | cmd.ObserveExemptionTag()
        ):
            return decide_closing(command, case, world, context)
        case (
            cmd.ClaimCase()
            | cmd.RenewClaim()
            | cmd.ReleaseClaim()
            | cmd.HandOverClaim()
            | cmd.OverrideClaim()
            | cmd.EndLapsedClaim()
        ):
            return decide_claim(command, case, world, context)
        case cmd.RetargetClocks() | cmd.CheckClocks():
            return decide_clocks(command, case, world, context)
        case _:
            assert_never(command)
