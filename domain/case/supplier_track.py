"""The supplier's track: naming, appraisal, verdicts, settlement. It goes on after the case's end;
the buyer never waits for it."""

from __future__ import annotations

from typing import assert_never

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.commands import SupplierTrackCommand
from domain.case.draft import Draft
from domain.case.liability import (
    find_liability,
    holds,
    in_force,
    outranked_by,
    require_not_outranked,
    require_shares,
    rescind_liability,
)
from domain.case.rules import (
    item_of,
    policies_of,
    require_evidence,
    require_items,
    require_role,
)
from domain.case.state import Appraisal, AppraisalStep, Case, Item
from domain.case.values import (
    BASIS_RANK,
    Basis,
    DivergenceKind,
    Liable,
    Settlement,
    Share,
    Verdict,
)
from domain.kernel import Context, Emit, Rejected, Role, require
from domain.sla.events import ClockName
from domain.world import World

_MERCHANT = (Share(party=Liable.MERCHANT, percent=100),)


def decide_supplier_track(
    command: SupplierTrackCommand, case: Case, world: World, context: Context
) -> list[Emit]:
    """What a command or a fact about suppliers and liability becomes."""
    match command:
        case cmd.NameSupplier():
            return _name(command, case, context)
        case cmd.RequestAppraisal():
            return _request(command, case, world, context)
        case cmd.RecordAppraisalMaterialReceived():
            return _material(command, case, context)
        case cmd.RecordAppraisalVerdict():
            return _verdict(command, case, context)
        case cmd.OrderIndependentAppraisal():
            return _independent(command, case, context)
        case cmd.SettleAppraisal():
            return _settle(command, case, context)
        case cmd.FindLiability():
            return find_liability(command, case, context)
        case cmd.RescindLiability():
            return rescind_liability(command, case, context)
        case _:
            assert_never(command)


# ------------------------------------------------------- naming and request


def _name(command: cmd.NameSupplier, case: Case, context: Context) -> list[Emit]:
    """Say who supplied an item. Rejected: unknown_item."""
    if item_of(case, command.item).supplier == command.supplier:
        return []
    draft = Draft(case, context)
    draft.add(
        ev.SupplierNamed(item=command.item, supplier=command.supplier, private=command.private)
    )
    return draft.emits


def _request(
    command: cmd.RequestAppraisal, case: Case, world: World, context: Context
) -> list[Emit]:
    """Ask the supplier for its verdict on some items. It is as named in the case, or as the order
    line says; for items without one the name is asked for, and nothing waits.

    Rejected: unknown_item, item_named_twice, unknown_evidence, appraisal_id_reused,
    appraisal_under_way, several_suppliers.
    """
    require_items(case, command.items)
    require_evidence(case, command.evidence)
    known = case.appraisals.get(command.appraisal_id)
    if known is not None:
        require(
            set(known.items) <= set(command.items) and known.needs_goods is command.needs_goods,
            "appraisal_id_reused",
            f"{command.appraisal_id} stands for another appraisal.",
            "appraisal_id",
        )
        return []
    for appraisal in case.appraisals.values():
        require(
            appraisal.step is AppraisalStep.SETTLED
            or _verdict_of(appraisal) is Verdict.ADMITTED
            or not set(appraisal.items) & set(command.items),
            "appraisal_under_way",
            f"{appraisal.appraisal_id} is about one of these items and not settled.",
            "items",
        )
    suppliers = {number: _supplier(case, case.items[number], world) for number in command.items}
    named = tuple(number for number, name in suppliers.items() if name is not None)
    names = {suppliers[number] for number in named}
    require(
        len(names) <= 1,
        "several_suppliers",
        "An appraisal is asked of one supplier; these items have several.",
        "items",
    )
    draft = Draft(case, context)
    for number, name in suppliers.items():
        item = case.items[number]
        if name is None and not item.name_asked:
            draft.add(ev.SupplierNameAskedFor(item=number))
        elif name is not None and item.supplier is None:
            draft.add(ev.SupplierNamed(item=number, supplier=name))
    supplier = next((name for name in names if name is not None), None)
    if supplier is not None:
        minutes, policy = _due_minutes(case, supplier, named, world, context)
        draft.add(
            ev.AppraisalRequested(
                appraisal_id=command.appraisal_id,
                items=named,
                supplier=supplier,
                needs_goods=command.needs_goods,
                evidence=command.evidence or tuple(case.evidence),
                due_minutes=minutes,
                policy=policy,
                private=command.private,
            )
        )
    return draft.emits


