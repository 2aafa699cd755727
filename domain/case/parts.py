"""Changes that several tracks share: one part of a map, a new ground for obligations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from domain.case.state import Agreement, Case, Obligation
from domain.case.values import ObligationEnd, ObligationTerms, RefundBasis
from domain.kernel import Stamp, State

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
