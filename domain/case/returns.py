"""Returns: address agreed, shipped, received, inspected unit by unit, kept, sent back or lost."""

from __future__ import annotations

from collections.abc import Collection

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.draft import Draft
from domain.case.owed import awaited_goods, fulfilled, is_back, outstanding
from domain.case.rules import (
    item_of,
    known_order,
    minor,
    policies_of,
    require_evidence,
    require_items,
    require_open,
)
from domain.case.state import Case, Obligation, Return, ReturnStep
from domain.case.terms import WITHOUT_REASON
from domain.case.values import (
    DivergenceKind,
    Duty,
    InspectionFinding,
    LineAmount,
    ObligationEnd,
)
from domain.kernel import Context, Emit, Rejected, require
from domain.money import apportion, money
from domain.sla.events import ClockName
from domain.world import World

_UNDER_WAY = frozenset(
    {ReturnStep.AGREED, ReturnStep.SHIPPED, ReturnStep.RECEIVED, ReturnStep.INSPECTED}
)


def agree_address(
    command: cmd.AgreeReturnAddress, case: Case, world: World, context: Context
) -> list[Emit]:
    """Tell the buyer where to send what. Nothing for the same return told again.

    Rejected: case_ended, unknown_item, item_named_twice, return_id_reused,
    item_already_returning.
    """
    require_open(case)
    require_items(case, command.items)
    known = case.returns.get(command.return_id)
    if known is not None:
        require(
            known.items == command.items,
            "return_id_reused",
            f"{command.return_id} stands for another return.",
            "return_id",
        )
        return []
    for back in case.returns.values():
        require(
            back.step not in _UNDER_WAY or not set(back.items) & set(command.items),
            "item_already_returning",
            f"The return {back.return_id} is about one of these items.",
            "items",
        )
    draft = Draft(case, context)
    draft.add(
        ev.ReturnAddressAgreed(
            return_id=command.return_id,
            items=command.items,
            packaging_asked_for=command.packaging_asked_for,
            policy=policies_of(case, world).sla(context.now).ref,
            private=command.private,
        )
    )
    return draft.emits


# -------------------------------------------------------------------- facts


def shipped(command: cmd.RecordReturnShipped, case: Case, context: Context) -> list[Emit]:
    """The buyer has posted the goods, or shows proof of it later on."""
    draft = Draft(case, context)
    event = ev.ReturnShipped(
        return_id=command.return_id,
        carrier=command.carrier,
        tracking=command.tracking,
        proof_of_posting=command.proof_of_posting,
        private=command.private,
    )
    if draft.is_told(event):
        return []
    _came(draft, event, command.return_id)
    _settle(draft)
    return draft.emits


def received(command: cmd.RecordReturnReceived, case: Case, context: Context) -> list[Emit]:
    """The goods came back; what was never agreed, or was given up, may come too."""
    draft = Draft(case, context)
    event = ev.ReturnReceived(return_id=command.return_id, private=command.private)
    if draft.is_told(event):
        return []
    before = _came(draft, event, command.return_id)
    if before is not None and before.step is ReturnStep.LOST:
        draft.diverge(DivergenceKind.RETURN_STATE, "withdraw_carrier_claim", command.return_id)
    return draft.emits


def lost(command: cmd.RecordReturnLost, case: Case, context: Context) -> list[Emit]:
    """The goods were lost on the way back: no blame on a buyer with proof of posting."""
    draft = Draft(case, context)
    event = ev.ReturnLost(return_id=command.return_id, private=command.private)
    if draft.is_told(event):
        return []
    before = case.returns.get(command.return_id)
    draft.add(event)
    _expected(draft, before, command.return_id)
    arrived = (ReturnStep.RECEIVED, ReturnStep.INSPECTED, ReturnStep.SENT_BACK)
    if before is not None and before.step in arrived:
        draft.diverge(DivergenceKind.RETURN_STATE, "check_return", command.return_id)
    _settle(draft)
    return draft.emits


def _came(
    draft: Draft, event: ev.ReturnShipped | ev.ReturnReceived, return_id: str
) -> Return | None:
    """Goods on their way or back, whether or not they were waited for; the return before that."""
    before = draft.case.returns.get(return_id)
    draft.add(event)
    _expected(draft, before, return_id)
    if before is not None and before.step is ReturnStep.LAPSED:
        draft.diverge(DivergenceKind.RETURN_STATE, "decide_late_return", return_id)
    return before


