"""A fact about an order, and what it contradicts in the cases that are about the order."""

from __future__ import annotations

from dataclasses import replace

from domain import order
from domain.case.rules import divergence
from domain.case.state import Case
from domain.case.values import DivergenceKind
from domain.kernel import Context, Emit
from domain.order import Order, OrderCommand
from domain.sla.follow import follow
from domain.world import World


def decide_order(command: OrderCommand, world: World, context: Context) -> list[Emit]:
    """The events of the fact. Where it shows that more was refunded than was paid, a divergence in
    each case that refunded on such a line, as of now: the fact may be older than the case."""
    emits = order.decide(command, world, context)
    before = world.order(command.order_id)
    if not emits or not before.refunds:
        return emits
    known, over = before.over_refunded(), _with(before, emits, context).over_refunded()
    more = {line for line, amount in over.items() if amount > known.get(line, 0)}
    latest = {
        entry.case_id: entry.action_key
        for entry in before.refunds.values()
        if entry.booked and entry.case_id and more.intersection(part.line for part in entry.lines)
    }
    for case_id, action_key in latest.items():
        emits += _found(world.case(case_id), action_key, world, context)
    return emits


def _with(before: Order, emits: list[Emit], context: Context) -> Order:
    for emit in emits:
        stamp = emit.stamp(before.version, context)
        before = order.evolve(before, emit.event, stamp)  # type: ignore[arg-type]  # the order's own
    return before


def _found(case: Case, action_key: str, world: World, context: Context) -> list[Emit]:
    if not case.is_filed:
        return []  # it has a divergence already, and is looked at when it is filed or linked
    found = divergence(case, DivergenceKind.OVER_REFUNDED, "recover_overpayment", action_key)
    return follow(case, [replace(emit, occurred_at=context.now) for emit in found], world, context)
