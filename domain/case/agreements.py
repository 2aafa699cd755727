"""From an accepted proposal to an agreement: its obligations, and what it supersedes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from domain.case import events as ev
from domain.case.draft import Draft
from domain.case.owed import fulfilled, outstanding
from domain.case.rules import known_order, policies_of
from domain.case.state import Case, Obligation, Proposal, ReturnStep
from domain.case.values import (
    REFUNDS,
    DeclineAnswer,
    Duty,
    LineAmount,
    ObligationEnd,
    ObligationTerms,
    Part,
    Party,
    ProblemType,
    ProposalEnd,
    Resolution,
)
from domain.kernel import Context, Emit, Private, Rejected, require
from domain.money import money
from domain.world import World


def agree_on(
    proposal: Proposal,
    chosen: tuple[int, ...],
    case: Case,
    private: Private | None,
    world: World,
    context: Context,
) -> list[Emit]:
    """The agreement on these items of a proposal, and the end of what it replaces: unfinished
    obligations, other proposals, an unanswered decline.

    Rejected: those of `draft_agreement`.
    """
    draft, reached = draft_agreement(proposal, chosen, case, world, context, private)
    draft.add(*fulfilled(draft.case))
    items = set(reached.items)
    for other in draft.case.open_proposals:
        if other.items & items:
            how = ProposalEnd.SUPERSEDED
            draft.add(ev.ProposalEnded(proposal_id=other.proposal_id, how=how))
    for decline in case.declines.values():
        if decline.answer is None and set(decline.items) & items:
            answer = DeclineAnswer.OVERTAKEN
            draft.add(ev.DeclineAnswered(decline_id=decline.decline_id, answer=answer))
    return draft.emits


def draft_agreement(
    proposal: Proposal,
    chosen: tuple[int, ...],
    case: Case,
    world: World,
    context: Context,
    private: Private | None = None,
) -> tuple[Draft, ev.AgreementReached]:
    """What agreeing on these items would come to. What was paid for them before counts towards
    it; with all else that the case still owes it must fit what is left of what was paid.

    Rejected: item_not_offered, part_not_divisible, goodwill_instead, amendment_incomplete,
    refund_exceeds_paid.
    """
    for number in chosen:
        require(
            number in proposal.items,
            "item_not_offered",
            f"The proposal offers nothing for item {number}.",
            "items",
        )
    parts = [part for p in proposal.parts if (part := _for_items(p, chosen, case)) is not None]
    _require_on_top(parts, chosen, case)
    agreements, single = superseded_by(case, chosen)
    items = tuple(sorted(chosen))
    whole = set(items) == set(proposal.items)
    reached = ev.AgreementReached(
        agreement_id=proposal.proposal_id,
        proposal_id=proposal.proposal_id,
        items=items,
        obligations=_obligations(proposal, parts, items, whole, case),
        supersedes=tuple(agreements),
        policy=policies_of(case, world).procedure(context.now).ref,
        private=private,
    )
    draft = Draft(case, context)
    draft.add(*(ended(obligation, ObligationEnd.SUPERSEDED) for obligation in single), reached)
    _require_affordable(case, draft.case, reached, world)
    return draft, reached


_NEVER_CAME: Final = frozenset({ProblemType.LOST, ProblemType.MISSING_ITEM})
"""What the buyer paid for and did not get: it is paid back or sent, whatever comes on top."""


def _require_on_top(parts: Sequence[Part], chosen: Sequence[int], case: Case) -> None:
    """Goodwill comes on top of what the buyer is owed, never instead."""
    for number in chosen:
        if any(
            number in part.items and part.resolution is not Resolution.COMPENSATION_ONLY
            for part in parts
        ):
            continue
        owed = any(
            obligation.duty not in (Duty.GOODWILL, Duty.RETURN) and number in obligation.items
            for obligation in case.open_obligations
        )
        require(
            not owed and case.items[number].problem not in _NEVER_CAME,
            "goodwill_instead",
            f"The buyer is owed more for item {number} than goodwill: offer it along with that,"
            " or grant it on top.",
            "parts",
        )


def _require_affordable(
    before: Case, after: Case, reached: ev.AgreementReached, world: World
) -> None:
    if not any(terms.lines for terms in reached.obligations):
        return
    order = known_order(before, world)
    owed = _owed(after)
    if order.excess(owed.values()) <= order.excess(_owed(before).values()):
        return
    new = {terms.obligation_id for terms in reached.obligations}
    asked = sum(part.amount for (key, _), part in owed.items() if key in new)
    lines = {part.line for (key, _), part in owed.items() if key in new}
    taken = sum(
        part.amount for (key, line), part in owed.items() if key not in new and line in lines
    )
    left = max(0, order.refundable_total(lines) - taken)
    currency = order.currency or ""
    raise Rejected(
        "refund_exceeds_paid",
        f"{money(asked, currency)} asked, {money(left, currency)} left of what was paid.",
        "parts",
    )


def _owed(case: Case) -> dict[tuple[str, str], LineAmount]:
    """What the case's refund obligations still owe, by obligation and line."""
    return {
        (key, line): LineAmount(line=line, amount=amount)
        for key, lines in outstanding(case).items()
        for line, amount in lines.items()
        if amount
    }


def ended(obligation: Obligation, how: ObligationEnd) -> ev.ObligationEnded:
    return ev.ObligationEnded(obligation_id=obligation.obligation_id, how=how)


