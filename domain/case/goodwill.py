"""What a buyer gets on top of refunds, each under a cap of its own: goodwill, return freight."""

from __future__ import annotations

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.draft import Draft
from domain.case.ledger import require_new_key
from domain.case.rules import known_order, minor, policies_of, require_open
from domain.case.state import Case, Item, Obligation, Return, ReturnStep
from domain.case.terms import WITHOUT_REASON
from domain.case.values import Duty, Level, Liable, ObligationEnd, Party, Rung
from domain.kernel import Context, Emit, Rejected, require
from domain.money import Money, money
from domain.order import FreightReimbursed, GoodwillBooked
from domain.policy import LadderPolicy, in_currency
from domain.world import World

# ---------------------------------------------------------------- goodwill


def grant_goodwill(
    command: cmd.GrantGoodwill, case: Case, world: World, context: Context
) -> list[Emit]:
    """Goodwill on top of what is owed. The ladder advises; only its cap binds.

    Rejected: case_ended, unknown_order, wrong_currency, action_key_paid, action_key_reused,
    unknown_obligation, not_goodwill, obligation_ended, skip_reason_missing, cap_not_stated,
    goodwill_exceeds_cap.
    """
    require_open(case)
    order = known_order(case, world)
    currency = order.currency or ""
    amount = minor(command.amount, currency, "amount")
    require(
        command.action_key not in case.goodwill,
        "action_key_paid",
        f"{command.action_key} was granted already.",
        "action_key",
    )
    require_new_key(order, case, command.action_key)
    obligation = _promised(case, command.obligation_id)
    ladder, ref = policies_of(case, world).ladder(context.now)
    advised, skipped = _advice(case, ladder, command.rung)
    require(
        not skipped or command.skip_reason is not None,
        "skip_reason_missing",
        f"The ladder advises {skipped[0].value if skipped else ''} first; say why it is skipped.",
        "skip_reason",
    )
    _require_cap(
        "goodwill_exceeds_cap", ladder.goodwill_cap, order.goodwill_total, amount, currency
    )
    draft = Draft(case, context)
    draft.add(
        ev.GoodwillGranted(
            action_key=command.action_key,
            obligation_id=command.obligation_id,
            rung=command.rung,
            amount=amount,
            advised=advised,
            skip_reason=command.skip_reason if skipped else None,
            policy=ref,
            private=command.private,
        )
    )
    booked = GoodwillBooked(action_key=command.action_key, case_id=case.case_id, amount=amount)
    draft.emit(Emit(order.stream, booked))
    if obligation is not None and _granted(draft.case, obligation) >= obligation.amount:
        draft.add(
            ev.ObligationEnded(obligation_id=obligation.obligation_id, how=ObligationEnd.FULFILLED)
        )
    return draft.emits


def _promised(case: Case, obligation_id: str | None) -> Obligation | None:
    if obligation_id is None:
        return None
    obligation = case.obligations.get(obligation_id)
    if obligation is None:
        raise Rejected(
            "unknown_obligation", f"The case has no obligation {obligation_id}.", "obligation_id"
        )
    require(
        obligation.duty is Duty.GOODWILL,
        "not_goodwill",
        f"{obligation_id} asks for a {obligation.duty.value}, not for goodwill.",
        "obligation_id",
    )
    if obligation.ended is not None:
        raise Rejected(
            "obligation_ended", f"{obligation_id} is {obligation.ended.value}.", "obligation_id"
        )
    return obligation


def _granted(case: Case, obligation: Obligation) -> int:
    return sum(
        goodwill.amount
        for goodwill in case.goodwill.values()
        if goodwill.obligation_id == obligation.obligation_id
    )


def _advice(case: Case, ladder: LadderPolicy, chosen: Rung) -> tuple[Rung, tuple[Rung, ...]]:
    """The rung advised now, and the advised ones that `chosen` skips. A rung that was granted in
    this case is behind us; dissatisfaction not recorded counts as low."""
    level = case.dissatisfaction or Level.LOW
    granted = {goodwill.rung for goodwill in case.goodwill.values()}
    rungs = [rung.rung for rung in ladder.advised(level)]
    ahead = [rung for rung in rungs if rung not in granted]
    advised = (ahead or rungs or [chosen])[0 if ahead else -1]
    skipped = tuple(r for r in ladder.skipped(chosen, level) if r not in granted)
    return advised, skipped


# ----------------------------------------------------------- return freight


def reimburse_return_freight(
    command: cmd.ReimburseReturnFreight, case: Case, world: World, context: Context
) -> list[Emit]:
    """Give back what the buyer paid to send the goods back, where the shop bears it: always but
    for returns without a reason, and where the buyer alone is liable.

    Rejected: case_ended, unknown_order, wrong_currency, action_key_paid, action_key_reused,
    unknown_return, return_not_shipped, freight_is_the_buyers, cap_not_stated,
    freight_exceeds_cap.
    """
    require_open(case)
    order = known_order(case, world)
    currency = order.currency or ""
    amount = minor(command.amount, currency, "amount")
    require(
        command.action_key not in order.return_freight,
        "action_key_paid",
        f"{command.action_key} was paid already.",
        "action_key",
    )
    require_new_key(order, case, command.action_key)
    back = _posted(case, command.return_id)
    about = back.items or {unit.item for unit in back.units} or case.items
    require(
        any(not _is_buyers(case.items[item]) for item in about),
        "freight_is_the_buyers",
        "Who returns without a reason, or is liable alone, bears the return freight.",
        "return_id",
    )
    ladder, ref = policies_of(case, world).ladder(context.now)
    _require_cap(
        "freight_exceeds_cap",
        ladder.return_freight_cap,
        order.freight_reimbursed,
        amount,
        currency,
    )
    draft = Draft(case, context)
    draft.add(
        ev.ReturnFreightReimbursed(
            return_id=command.return_id,
            amount=amount,
            borne_by=Party.SHOP,
            policy=ref,
            private=command.private,
        )
    )
    paid = FreightReimbursed(action_key=command.action_key, case_id=case.case_id, amount=amount)
    draft.emit(Emit(order.stream, paid))
    return draft.emits


def _posted(case: Case, return_id: str) -> Return:
    back = case.returns.get(return_id)
    if back is None:
        raise Rejected("unknown_return", f"The case has no return {return_id}.", "return_id")
    require(
        back.step not in (ReturnStep.AGREED, ReturnStep.LAPSED),
        "return_not_shipped",
        "Freight is reimbursed once the buyer has shipped.",
        "return_id",
    )
    return back


def _is_buyers(item: Item) -> bool:
    """The buyer bears the freight of this item: liable alone by a finding in force, or, where
    nothing was found, for having no reason."""
    found = item.liability
    if found is not None and found.in_force:
        parties = {share.party for share in found.shares}
        if parties != {Liable.UNDETERMINED}:
            return parties == {Liable.BUYER}
    return item.problem in WITHOUT_REASON


# ------------------------------------------------------------------- shared


def _require_cap(code: str, cap: Money, so_far: int, amount: int, currency: str) -> None:
    """Refuse what goes beyond the cap of the order over all its cases."""
    limit = in_currency(cap, currency)
    if limit is None:
        raise Rejected(
            "cap_not_stated",
            f"The policy's cap is in {cap.currency}; publish one in {currency} first.",
            "amount",
        )
    require(
        so_far + amount <= limit,
        code,
        f"{money(amount, currency)} asked, {money(max(0, limit - so_far), currency)} left of "
        f"the cap of {money(limit, currency)} for this order.",
        "amount",
    )
