"""What the shop still owes by refund obligations, and whether the goods it waits for are back."""

from __future__ import annotations

from itertools import dropwhile

from domain.case.events import ObligationEnded
from domain.case.state import Case, Obligation, Refund, Return, ReturnStep
from domain.case.values import (
    Duty,
    InspectionFinding,
    LineAmount,
    ObligationEnd,
    RefundBasis,
    RefundStatus,
)

# ------------------------------------------------------------------- money


def outstanding(case: Case, *, settled: bool = False) -> dict[str, dict[str, int]]:
    """By refund obligation that stands, by order line: minor units neither paid nor under way.

    settled: count only what the buyer has. Each ground tells the whole amount: money paid under
    one that was superseded, or that a ruling overrode, counts towards the later one about the
    same items; what the platform refunded by itself counts towards its ruling. A payout under
    way when the later ground came counts until it fails.
    """
    standing = {
        obligation.obligation_id: obligation
        for obligation in case.obligations.values()
        if obligation.duty is Duty.REFUND and _stands(case, obligation)
    }
    left = {
        key: {part.line: part.amount for part in obligation.lines}
        for key, obligation in standing.items()
    }
    earlier: list[Refund] = []
    for refund in case.refunds.values():
        paid = refund.status is RefundStatus.SUCCEEDED
        if not (paid or (refund.in_flight and not settled)):
            continue
        own = left.get(refund.obligation_id or "")
        if own is None:
            earlier.append(refund)
        else:
            _take_anywhere(own, refund.lines)
    for refund in earlier:
        money = {part.line: part.amount for part in refund.lines}
        for key, obligation in standing.items():
            if _counts_towards(case, refund, obligation):
                _take_by_line(left[key], money)
    return left


def fulfilled(case: Case) -> list[ObligationEnded]:
    """The ends of the open refund obligations whose money the buyer has."""
    return [
        ObligationEnded(obligation_id=key, how=ObligationEnd.FULFILLED)
        for key, lines in outstanding(case, settled=True).items()
        if case.obligations[key].ended is None and not any(lines.values())
    ]


def _stands(case: Case, obligation: Obligation) -> bool:
    if obligation.ended not in (None, ObligationEnd.FULFILLED):
        return False
    agreement = case.agreements.get(obligation.agreement)
    if agreement is None or agreement.superseded:
        return False
    if obligation.obligation_id not in agreement.obligations:
        return False  # the same ruling, told anew with other content
    return not any(
        later.duty is Duty.REFUND
        and later.agreement != obligation.agreement
        and _is_ruled(case, later)
        and set(later.items) & set(obligation.items)
        for later in _after(case, obligation)
    )


def _is_ruled(case: Case, obligation: Obligation) -> bool:
    agreement = case.agreements.get(obligation.agreement)
    return agreement is not None and agreement.basis is RefundBasis.RULING


def _after(case: Case, obligation: Obligation) -> list[Obligation]:
    from_it_on = dropwhile(lambda other: other is not obligation, case.obligations.values())
    return list(from_it_on)[1:]


def _counts_towards(case: Case, refund: Refund, obligation: Obligation) -> bool:
    earlier = case.obligations.get(refund.obligation_id or "")
    if earlier is None:
        return _is_ruled(case, obligation)
    later = any(other is obligation for other in _after(case, earlier))
    return later and bool(set(earlier.items) & set(obligation.items))


def _take_by_line(left: dict[str, int], money: dict[str, int]) -> None:
    """Set money against the same lines; what is used is taken out of `money`."""
    for line, owed in left.items():
        used = min(owed, money.get(line, 0))
        if used:
            left[line] = owed - used
            money[line] -= used


def _take_anywhere(left: dict[str, int], lines: tuple[LineAmount, ...]) -> None:
    """Set money against the same lines first, then against the obligation's others."""
    money = {part.line: part.amount for part in lines}
    _take_by_line(left, money)
    rest = sum(money.values())
    for line, owed in left.items():
        used = min(owed, rest)
        left[line] = owed - used
        rest -= used


# ------------------------------------------------------------------- goods


def awaited_goods(case: Case, obligation: Obligation) -> ReturnStep | None:
    """Where the return stands that the obligation still has to wait for; None if it waits for
    nothing. AGREED also stands for a return not even agreed yet.

    It waits until the goods are received and found acceptable, a deduction is agreed, or they
    are lost on the way of a buyer with proof of posting; where the return was waived, for nothing.
    """
    if not obligation.after_return:
        return None
    waived = {
        item
        for other in case.obligations.values()
        if other.duty is Duty.RETURN
        and other.agreement == obligation.agreement
        and other.ended is ObligationEnd.WAIVED
        for item in other.items
    }
    for item in obligation.items:
        if item in waived:
            continue
        step = _awaited(case, item, obligation.deductions)
        if step is not None:
            return step
    return None


def is_expected(case: Case, back: Return) -> bool:
    """Somebody still waits for this return: the buyer owes it, or it was agreed without being
    owed."""
    owed = [
        obligation.ended
        for obligation in case.obligations.values()
        if obligation.duty is Duty.RETURN and set(obligation.items) & set(back.items)
    ]
    return not owed or None in owed


def is_back(case: Case, obligation: Obligation) -> bool:
    """The buyer has done what a return obligation asks for."""
    deductions = tuple(d for other in case.obligations.values() for d in other.deductions)
    return all(_awaited(case, item, deductions) is None for item in obligation.items)


def _awaited(case: Case, item: int, deductions: tuple[str, ...]) -> ReturnStep | None:
    awaited, accepted = ReturnStep.AGREED, 0
    for back in case.returns.values():
        units = [unit for unit in back.units if unit.item == item]
        if item not in back.items and not units:
            continue
        lost = back.step is ReturnStep.LOST and back.proof_of_posting
        if lost or back.return_id in deductions:
            return None
        awaited = back.step
        if back.step is ReturnStep.INSPECTED:
            accepted += sum(
                unit.quantity for unit in units if unit.finding is InspectionFinding.ACCEPTED
            )
    known = case.items.get(item)
    return None if known is not None and accepted >= known.units else awaited
