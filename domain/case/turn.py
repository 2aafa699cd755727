"""Whose turn it is in a case, and what they have to do next."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from domain.case.owed import awaited_goods, is_expected, outstanding
from domain.case.state import (
    Appraisal,
    AppraisalStep,
    Case,
    Decline,
    Obligation,
    RepairStep,
    ReturnStep,
    Status,
)
from domain.case.values import DeclineAnswer, Duty, Party, RefundStatus, Verdict
from domain.kernel import record


class Action(StrEnum):
    """The next action in a case; the words for it are the interface's."""

    CHECK_PAYOUT = "check_payout"
    SETTLE_DIVERGENCE = "settle_divergence"
    SUPPORT_PLATFORM = "support_platform"
    CONTACT_BUYER = "contact_buyer"
    VERIFY = "verify"
    PROPOSE = "propose"
    ANSWER_COUNTER = "answer_counter"
    REVIEW_SUPPLEMENT = "review_supplement"
    INSPECT = "inspect"
    DECIDE_RETURN = "decide_return"
    AGREE_RETURN_ADDRESS = "agree_return_address"
    PAY = "pay"
    AWAIT_PAYOUT = "await_payout"
    DISPATCH = "dispatch"
    REPAIR = "repair"
    GRANT_GOODWILL = "grant_goodwill"
    DECIDE_BY_HAND = "decide_by_hand"
    CLAIM_FROM_CARRIER = "claim_from_carrier"
    NAME_SUPPLIER = "name_supplier"
    SETTLE_APPRAISAL = "settle_appraisal"
    FOLLOW_UP = "follow_up"
    CLASSIFY = "classify"
    CLOSE = "close"
    ANSWER_PROPOSAL = "answer_proposal"
    ANSWER_DECLINE = "answer_decline"
    SHIP_RETURN = "ship_return"
    CONFIRM = "confirm"
    DELIVER_RETURN = "deliver_return"
    DELIVER = "deliver"
    RULE = "rule"
    FINISH_HANDED_WORK = "finish_handed_work"
    GIVE_VERDICT = "give_verdict"


@record
class Turn:
    """party: who acts next. about: the part of the case that it concerns, or ""."""

    party: Party
    action: Action
    about: str = ""


def turn(case: Case) -> Turn | None:
    """Who has to act next, and how; None once the case has ended and nothing is left to do.

    The most pressing of all steps that stand open: what the shop has to do comes before what
    others have to, because while anything is the shop's, the buyer waits for the shop.
    """
    return next(_steps(case), None)


def steps(case: Case) -> tuple[Turn, ...]:
    """Every step that stands open, most pressing first."""
    return tuple(_steps(case))


def _steps(case: Case) -> Iterator[Turn]:
    yield from _trouble(case)
    if case.is_open:
        yield from _shop(case)
        yield from _others(case)
        yield from _ending(case)
    yield from _supplier_track(case)
    if case.follow_up:
        yield Turn(Party.SHOP, Action.FOLLOW_UP)


def _trouble(case: Case) -> Iterator[Turn]:
    for refund in case.refunds.values():
        # What a withdrawn case promised is paid no more: a payout that failed rests there.
        failed = case.status is not Status.WITHDRAWN and refund.status in (
            RefundStatus.FAILED,
            RefundStatus.REVERSED,
        )
        if refund.status is RefundStatus.UNKNOWN or (
            failed and _is_owed(case, refund.obligation_id)
        ):
            yield Turn(Party.SHOP, Action.CHECK_PAYOUT, refund.action_key)
    for divergence in case.open_divergences:
        yield Turn(Party.SHOP, Action.SETTLE_DIVERGENCE, str(divergence.divergence_id))


def _is_owed(case: Case, obligation_id: str | None) -> bool:
    obligation = case.obligations.get(obligation_id or "")
    return obligation is not None and obligation.ended is None


def _shop(case: Case) -> Iterator[Turn]:
    if case.intervened:
        yield Turn(Party.SHOP, Action.SUPPORT_PLATFORM)
    spoken = case.proposals or case.declines or any(c.counts for c in case.contacts)
    if not spoken and case.auto_verdict not in ("approve", "reject"):
        yield Turn(Party.SHOP, Action.CONTACT_BUYER)
    if case.auto_verdict == "person" and not case.agreements and not case.declines:
        yield Turn(Party.SHOP, Action.DECIDE_BY_HAND)
    for decline in case.declines.values():
        if decline.answer is DeclineAnswer.SUPPLEMENTED and not _answered_since(case, decline):
            yield Turn(Party.SHOP, Action.REVIEW_SUPPLEMENT, decline.decline_id)
    for proposal in case.open_proposals:
        if proposal.by is Party.BUYER:
            yield Turn(Party.SHOP, Action.ANSWER_COUNTER, proposal.proposal_id)
    for back in case.returns.values():
        if back.step is ReturnStep.RECEIVED:
            yield Turn(Party.SHOP, Action.INSPECT, back.return_id)
        elif back.step is ReturnStep.LOST and not back.claim_filed:
            yield Turn(Party.SHOP, Action.CLAIM_FROM_CARRIER, back.return_id)
    for obligation in case.open_obligations:
        yield from _obligation_of_shop(case, obligation)
    if _needs_solution(case):
        if any(item.verified is None for item in case.items.values()):
            yield Turn(Party.SHOP, Action.VERIFY)
        yield Turn(Party.SHOP, Action.PROPOSE)


def _answered_since(case: Case, decline: Decline) -> bool:
    """A proposal, an agreement or a further decline came after this decline."""
    declines = list(case.declines.values())
    return declines[-1] is not decline or bool(case.open_proposals or case.agreements)