def _expected(draft: Draft, before: Return | None, return_id: str) -> None:
    if before is None:
        draft.diverge(DivergenceKind.UNEXPECTED_RETURN, "identify_return", return_id)
    draft.diverge_if_ended("check_return", return_id)


# --------------------------------------------------------------- inspection


def inspect(command: cmd.InspectReturn, case: Case, world: World, context: Context) -> list[Emit]:
    """Look at what came back, unit by unit.

    Rejected: case_ended, unknown_return, return_not_received, return_already_inspected,
    unknown_evidence, unknown_item, item_not_in_return, units_exceed_agreed,
    not_fit_for_resale.
    """
    require_open(case)
    back = _return(case, command.return_id)
    require(
        back.step not in (ReturnStep.INSPECTED, ReturnStep.SENT_BACK),
        "return_already_inspected",
        f"The return {back.return_id} was inspected already.",
        "return_id",
    )
    require(
        back.step is ReturnStep.RECEIVED,
        "return_not_received",
        f"The return {back.return_id} has not arrived.",
        "return_id",
    )
    require_evidence(case, command.evidence)
    counted: dict[int, int] = {}
    for i, unit in enumerate(command.units):
        field = f"units.{i}"
        item = item_of(case, unit.item, f"{field}.item")
        require(
            not back.items or unit.item in back.items,
            "item_not_in_return",
            f"Item {unit.item} is not part of this return.",
            f"{field}.item",
        )
        counted[unit.item] = counted.get(unit.item, 0) + unit.quantity
        require(
            counted[unit.item] <= item.units,
            "units_exceed_agreed",
            f"{item.units} units of item {unit.item} were to come back.",
            f"{field}.quantity",
        )
        fit = unit.complete and unit.resalable
        require(
            unit.finding is not InspectionFinding.ACCEPTED
            or item.problem not in WITHOUT_REASON
            or fit,
            "not_fit_for_resale",
            "What comes back without a reason is accepted only complete and fit for resale.",
            f"{field}.finding",
        )
    draft = Draft(case, context)
    draft.add(
        ev.ReturnInspected(
            return_id=command.return_id,
            units=command.units,
            evidence=command.evidence,
            policy=policies_of(case, world).procedure(context.now).ref,
            private=command.private,
        )
    )
    _settle(draft)
    return draft.emits


def send_back(command: cmd.SendReturnBack, case: Case, context: Context) -> list[Emit]:
    """Decline what came back and send it to the buyer again: what waited for it lapses.

    Rejected: case_ended, unknown_return, return_not_inspected, return_accepted,
    deduction_agreed.
    """
    require_open(case)
    back = _return(case, command.return_id)
    if back.step is ReturnStep.SENT_BACK:
        return []
    _require_found_wanting(back)
    require(
        not any(back.return_id in o.deductions for o in case.obligations.values()),
        "deduction_agreed",
        "The buyer agreed to a deduction: the shop keeps the goods.",
        "return_id",
    )
    draft = Draft(case, context)
    draft.add(ev.ReturnSentBack(return_id=command.return_id, private=command.private))
    _lapse_waiting(draft, _items_of(back))
    return draft.emits


def agree_deduction(
    command: cmd.AgreeDeduction, case: Case, world: World, context: Context
) -> list[Emit]:
    """The buyer gets less for what came back, and the shop keeps it. Taken from the obligation's
    order lines in proportion to what is still owed on them.

    Rejected: case_ended, unknown_order, wrong_currency, unknown_return, return_not_inspected,
    return_accepted, unknown_obligation, not_a_refund, obligation_ended, obligation_not_of_return,
    deduction_agreed, amount_zero, deduction_exceeds_refund.
    """
    require_open(case)
    order = known_order(case, world)
    amount = minor(command.amount, order.currency or "", "amount")
    back = _return(case, command.return_id)
    _require_found_wanting(back)
    obligation = _waiting_refund(case, command.obligation_id, back)
    require(amount > 0, "amount_zero", "An amount is more than nothing.", "amount")
    left = outstanding(case)[obligation.obligation_id]
    owed = sum(left.values())
    require(
        amount <= owed,
        "deduction_exceeds_refund",
        f"Only {money(owed, order.currency or '')} are still owed.",
        "amount",
    )
    parts = apportion(amount, list(left.values()))
    lines = tuple(
        LineAmount(line=line, amount=part) for line, part in zip(left, parts, strict=True) if part
    )
    draft = Draft(case, context)
    draft.add(
        ev.DeductionAgreed(
            return_id=command.return_id,
            obligation_id=command.obligation_id,
            amount=amount,
            lines=lines,
            private=command.private,
        )
    )
    _settle(draft)
    return draft.emits


