"""Agents, as far as claims need them: which cases each one holds, and until when."""

from domain.agent.events import AgentEvent, LeaseEnded, LeaseHeld
from domain.agent.state import Agent, Held, evolve, hold, let_go

__all__ = ["Agent", "AgentEvent", "Held", "LeaseEnded", "LeaseHeld", "evolve", "hold", "let_go"]