def _obligation_of_shop(case: Case, obligation: Obligation) -> Iterator[Turn]:
    about = obligation.obligation_id
    back = _return_of(case, obligation)
    if obligation.duty is Duty.RETURN:
        if back is None:
            yield Turn(Party.SHOP, Action.AGREE_RETURN_ADDRESS, about)
        return
    if obligation.party is not Party.SHOP:
        return
    awaited = awaited_goods(case, obligation)
    if awaited in _TO_DECIDE:
        yield Turn(Party.SHOP, Action.DECIDE_RETURN, about)
    if awaited is not None:
        return
    match obligation.duty:
        case Duty.REFUND:
            left = outstanding(case).get(about, {})
            if any(left.values()) and not _has_failed(case, about):
                yield Turn(Party.SHOP, Action.PAY, about)
        case Duty.DISPATCH:
            if not any(r.obligation_id == about for r in case.replacements.values()):
                yield Turn(Party.SHOP, Action.DISPATCH, about)
        case Duty.REPAIR:
            repair = case.repairs.get(about)
            if repair is None or repair.step is not RepairStep.SENT_BACK:
                yield Turn(Party.SHOP, Action.REPAIR, about)
        case Duty.GOODWILL:
            yield Turn(Party.SHOP, Action.GRANT_GOODWILL, about)


_TO_DECIDE = frozenset({ReturnStep.INSPECTED, ReturnStep.LOST})
"""What came back is not acceptable, or was lost without proof that the buyer had sent it."""


def _return_of(case: Case, obligation: Obligation) -> ReturnStep | None:
    """How far the return of the obligation's items is, None if none was agreed."""
    for back in reversed(list(case.returns.values())):
        if set(back.items) & set(obligation.items):
            return back.step
    return None


def _has_failed(case: Case, obligation_id: str) -> bool:
    return any(
        r.obligation_id == obligation_id and r.status is RefundStatus.FAILED
        for r in case.refunds.values()
    )


def _needs_solution(case: Case) -> bool:
    """Some item has neither an agreement in force, nor an open proposal or decline."""
    offered = {item for proposal in case.open_proposals for item in proposal.items}
    declined = {
        item
        for decline in case.declines.values()
        if decline.answer in (None, DeclineAnswer.ACCEPTED)
        for item in decline.items
    }
    return any(
        not _is_solved(case, item.agreement) and number not in offered and number not in declined
        for number, item in case.items.items()
    )


def _is_solved(case: Case, agreement_id: str | None) -> bool:
    """The agreement holds, and belongs to this round."""
    agreement = case.agreements.get(agreement_id or "")
    if agreement is None or agreement.superseded:
        return False
    if case.round == 1 or case.round_since is None:
        return True
    return agreement.reached_at >= case.round_since


def _others(case: Case) -> Iterator[Turn]:
    for proposal in case.open_proposals:
        if proposal.by is Party.SHOP:
            yield Turn(Party.BUYER, Action.ANSWER_PROPOSAL, proposal.proposal_id)
    if case.open_decline is not None:
        yield Turn(Party.BUYER, Action.ANSWER_DECLINE, case.open_decline.decline_id)
    for back in case.returns.values():
        if back.step is ReturnStep.AGREED and is_expected(case, back):
            yield Turn(Party.BUYER, Action.SHIP_RETURN, back.return_id)
        elif back.step is ReturnStep.SHIPPED:
            yield Turn(Party.CARRIER, Action.DELIVER_RETURN, back.return_id)
    for refund in case.payouts_in_flight:
        if refund.status is RefundStatus.REQUESTED:
            yield Turn(Party.PLATFORM, Action.AWAIT_PAYOUT, refund.action_key)
    for obligation in case.open_obligations:
        if obligation.duty is Duty.DISPATCH and any(
            r.obligation_id == obligation.obligation_id for r in case.replacements.values()
        ):
            yield Turn(Party.CARRIER, Action.DELIVER, obligation.obligation_id)
    if case.intervened:
        yield Turn(Party.PLATFORM, Action.RULE)
    for handover in case.handovers.values():
        if not handover.done:
            yield Turn(Party.DEPARTMENT, Action.FINISH_HANDED_WORK, handover.handover_id)


def _ending(case: Case) -> Iterator[Turn]:
    if case.open_obligations or _needs_solution(case):
        return
    if case.open_proposals or case.open_decline is not None or case.payouts_in_flight:
        return
    settled = case.confirmed_at is not None or case.last_ruling is not None or case.platform_ended
    declined = bool(case.declines) and not case.agreements
    if not settled and not declined:
        yield Turn(Party.BUYER, Action.CONFIRM)
    elif case.classification is None:
        yield Turn(Party.SHOP, Action.CLASSIFY)
    else:
        yield Turn(Party.SHOP, Action.CLOSE)


def _supplier_track(case: Case) -> Iterator[Turn]:
    for item in case.items.values():
        if item.name_asked and item.supplier is None:
            yield Turn(Party.SHOP, Action.NAME_SUPPLIER, str(item.number))
    for appraisal in case.appraisals.values():
        if _is_unsettled(appraisal):
            yield Turn(Party.SHOP, Action.SETTLE_APPRAISAL, appraisal.appraisal_id)
        elif appraisal.step in (AppraisalStep.REQUESTED, AppraisalStep.HELD):
            yield Turn(Party.SUPPLIER, Action.GIVE_VERDICT, appraisal.appraisal_id)


def _is_unsettled(appraisal: Appraisal) -> bool:
    """Denied or inconclusive, and nobody settled it."""
    verdict = appraisal.independent_verdict or appraisal.verdict
    return appraisal.step is AppraisalStep.ANSWERED and verdict is not Verdict.ADMITTED
