"""How a case came out, and since when silence speaks."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.case.state import Case, Decline, RepairStep, ReplacementStep, Ruling
from domain.case.values import (
    DeclineAnswer,
    ObligationEnd,
    Outcome,
    ProposalEnd,
    RefundBasis,
    RefundStatus,
    RulingFor,
)


def is_against_shop(case: Case, ruling: Ruling) -> bool:
    """For the buyer; or split, with something for the shop to do."""
    if ruling.ruled_for is RulingFor.SPLIT:
        owed = case.agreements.get(ruling.ruling_id)
        return owed is not None and bool(owed.obligations)
    return ruling.ruled_for is RulingFor.BUYER


def standing_rulings(case: Case) -> tuple[Ruling, ...]:
    """The last ruling about each item: a later one about the same items replaces an earlier."""
    standing: list[Ruling] = []
    ruled: set[int] = set()
    for ruling in reversed(case.rulings):
        if not ruled or set(ruling.items) - ruled:
            standing.append(ruling)
        ruled |= set(ruling.items)
    return tuple(standing)


def outcomes(case: Case, at: datetime, decline_days: int) -> tuple[Outcome, ...]:
    """The outcomes that the case supports at `at`, the one that follows from it first. What the
    present round brought decides; where it brought nothing, the earlier ones."""
    since = case.round_since
    return (_outcomes(case, at, decline_days, since) if since else ()) or _outcomes(
        case, at, decline_days, None
    )


def standing_declines(case: Case, at: datetime, decline_days: int) -> tuple[Decline, ...]:
    """Declines that the buyer may still answer."""
    wait = timedelta(days=decline_days)
    return tuple(
        decline
        for decline in case.declines.values()
        if decline.answer is None and at < decline.declined_at + wait
    )


def last_delivery(case: Case) -> datetime | None:
    """When the last of what was owed reached the buyer in the present round: money, goods, a
    perk. None if nothing did, or if something is still on its way."""
    if any(r.step is ReplacementStep.DISPATCHED for r in case.replacements.values()):
        return None
    moments = [
        *(r.since for r in case.refunds.values() if r.status is RefundStatus.SUCCEEDED),
        *(r.since for r in case.replacements.values()),
        *(r.since for r in case.repairs.values() if r.step is RepairStep.SENT_BACK),
        *(g.granted_at for g in case.goodwill.values()),
    ]
    since = case.round_since
    return max((m for m in moments if since is None or m >= since), default=None)


def _outcomes(
    case: Case, at: datetime, decline_days: int, since: datetime | None
) -> tuple[Outcome, ...]:
    def counts(moment: datetime) -> bool:
        return since is None or moment >= since

    found: list[Outcome] = []
    agreed = [
        agreement
        for agreement in case.agreements.values()
        if not agreement.superseded and counts(agreement.reached_at)
    ]
    ends = {
        agreement.agreement_id: {case.obligations[key].ended for key in agreement.obligations}
        for agreement in agreed
    }
    ruling = case.last_ruling
    if ruling is not None and counts(ruling.ruled_at):
        found.append(
            Outcome.RULED_FOR_BUYER if is_against_shop(case, ruling) else Outcome.RULED_FOR_SHOP
        )
    done = {ObligationEnd.FULFILLED, ObligationEnd.WAIVED}
    executed = [
        agreement
        for agreement in agreed
        if agreement.basis is not RefundBasis.RULING
        and (not agreement.obligations or done & ends[agreement.agreement_id])
    ]
    confirmed = case.confirmed_at is not None and counts(case.confirmed_at)
    if executed or confirmed:
        later = ruling is not None and any(a.reached_at > ruling.ruled_at for a in executed)
        found.insert(0 if later else len(found), Outcome.SOLVED)
    wait = timedelta(days=decline_days)
    if any(
        decline.answer is DeclineAnswer.ACCEPTED
        or (decline.answer is None and at >= decline.declined_at + wait)
        for decline in case.declines.values()
        if counts(decline.declined_at)
    ) or (since is None and case.auto_verdict == "reject"):
        found.append(Outcome.DECLINED)
    if any(ObligationEnd.LAPSED in ended for ended in ends.values()) or any(
        proposal.ended is ProposalEnd.LAPSED and counts(proposal.proposed_at)
        for proposal in case.proposals.values()
    ):
        found.append(Outcome.LAPSED)
    return tuple(found)
