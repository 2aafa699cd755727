"""Changes that several tracks share: one part of a map, a new ground for obligations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from domain.case import events as ev
from domain.case.state import Agreement, Case, Obligation
from domain.case.values import Direction, ObligationEnd, ObligationTerms, Party, RefundBasis
from domain.kernel import Event, Model, Stamp, State

_FACTS: Final[dict[type[Event], tuple[str, ...]]] = {
    ev.RefundSucceeded: ("action_key", "lines", "by"),
    ev.RefundFailed: ("action_key", "reason"),
    ev.RefundUnknown: ("action_key",),
    ev.RefundReversed: ("action_key", "reason"),
    ev.ReturnShipped: ("return_id", "carrier", "tracking", "proof_of_posting"),
    ev.ReturnReceived: ("return_id",),
    ev.ReturnLost: ("return_id",),
    ev.ReplacementDispatched: ("obligation_id", "shipment_id"),
    ev.ReplacementDelivered: ("shipment_id",),
    ev.RepairItemReceived: ("obligation_id",),
    ev.RepairSentBack: ("obligation_id",),
    ev.AppraisalMaterialReceived: ("appraisal_id",),
    ev.AppraisalVerdictGiven: ("appraisal_id", "verdict", "independent"),
    ev.InterceptEnded: ("shipment_id", "succeeded"),
    ev.PlatformIntervened: ("called_by",),
    ev.PlatformRuled: ("ruling_id", "content"),
    ev.PlatformDeadlineSet: ("deadline",),
    ev.PlatformStatusObserved: ("status", "ended"),
    ev.CaseEvaluated: ("rating",),
    ev.ExemptionDecided: ("granted",),
    ev.ExemptionTagObserved: ("exempt",),
}
"""Events of facts -> the fields that the teller filled."""


def fact_key(event: Event, at: datetime) -> str | None:
    """What a fact says and when it says that it happened, its topic first: two tellings with one
    key are repeats. None for what no outsider tells."""
    fields = _FACTS.get(type(event))
    if fields is None:
        return None
    told = [at, *(getattr(event, name) for name in fields)]
    return f"{event.TOPIC} {_TOLD.encode(told)}"


def _plain(value: object) -> object:
    """The same for the same moment in whatever zone, and for the same model."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Model):
        return dict(value)
    raise TypeError(f"a fact is not told by a {type(value).__name__}")


_TOLD: Final = json.JSONEncoder(default=_plain, ensure_ascii=False)


def answers_buyer(event: Event) -> bool:
    """Whether the buyer was answered by it: a substantive message, an offer, a decline, an
    automatic decision told to the buyer."""
    match event:
        case ev.ContactRecorded():
            return event.substantive and event.direction is Direction.TO_BUYER
        case ev.ResolutionProposed():
            return event.by is Party.SHOP
        case ev.ComplaintDeclined():
            return True
        case ev.AutoRefundDecided():
            return event.told_buyer and event.verdict != "person"
        case _:
            return False


K = TypeVar("K", str, int)
S = TypeVar("S", bound=State)


def change(parts: Mapping[K, S], key: K, **changes: Any) -> Mapping[K, S]:
    """The map with one part changed; the same map if the part isn't there."""
    part = parts.get(key)
    return parts if part is None else {**parts, key: part.with_(**changes)}


def agree(
    case: Case,
    agreement_id: str,
    items: tuple[int, ...],
    terms: tuple[ObligationTerms, ...],
    supersedes: tuple[str, ...],
    basis: RefundBasis,
    stamp: Stamp,
) -> Case:
    """The case with a new ground for obligations: an agreement, a ruling, an approval."""
    agreements = {
        key: old.with_(superseded=True) if key in supersedes else old
        for key, old in case.agreements.items()
    }
    agreements[agreement_id] = Agreement(
        agreement_id=agreement_id,
        items=items,
        obligations=tuple(term.obligation_id for term in terms),
        reached_at=stamp.occurred_at,
        basis=basis,
    )
    obligations = {
        key: old.with_(ended=ObligationEnd.SUPERSEDED)
        if old.agreement in supersedes and old.ended is None
        else old
        for key, old in case.obligations.items()
    }
    for term in terms:
        obligations[term.obligation_id] = Obligation(
            obligation_id=term.obligation_id,
            agreement=agreement_id,
            duty=term.duty,
            party=term.party,
            items=term.items,
            amount=term.amount,
            lines=term.lines,
            after_return=term.after_return,
            since=stamp.occurred_at,
        )
    changed = {
        number: item.with_(agreement=agreement_id) if number in items else item
        for number, item in case.items.items()
    }
    return case.with_(agreements=agreements, obligations=obligations, items=changed)
