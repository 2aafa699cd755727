"""Who is liable for an item: shares that sum to 100 %, by precedence, provisional or final."""

from __future__ import annotations

from collections.abc import Sequence

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.draft import Draft
from domain.case.rules import item_of, require_role
from domain.case.state import Case, Liability
from domain.case.values import BASIS_RANK, Basis, Liable, Share, Verdict
from domain.kernel import Context, Emit, Rejected, Role, require


def find_liability(command: cmd.FindLiability, case: Case, context: Context) -> list[Emit]:
    """Record who is liable, as one side claims, both accept or a supervisor decides. It goes on
    after the case's end. Nothing if that finding holds already.

    Rejected: unknown_item, role_not_allowed, claim_not_final, liability_outranked and those of
    `require_shares`.
    """
    item_of(case, command.item)
    require_shares(command.shares, "shares")
    if command.basis is Basis.SUPERVISOR:
        require_role(context, Role.SUPERVISOR)
    require(
        not (command.final and command.basis is Basis.CLAIM),
        "claim_not_final",
        "What one side claims is provisional.",
        "final",
    )
    draft = Draft(case, context)
    found = ev.LiabilityFound(
        item=command.item,
        shares=command.shares,
        basis=command.basis,
        final=command.final,
        contested=command.basis is Basis.SUPERVISOR and _blames_supplier(command.shares),
        private=command.private,
    )
    if holds(case, found):
        return []
    require_not_outranked(case, found, "basis")
    draft.add(found)
    return draft.emits


def rescind_liability(command: cmd.RescindLiability, case: Case, context: Context) -> list[Emit]:
    """Take a finding back; its units leave the supplier's figures. A final one is a supervisor's
    to take back, and a ruling only the platform's.

    Rejected: unknown_item, no_liability, ruling_stands, role_not_allowed.
    """
    item = item_of(case, command.item)
    if item.liability is None or not item.liability.in_force:
        raise Rejected("no_liability", f"No finding is in force for item {command.item}.", "item")
    require(
        item.liability.basis is not Basis.RULING,
        "ruling_stands",
        "The platform ruled this; only a further ruling changes it.",
        "item",
    )
    if item.liability.final:
        require_role(context, Role.SUPERVISOR)
    draft = Draft(case, context)
    draft.add(
        ev.LiabilityRescinded(item=command.item, reason=command.reason, private=command.private)
    )
    return draft.emits


# ------------------------------------------------------------------- shared


def require_shares(shares: Sequence[Share], field: str) -> None:
    """Refuse shares that say nothing clear.

    Rejected: supplier_missing, supplier_not_expected, party_named_twice, shares_not_100.
    """
    seen: set[tuple[Liable, str | None]] = set()
    for i, share in enumerate(shares):
        of_supplier = share.party is Liable.SUPPLIER
        require(
            not of_supplier or share.supplier is not None,
            "supplier_missing",
            "A supplier's share names the supplier.",
            f"{field}.{i}.supplier",
        )
        require(
            of_supplier or share.supplier is None,
            "supplier_not_expected",
            f"The share of {share.party.value} names no supplier.",
            f"{field}.{i}.supplier",
        )
        key = (share.party, share.supplier)
        require(key not in seen, "party_named_twice", "A party is named twice.", f"{field}.{i}")
        seen.add(key)
    total = sum(share.percent for share in shares)
    require(total == 100, "shares_not_100", f"The shares sum to {total} %, not to 100 %.", field)


def holds(case: Case, found: ev.LiabilityFound) -> bool:
    """This finding is in force already."""
    known = in_force(case, found.item)
    return known is not None and (known.shares, known.basis, known.final, known.contested) == (
        found.shares,
        found.basis,
        found.final,
        found.contested,
    )


def in_force(case: Case, number: int) -> Liability | None:
    """The finding in force for an item."""
    item = case.items.get(number)
    known = item.liability if item is not None else None
    return known if known is not None and known.in_force else None


def outranked_by(case: Case, found: ev.LiabilityFound) -> Basis | None:
    """The stronger basis that stands against this finding: one in force, or an independent
    appraisal that cleared the supplier."""
    known = in_force(case, found.item)
    rank = BASIS_RANK[found.basis]
    if known is not None and BASIS_RANK[known.basis] > rank:
        return known.basis
    if rank < BASIS_RANK[Basis.INDEPENDENT] and _blames_supplier(found.shares):
        for appraisal in case.appraisals.values():
            cleared = appraisal.independent_verdict is Verdict.DENIED
            if cleared and found.item in appraisal.items:
                return Basis.INDEPENDENT
    return None


def require_not_outranked(case: Case, found: ev.LiabilityFound, field: str) -> None:
    """Refuse a finding that a stronger one stands against: liability_outranked."""
    basis = outranked_by(case, found)
    require(
        basis is None,
        "liability_outranked",
        f"Item {found.item}: what rests on {basis.value if basis else ''} stands above "
        f"{found.basis.value}.",
        field,
    )


def _blames_supplier(shares: Sequence[Share]) -> bool:
    return any(share.party is Liable.SUPPLIER for share in shares)
