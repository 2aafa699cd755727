"""The complaint and what is learnt about it: contacts, verification, evidence, handed-over work."""

from __future__ import annotations

from typing import assert_never

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.draft import Draft
from domain.case.identity import file_complaint
from domain.case.linking import link_order
from domain.case.rules import (
    item_of,
    known_order,
    on,
    policies_of,
    require_evidence,
    require_open,
)
from domain.case.state import Case
from domain.case.terms import from_order, require_bought
from domain.case.values import (
    PRIORITY_RANK,
    ContactKind,
    Direction,
    DivergenceKind,
    ProblemType,
    Stage,
)
from domain.kernel import ActorKind, Context, Emit, require
from domain.order import Order
from domain.world import World


def decide_intake(
    command: cmd.IntakeCommand, case: Case, world: World, context: Context
) -> list[Emit]:
    """The events of a command or fact of the intake. Raises Rejected."""
    match command:
        case cmd.FileComplaint():
            return file_complaint(command, case, world, context)
        case cmd.LinkOrder():
            return link_order(command, case, world, context)
        case cmd.RecordContact():
            return [_contact(command, case, context)]
        case cmd.AgreeWait():
            return _agree_wait(command, case, world, context)
        case cmd.RequestIntercept():
            return _request_intercept(command, case, world)
        case cmd.RecordIntercept():
            return _record_intercept(command, case, context)
        case cmd.VerifyOrder():
            return _verify_order(command, case, world, context)
        case cmd.VerifyItem():
            return _verify_item(command, case, world, context)
        case cmd.AttachEvidence():
            return _attach_evidence(command, case)
        case cmd.HoldEvidence():
            require_evidence(case, (command.evidence_id,), "evidence_id")
            if case.evidence[command.evidence_id].hold == command.hold:
                return []
            held = ev.EvidenceHoldChanged(
                evidence_id=command.evidence_id, hold=command.hold, private=command.private
            )
            return [on(case, held)]
        case cmd.RecordDissatisfaction():
            require_open(case)
            if case.dissatisfaction is command.level:
                return []
            level = ev.DissatisfactionRecorded(level=command.level, private=command.private)
            return [on(case, level)]
        case cmd.RaisePriority():
            return _raise_priority(command, case)
        case cmd.AddNote():
            note = command.private
            says = note is not None and bool(note.text)
            require(says, "note_empty", "The note says nothing.", "private.text")
            return [on(case, ev.NoteAdded(private=note))]
        case cmd.Assign():
            require_open(case)
            if case.assignee == command.assignee:
                return []
            return [on(case, ev.CaseAssigned(assignee=command.assignee, private=command.private))]
        case cmd.HandOverWork():
            return _hand_over(command, case, context)
        case cmd.FinishHandedWork():
            return _finish_handed_work(command, case)
        case _:
            assert_never(command)


# ---------------------------------------------------------------- contacts


def _contact(command: cmd.RecordContact, case: Case, context: Context) -> Emit:
    """A contact is recorded even after the case's end: one learnt late still shows that the
    shop answered in time."""
    event = ev.ContactRecorded(
        direction=command.direction,
        contact=command.contact,
        channel=command.channel,
        delivered=command.delivered,
        substantive=_is_substantive(command, context),
        private=command.private,
    )
    return on(case, event)


def _is_substantive(command: cmd.RecordContact, context: Context) -> bool:
    match command.contact:
        case ContactKind.AUTO_GREETING | ContactKind.UNANSWERED_CALL:
            return False
        case ContactKind.ANSWERED_CALL:
            return True
        case ContactKind.MESSAGE | ContactKind.APOLOGY:
            buyers = command.direction is Direction.FROM_BUYER
            by_person = buyers or context.actor.kind is ActorKind.PERSON
            return command.delivered and (by_person or command.substantive)


# --------------------------------------------------- wait, or stop the parcel


def _agree_wait(command: cmd.AgreeWait, case: Case, world: World, context: Context) -> list[Emit]:
    require_open(case)
    require(
        not _all_delivered(case, world),
        "already_delivered",
        "The goods have been delivered: there is nothing to wait for.",
        "case_id",
    )
    require(
        command.until > context.occurred_at,
        "date_in_past",
        "The date to wait for lies ahead.",
        "until",
    )
    if case.wait_until == command.until:
        return []
    return [on(case, ev.WaitAgreed(until=command.until, private=command.private))]


def _all_delivered(case: Case, world: World) -> bool:
    order = _order(case, world)
    if order is None or not order.shipments:
        return case.stage is Stage.DELIVERED
    return all(order.stage(item.line) is Stage.DELIVERED for item in case.items.values())


def _order(case: Case, world: World) -> Order | None:
    return None if case.order_id is None else world.order(case.order_id)


def _request_intercept(command: cmd.RequestIntercept, case: Case, world: World) -> list[Emit]:
    require_open(case)
    order = _order(case, world)
    parcel = None if order is None else order.shipments.get(command.shipment_id)
    require(
        parcel is None or parcel.delivered_at is None,
        "already_delivered",
        f"The parcel {command.shipment_id} has been delivered.",
        "shipment_id",
    )
    require(
        parcel is None or parcel.ended_as is None,
        "shipment_ended",
        f"The parcel {command.shipment_id} is not under way any more.",
        "shipment_id",
    )
    known = case.intercepts.get(command.shipment_id)
    if known is not None and known.succeeded is not False:
        return []
    requested = ev.InterceptRequested(shipment_id=command.shipment_id, private=command.private)
    return [on(case, requested)]


