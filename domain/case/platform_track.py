"""The platform's track: help, intervention, rulings, deadlines, its own view of the after-sale."""

from __future__ import annotations

from collections.abc import Collection
from itertools import count
from typing import assert_never

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.commands import PlatformTrackCommand
from domain.case.draft import Draft
from domain.case.liability import holds, require_shares
from domain.case.owed import fulfilled
from domain.case.rules import require_open, told_lines
from domain.case.state import Case
from domain.case.values import (
    Basis,
    DeclineAnswer,
    DivergenceKind,
    Duty,
    LineAmount,
    ObligationEnd,
    ObligationTerms,
    Party,
    PlatformDeadline,
    ProposalEnd,
    RefundStatus,
    RulingFor,
)
from domain.kernel import Context, Emit
from domain.order import content_key
from domain.world import World


def decide_platform_track(
    command: PlatformTrackCommand, case: Case, world: World, context: Context
) -> list[Emit]:
    """What a request to the platform or a fact of it becomes."""
    match command:
        case cmd.AskPlatformHelp():
            return _ask_help(command, case, context)
        case cmd.RecordIntervention():
            return _intervened(command, case, context)
        case cmd.RecordRuling():
            return _ruled(command, case, world, context)
        case cmd.RecordPlatformDeadline():
            return _deadline(command, case, context)
        case cmd.RecordPlatformStatus():
            return _status(command, case, context)
        case _:
            assert_never(command)


def _ask_help(command: cmd.AskPlatformHelp, case: Case, context: Context) -> list[Emit]:
    """Ask the platform for help; each time with words of its own. Rejected: case_ended."""
    require_open(case)
    draft = Draft(case, context)
    draft.add(ev.PlatformHelpAsked(private=command.private))
    return draft.emits


def _intervened(command: cmd.RecordIntervention, case: Case, context: Context) -> list[Emit]:
    """Somebody called the platform in to rule."""
    draft = Draft(case, context)
    event = ev.PlatformIntervened(called_by=command.called_by, private=command.private)
    if draft.is_told(event):
        return []
    draft.add(event)
    draft.diverge_if_ended("reopen_case", "intervention")
    return draft.emits


def _deadline(command: cmd.RecordPlatformDeadline, case: Case, context: Context) -> list[Emit]:
    """The platform sent a deadline of its own: it wins."""
    draft = Draft(case, context)
    deadline = PlatformDeadline(clock=command.clock, due_at=command.due_at)
    event = ev.PlatformDeadlineSet(deadline=deadline, private=command.private)
    if case.platform_deadlines.get(command.clock) == command.due_at or draft.is_told(event):
        return []
    draft.add(event)
    draft.diverge_if_ended("check_platform", "deadline")
    return draft.emits


def _status(command: cmd.RecordPlatformStatus, case: Case, context: Context) -> list[Emit]:
    """What the platform calls the state of the after-sale. It may have ended what we hold open,
    or taken up again what we hold ended."""
    draft = Draft(case, context)
    event = ev.PlatformStatusObserved(
        status=command.status, ended=command.ended, private=command.private
    )
    same = (case.platform_status, case.platform_ended) == (command.status, command.ended)
    if same or draft.is_told(event):
        return []
    draft.add(event)
    if draft.case.platform_status_at != context.occurred_at:
        return draft.emits  # told late: a newer state is known
    if command.ended and case.is_open:
        draft.diverge(DivergenceKind.PLATFORM_ENDED, "finish_case", command.status)
    if case.platform_ended and not command.ended:
        draft.diverge_if_ended("reopen_case", "platform_status")
    return draft.emits


# ------------------------------------------------------------------ rulings


def _ruled(command: cmd.RecordRuling, case: Case, world: World, context: Context) -> list[Emit]:
    """The platform ruled: what it says of these items replaces agreements, offers, declines and
    findings; money already paid counts. Nothing for the same ruling told again.

    Rejected only for what no ruling can say: wrong_currency and those of `require_shares`.
    """
    for i, ruled in enumerate(command.liability):
        require_shares(ruled.shares, f"liability.{i}.shares")
    items = command.items or tuple(sorted(case.items))
    lines = _ruled_lines(command, case, world)
    if _is_known(command, case, items, lines):
        return []
    draft = Draft(case, context)
    ruling = ev.PlatformRuled(
        ruling_id=command.ruling_id,
        ruled_for=command.ruled_for,
        items=items,
        obligations=_terms(command, case, items, lines),
        supersedes=(),
        content=_content(command),
        private=command.private,
    )
    if draft.is_told(ruling):
        return []
    contradicts = _contradicts(command.ruled_for, case, items, lines)
    draft.add(ruling.model_copy(update={"supersedes": _overruled(draft, items)}))
    _end_talks(draft, items)
    _find_liability(draft, command)
    draft.add(*fulfilled(draft.case))
    if contradicts is not None:
        draft.diverge(DivergenceKind.RULING_CONTRADICTS, contradicts, command.ruling_id)
    unknown = set(items) | {ruled.item for ruled in command.liability}
    if unknown - case.items.keys():
        draft.diverge(DivergenceKind.RULING_CONTRADICTS, "check_items", command.ruling_id)
    draft.diverge_if_ended("reopen_case", command.ruling_id)
    return draft.emits


def _content(command: cmd.RecordRuling) -> str:
    return content_key(
        "ruling",
        command.ruled_for,
        command.items,
        [(part.line, part.money.minor, part.money.currency) for part in command.amounts],
        command.after_return,
        [
            (ruled.item, [(share.party, share.percent, share.supplier) for share in ruled.shares])
            for ruled in command.liability
        ],
    )


