"""How a case changes by the events of its intake."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from domain.case import events as ev
from domain.case.parts import agree, change
from domain.case.state import Case, Contact, Evidence, Handover, Intercept, Item, Status
from domain.case.values import Direction, EvidenceRef, ItemClaim, Level, Party, RefundBasis
from domain.kernel import Stamp


def evolve_intake(case: Case, event: ev.IntakeEvent, stamp: Stamp) -> Case:
    """The case after an event of its intake."""
    match event:
        case ev.ComplaintFiled():
            return _filed(case, event, stamp)
        case ev.ComplaintJoined():
            earliest = min(case.filed_at or stamp.occurred_at, stamp.occurred_at)
            return case.with_(
                filed_at=earliest,
                complaints=tuple(dict.fromkeys((*case.complaints, event.number))),
                severity=max(case.severity, event.severity, key=list(Level).index),
                safety=case.safety or event.safety,
                items=_with_items(_again(case, event.about, stamp), event.items, stamp.occurred_at),
                evidence=_with_proofs(case, event.evidence, stamp),
                buyer_spoke_last=True,
            )
        case ev.ComplaintReferred():
            return case.with_(status=Status.JOINED, joined=event.joined)
        case ev.AliasLearned():
            return case.with_(aliases=case.aliases | {event.alias})
        case ev.OrderLinked():
            return case.with_(
                order_id=event.order_id,
                category=event.category,
                currency=event.currency,
                stage=event.stage,
                in_window=event.in_window,
                in_warranty=event.in_warranty,
                items={
                    number: item.with_(line=event.lines.get(item.line, item.line))
                    for number, item in case.items.items()
                },
            )
        case ev.ContactRecorded():
            contact = Contact(
                version=stamp.version,
                occurred_at=stamp.occurred_at,
                decided_at=stamp.decided_at,
                direction=event.direction,
                kind=event.contact,
                channel=event.channel,
                delivered=event.delivered,
                substantive=event.substantive,
                actor=stamp.actor,
            )
            spoke = (
                event.direction is not Direction.TO_BUYER
                if event.substantive
                else case.buyer_spoke_last
            )
            return case.with_(contacts=(*case.contacts, contact), buyer_spoke_last=spoke)
        case ev.WaitAgreed():
            return case.with_(wait_until=event.until)
        case ev.InterceptRequested():
            intercept = Intercept(event.shipment_id, stamp.occurred_at)
            return case.with_(intercepts={**case.intercepts, event.shipment_id: intercept})
        case ev.InterceptEnded():
            intercept = case.intercepts.get(
                event.shipment_id, Intercept(event.shipment_id, stamp.occurred_at)
            )
            ended = intercept.with_(succeeded=event.succeeded)
            return case.with_(intercepts={**case.intercepts, event.shipment_id: ended})
        case ev.OrderVerified():
            return case.with_(order_verified=True, in_warranty=event.in_warranty)
        case ev.ItemVerified():
            return case.with_(
                items=change(
                    case.items,
                    event.item,
                    verified=event.problem,
                    verified_quantity=event.quantity,
                )
            )
        case ev.EvidenceAttached():
            return case.with_(evidence=_with_proofs(case, (event.proof,), stamp, event.submitter))
        case ev.EvidenceHoldChanged():
            return case.with_(evidence=change(case.evidence, event.evidence_id, hold=event.hold))
        case ev.DissatisfactionRecorded():
            return case.with_(dissatisfaction=event.level)
        case ev.PriorityRaised():
            return case.with_(
                priority=event.priority,
                priority_as_remedy=case.priority_as_remedy or event.as_remedy,
            )
        case ev.NoteAdded():
            return case
        case ev.CaseAssigned():
            return case.with_(assignee=event.assignee)
        case ev.WorkHandedOver():
            handover = Handover(event.handover_id, event.department, event.due_at)
            return case.with_(handovers={**case.handovers, event.handover_id: handover})
        case ev.HandedWorkDone():
            return case.with_(handovers=change(case.handovers, event.handover_id, done=True))
        case ev.AutoRefundDecided():
            decided = case.with_(auto_verdict=event.verdict, auto_inputs=event.inputs_hash)
            if not event.obligations:
                return decided
            key = event.obligations[0].obligation_id
            if event.budget_day is not None:
                days = {terms.obligation_id: event.budget_day for terms in event.obligations}
                decided = decided.with_(budget_days={**case.budget_days, **days})
            items = tuple(item for terms in event.obligations for item in terms.items)
            return agree(decided, key, items, event.obligations, (), RefundBasis.AUTOMATIC, stamp)
        case _:
            assert_never(event)


def _filed(case: Case, event: ev.ComplaintFiled, stamp: Stamp) -> Case:
    filed = case.with_(
        status=Status.OPEN,
        platform=event.platform,
        shop=event.shop,
        order_id=event.order_id,
        category=event.category,
        currency=event.currency,
        buyer=event.buyer,
        follows=event.follows,
        complaints=(case.case_id.split(":", 2)[2],),
        channel=event.channel,
        stage=event.stage,
        filed_at=stamp.occurred_at,
        round_since=stamp.occurred_at,
        in_window=event.in_window,
        in_warranty=event.in_warranty,
        severity=event.severity,
        safety=event.safety,
        buyer_spoke_last=True,
    )
    return filed.with_(
        items=_with_items(filed, event.items, stamp.occurred_at),
        evidence=_with_proofs(filed, event.evidence, stamp),
    )


def _again(case: Case, about: tuple[int, ...], stamp: Stamp) -> Case:
    """The case with the items complained about again: the earliest complaint's time is theirs."""
    items = {
        number: item.with_(complained_at=min(item.complained_at, stamp.occurred_at))
        if number in about
        else item
        for number, item in case.items.items()
    }
    return case.with_(items=items)


def _with_items(
    case: Case, claims: tuple[ItemClaim, ...], complained_at: datetime
) -> dict[int, Item]:
    items = dict(case.items)
    for claim in claims:
        number = len(items) + 1
        items[number] = Item(number, claim.line, claim.quantity, claim.problem, complained_at)
    return items


def _with_proofs(
    case: Case, proofs: tuple[EvidenceRef, ...], stamp: Stamp, submitter: Party = Party.BUYER
) -> dict[str, Evidence]:
    evidence = dict(case.evidence)
    for proof in proofs:
        evidence[proof.evidence_id] = Evidence(
            proof.evidence_id, proof.kind, proof.sha256, submitter, stamp.occurred_at
        )
    return evidence
