"""Proposals, counter-offers, agreements, declines: how the two sides come to terms."""

from __future__ import annotations

from typing import assert_never

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.agreements import agree_on, draft_agreement, ended, require_no_payout
from domain.case.declines import answer_decline, decline_complaint
from domain.case.offers import goodwill_of, parts_of
from domain.case.rules import on, require_open
from domain.case.state import Case, Proposal
from domain.case.values import ObligationEnd, ProposalEnd
from domain.kernel import Context, Emit, Rejected, require
from domain.sla.events import ClockName
from domain.world import World

MAX_ID = 70
"""A proposal's id leaves room for the numbers of its obligations."""


def decide_negotiation(
    command: cmd.NegotiationCommand, case: Case, world: World, context: Context
) -> list[Emit]:
    """The events of a command of the negotiation. Raises Rejected."""
    match command:
        case cmd.ProposeResolution():
            return _propose(command, case, world, context)
        case cmd.WithdrawProposal():
            return _end_proposal(command, case, ProposalEnd.WITHDRAWN)
        case cmd.DeclineProposal():
            return _end_proposal(command, case, ProposalEnd.DECLINED)
        case cmd.AcceptProposal():
            return _accept(command, case, world, context)
        case cmd.LapseProposal():
            return _lapse(command, case, context)
        case cmd.WaiveObligation():
            return _waive(command, case)
        case cmd.DeclineComplaint():
            return decline_complaint(command, case, world, context)
        case cmd.AnswerDecline():
            return answer_decline(command, case)
        case _:
            assert_never(command)


def _propose(
    command: cmd.ProposeResolution, case: Case, world: World, context: Context
) -> list[Emit]:
    """Offer a solution. Several may be open at once; a counter ends the offer that it answers,
    and an offer that names one's own earlier one replaces it.

    Rejected: case_ended, proposal_id_reused, proposal_id_too_long, unknown_proposal,
    proposal_ended, and those of `parts_of`, `goodwill_of` and `draft_agreement`: what
    could not be agreed on is not offered.
    """
    require_open(case)
    require(
        len(command.proposal_id) <= MAX_ID,
        "proposal_id_too_long",
        f"A proposal's id has at most {MAX_ID} characters.",
        "proposal_id",
    )
    parts = parts_of(command, case, world)
    goodwill = goodwill_of(command, parts, case, world, context)
    known = case.proposals.get(command.proposal_id)
    if known is not None:
        require(
            (known.by, known.parts, known.goodwill) == (command.by, parts, goodwill),
            "proposal_id_reused",
            f"{command.proposal_id} names another proposal.",
            "proposal_id",
        )
        return []
    require(
        command.proposal_id not in case.agreements,
        "proposal_id_reused",
        f"{command.proposal_id} names a ruling or an approval.",
        "proposal_id",
    )
    offer = Proposal(
        proposal_id=command.proposal_id,
        by=command.by,
        parts=parts,
        refund_total=sum(part.amount for part in parts),
        goodwill=goodwill,
        proposed_at=context.occurred_at,
    )
    draft_agreement(offer, tuple(sorted(offer.items)), case, world, context)
    emits: list[Emit] = []
    if command.counters is not None:
        countered = _open_proposal(case, command.counters, "counters")
        same = countered.by is command.by
        how = ProposalEnd.SUPERSEDED if same else ProposalEnd.DECLINED
        emits.append(on(case, ev.ProposalEnded(proposal_id=countered.proposal_id, how=how)))
    proposed = ev.ResolutionProposed(
        proposal_id=command.proposal_id,
        by=offer.by,
        parts=offer.parts,
        refund_total=offer.refund_total,
        goodwill=offer.goodwill,
        counters=command.counters,
        private=command.private,
    )
    return [*emits, on(case, proposed)]


