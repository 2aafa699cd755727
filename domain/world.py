"""The streams that one decision may look at, and which of them it looked at."""

from __future__ import annotations

from typing import Protocol, TypeVar

from domain.agent import Agent
from domain.budget import Budget
from domain.case.state import Case
from domain.kernel import (
    State,
    agent_stream,
    budget_stream,
    case_stream,
    order_stream,
    policy_stream,
    product_stream,
    supplier_stream,
)
from domain.order import Order
from domain.policy import Policies, PolicyStream
from domain.product import Product
from domain.supplier import Supplier

S = TypeVar("S", bound=State)


class NotLoaded(Exception):
    """A decision looked at a stream that was not loaded; load it and decide again."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.stream = stream


class States(Protocol):
    def get(self, stream: str, /) -> State | None: ...


class World:
    """What one decision sees. states: stream name -> state; a stream that was looked for and
    does not exist stands there with its initial state (version 0).

    read: every stream that was looked at, the decision's read set.
    """

    def __init__(self, states: States) -> None:
        self._states = states
        self.read: set[str] = set()

    def case(self, case_id: str) -> Case:
        return self._get(case_stream(case_id), Case)

    def order(self, order_id: str) -> Order:
        return self._get(order_stream(order_id), Order)

    def supplier(self, supplier: str) -> Supplier:
        return self._get(supplier_stream(supplier), Supplier)

    def product(self, product: str) -> Product:
        return self._get(product_stream(product), Product)

    def agent(self, agent: str) -> Agent:
        return self._get(agent_stream(agent), Agent)

    def budget(self, platform: str, shop: str, day: str) -> Budget:
        """day: ISO date in the shop's zone."""
        return self._get(budget_stream(platform, shop, day), Budget)

    def policy_stream(self, *scope: str) -> PolicyStream:
        """One scope's own documents, for publishing the next."""
        return self._get(policy_stream(*scope), PolicyStream)

    def policies(self, platform: str, shop: str, category: str | None = None) -> Policies:
        """The documents in force for a scope: platform < shop < category."""
        scopes = [(platform,), (platform, shop)]
        streams = [self._get(policy_stream(*scope), PolicyStream) for scope in scopes]
        if category:
            streams.append(self._get(policy_stream(platform, shop, category), PolicyStream))
        return Policies(tuple(streams))

    def _get(self, stream: str, cls: type[S]) -> S:
        self.read.add(stream)
        state = self._states.get(stream)
        if state is None:
            raise NotLoaded(stream)
        if not isinstance(state, cls):
            raise TypeError(f"{stream} holds a {type(state).__name__}, not a {cls.__name__}")
        return state
