"""An agent's leases, as they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import assert_never

from domain.agent.events import AgentEvent, LeaseEnded, LeaseHeld
from domain.kernel import Emit, Moment, Stamp, State, agent_stream, folded


@folded
class Held(State):
    token: int
    until: Moment


@folded
class Agent(State):
    """leases: by case, those that nobody has ended yet; some may have lapsed."""

    agent: str
    version: int = 0
    leases: Mapping[str, Held] = field(default_factory=dict[str, Held])

    def live_beside(self, case_id: str, now: datetime) -> int:
        """How many other cases than this one the agent holds."""
        return sum(held.until > now for other, held in self.leases.items() if other != case_id)


def hold(agent: str, case_id: str, token: int, until: datetime, at: datetime) -> Emit:
    """The agent's side of a claim that was given or renewed at `at`."""
    return Emit(agent_stream(agent), LeaseHeld(case_id=case_id, token=token, until=until), at)


def let_go(agent: str, case_id: str, token: int, at: datetime) -> Emit:
    """The agent's side of a claim that ended at `at`."""
    return Emit(agent_stream(agent), LeaseEnded(case_id=case_id, token=token), at)


def evolve(agent: Agent, event: AgentEvent, stamp: Stamp) -> Agent:
    """The agent's leases after `event`."""
    match event:
        case LeaseHeld():
            held = Held(event.token, event.until)
            leases = {**agent.leases, event.case_id: held}
        case LeaseEnded():
            leases = {case: held for case, held in agent.leases.items() if case != event.case_id}
        case _:
            assert_never(event)
    return agent.with_(version=stamp.version, leases=leases)