def _ruled_lines(command: cmd.RecordRuling, case: Case, world: World) -> tuple[LineAmount, ...]:
    order = world.order(case.order_id) if case.order_id else None
    currency = (order.currency if order else None) or case.currency
    return tuple(part for part in told_lines(command.amounts, currency) if part.amount)


def _is_known(
    command: cmd.RecordRuling,
    case: Case,
    items: tuple[int, ...],
    lines: tuple[LineAmount, ...],
) -> bool:
    """The same ruling was told before: the same outcome, amounts and liability."""
    told = [ruling for ruling in case.rulings if ruling.ruling_id == command.ruling_id]
    if not told or told[-1].ruled_for is not command.ruled_for:
        return False
    if command.items and told[-1].items != items:
        return False
    owed = [
        case.obligations[key].lines
        for key in case.agreements[command.ruling_id].obligations
        if case.obligations[key].duty is Duty.REFUND
    ]
    if owed != ([lines] if lines else []):
        return False
    return all(
        holds(case, _finding(ruled)) for ruled in command.liability if ruled.item in case.items
    )


def _overruled(draft: Draft, items: Collection[int]) -> tuple[str, ...]:
    """The agreements that the ruling replaces as a whole. Of those that hold on for other items,
    the obligations about the ruled ones end here."""
    whole: list[str] = []
    for key, agreement in draft.case.agreements.items():
        if agreement.superseded or not set(agreement.items) & set(items):
            continue
        if set(agreement.items) <= set(items):
            whole.append(key)
    for obligation in draft.case.open_obligations:
        if obligation.agreement not in whole and set(obligation.items) & set(items):
            draft.add(
                ev.ObligationEnded(
                    obligation_id=obligation.obligation_id, how=ObligationEnd.SUPERSEDED
                )
            )
    return tuple(whole)


def _terms(
    command: cmd.RecordRuling,
    case: Case,
    items: tuple[int, ...],
    lines: tuple[LineAmount, ...],
) -> tuple[ObligationTerms, ...]:
    """What the ruling asks for: a refund, and the goods back where it says so."""
    names = (f"ruling.{n}" for n in count(1))  # an agreement's are numbered with a hyphen
    free = (name for name in names if name not in case.obligations)
    terms: list[ObligationTerms] = []
    if command.after_return:
        terms.append(
            ObligationTerms(
                obligation_id=next(free), duty=Duty.RETURN, party=Party.BUYER, items=items
            )
        )
    if lines:
        terms.append(
            ObligationTerms(
                obligation_id=next(free),
                duty=Duty.REFUND,
                party=Party.SHOP,
                items=items,
                amount=sum(part.amount for part in lines),
                lines=lines,
                after_return=command.after_return,
            )
        )
    return tuple(terms)


def _end_talks(draft: Draft, items: Collection[int]) -> None:
    """Offers and unanswered declines about what was ruled are overtaken."""
    for proposal in draft.case.open_proposals:
        if proposal.items & set(items):
            draft.add(
                ev.ProposalEnded(proposal_id=proposal.proposal_id, how=ProposalEnd.SUPERSEDED)
            )
    for decline in draft.case.declines.values():
        if decline.answer is None and set(decline.items) & set(items):
            draft.add(
                ev.DeclineAnswered(decline_id=decline.decline_id, answer=DeclineAnswer.OVERTAKEN)
            )


def _finding(ruled: cmd.ItemShares) -> ev.LiabilityFound:
    return ev.LiabilityFound(
        item=ruled.item, shares=ruled.shares, basis=Basis.RULING, final=True, contested=False
    )


def _find_liability(draft: Draft, command: cmd.RecordRuling) -> None:
    for ruled in command.liability:
        found = _finding(ruled)
        if ruled.item in draft.case.items and not holds(draft.case, found):
            draft.add(found)


def _contradicts(
    ruled_for: RulingFor, case: Case, items: Collection[int], lines: tuple[LineAmount, ...]
) -> str | None:
    """What has to be done because the platform ruled against what the shop had decided; None if
    it did not."""
    about = set(items)
    agreed = [
        obligation
        for obligation in case.obligations.values()
        if obligation.duty is Duty.REFUND
        and obligation.ended in (None, ObligationEnd.FULFILLED)
        and set(obligation.items) & about
    ]
    ours = {obligation.obligation_id for obligation in agreed}
    paid = sum(
        refund.amount
        for refund in case.refunds.values()
        if refund.obligation_id in ours and refund.status is RefundStatus.SUCCEEDED
    )
    under_way = sum(r.amount for r in case.payouts_in_flight if r.obligation_id in ours)
    ruled = sum(part.amount for part in lines)
    if paid > ruled:
        return "recover_refund"
    if paid + under_way > ruled:
        return "stop_payout"
    if ruled_for is RulingFor.SHOP:
        owed = any(set(obligation.items) & about for obligation in case.open_obligations)
        return "stop_execution" if owed else None
    if any(_refused(case, number) for number in about):
        return "carry_out_ruling"
    standing = any(
        not agreement.superseded and set(agreement.items) & about
        for agreement in case.agreements.values()
    )
    if standing and ruled != sum(obligation.amount for obligation in agreed):
        return "carry_out_ruling"
    return None


def _refused(case: Case, number: int) -> bool:
    """The shop had declined the item, and nothing was agreed about it since."""
    item = case.items.get(number)
    agreement = case.agreements.get(item.agreement or "") if item is not None else None
    return any(
        number in decline.items
        and (agreement is None or agreement.reached_at < decline.declined_at)
        for decline in case.declines.values()
    )
