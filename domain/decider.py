"""The domain's one door for the pipeline: decide, evolve, initial, fold. All pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Final

from domain import agent, budget, order, policy, product, supplier
from domain.case.decide import decide as decide_case
from domain.case.evolve import evolve as evolve_case
from domain.case.state import Case
from domain.case.told_order import decide_order
from domain.kernel import Command, Context, Emit, Event, Kind, Rejected, Stamp, State, kind_of
from domain.world import World

CLOCK_SKEW: Final = timedelta(minutes=2)
"""By how much another machine's clock may be ahead of the database's."""

_EVOLVE: Final[dict[type[State], Callable[[Any, Any, Stamp], State]]] = {
    Case: evolve_case,
    order.Order: order.evolve,
    supplier.Supplier: supplier.evolve,
    product.Product: product.evolve,
    policy.PolicyStream: policy.evolve,
    budget.Budget: budget.evolve,
    agent.Agent: agent.evolve,
}

_DECIDE: Final[dict[str, Callable[[Any, World, Context], list[Emit]]]] = {
    "case": decide_case,
    "order": decide_order,
    "supplier": supplier.decide,
    "product": product.decide,
    "policy": policy.decide,
    "budget": budget.decide,
}


# A copy of what has many fields is made in a tenth of the time.
_UNFILED: Final = Case("")
_UNKNOWN: Final = order.Order("")


def decide(command: Command, world: World, context: Context) -> list[Emit]:
    """The events that `command` leads to; none if it changes nothing.

    Raises Rejected when a rule refuses it, NotLoaded when it looks at a stream that `world`
    doesn't hold.
    """
    if context.occurred_at > context.now + CLOCK_SKEW:
        message = f"{context.occurred_at.isoformat()} has not come yet."
        raise Rejected("time_in_future", message, "occurred_at")
    return _DECIDE[command.TYPE.partition(".")[0]](command, world, context)


def evolve(state: State, event: Event, stamp: Stamp) -> State:
    """The state after one more event of its stream. Total for every event once stored."""
    return _EVOLVE[type(state)](state, event, stamp)


def initial(stream: str) -> State:
    """The state of a stream before its first event (version 0)."""
    name = stream.partition(":")[2]
    match kind_of(stream):
        case Kind.CASE:
            return _UNFILED.with_(case_id=name)
        case Kind.ORDER:
            return _UNKNOWN.with_(order_id=name)
        case Kind.SUPPLIER:
            return supplier.Supplier(name)
        case Kind.PRODUCT:
            return product.Product(name)
        case Kind.POLICY:
            return policy.PolicyStream(name)
        case Kind.BUDGET:
            return budget.Budget(name)
        case Kind.AGENT:
            return agent.Agent(name)


def fold(stream: str, recorded: Iterable[tuple[Event, Stamp]]) -> State:
    """The state of a stream after these events, in order."""
    state = initial(stream)
    step = _EVOLVE[type(state)]
    for event, stamp in recorded:
        state = step(state, event, stamp)
    return state
