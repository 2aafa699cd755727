"""What goes out to the buyer: replacements, which are shipments of their own, and repairs."""

from __future__ import annotations

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.draft import Draft
from domain.case.rules import require_open
from domain.case.state import Case, Obligation, RepairStep, ReplacementStep
from domain.case.terms import in_warranty
from domain.case.values import DivergenceKind, Duty, ObligationEnd
from domain.kernel import Context, Emit, Rejected, require
from domain.world import World

# ------------------------------------------------------------- replacements


def dispatched(
    command: cmd.RecordReplacementDispatched, case: Case, context: Context
) -> list[Emit]:
    """A replacement left for the buyer."""
    obligation = _open(case, command.obligation_id, Duty.DISPATCH)
    draft = Draft(case, context)
    known = case.obligations.get(command.obligation_id)
    event = ev.ReplacementDispatched(
        obligation_id=command.obligation_id,
        shipment_id=command.shipment_id,
        items=known.items if known is not None else (),
        private=command.private,
    )
    if draft.is_told(event):
        return []
    draft.add(event)
    if obligation is None:
        draft.diverge(DivergenceKind.UNEXPECTED_SHIPMENT, "check_shipment", command.shipment_id)
    draft.diverge_if_ended("check_shipment", command.shipment_id)
    _end_if_delivered(draft, command.obligation_id)
    return draft.emits


def delivered(command: cmd.RecordReplacementDelivered, case: Case, context: Context) -> list[Emit]:
    """A replacement is with the buyer. Its dispatch may become known only later."""
    draft = Draft(case, context)
    event = ev.ReplacementDelivered(shipment_id=command.shipment_id, private=command.private)
    if draft.is_told(event):
        return []
    known = case.replacements.get(command.shipment_id)
    draft.add(event)
    if known is None:
        draft.diverge(DivergenceKind.UNEXPECTED_SHIPMENT, "check_shipment", command.shipment_id)
    else:
        _end_if_delivered(draft, known.obligation_id)
    return draft.emits


def _end_if_delivered(draft: Draft, obligation_id: str) -> None:
    """An exchange or a reshipment is done once all that was sent for it is delivered."""
    sent = [r for r in draft.case.replacements.values() if r.obligation_id == obligation_id]
    done = bool(sent) and all(r.step is ReplacementStep.DELIVERED for r in sent)
    if done and _open(draft.case, obligation_id, Duty.DISPATCH) is not None:
        draft.add(ev.ObligationEnded(obligation_id=obligation_id, how=ObligationEnd.FULFILLED))


# ------------------------------------------------------------------ repairs


def order_repair(
    command: cmd.OrderRepair, case: Case, world: World, context: Context
) -> list[Emit]:
    """Have the item repaired; whether under warranty is checked against the buyer's terms. Nothing
    for a repair ordered before.

    Rejected: case_ended, unknown_obligation, not_a_repair, obligation_ended.
    """
    require_open(case)
    obligation = case.obligations.get(command.obligation_id)
    if obligation is None:
        raise Rejected(
            "unknown_obligation",
            f"The case has no obligation {command.obligation_id}.",
            "obligation_id",
        )
    require(
        obligation.duty is Duty.REPAIR,
        "not_a_repair",
        f"{command.obligation_id} asks for a {obligation.duty.value}, not for a repair.",
        "obligation_id",
    )
    if obligation.ended is not None:
        raise Rejected(
            "obligation_ended",
            f"{command.obligation_id} is {obligation.ended.value}.",
            "obligation_id",
        )
    repair = case.repairs.get(command.obligation_id)
    if repair is not None and repair.ordered:
        return []
    covered, policy = in_warranty(case, obligation.items, world, context.now)
    draft = Draft(case, context)
    draft.add(
        ev.RepairOrdered(
            obligation_id=command.obligation_id,
            in_warranty=covered,
            policy=policy,
            private=command.private,
        )
    )
    return draft.emits


def repair_item_received(
    command: cmd.RecordRepairItemReceived, case: Case, context: Context
) -> list[Emit]:
    """The item to be repaired came in."""
    draft = Draft(case, context)
    event = ev.RepairItemReceived(obligation_id=command.obligation_id, private=command.private)
    if draft.is_told(event):
        return []
    draft.add(event)
    repair = case.repairs.get(command.obligation_id)
    if _open(case, command.obligation_id, Duty.REPAIR) is None:
        draft.diverge(DivergenceKind.UNEXPECTED_RETURN, "identify_return", command.obligation_id)
    elif repair is None or not repair.ordered:
        draft.diverge(DivergenceKind.RETURN_STATE, "order_repair", command.obligation_id)
    draft.diverge_if_ended("check_return", command.obligation_id)
    return draft.emits


def complete_repair(command: cmd.CompleteRepair, case: Case, context: Context) -> list[Emit]:
    """The item is repaired. Nothing if that was recorded before.

    Rejected: case_ended, repair_not_ordered, repair_item_not_received.
    """
    require_open(case)
    repair = case.repairs.get(command.obligation_id)
    if repair is None or not repair.ordered:
        raise Rejected(
            "repair_not_ordered",
            f"No repair was ordered for {command.obligation_id}.",
            "obligation_id",
        )
    require(
        repair.step is not RepairStep.ORDERED,
        "repair_item_not_received",
        "The item has not come in yet.",
        "obligation_id",
    )
    if repair.step is not RepairStep.RECEIVED:
        return []
    draft = Draft(case, context)
    draft.add(ev.RepairCompleted(obligation_id=command.obligation_id, private=command.private))
    return draft.emits


def repair_sent_back(command: cmd.RecordRepairSentBack, case: Case, context: Context) -> list[Emit]:
    """The repaired item is on its way to the buyer: the repair is done."""
    draft = Draft(case, context)
    event = ev.RepairSentBack(obligation_id=command.obligation_id, private=command.private)
    if draft.is_told(event):
        return []
    draft.add(event)
    if _open(case, command.obligation_id, Duty.REPAIR) is None:
        draft.diverge(DivergenceKind.UNEXPECTED_SHIPMENT, "check_shipment", command.obligation_id)
    else:
        ended = ObligationEnd.FULFILLED
        draft.add(ev.ObligationEnded(obligation_id=command.obligation_id, how=ended))
    draft.diverge_if_ended("check_shipment", command.obligation_id)
    return draft.emits


def _open(case: Case, obligation_id: str, duty: Duty) -> Obligation | None:
    """The open obligation of that id and duty, if there is one."""
    obligation = case.obligations.get(obligation_id)
    if obligation is None or obligation.duty is not duty or obligation.ended is not None:
        return None
    return obligation
