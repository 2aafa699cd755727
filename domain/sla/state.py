"""A clock as it stands, and the pure arithmetic of due times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from domain.case.values import Party
from domain.kernel import Moment, State, folded
from domain.sla.events import ClockName


class ClockStatus(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    SATISFIED = "satisfied"
    CANCELLED = "cancelled"


@folded
class Clock(State):
    """breaches: the due times that passed unmet and were not retracted, oldest first.

    restarted_at: when its present period began: started, restarted or resumed.
    ended_at: when it was satisfied or cancelled. paused_at: since when it stands still.
    detected: when each breach, retracted ones included, was noticed, by its due time.
    met: how many periods of a recurring clock ended in time. pauses: from when to when it stood
    still, the last one still open if it does so now.
    """

    key: str
    clock: ClockName
    party: Party
    about: str | None
    round: int
    started_at: Moment
    restarted_at: Moment
    due_at: Moment
    target_minutes: int
    status: ClockStatus
    policy: tuple[str, ...]
    paused_at: Moment | None = None
    ended_at: Moment | None = None
    breaches: tuple[Moment, ...] = ()
    retracted: tuple[Moment, ...] = ()
    detected: Mapping[Moment, Moment] = field(default_factory=dict[Moment, Moment])
    met: int = 0
    pauses: tuple[tuple[Moment, Moment | None], ...] = ()

    @property
    def is_running(self) -> bool:
        return self.status is ClockStatus.RUNNING

    @property
    def is_live(self) -> bool:
        """Running or paused: not yet satisfied nor cancelled."""
        return self.status in (ClockStatus.RUNNING, ClockStatus.PAUSED)

    @property
    def is_breached(self) -> bool:
        return bool(self.breaches)

    def breached_by(self, now: datetime) -> bool:
        """Whether it is breached at `now`, noticed or not."""
        return self.is_breached or (self.is_running and self.due_at <= now)
