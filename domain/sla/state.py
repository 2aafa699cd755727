"""A clock as it stands, and the pure arithmetic of due times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.case.values import Party
from domain.kernel import State
from domain.sla.events import ClockName


class ClockStatus(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    SATISFIED = "satisfied"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
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
    started_at: datetime
    restarted_at: datetime
    due_at: datetime
    target_minutes: int
    status: ClockStatus
    policy: tuple[str, ...]
    paused_at: datetime | None = None
    ended_at: datetime | None = None
    breaches: tuple[datetime, ...] = ()
    retracted: tuple[datetime, ...] = ()
    detected: Mapping[datetime, datetime] = field(default_factory=dict[datetime, datetime])
    met: int = 0
    pauses: tuple[tuple[datetime, datetime | None], ...] = ()

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