def _waiting_refund(case: Case, obligation_id: str, back: Return) -> Obligation:
    obligation = case.obligations.get(obligation_id)
    field = "obligation_id"
    if obligation is None:
        raise Rejected("unknown_obligation", f"The case has no obligation {obligation_id}.", field)
    require(obligation.duty is Duty.REFUND, "not_a_refund", "Only a refund can be less.", field)
    if obligation.ended is not None:
        raise Rejected("obligation_ended", f"{obligation_id} is {obligation.ended.value}.", field)
    require(
        bool(_items_of(back) & set(obligation.items)),
        "obligation_not_of_return",
        f"{obligation_id} is not about what came back.",
        field,
    )
    require(
        back.return_id not in obligation.deductions,
        "deduction_agreed",
        "A deduction for this return was agreed already.",
        "return_id",
    )
    return obligation


# --------------------------------------------------------- lapse and carrier


def lapse(command: cmd.LapseReturn, case: Case, world: World, context: Context) -> list[Emit]:
    """The buyer did not ship in time: what waits for the return lapses. Nothing for a return that
    has moved on.

    Rejected: case_ended, unknown_return, return_not_due.
    """
    require_open(case)
    back = _return(case, command.return_id)
    if back.step is not ReturnStep.AGREED:
        return []
    due = [
        clock.due_at
        for clock in case.clocks.values()
        if clock.clock is ClockName.RETURN_SHIPMENT and clock.about == command.return_id
    ]
    require(
        any(due_at <= context.occurred_at for due_at in due),
        "return_not_due",
        "The buyer still has time to ship.",
        "return_id",
    )
    draft = Draft(case, context)
    policy = policies_of(case, world).sla(context.now).ref
    draft.add(ev.ReturnLapsed(return_id=command.return_id, policy=policy, private=command.private))
    _lapse_waiting(draft, _items_of(back))
    return draft.emits


def claim_from_carrier(
    command: cmd.FileCarrierClaim, case: Case, world: World, context: Context
) -> list[Emit]:
    """Ask the carrier to pay for what it lost.

    Rejected: case_ended, unknown_order, wrong_currency, unknown_return, return_not_lost,
    claim_already_filed.
    """
    require_open(case)
    order = known_order(case, world)
    amount = minor(command.amount, order.currency or "", "amount")
    back = _return(case, command.return_id)
    require(
        back.step is ReturnStep.LOST,
        "return_not_lost",
        "A carrier pays for what was lost on its way.",
        "return_id",
    )
    require(
        not back.claim_filed,
        "claim_already_filed",
        "The claim for this return was filed already.",
        "return_id",
    )
    draft = Draft(case, context)
    draft.add(
        ev.CarrierClaimFiled(return_id=command.return_id, amount=amount, private=command.private)
    )
    return draft.emits


# ------------------------------------------------------------------- shared


def _return(case: Case, return_id: str) -> Return:
    back = case.returns.get(return_id)
    if back is None:
        raise Rejected("unknown_return", f"The case has no return {return_id}.", "return_id")
    return back


def _items_of(back: Return) -> set[int]:
    """The items that a return is about; of one that nobody agreed, those found in it."""
    return set(back.items) | {unit.item for unit in back.units}


def _require_found_wanting(back: Return) -> None:
    require(
        back.step in (ReturnStep.INSPECTED, ReturnStep.SENT_BACK),
        "return_not_inspected",
        f"The return {back.return_id} was not inspected.",
        "return_id",
    )
    require(
        not back.all_accepted,
        "return_accepted",
        "The goods were found acceptable; they are paid for in full.",
        "return_id",
    )


def _lapse_waiting(draft: Draft, items: Collection[int]) -> None:
    """End what waits for these goods: the buyer's duty to return them, and what follows on it."""
    for obligation in draft.case.open_obligations:
        waits = obligation.duty is Duty.RETURN or awaited_goods(draft.case, obligation) is not None
        if waits and set(obligation.items) & set(items):
            draft.add(
                ev.ObligationEnded(obligation_id=obligation.obligation_id, how=ObligationEnd.LAPSED)
            )


def _settle(draft: Draft) -> None:
    """End what the buyer has fulfilled, and refunds of which nothing is owed any more."""
    for obligation in draft.case.open_obligations:
        if obligation.duty is Duty.RETURN and is_back(draft.case, obligation):
            draft.add(
                ev.ObligationEnded(
                    obligation_id=obligation.obligation_id, how=ObligationEnd.FULFILLED
                )
            )
    draft.add(*fulfilled(draft.case))
