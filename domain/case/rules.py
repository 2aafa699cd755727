"""What the deciders of all tracks share: guards, look-ups, ready-made events."""

from __future__ import annotations

from datetime import datetime

from domain.case import events as ev
from domain.case.commands import LineMoney
from domain.case.state import Case, Item
from domain.case.values import DivergenceKind, LineAmount
from domain.kernel import Context, Emit, Event, Rejected, Role, case_stream, require
from domain.money import Money
from domain.order import Order
from domain.policy import Policies
from domain.world import World


def on(case: Case, event: Event, at: datetime | None = None) -> Emit:
    """An event for the case's own stream. at: when it occurred, if not when the request did."""
    return Emit(case_stream(case.case_id), event, at)


def resolve(case_id: str, world: World) -> Case:
    """The case of that number; the one that its complaint went on in, if it joined another."""
    case = world.case(case_id)
    while case.joined:
        case = world.case(case.joined)
    return case


def require_open(case: Case) -> None:
    require(
        case.is_open,
        "case_ended",
        f"The case is {case.status.value}; reopen it first.",
        "case_id",
    )


def require_role(context: Context, *roles: Role) -> None:
    require(
        context.actor.role in roles,
        "role_not_allowed",
        f"This is for {' or '.join(role.value for role in roles)}, not {context.actor.role.value}.",
        "actor.role",
    )


def item_of(case: Case, number: int, field: str = "item") -> Item:
    """The case's item of that number, or a refusal."""
    item = case.items.get(number)
    if item is None:
        raise Rejected("unknown_item", f"The case has no item {number}.", field)
    return item


def require_items(case: Case, numbers: tuple[int, ...], field: str = "items") -> None:
    for number in numbers:
        item_of(case, number, field)
    require(len(set(numbers)) == len(numbers), "item_named_twice", "An item is named twice.", field)


def require_evidence(case: Case, evidence: tuple[str, ...], field: str = "evidence") -> None:
    for evidence_id in evidence:
        require(
            evidence_id in case.evidence,
            "unknown_evidence",
            f"No evidence {evidence_id} is attached to the case.",
            field,
        )


def known_order(case: Case, world: World) -> Order:
    """The case's order, or a refusal: money needs a known order."""
    if case.order_id is not None:
        order = world.order(case.order_id)
        if order.known:
            return order
    raise Rejected("unknown_order", "The order of this case is not known yet.", "case_id")


def policies_of(case: Case, world: World) -> Policies:
    """The documents in force for the case's platform, shop and category."""
    platform, shop, _ = case.case_id.split(":", 2)
    return world.policies(platform, shop, case.category)


def minor(amount: Money, currency: str, field: str) -> int:
    """The amount in minor units, or a refusal if it is of another currency."""
    require(
        amount.currency == currency,
        "wrong_currency",
        f"The order is in {currency}, not {amount.currency}.",
        field,
    )
    return amount.minor


def line_amounts(
    amounts: tuple[LineMoney, ...], order: Order, field: str = "amounts"
) -> tuple[LineAmount, ...]:
    """Amounts by order line in minor units; refused: an unknown or repeated line, another
    currency, nothing at all."""
    seen: set[str] = set()
    result: list[LineAmount] = []
    for i, part in enumerate(amounts):
        here = f"{field}.{i}"
        require(
            part.line in order.lines,
            "unknown_line",
            f"The order has no line {part.line}.",
            f"{here}.line",
        )
        require(part.line not in seen, "line_named_twice", "A line is named twice.", here)
        seen.add(part.line)
        amount = minor(part.money, order.currency, f"{here}.money")
        require(amount > 0, "amount_zero", "An amount is more than nothing.", f"{here}.money")
        result.append(LineAmount(line=part.line, amount=amount))
    return tuple(result)


def told_lines(amounts: tuple[LineMoney, ...], currency: str | None) -> tuple[LineAmount, ...]:
    """Amounts of a fact in minor units, one for each line, by line. currency: the order's.

    Rejected only: wrong_currency.
    """
    totals: dict[str, int] = {}
    for i, part in enumerate(amounts):
        currency = currency or part.money.currency
        amount = minor(part.money, currency, f"amounts.{i}.money")
        totals[part.line] = totals.get(part.line, 0) + amount
    return tuple(LineAmount(line=line, amount=totals[line]) for line in sorted(totals))


def divergence(case: Case, kind: DivergenceKind, next_action: str, about: str = "") -> list[Emit]:
    """Record, once, that a fact contradicts the case. next_action: a stable code of what a person
    has to do, e.g. ``check_refund``."""
    if any(
        d.kind is kind and d.about == about and not d.settled for d in case.divergences.values()
    ):
        return []
    found = ev.DivergenceFound(
        divergence_id=len(case.divergences) + 1,
        divergence=kind,
        next_action=next_action,
        about=about,
    )
    return [on(case, found)]