def superseded_by(case: Case, items: Sequence[int]) -> tuple[list[str], list[Obligation]]:
    """The agreements that a new word about these items replaces as a whole, and the obligations
    that it takes out of agreements which hold on for other items: unfinished ones, and refunds
    already paid, which so count towards what comes.

    Rejected: amendment_incomplete, when an obligation is about other items, too.
    """
    agreements: list[str] = []
    single: list[Obligation] = []
    for key in dict.fromkeys(case.items[number].agreement for number in items):
        if key is None:
            continue
        others = [n for n, i in case.items.items() if i.agreement == key and n not in items]
        if not others:
            agreements.append(key)
            continue
        for obligation in case.obligations.values():
            counts = obligation.ended is None or obligation.duty is Duty.REFUND
            mine = obligation.agreement == key and set(obligation.items) & set(items)
            if mine and counts and obligation.ended is not ObligationEnd.SUPERSEDED:
                require(
                    set(obligation.items) <= set(items),
                    "amendment_incomplete",
                    f"{obligation.obligation_id} is about other items, too: include them.",
                    "items",
                )
                single.append(obligation)
    return agreements, single


def require_no_payout(case: Case, obligations: Sequence[Obligation], field: str) -> None:
    """Refuse to end obligations while a payout for them is under way: whether it counts as paid
    is known only with its result."""
    ids = {obligation.obligation_id for obligation in obligations}
    for refund in case.payouts_in_flight:
        require(
            refund.obligation_id not in ids,
            "payout_in_flight",
            f"The payout {refund.action_key} is under way; wait for its result.",
            field,
        )


def _for_items(part: Part, chosen: tuple[int, ...], case: Case) -> Part | None:
    """The part as far as it concerns these items; a refund goes along by order line."""
    kept = tuple(number for number in part.items if number in chosen)
    if len(kept) == len(part.items):
        return part
    if not kept:
        return None
    if part.resolution not in REFUNDS:
        return part.model_copy(update={"items": kept})
    lines = {case.items[number].line for number in kept}
    left_out = {case.items[number].line for number in part.items if number not in kept}
    amounts = tuple(line for line in part.lines if line.line in lines)
    if lines & left_out or not amounts:
        raise Rejected(
            "part_not_divisible",
            f"The {part.resolution.value} was offered for its items together.",
            "items",
        )
    amount = sum(line.amount for line in amounts)
    return part.model_copy(update={"items": kept, "lines": amounts, "amount": amount})


def _obligations(
    proposal: Proposal, parts: list[Part], items: tuple[int, ...], whole: bool, case: Case
) -> tuple[ObligationTerms, ...]:
    """What each side owes, numbered within the agreement. Goodwill goes with the whole, or with
    the items that it was offered for alone."""
    owed: list[ObligationTerms] = []

    def owe(
        duty: Duty,
        for_items: tuple[int, ...],
        *,
        lines: tuple[LineAmount, ...] = (),
        amount: int = 0,
        after_return: bool = False,
    ) -> None:
        owed.append(
            ObligationTerms(
                obligation_id=f"{proposal.proposal_id}-{len(owed) + 1}",
                duty=duty,
                party=Party.BUYER if duty is Duty.RETURN else Party.SHOP,
                items=for_items,
                amount=amount or sum(line.amount for line in lines),
                lines=lines,
                after_return=after_return,
            )
        )

    def send_back(for_items: tuple[int, ...]) -> None:
        if not _are_back(for_items, case):
            owe(Duty.RETURN, for_items)

    for part in parts:
        match part.resolution:
            case (
                Resolution.REFUND_FULL | Resolution.REFUND_PARTIAL | Resolution.REFUND_MISSING_PART
            ):
                owe(Duty.REFUND, part.items, lines=part.lines)
            case Resolution.RETURN_AND_REFUND:
                send_back(part.items)
                owe(Duty.REFUND, part.items, lines=part.lines, after_return=True)
            case Resolution.EXCHANGE:
                send_back(part.items)
                owe(Duty.DISPATCH, part.items, after_return=not _is_all_wrong(part, case))
            case Resolution.RESHIP:
                owe(Duty.DISPATCH, part.items)
            case Resolution.REPAIR:
                send_back(part.items)
                owe(Duty.REPAIR, part.items, after_return=True)
            case Resolution.COMPENSATION_ONLY | Resolution.DECLINE:
                pass  # goodwill follows below; a decline is no part of a proposal
    only = [part for part in parts if part.resolution is Resolution.COMPENSATION_ONLY]
    if proposal.goodwill and (whole or only):
        for_items = tuple(sorted({n for part in only for n in part.items})) or items
        owe(Duty.GOODWILL, for_items, amount=proposal.goodwill)
    return tuple(owed)


def _are_back(items: tuple[int, ...], case: Case) -> bool:
    """The goods came back under an earlier agreement, and are still here."""
    here = {
        number
        for back in case.returns.values()
        if back.step in (ReturnStep.RECEIVED, ReturnStep.INSPECTED)
        for number in back.items
    }
    return set(items) <= here


def _is_all_wrong(part: Part, case: Case) -> bool:
    """A wrong item is no reason to let the buyer wait: the right one is shipped at once."""
    return all(case.items[number].problem is ProblemType.WRONG_ITEM for number in part.items)