def _accept(command: cmd.AcceptProposal, case: Case, world: World, context: Context) -> list[Emit]:
    """Agree on a proposal, whole or for some of its items.

    Rejected: case_ended, unknown_proposal, proposal_ended, item_named_twice, and those of
    `agree_on`.
    """
    require_open(case)
    proposal = _proposal(case, command.proposal_id, "proposal_id")
    chosen = command.items or tuple(sorted(proposal.items))
    require(len(set(chosen)) == len(chosen), "item_named_twice", "An item is named twice.", "items")
    if proposal.ended is ProposalEnd.ACCEPTED:
        agreement = case.agreements.get(proposal.proposal_id)
        if agreement is not None and set(agreement.items) == set(chosen):
            return []
    _require_standing(proposal, "proposal_id")
    return agree_on(proposal, chosen, case, command.private, world, context)


def _end_proposal(
    command: cmd.WithdrawProposal | cmd.DeclineProposal, case: Case, how: ProposalEnd
) -> list[Emit]:
    """Rejected: case_ended, unknown_proposal, proposal_ended."""
    require_open(case)
    proposal = _proposal(case, command.proposal_id, "proposal_id")
    if proposal.ended is how:
        return []
    _require_standing(proposal, "proposal_id")
    ending = ev.ProposalEnded(proposal_id=proposal.proposal_id, how=how, private=command.private)
    return [on(case, ending)]


def _lapse(command: cmd.LapseProposal, case: Case, context: Context) -> list[Emit]:
    """Once the answer is past due. Rejected: case_ended, unknown_proposal, proposal_ended,
    not_due_yet (also for the buyer's own offers: it is the shop that answers those)."""
    require_open(case)
    proposal = _proposal(case, command.proposal_id, "proposal_id")
    if proposal.ended is ProposalEnd.LAPSED:
        return []
    _require_standing(proposal, "proposal_id")
    due = [
        clock.due_at
        for clock in case.clocks.values()
        if clock.clock is ClockName.ANSWER and clock.about == proposal.proposal_id
    ]
    require(
        any(due_at <= context.occurred_at for due_at in due),
        "not_due_yet",
        f"The buyer's answer to {proposal.proposal_id} is not past due.",
        "proposal_id",
    )
    lapsed = ev.ProposalEnded(
        proposal_id=proposal.proposal_id, how=ProposalEnd.LAPSED, private=command.private
    )
    return [on(case, lapsed)]


def _waive(command: cmd.WaiveObligation, case: Case) -> list[Emit]:
    """Rejected: case_ended, unknown_obligation, obligation_ended, payout_in_flight."""
    require_open(case)
    obligation = case.obligations.get(command.obligation_id)
    require(
        obligation is not None,
        "unknown_obligation",
        f"Nothing is owed as {command.obligation_id}.",
        "obligation_id",
    )
    if obligation is None or obligation.ended is ObligationEnd.WAIVED:
        return []
    require(
        obligation.ended is None,
        "obligation_ended",
        f"{command.obligation_id} has ended.",
        "obligation_id",
    )
    require_no_payout(case, [obligation], "obligation_id")
    waived = ended(obligation, ObligationEnd.WAIVED)
    return [on(case, waived.model_copy(update={"private": command.private}))]


# ----------------------------------------------------------------- look-ups


def _proposal(case: Case, proposal_id: str, field: str) -> Proposal:
    proposal = case.proposals.get(proposal_id)
    if proposal is None:
        raise Rejected("unknown_proposal", f"Nothing was proposed as {proposal_id}.", field)
    return proposal


def _require_standing(proposal: Proposal, field: str) -> None:
    how = proposal.ended
    require(
        how is None,
        "proposal_ended",
        f"{proposal.proposal_id} is {how.value if how else 'open'} and stands no more.",
        field,
    )


def _open_proposal(case: Case, proposal_id: str, field: str) -> Proposal:
    proposal = _proposal(case, proposal_id, field)
    _require_standing(proposal, field)
    return proposal