def _supplier(case: Case, item: Item, world: World) -> str | None:
    if item.supplier is not None or case.order_id is None:
        return item.supplier
    return world.order(case.order_id).supplier_of(item.line)


def _due_minutes(
    case: Case, supplier: str, items: tuple[int, ...], world: World, context: Context
) -> tuple[int, tuple[str, ...]]:
    """How long the supplier may take: by its contract, else by the policy."""
    hours = world.supplier(supplier).appraisal_hours
    if hours is not None:
        return hours * 60, ()
    found = policies_of(case, world).sla(context.now)
    problems = sorted({case.items[number].problem for number in items})
    minutes = found.values.minutes(ClockName.APPRAISAL, case.priority, problems)
    assert minutes is not None, "the default policy has a target for appraisals"
    return minutes, found.ref


# -------------------------------------------------------------------- facts


def _material(
    command: cmd.RecordAppraisalMaterialReceived, case: Case, context: Context
) -> list[Emit]:
    """The supplier holds what it was asked to judge: its time runs."""
    draft = Draft(case, context)
    event = ev.AppraisalMaterialReceived(appraisal_id=command.appraisal_id, private=command.private)
    if draft.is_told(event):
        return []
    draft.add(event)
    if command.appraisal_id not in case.appraisals:
        draft.diverge(DivergenceKind.UNEXPECTED_APPRAISAL, "check_appraisal", command.appraisal_id)
    return draft.emits


def _verdict(command: cmd.RecordAppraisalVerdict, case: Case, context: Context) -> list[Emit]:
    """A verdict came. An admission makes the supplier finally liable; an independent verdict
    decides for or against it; a mere denial finds nothing."""
    draft = Draft(case, context)
    event = ev.AppraisalVerdictGiven(
        appraisal_id=command.appraisal_id,
        verdict=command.verdict,
        independent=command.independent,
        private=command.private,
    )
    if draft.is_told(event):
        return []
    before = case.appraisals.get(command.appraisal_id)
    draft.add(event)
    unordered = command.independent and (before is None or before.body is None)
    retracts = (
        before is not None
        and not command.independent
        and before.verdict is Verdict.ADMITTED
        and command.verdict is not Verdict.ADMITTED
    )
    if before is None or unordered or retracts:
        draft.diverge(DivergenceKind.UNEXPECTED_APPRAISAL, "check_appraisal", command.appraisal_id)
    if before is None or retracts:
        return draft.emits
    for number in before.items:
        if command.verdict is Verdict.ADMITTED:
            _find_supplier(draft, number, before.supplier, independent=command.independent)
        elif command.independent and command.verdict is Verdict.DENIED:
            _clear_supplier(draft, number)
    return draft.emits


def _find_supplier(draft: Draft, number: int, supplier: str, *, independent: bool) -> None:
    found = ev.LiabilityFound(
        item=number,
        shares=(Share(party=Liable.SUPPLIER, percent=100, supplier=supplier),),
        basis=Basis.INDEPENDENT if independent else Basis.ADMISSION,
        final=True,
        contested=False,
    )
    if not holds(draft.case, found) and outranked_by(draft.case, found) is None:
        draft.add(found)


def _clear_supplier(draft: Draft, number: int) -> None:
    """An independent appraisal found no fault of the supplier's: what rested on less is taken
    back. An admission is final."""
    known = in_force(draft.case, number)
    weaker = known is not None and (
        known.basis is not Basis.ADMISSION
        and BASIS_RANK[known.basis] < BASIS_RANK[Basis.INDEPENDENT]
    )
    if known is not None and weaker and known.supplier_percent() > 0:
        draft.add(ev.LiabilityRescinded(item=number, reason="independent_appraisal_denied"))