def _record_intercept(command: cmd.RecordIntercept, case: Case, context: Context) -> list[Emit]:
    ended = ev.InterceptEnded(
        shipment_id=command.shipment_id, succeeded=command.succeeded, private=command.private
    )
    draft = Draft(case, context)
    known = case.intercepts.get(command.shipment_id)
    if draft.is_told(ended) or (known is not None and known.succeeded is command.succeeded):
        return []
    draft.add(ended)
    draft.diverge_if_ended("check_intercepted_parcel", command.shipment_id)
    if case.is_open and not command.succeeded:
        kind = DivergenceKind.INTERCEPT_FAILED
        draft.diverge(kind, "agree_wait_or_return", command.shipment_id)
    return draft.emits


# ------------------------------------------------------------ verification


def _verify_order(
    command: cmd.VerifyOrder, case: Case, world: World, context: Context
) -> list[Emit]:
    require_open(case)
    order = known_order(case, world)
    claims = [(item.line, item.problem) for item in case.items.values()]
    complained = case.filed_at or context.occurred_at
    found = from_order(order, claims, complained, world, context.now)
    emits: list[Emit] = []
    if case.currency is None:
        linked = ev.OrderLinked(
            order_id=order.order_id,
            lines={},
            category=found.category,
            currency=found.currency,
            stage=case.stage or found.stage,
            in_window=found.in_window,
            in_warranty=found.in_warranty,
            terms=found.terms,
        )
        emits.append(on(case, linked))
    stages = {order.stage(line) for line, _ in claims}
    verified = ev.OrderVerified(
        shipped=Stage.UNSHIPPED not in stages,
        delivered=stages == {Stage.DELIVERED},
        in_warranty=found.in_warranty,
        policy=found.terms,
        private=command.private,
    )
    return [*emits, on(case, verified)]


def _verify_item(command: cmd.VerifyItem, case: Case, world: World, context: Context) -> list[Emit]:
    require_open(case)
    item = item_of(case, command.item)
    require_evidence(case, command.evidence)
    order = _order(case, world)
    if order is not None:
        require_bought(order, item.line, command.quantity, "quantity")
    _require_proof(case, command.problem, world, context)
    if (item.verified, item.verified_quantity) == (command.problem, command.quantity):
        return []
    verified = ev.ItemVerified(
        item=command.item,
        problem=command.problem,
        quantity=command.quantity,
        evidence=command.evidence,
        private=command.private,
    )
    return [on(case, verified)]


def _require_proof(case: Case, problem: ProblemType, world: World, context: Context) -> None:
    """The kinds of proof that the policy asks for with this problem are attached."""
    present = {proof.kind for proof in case.evidence.values()}
    policy = policies_of(case, world).evidence(context.now).values
    lacking = policy.missing(problem, present)
    wanted = "; ".join(" or ".join(group) for group in lacking)
    require(
        not lacking,
        "evidence_missing",
        f"To verify {problem.value}, the case lacks: {wanted}.",
        "evidence",
    )


# ------------------------------------------------- evidence, priority, work


def _attach_evidence(command: cmd.AttachEvidence, case: Case) -> list[Emit]:
    proof = command.proof
    known = case.evidence.get(proof.evidence_id)
    if known is not None:
        require(
            (known.sha256, known.kind) == (proof.sha256, proof.kind),
            "evidence_id_reused",
            f"{proof.evidence_id} is the id of another proof.",
            "proof.evidence_id",
        )
        return []
    attached = ev.EvidenceAttached(
        proof=proof, submitter=command.submitter, private=command.private
    )
    return [on(case, attached)]


def _raise_priority(command: cmd.RaisePriority, case: Case) -> list[Emit]:
    require_open(case)
    require(
        PRIORITY_RANK[command.priority] >= PRIORITY_RANK[case.priority],
        "priority_lowered",
        f"The priority is {case.priority.value} already; it only rises.",
        "priority",
    )
    new_remedy = command.as_remedy and not case.priority_as_remedy
    if command.priority is case.priority and not new_remedy:
        return []
    raised = ev.PriorityRaised(
        priority=command.priority, as_remedy=command.as_remedy, private=command.private
    )
    return [on(case, raised)]


def _hand_over(command: cmd.HandOverWork, case: Case, context: Context) -> list[Emit]:
    require_open(case)
    known = case.handovers.get(command.handover_id)
    if known is not None:
        require(
            (known.department, known.due_at) == (command.department, command.due_at),
            "handover_id_reused",
            f"{command.handover_id} names other work.",
            "handover_id",
        )
        return []
    require(
        command.due_at > context.occurred_at,
        "date_in_past",
        "Handed-over work is due later than it is handed over.",
        "due_at",
    )
    handed = ev.WorkHandedOver(
        handover_id=command.handover_id,
        department=command.department,
        due_at=command.due_at,
        private=command.private,
    )
    return [on(case, handed)]


def _finish_handed_work(command: cmd.FinishHandedWork, case: Case) -> list[Emit]:
    known = case.handovers.get(command.handover_id)
    require(
        known is not None,
        "unknown_handover",
        f"No work was handed over as {command.handover_id}.",
        "handover_id",
    )
    if known is None or known.done:
        return []
    return [on(case, ev.HandedWorkDone(handover_id=command.handover_id, private=command.private))]
