"""What happened to the leases of one agent; each goes with an event of the case."""

from __future__ import annotations

from domain.kernel import CaseId, Event, Moment, event


@event("agent.lease_held.v1")
class LeaseHeld(Event):
    """The agent holds the case until then: from now on, or for longer than before."""

    case_id: CaseId
    token: int
    until: Moment


@event("agent.lease_ended.v1")
class LeaseEnded(Event):
    """The agent holds the case no more, for whatever reason."""

    case_id: CaseId
    token: int


AgentEvent = LeaseHeld | LeaseEnded