# --------------------------------------------------- what follows on a denial


def _independent(
    command: cmd.OrderIndependentAppraisal, case: Case, context: Context
) -> list[Emit]:
    """Have somebody else judge, after a denial, an inconclusive verdict or silence past due.

    Rejected: unknown_appraisal, appraisal_settled, appraisal_admitted, verdict_not_due.
    """
    appraisal = _contestable(case, command.appraisal_id, context)
    if appraisal.body == command.body:
        return []
    draft = Draft(case, context)
    draft.add(
        ev.IndependentAppraisalOrdered(
            appraisal_id=command.appraisal_id, body=command.body, private=command.private
        )
    )
    return draft.emits


def _settle(command: cmd.SettleAppraisal, case: Case, context: Context) -> list[Emit]:
    """End an appraisal without an admission: the shop accepts and bears it (shares may divide it
    among others than the supplier), or a supervisor decides on the evidence, shown as contested.

    Rejected: unknown_appraisal, appraisal_settled, appraisal_admitted, verdict_not_due,
    role_not_allowed, shares_missing, supplier_share_on_acceptance, liability_outranked and those
    of `require_shares`.
    """
    known = case.appraisals.get(command.appraisal_id)
    if known is not None and known.settlement is command.how:
        return []
    appraisal = _contestable(case, command.appraisal_id, context)
    contested = command.how is Settlement.FINAL_CONTESTED
    if contested:
        require_role(context, Role.SUPERVISOR)
        require(
            bool(command.shares),
            "shares_missing",
            "Who decides on the evidence says who is liable for how much.",
            "shares",
        )
    shares = command.shares or _MERCHANT
    require_shares(shares, "shares")
    require(
        contested or all(share.party is not Liable.SUPPLIER for share in shares),
        "supplier_share_on_acceptance",
        "A shop that accepts the denial finds no share of the supplier's.",
        "shares",
    )
    draft = Draft(case, context)
    draft.add(
        ev.AppraisalSettled(
            appraisal_id=command.appraisal_id, how=command.how, private=command.private
        )
    )
    for number in appraisal.items:
        found = ev.LiabilityFound(
            item=number,
            shares=shares,
            basis=Basis.SUPERVISOR if contested else Basis.MUTUAL,
            final=True,
            contested=contested,
        )
        if not holds(case, found):
            require_not_outranked(case, found, "how")
            draft.add(found)
    return draft.emits


def _contestable(case: Case, appraisal_id: str, context: Context) -> Appraisal:
    """The appraisal, if it was denied, left open, or is silent past due."""
    appraisal = case.appraisals.get(appraisal_id)
    if appraisal is None:
        raise Rejected(
            "unknown_appraisal", f"The case has no appraisal {appraisal_id}.", "appraisal_id"
        )
    require(
        appraisal.step is not AppraisalStep.SETTLED,
        "appraisal_settled",
        f"The appraisal {appraisal_id} is settled.",
        "appraisal_id",
    )
    verdict = _verdict_of(appraisal)
    require(
        verdict is not Verdict.ADMITTED,
        "appraisal_admitted",
        "The supplier is liable by this verdict; there is nothing to settle.",
        "appraisal_id",
    )
    require(
        verdict is not None or _is_silent(case, appraisal_id, context),
        "verdict_not_due",
        "The supplier still has time for its verdict.",
        "appraisal_id",
    )
    return appraisal


def _verdict_of(appraisal: Appraisal) -> Verdict | None:
    return appraisal.independent_verdict or appraisal.verdict


def _is_silent(case: Case, appraisal_id: str, context: Context) -> bool:
    return any(
        clock.clock is ClockName.APPRAISAL
        and clock.about == appraisal_id
        and clock.breached_by(context.now)
        for clock in case.clocks.values()
    )
