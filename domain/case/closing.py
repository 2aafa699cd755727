"""Confirmation, evaluation, registration, the end of a case, and what can follow after it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.draft import Draft
from domain.case.on_order import ended_on_order, lines_of, opened_on_order
from domain.case.outcome import last_delivery, outcomes, standing_declines
from domain.case.rules import on, policies_of, require_evidence, require_open
from domain.case.state import Case, Exemption, Status
from domain.case.values import Direction, Outcome, Party, ProposalEnd, Rating, Totals
from domain.kernel import Context, Emit, Rejected, require
from domain.world import World


def decide_closing(
    command: cmd.ClosingCommand, case: Case, world: World, context: Context
) -> list[Emit]:
    """The events of a command or fact about the end of a case. Raises Rejected."""
    match command:
        case cmd.ConfirmSolution():
            return _confirm(command, case, world, context)
        case cmd.ReportNotSolved():
            return _not_solved(command, case, context)
        case cmd.InviteEvaluation():
            return _invite(command, case)
        case cmd.RecordEvaluation():
            return _evaluated(command, case, context)
        case cmd.FinishFollowUp():
            require(case.follow_up, "no_follow_up", "No follow-up is open.", "case_id")
            return [on(case, ev.FollowUpDone(private=command.private))]
        case cmd.Classify():
            return _classify(command, case)
        case cmd.NoteImprovement():
            noted = ev.ImprovementNoted(
                area=command.area, text=command.text, private=command.private
            )
            return [on(case, noted)]
        case cmd.CloseCase():
            return _close(command, case, world, context)
        case cmd.WithdrawCase():
            return _withdraw(command, case, context)
        case cmd.ReopenCase():
            return _reopen(command, case, world, context)
        case cmd.TellRemedy():
            return _tell_remedy(command, case)
        case cmd.RecordForgiveness():
            require_evidence(case, command.evidence)
            if case.forgiven_at is not None:
                return []
            forgiven = ev.ForgivenessRecorded(evidence=command.evidence, private=command.private)
            return [on(case, forgiven)]
        case cmd.RequestExemption():
            return _request_exemption(command, case)
        case cmd.RecordExemptionDecision():
            return _exemption_decided(command, case, context)
        case cmd.ObserveExemptionTag():
            observed = ev.ExemptionTagObserved(exempt=command.exempt, private=command.private)
            if case.exemption_tag is command.exempt or Draft(case, context).is_told(observed):
                return []
            return [on(case, observed)]
        case _:
            assert_never(command)


# ------------------------------------------------ confirmed, or not solved


def _confirm(
    command: cmd.ConfirmSolution, case: Case, world: World, context: Context
) -> list[Emit]:
    """Rejected: case_ended, obligations_open, payout_in_flight; by silence also
    nothing_delivered, buyer_spoke, silence_too_short."""
    require_open(case)
    if case.confirmed_at is not None:
        return []
    _require_done(case)
    if not command.by_silence:
        confirmed = ev.SolutionConfirmed(by_silence=False, policy=(), private=command.private)
        return [on(case, confirmed)]
    delivered = last_delivery(case)
    if delivered is None:
        raise Rejected(
            "nothing_delivered", "Silence speaks only after the last delivery.", "by_silence"
        )
    require(
        not any(
            contact.direction is Direction.FROM_BUYER
            and contact.substantive
            and not contact.corrected
            and contact.occurred_at > delivered
            for contact in case.contacts
        ),
        "buyer_spoke",
        "The buyer was not silent: ask whether it is solved.",
        "by_silence",
    )
    silence, policy = policies_of(case, world).silence(context.now)
    due = delivered + timedelta(days=silence.confirm_days)
    require(
        context.occurred_at >= due,
        "silence_too_short",
        f"Silence confirms {silence.confirm_days} days after the last delivery.",
        "by_silence",
    )
    confirmed = ev.SolutionConfirmed(by_silence=True, policy=policy, private=command.private)
    return [on(case, confirmed, due)]


def _require_done(case: Case) -> None:
    require(
        not case.open_obligations,
        "obligations_open",
        "Something is still owed: " + ", ".join(o.obligation_id for o in case.open_obligations),
        "case_id",
    )
    require(
        not case.payouts_in_flight,
        "payout_in_flight",
        "A payout is under way: " + ", ".join(r.action_key for r in case.payouts_in_flight),
        "case_id",
    )


def _not_solved(command: cmd.ReportNotSolved, case: Case, context: Context) -> list[Emit]:
    """Rejected: case_ended, obligations_open, payout_in_flight, nothing_tried (nothing was
    agreed, ruled or confirmed in this round)."""
    require_open(case)
    _require_done(case)
    since = case.round_since
    tried = case.confirmed_at is not None or any(
        since is None or agreement.reached_at >= since for agreement in case.agreements.values()
    )
    require(tried, "nothing_tried", "In this round nothing was done yet that failed.", "case_id")
    opened = ev.RoundOpened(round=case.round + 1, private=command.private)
    return [on(case, opened, _in_round(case, context))]


def _in_round(case: Case, context: Context) -> datetime:
    """When it happened; what ends a round or follows on its end never lies before its start, nor
    before that end."""
    known = (context.occurred_at, case.round_since, case.confirmed_at, case.ended_at)
    return max(moment for moment in known if moment is not None)


# -------------------------------------------------------------- evaluation


def _invite(command: cmd.InviteEvaluation, case: Case) -> list[Emit]:
    require(
        case.confirmed_at is not None or not case.is_open,
        "not_confirmed",
        "The buyer is asked to evaluate what is solved or has ended.",
        "case_id",
    )
    return [] if case.invited else [on(case, ev.EvaluationInvited(private=command.private))]


def _evaluated(command: cmd.RecordEvaluation, case: Case, context: Context) -> list[Emit]:
    """A negative one opens a follow-up. One that came before a later one is only stored."""
    draft = Draft(case, context)
    evaluated = ev.CaseEvaluated(rating=command.rating, private=command.private)
    if case.evaluation is command.rating or draft.is_told(evaluated):
        return []
    draft.add(evaluated)
    if draft.case.evaluation is Rating.NEGATIVE and not case.follow_up:
        draft.add(ev.FollowUpOpened())
    return draft.emits


# ------------------------------------------------- registration and the end


def _classify(command: cmd.Classify, case: Case) -> list[Emit]:
    require_open(case)
    tags = tuple(dict.fromkeys(command.tags))
    known = case.classification
    if known is not None and (known.problem, known.root_cause, known.tags) == (
        command.problem,
        command.root_cause,
        tags,
    ):
        return []
    classified = ev.CaseClassified(
        problem=command.problem,
        root_cause=command.root_cause,
        tags=tags,
        private=command.private,
    )
    return [on(case, classified)]


def _close(command: cmd.CloseCase, case: Case, world: World, context: Context) -> list[Emit]:
    """Register the case with its outcome and what it cost. Liability need not be final.

    Rejected: case_ended, not_classified, payout_in_flight, obligations_open,
    decline_unanswered, outcome_unclear, outcome_not_supported.
    """
    require_open(case)
    require(
        case.classification is not None,
        "not_classified",
        "Classify the case before closing it.",
        "case_id",
    )
    _require_done(case)
    days = policies_of(case, world).silence(context.now).values.decline_days
    waiting = standing_declines(case, context.occurred_at, days)
    require(
        not waiting or case.confirmed_at is not None or case.last_ruling is not None,
        "decline_unanswered",
        f"The buyer has {days} days to answer a decline.",
        "case_id",
    )
    closed = ev.CaseClosed(
        outcome=_outcome(command, outcomes(case, context.occurred_at, days)),
        totals=Totals(
            refunded=case.refunded,
            goodwill=sum(granted.amount for granted in case.goodwill.values()),
            return_freight=sum(back.freight for back in case.returns.values()),
        ),
        private=command.private,
    )
    return [
        *_proposals_moot(case),
        on(case, closed, _in_round(case, context)),
        *ended_on_order(case),
    ]


def _outcome(command: cmd.CloseCase, supported: tuple[Outcome, ...]) -> Outcome:
    """The outcome that was said, if the case supports it; or what follows from the case."""
    if command.outcome is None:
        require(
            bool(supported),
            "outcome_unclear",
            "Nothing was agreed, confirmed, declined, ruled or lapsed: say the outcome.",
            "outcome",
        )
        return supported[0]
    # What no event tells of, an apology that sufficed or a buyer never heard of again, is
    # for the person who closes to say.
    allowed = supported or (Outcome.SOLVED, Outcome.LAPSED)
    require(
        command.outcome in allowed,
        "outcome_not_supported",
        f"The case supports {', '.join(allowed)}; not {command.outcome.value}.",
        "outcome",
    )
    return command.outcome


def _proposals_moot(case: Case) -> list[Emit]:
    how = ProposalEnd.WITHDRAWN
    return [
        on(case, ev.ProposalEnded(proposal_id=proposal.proposal_id, how=how))
        for proposal in case.open_proposals
    ]


def _withdraw(command: cmd.WithdrawCase, case: Case, context: Context) -> list[Emit]:
    """Rejected: case_ended, not_theirs_to_withdraw."""
    require(
        command.by in (Party.BUYER, Party.PLATFORM),
        "not_theirs_to_withdraw",
        "The buyer withdraws, or the platform for them; the shop declines or closes.",
        "by",
    )
    if case.status is Status.WITHDRAWN:
        return []
    require_open(case)
    withdrawn = ev.CaseWithdrawn(by=command.by, private=command.private)
    return [
        *_proposals_moot(case),
        on(case, withdrawn, _in_round(case, context)),
        *ended_on_order(case),
    ]


def _reopen(command: cmd.ReopenCase, case: Case, world: World, context: Context) -> list[Emit]:
    """Rejected: not_ended, open_case_on_item."""
    require(not case.is_open, "not_ended", "The case is open.", "case_id")
    emits: list[Emit] = []
    if case.order_id is not None:
        order = world.order(case.order_id)
        for line in lines_of(case):
            other = order.open_case_on(line)
            require(
                other in (None, case.case_id),
                "open_case_on_item",
                f"The case {other} is open about the line {line}: go on there.",
                "case_id",
            )
        if case.filed_at is not None:
            emits = opened_on_order(order, case.case_id, lines_of(case), case.filed_at)
    at = _in_round(case, context)
    reopened = [
        on(case, ev.CaseReopened(reason=command.reason, private=command.private), at),
        on(case, ev.RoundOpened(round=case.round + 1), at),
    ]
    if case.exemption is not Exemption.NONE:
        reopened.append(on(case, ev.ExemptionSuspended()))
    return reopened + emits


# -------------------------------------------------- remedy and exemption


def _tell_remedy(command: cmd.TellRemedy, case: Case) -> list[Emit]:
    require(
        command.action_key is None or command.action_key in case.goodwill,
        "unknown_goodwill",
        f"No goodwill was granted as {command.action_key}.",
        "action_key",
    )
    if case.remedy_told_at is not None:
        return []
    return [on(case, ev.RemedyTold(action_key=command.action_key, private=command.private))]


def _request_exemption(command: cmd.RequestExemption, case: Case) -> list[Emit]:
    """Rejected: not_closed, not_eligible, exemption_granted."""
    require(
        case.status is Status.CLOSED,
        "not_closed",
        "An exemption is requested for a closed case.",
        "case_id",
    )
    if case.exemption is Exemption.REQUESTED:
        return []
    require(
        case.exemption is not Exemption.GRANTED,
        "exemption_granted",
        "The exemption was granted already.",
        "case_id",
    )
    require(
        case.exemption_eligible is True,
        "not_eligible",
        "The case is not eligible: " + ", ".join(case.exemption_grounds),
        "case_id",
    )
    return [on(case, ev.ExemptionRequested(private=command.private))]


def _exemption_decided(
    command: cmd.RecordExemptionDecision, case: Case, context: Context
) -> list[Emit]:
    decided = ev.ExemptionDecided(granted=command.granted, private=command.private)
    now = Exemption.GRANTED if command.granted else Exemption.DENIED
    if case.exemption is now or Draft(case, context).is_told(decided):
        return []
    return [on(case, decided)]
